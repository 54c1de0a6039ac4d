"""Grading on submit, and the order that is kept until it is done."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from extensions.grading.names import STATE
from extensions.grading.pages import on_submit, orders
from extensions.grading.pages.on_submit import OnSubmit
from extensions.grading.pages.orders import Order


class Runner:
    def __init__(self) -> None:
        self.busy = False
        self.started: list[Order] = []
        self.grading = asyncio.Event()

    async def start(self, order: Order) -> None:
        self.started.append(order)
        self.grading.set()


class Course:
    """Each look meets the next of these: an error, or what waits."""

    def __init__(self, *told: Any) -> None:
        self.told = list(told)

    def waiting_on_submit(self) -> dict[str, set[str]]:
        told = self.told.pop(0) if self.told else {}
        if isinstance(told, Exception):
            raise told
        return told


@pytest.mark.parametrize("error", [KeyError("odd"), OSError("full"), CampusError("silent", "No.", "Wait.")])
async def test_a_look_that_fails_is_not_the_last_one(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_submit, "_LOOK_SECONDS", 0.0)
    runner: Any = Runner()
    course: Any = Course(error, {"ps1": {"a"}})
    task = asyncio.create_task(OnSubmit(runner, course, logging.getLogger("test")).run())
    await asyncio.wait_for(runner.grading.wait(), 5)
    assert runner.started == [Order("ps1", "grade")]
    task.cancel()


async def test_what_could_not_be_graded_waits_a_while() -> None:
    runner: Any = Runner()
    course: Any = Course({"ps1": {"a"}}, {"ps1": {"a"}}, {"ps1": {"a", "b"}})
    graded = OnSubmit(runner, course, logging.getLogger("test"))
    await graded.look()
    await graded.look()
    assert len(runner.started) == 1
    await graded.look()
    assert len(runner.started) == 2, "a new one does not wait for it"


def test_an_order_is_kept_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Order("ps1", "grade"), Order("ps2", "feedback", by="anna")
    orders.keep(tmp_path, first)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("killed here")))
    with pytest.raises(OSError, match="killed here"):
        orders.keep(tmp_path, second)
    assert orders.kept(tmp_path) == first
    monkeypatch.undo()
    orders.keep(tmp_path, second)
    assert orders.kept(tmp_path) == second
    orders.done(tmp_path)
    assert orders.kept(tmp_path) is None
    assert (tmp_path / STATE).is_dir()
