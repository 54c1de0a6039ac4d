"""Recent work: what the hub takes of a session's word, and when the session gives it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from jupyterhub import orm
from pydantic import ValidationError
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from campus_base.errors import CampusError
from extensions.recent import saved
from extensions.recent.saved import Saved
from spawners.life import recent
from spawners.life.recent import LONGEST, MOST, Report, merged

assert saved.MOST == MOST
assert saved._LONGEST == LONGEST


def report(*paths: str, **more: Any) -> Report:
    found = [{"path": path, "ago": float(ago)} for ago, path in enumerate(paths)]
    return Report.model_validate({"notebooks": found, **more})


def test_the_newest_come_first_and_few_are_kept() -> None:
    kept = merged([], report("a.ipynb", "b.ipynb"), "cpu", 1000)
    assert kept[0] == {"path": "a.ipynb", "at": 1000, "size": "cpu"}
    kept = merged(kept, report("b.ipynb", "c.ipynb", "d.ipynb", "e.ipynb", "f.ipynb"), "gpu1", 2000)
    assert [one["path"] for one in kept] == ["b.ipynb", "c.ipynb", "d.ipynb", "e.ipynb", "f.ipynb"]
    assert len(kept) == MOST
    assert [one["path"] for one in merged(kept, report(gone=["c.ipynb", "d.ipynb"]), "cpu", 3000)] == [
        *("b.ipynb", "e.ipynb", "f.ipynb")
    ]


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../bob/a.ipynb", "a/../../b.ipynb", "a//b.ipynb", "a\nb.ipynb", "a\u202eb.ipynb", "x" * 501],
)
def test_what_is_no_path_in_a_home_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        report(path)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"notebooks": [{"path": "a", "ago": 0.0}] * (MOST + 1)},
        {"notebooks": [{"path": "a", "ago": float("nan")}]},
        {"notebooks": [{"path": "a", "ago": -1.0}]},
        {"notebooks": [], "gone": ["a"] * (4 * MOST + 1)},
        {"notebooks": [], "user": "bob"},
    ],
)
def test_a_report_of_any_other_form_is_refused(body: Any) -> None:
    with pytest.raises(ValidationError):
        Report.model_validate(body)


def test_each_person_has_their_own_and_it_is_forgotten_when_asked() -> None:
    engine = create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    with Session(engine) as database:
        database.add_all([orm.User(name="ada"), orm.User(name="bob")])
        database.commit()
        recent.take(database, 1, report("a.ipynb"), "cpu")
        recent.take(database, 1, report("é b.ipynb"), "cpu")
        assert {one["path"] for one in recent.of(database, 1)} == {"é b.ipynb", "a.ipynb"}
        assert recent.of(database, 2) == []
        recent.forget(database, 1)
        recent.forget(database, 2)
        assert recent.of(database, 1) == []


# ---------------------------------------------------------------- the session's side


class Told:
    def __init__(self) -> None:
        self.silent = False
        self.reports: list[dict[str, Any]] = []

    async def __call__(self, report: dict[str, Any]) -> None:
        if self.silent:
            raise CampusError("hub-silent", "The hub is silent.", "Wait.")
        self.reports.append(report)
        Report.model_validate(report)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(saved, "_SOON", 0.01)
    monkeypatch.setattr(saved, "_PATIENCE", (0.02, 0.04))
    return Told()


def hearing(told: Told) -> Saved:
    return Saved(told, logging.getLogger("test"))


async def test_saves_of_one_moment_are_told_together_and_the_same_is_not_told_again(told: Told) -> None:
    ears = hearing(told)
    for path in ("a.ipynb", "b.ipynb", "notes.txt", "b.ipynb", "c\n.ipynb"):
        ears.hear({"action": "save", "path": path})
    ears.hear({"action": "get", "path": "z.ipynb"})
    await asyncio.sleep(0.1)
    assert [[one["path"] for one in each["notebooks"]] for each in told.reports] == [["b.ipynb", "a.ipynb"]]
    ears.hear({"action": "save", "path": "b.ipynb"})
    await asyncio.sleep(0.1)
    assert len(told.reports) == 1
    ears.hear({"action": "save", "path": "a.ipynb"})
    await asyncio.sleep(0.1)
    assert [one["path"] for one in told.reports[-1]["notebooks"]] == ["a.ipynb", "b.ipynb"]


async def test_a_silent_hub_hears_of_it_later(told: Told) -> None:
    ears, told.silent = hearing(told), True
    ears.hear({"action": "save", "path": "a.ipynb"})
    await asyncio.sleep(0.08)
    assert told.reports == []
    told.silent = False
    await asyncio.sleep(0.1)
    assert [one["path"] for one in told.reports[-1]["notebooks"]] == ["a.ipynb"]


async def test_what_is_renamed_or_deleted_is_told_too(told: Told) -> None:
    ears = hearing(told)
    ears.hear({"action": "rename", "path": "b.ipynb", "source_path": "a.ipynb"})
    ears.hear({"action": "delete", "path": "c.ipynb"})
    await asyncio.sleep(0.1)
    assert [one["path"] for one in told.reports[-1]["notebooks"]] == ["b.ipynb"]
    assert sorted(told.reports[-1]["gone"]) == ["a.ipynb", "c.ipynb"]


async def test_no_more_is_remembered_than_is_told(told: Told) -> None:
    ears = hearing(told)
    for number in range(100):
        ears.hear({"action": "save", "path": f"{number}.ipynb"})
        ears.hear({"action": "delete", "path": f"d{number}.ipynb"})
    await asyncio.sleep(0.1)
    assert len(told.reports) == 1
    assert len(told.reports[0]["notebooks"]) == MOST
