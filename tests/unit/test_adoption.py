from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from spawners.life import adoption, readiness
from spawners.life.adoption import adopt
from spawners.refusal import SessionRefused


@pytest.fixture(autouse=True)
def each_ends_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "until_up_again", lambda found: found.until_up_again())


class Found(SimpleNamespace):
    """A session that a hub which came back found, as JupyterHub checks it; ``end`` is how its start ends."""

    def __init__(self) -> None:
        super().__init__(_check_pending=True, _spawn_pending=False, _spawn_future=None, start_timeout=60)
        self._log_name, self.log = "somebody", logging.getLogger("test")
        self.cleared = asyncio.Event()
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def until_up_again(self) -> None:
        await asyncio.shield(self.end)

    async def adopted(self) -> asyncio.Task[int | None]:
        task = asyncio.create_task(adopt(self))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        return task


async def test_meanwhile_it_is_a_start_and_afterwards_none() -> None:
    found = Found()
    task = await found.adopted()
    start = found._spawn_future
    assert found._spawn_pending
    found.end.set_result(None)
    assert await task is None
    assert not found._spawn_pending
    assert not start.done()  # JupyterHub's check goes on, so the session is not ready yet
    found._check_pending = False
    await start
    await asyncio.sleep(0)
    assert found._spawn_future is None


async def test_one_that_is_over_says_why() -> None:
    found = Found()
    task = await found.adopted()
    found.end.set_exception(SessionRefused("The node failed.", reason="node-fail"))
    assert await task == 1
    await asyncio.sleep(0)
    assert str(found._spawn_future.exception()) == "The node failed."


async def test_a_session_that_could_not_be_looked_at_is_not_over(caplog: pytest.LogCaptureFixture) -> None:
    found = Found()
    looked = asyncio.Event()

    async def news(timeout: float) -> None:
        found.end = asyncio.get_running_loop().create_future()
        looked.set()

    found.watch = SimpleNamespace(news=news, interval=5.0)
    task = await found.adopted()
    found.end.set_exception(ZeroDivisionError())
    await looked.wait()
    assert not task.done()
    assert "ZeroDivisionError" in caplog.text
    found.end.set_result(None)
    assert await task is None


async def test_a_start_whose_session_cannot_be_asked_has_failed() -> None:
    async def asked() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await readiness.first_of(asked(), asyncio.Event().wait())


async def test_called_off_it_can_be_stopped_and_is_then_over() -> None:
    found = Found()
    task = await found.adopted()
    found._spawn_future.cancel()
    await asyncio.sleep(0.01)
    assert (found._spawn_pending, found._check_pending) == (False, False)
    assert not task.done()
    found.cleared.set()
    assert await task == 1
    assert found._spawn_future is None


async def test_called_off_in_vain_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "_STOPPING", 0.01)
    found = Found()
    task = await found.adopted()
    found._spawn_future.cancel()
    await asyncio.sleep(0.05)
    assert (found._spawn_pending, found._check_pending) == (True, True)
    found.end.set_result(None)
    assert await task is None


async def test_a_session_that_never_answers_is_given_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def placed(spawner: Any) -> str:
        return "https://10.0.0.1:49152"

    async def silent(spawner: Any, url: str) -> None:
        await asyncio.Event().wait()

    async def why(spawner: Any) -> SessionRefused:
        return SessionRefused("JupyterLab did not answer.", reason="no-answer")

    for name, stands in (("until_placed", placed), ("_until_answer_or_over", silent), ("refusal", why)):
        monkeypatch.setattr(readiness, name, stands)
    spawner: Any = SimpleNamespace(http_timeout=0.01)
    with pytest.raises(SessionRefused, match="did not answer"):
        await readiness.until_up(spawner)
