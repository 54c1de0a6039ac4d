"""What the hub does when a session is over that nobody stopped, and what it keeps until then."""

from __future__ import annotations

import gc
import time
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

from spawners.allowed.offer import Offer
from spawners.cluster.reconcile import Ledger
from spawners.cluster.watch import Picture
from spawners.life.ending import is_over
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
    monkeypatch.setattr("spawners.cluster.watch.ClusterWatch.ensure_running", lambda _: None)
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


async def test_a_number_that_another_session_has_by_now_stays_its_own(
    spawner: CampusSpawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As slurmctld may give numbers out after it was killed."""
    monkeypatch.setattr(Ledger, "held", {})
    spawner.load_state({"job_id": "7", "uid": 1001})
    Ledger.held[7] = "the other"
    spawner.clear_state()
    assert Ledger.held == {7: "the other"}


async def test_what_slurm_was_asked_before_says_nothing_about_a_session_that_is_found_now(
    spawner: CampusSpawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at everybody's jobs keeps those of the sessions that the hub knew of then."""
    monkeypatch.setattr(Ledger, "held", {})
    before = time.monotonic()
    spawner.load_state({"job_id": "7", "uid": 1001})
    assert Ledger.held == {7: spawner}
    for asked, over in ((before, False), (time.monotonic(), True)):
        monkeypatch.setattr(spawner.watch, "picture", Picture(asked=asked))
        assert is_over(spawner) == over
    spawner.clear_state()
    assert Ledger.held == {}
