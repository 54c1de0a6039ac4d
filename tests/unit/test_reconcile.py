from __future__ import annotations

import logging
import os
import pwd
from collections import Counter
from typing import Any

import pytest

from spawners.cluster.reconcile import Ledger, Reconciler
from spawners.slurm import Job, JobState
from spawners.slurm.cli import CliTransport
from tests.unit.test_commands import Programs, failing, printing

NOBODY = pwd.getpwnam("nobody")
NO_ACCOUNT = 987654321


def job(id: int = 7, **change: Any) -> Job:
    facts = {"uid": NOBODY.pw_uid, "state": JobState.RUNNING, "reason": "None", "node": "n1"}
    return Job(**{**facts, "id": id, "start": 100, "end": 200, **change})


class Cluster:
    """A reconciler before a Slurm that cancels whatever it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Ledger, "held", {})
        monkeypatch.setattr(Ledger, "submitting", Counter())
        self.programs = Programs(monkeypatch)
        self.programs.answer("scancel", printing())
        self.reconciler = Reconciler(CliTransport())

    async def look(self, *jobs: Job, times: int = 1) -> list[int]:
        """The jobs that were cancelled at the last of so many looks."""
        for _ in range(times):
            self.programs.calls.clear()
            await self.reconciler.look(jobs)
        return [int(call.argv[1]) for call in self.programs.calls]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(monkeypatch)


async def test_a_job_of_no_server_is_cancelled_at_the_second_look(cluster: Cluster) -> None:
    assert await cluster.look(job()) == []
    assert await cluster.look(job()) == [7]


async def test_only_two_looks_in_a_row_count(cluster: Cluster) -> None:
    for _ in range(3):
        assert await cluster.look(job(7)) == []
        assert await cluster.look(job(8)) == []
    assert await cluster.look(job(7), job(8)) == [8]
    assert await cluster.look(job(8), job(7)) == [7, 8]


async def test_it_is_cancelled_as_its_owner(cluster: Cluster) -> None:
    await cluster.look(job(), times=2)
    (call,) = cluster.programs.calls
    assert call.argv == ("scancel", "7")
    assert (call.options["user"], call.options["group"]) == (NOBODY.pw_uid, NOBODY.pw_gid)


async def test_a_job_that_a_server_holds_is_spared(cluster: Cluster) -> None:
    Ledger.held[7] = "a session"
    assert await cluster.look(job(7), job(8), times=2) == [8]


async def test_a_job_that_a_server_took_between_two_looks_is_spared(cluster: Cluster) -> None:
    await cluster.look(job())
    Ledger.held[7] = "a session"
    assert await cluster.look(job()) == []
    del Ledger.held[7]
    assert await cluster.look(job()) == []
    assert await cluster.look(job()) == [7]


async def test_while_somebody_submits_their_jobs_are_spared(cluster: Cluster) -> None:
    jobs = [job(7), job(8, uid=pwd.getpwnam("daemon").pw_uid)]
    Ledger.submitting[NOBODY.pw_uid] += 2
    assert await cluster.look(*jobs, times=2) == [8]
    Ledger.submitting[NOBODY.pw_uid] -= 1
    assert await cluster.look(*jobs, times=2) == [8]
    Ledger.submitting[NOBODY.pw_uid] -= 1
    assert await cluster.look(*jobs) == [8]
    assert await cluster.look(*jobs) == [7, 8]


@pytest.mark.parametrize("state", JobState)
async def test_a_job_that_is_over_is_left_alone(state: JobState, cluster: Cluster) -> None:
    assert await cluster.look(job(state=state), times=3) == ([] if state.over else [7])


async def test_a_picture_without_orphans_cancels_nothing(cluster: Cluster) -> None:
    assert await cluster.look(times=3) == []


async def test_each_cancel_is_logged_with_whose_it_was(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    await cluster.look(job(), times=2)
    assert caplog.record_tuples == [
        ("campus.reconcile", logging.WARNING, f"Job 7 of uid {NOBODY.pw_uid} belongs to no server; cancelling it")
    ]


@pytest.mark.parametrize(
    "answer",
    [
        failing("Unable to contact slurm controller"),
        FileNotFoundError(2, "No such file or directory"),
        PermissionError(1, os.strerror(1)),
    ],
)
async def test_a_cancel_that_fails_is_logged_tried_again_and_stops_no_other(
    answer: Any, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.programs.answer("scancel 7", answer)
    await cluster.look(job(7), job(8))
    for _ in range(2):
        caplog.clear()
        assert 8 in await cluster.look(job(7), job(8))
        (failed,) = [m for m in caplog.messages if "could not be cancelled" in m]
        assert failed.startswith("Job 7 could not be cancelled: ")
        assert "The cluster's scheduler does not answer" in failed


async def test_a_job_of_an_account_that_is_gone_is_cancelled_as_the_hub(cluster: Cluster) -> None:
    # No directory service, or none that knows them any more: the GPU is not to be held for nobody.
    assert await cluster.look(job(7, uid=NO_ACCOUNT), job(8), times=2) == [7, 8]
    gone, known = cluster.programs.calls
    assert not {"user", "group", "extra_groups"} & gone.options.keys()
    assert known.options["user"] == NOBODY.pw_uid
