"""What the hub does when a session is over that nobody stopped, and what it keeps until then."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from jupyterhub import orm
from jupyterhub.objects import Hub
from jupyterhub.user import User
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from tornado.web import RequestHandler

from spawners.offer import Offer
from spawners.spawner import CampusSpawner


class Proxy:
    def __init__(self) -> None:
        self.without: list[tuple[Any, str]] = []

    async def delete_user(self, user: Any, name: str) -> None:
        self.without.append((user, name))


class Start(RequestHandler):
    """A request that asks for a session, as far as the spawner gets to see it."""

    def __init__(self) -> None:
        """Nothing of a request is there."""

    async def user_stopped(self, user: Any, name: str) -> None:
        raise AssertionError("the request is kept")


@pytest.fixture
def user() -> Iterator[User]:
    engine = create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    with Session(engine) as database:
        person = orm.User(name="ada")
        database.add(person)
        database.flush()
        yield User(person, {"proxy": Proxy()})


@pytest.fixture
async def spawner(user: User, monkeypatch: pytest.MonkeyPatch) -> CampusSpawner:
    monkeypatch.setattr("spawners.watch.ClusterWatch.ensure_running", lambda _: None)
    return user._new_spawner("", CampusSpawner, hub=Hub(), offer=Offer((), ()))


async def test_the_request_that_asked_for_it_is_let_go_while_it_runs(spawner: CampusSpawner, user: User) -> None:
    start = Start()
    spawner.add_poll_callback(start.user_stopped, user, "")
    kept = weakref.ref(start)
    del start
    gc.collect()
    assert kept() is None


async def test_it_loses_its_route_and_is_no_longer_there(
    spawner: CampusSpawner, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = []

    async def stop(_: User, name: str) -> None:
        stopped.append(name)

    monkeypatch.setattr(User, "stop", stop)
    spawner.add_poll_callback(Start().user_stopped, user, "")
    for callback in spawner._callbacks:
        await callback()
    assert user.settings["proxy"].without == [(user, "")]
    assert stopped == [""]


async def test_what_belongs_to_no_request_is_called_as_it_is(spawner: CampusSpawner) -> None:
    called = []
    spawner.add_poll_callback(called.append, "over")
    for callback in spawner._callbacks:
        callback()
    assert called == ["over"]
