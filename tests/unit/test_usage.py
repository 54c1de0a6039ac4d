"""GPU-hours: each run of a job counts once, from its start to its end, whatever becomes of the hub."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from spawners.life import usage
from spawners.slurm import Job, JobState
from tests.unit.test_metrics import Moved
from tests.unit.test_waiting import OFFER, job

NOW = int(datetime.datetime(2026, 11, 28, 20, tzinfo=datetime.UTC).timestamp())
START = NOW - 7200


@pytest.fixture
def database():
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    orm.Base.metadata.create_all(engine)
    with Session(engine) as found:
        found.add_all([orm.User(name="ada"), orm.User(name="bob")])
        found.commit()
        yield found


def session(database: Any, found: Job | None, user: int = 1, size: str = "gpu1", shards: int = 0) -> Any:
    """A spawner, as far as it is asked; as another hub would make it of the same session."""
    node = SimpleNamespace(shards_per_gpu=shards)
    return SimpleNamespace(
        user=SimpleNamespace(db=database, id=user),
        user_options={"size": size},
        sizes=OFFER.sizes,
        offer=OFFER,
        watch=SimpleNamespace(picture=SimpleNamespace(nodes={"n1": node})),
        job_id="7",
        job=lambda: found,
    )


def runs(**change: Any) -> Job:
    return job(**{"state": JobState.RUNNING, "start": START, "end": NOW + 999, "node": "n1", **change})


def hours(database: Any, user: int = 1, now: float = NOW) -> tuple[float, float]:
    found = usage.hours(database, user, now)
    return round(found["month"], 3), round(found["total"], 3)


def test_a_session_that_another_hub_found_again_counts_once(database: Any) -> None:
    moved = Moved("campus_gpu_seconds_total", size="gpu1")
    usage.keep([session(database, runs())], NOW - 3600)
    database.rollback()  # what was not committed is gone, as with a hub that is killed
    usage.keep([session(database, runs())], NOW)
    usage.keep([session(database, runs())], NOW)
    assert hours(database) == (2.0, 2.0)
    assert moved() == 7200
    assert hours(database, user=2) == (0.0, 0.0)


def test_it_ends_when_slurm_says(database: Any) -> None:
    usage.keep([session(database, runs(state=JobState.TIMEOUT, end=NOW - 3600))], NOW)
    assert hours(database) == (1.0, 1.0)


def test_where_nobody_saw_the_end_it_is_when_it_was_seen_last(database: Any) -> None:
    usage.keep([session(database, runs())], NOW - 3600)
    usage.keep([session(database, None)], NOW)
    assert hours(database) == (1.0, 1.0)


def test_a_job_that_was_queued_anew_counts_its_runs_and_not_its_wait(database: Any) -> None:
    usage.keep([session(database, runs())], START + 1800)
    usage.keep([session(database, runs(state=JobState.PENDING, start=None))], NOW - 3600)
    usage.keep([session(database, runs(start=NOW - 1800))], NOW)
    assert hours(database) == (1.0, 1.0)


def test_a_month_has_its_own_part(database: Any) -> None:
    first = int(datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC).timestamp())
    usage.keep([session(database, runs(start=first - 3600))], first + 1800)
    assert hours(database) == (0.5, 1.5)


def test_slices_count_as_their_part_and_no_gpu_as_nothing(database: Any) -> None:
    sizes = {size.name: size for size in OFFER.sizes}
    spawner = session(database, runs(), shards=8)
    spawner.offer = SimpleNamespace(size=lambda name: SimpleNamespace(shards=2, gpus=0))
    usage.keep([spawner], NOW)
    assert hours(database) == (0.5, 0.5)
    none = next(name for name, size in sizes.items() if not size.gpus and not size.shards)
    usage.keep([session(database, runs(), user=2, size=none)], NOW)
    assert hours(database, user=2) == (0.0, 0.0)
    assert database.query(usage.Usage).count() == 1


def test_it_goes_with_its_person(database: Any) -> None:
    usage.keep([session(database, runs())], NOW)
    database.delete(database.get(orm.User, 1))
    database.commit()
    assert database.query(usage.Usage).count() == 0


def test_a_database_that_is_locked_stops_nobody(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked() -> None:
        raise OperationalError("", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr(database, "commit", locked)
        usage.keep([session(database, runs())], NOW - 3600)
    usage.keep([session(database, runs())], NOW)
    assert hours(database) == (2.0, 2.0)
