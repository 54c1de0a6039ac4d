"""Limits, accounts and reservations of the real Slurm, as people meet them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = pytest.mark.cluster


def card(campus: Campus, name: str, size: str) -> dict[str, Any]:
    person = campus.person(name)
    answer = person.api("GET", f"/users/{person.name}/campus/sizes").json()
    return next(one for one in answer["sizes"] if one["name"] == size)


@pytest.fixture
def reservation(calm: Campus) -> Iterator[str]:
    """A lesson on one node, for one trainee."""
    name = "lesson"
    made = calm.slurm(
        *("scontrol", "create", "reservation", f"ReservationName={name}", f"Users={calm.name('trainee1')}"),
        *("StartTime=now", "Duration=20", "NodeCnt=1", "PartitionName=gpu"),
    )
    assert made.returncode == 0, made.stderr
    yield name
    calm.slurm("scancel", *calm.jobs())
    wait_for(
        "the reservation to go",
        lambda: calm.slurm("scontrol", "delete", f"ReservationName={name}").returncode == 0,
    )


def test_somebody_at_their_limit_reads_it_before_and_while_waiting(calm: Campus) -> None:
    person = calm.person("trainee1")
    assert card(calm, "trainee1", "gpu1")["sentence"] == "Starts now"
    job = calm.slurm(
        *("sbatch", "--parsable", "--gres=gpu:4", "--mem=1G", "--output=/dev/null", "--wrap=sleep 300"),
        account=person.name,
    ).stdout.strip()
    wait_for("the GPUs to be in use", lambda: calm.job_state(job) == "RUNNING")
    limit = "Your limit is 4 GPUs at once, and you use 4"
    wait_for("the card to know", lambda: card(calm, "trainee1", "gpu1")["sentence"].startswith(limit))
    # Others have limits of their own, and what needs no GPU is free of this one.
    assert card(calm, "trainee2", "gpu1")["sentence"] == "Starts now"
    assert card(calm, "trainee1", "cpu")["sentence"] == "Starts now"
    person.ask_without_waiting(size="gpu1")

    def told() -> dict[str, Any]:
        answer = person.api("GET", f"/users/{person.name}/campus/waiting").json()
        return answer if answer.get("sentence", "").startswith(limit) else {}

    assert wait_for("the reason, with numbers", told)["instead"] == "slice"
    calm.slurm("scancel", job)
    wait_for("the session", lambda: (person.server() or {}).get("ready"))


def test_a_reservation_is_one_persons(calm: Campus, reservation: str) -> None:
    one, two = calm.person("trainee1"), calm.person("trainee2")
    # It is a second old, and the hub asks once a minute: a refusal makes it ask again.
    assert "not yours to use" in two.refusal(size="cpu", reservation=reservation)
    one.start(size="cpu", reservation=reservation)
    assert calm.slurm("squeue", "--noheader", "--format=%v").stdout.split() == [reservation]
    fields = one.api("GET", f"/users/{one.name}/campus/sizes").json()["fields"]
    assert reservation in json.dumps(fields)
    fields = two.api("GET", f"/users/{two.name}/campus/sizes").json()["fields"]
    assert reservation not in json.dumps(fields)


def test_accounts_of_others_are_refused(calm: Campus) -> None:
    refused = calm.person("trainee1").refusal(size="cpu", account="startups")
    assert "not yours to use" in refused
    assert "training" in refused
    calm.person("startup1").start(size="cpu", qos="long")
    said = calm.slurm("squeue", "--noheader", "--format=%a %q").stdout.split()
    assert said == ["startups", "long"]
