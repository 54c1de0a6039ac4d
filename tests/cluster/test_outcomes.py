"""What else can happen to a session's job: each has a defined end, and a sentence for the person."""

from __future__ import annotations

import pytest

from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.every_transport]


def ended(campus: Campus, name: str) -> str:
    """What the spawn page says of the last session."""
    person = campus.person(name)
    # Slurm looks at time limits twice a minute, and gives a session half a minute more to end by itself.
    wait_for("the hub to notice", lambda: person.server() is None, 240)
    return person.web.get(f"{campus.url}/hub/spawn").text


@pytest.mark.through_sudo
def test_a_session_that_reached_its_time_limit(calm: Campus) -> None:
    calm.person("trainee1").start(size="cpu", minutes=5)
    (job,) = calm.jobs()
    update = ("scontrol", "update", f"JobId={job}", "EndTime=now")
    # Slurm refuses an end in the second of the start, in which a session may be usable already.
    wait_for("Slurm to take the end", lambda: calm.slurm(*update).returncode == 0, 10)
    said = ended(calm, "trainee1")
    assert "reached its time limit" in said
    assert "?opt-resume=1" in said
    assert calm.job_state(job) == "TIMEOUT"


def test_a_session_whose_node_fails(calm: Campus) -> None:
    calm.person("trainee1").start(size="cpu")
    (job,) = calm.jobs()
    node = calm.slurm("squeue", "--noheader", "--format=%B").stdout.strip()
    try:
        calm.slurm("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        assert "node that the session ran on failed" in ended(calm, "trainee1")
        assert calm.job_state(job) == "NODE_FAIL"
        assert calm.person("trainee1").start(size="cpu").state()["ready"], "the others serve"
    finally:
        calm.slurm("scontrol", "update", f"NodeName={node}", "State=RESUME")
        calm.wait_until_slurm_is_ready()


def test_a_suspended_session_is_no_lost_one(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    kernel = session.kernel()
    kernel.run("kept = 41")
    (job,) = calm.jobs()
    calm.slurm("scontrol", "suspend", job)
    wait_for("it to be suspended", lambda: calm.job_state(job) == "SUSPENDED")
    calm.kill("hub")
    calm.wait_until_answering()
    assert calm.jobs() == [job]
    calm.slurm("scontrol", "resume", job)
    wait_for("it to be served again", lambda: (session.person.server() or {}).get("ready"))
    assert kernel.run("print(kept + 1)").strip() == "42"
    assert calm.jobs() == [job]


def test_a_session_is_never_requeued(calm: Campus) -> None:
    """A second run of the job would report with a secret that was used: it is the person who starts again."""
    session = calm.person("trainee1").start(size="cpu")
    (job,) = calm.jobs()
    assert "disabled" in calm.slurm("scontrol", "requeue", job).stderr
    assert session.state()["ready"]


def test_a_cancelled_start_is_said_while_it_waits(full: Campus) -> None:
    person = full.person("trainee1")
    person.ask_without_waiting(size="gpu1")
    wait_for("the job to wait", lambda: full.jobs(name=full.job_name))
    full.slurm("scancel", *full.jobs(name=full.job_name))
    wait_for("the start to fail", lambda: person.server() is None)
    assert "cancelled outside Campus" in person.failure()
    sessions = person.web.get(f"{full.url}/hub/home").text
    assert "It did not start." in sessions
    assert f'href="/hub/user/{person.name}/">See why' in sessions
    assert "Resume it" not in sessions, "that would wait for the same again"
    assert "cancelled outside Campus" in person.web.get(f"{full.url}/hub/user/{person.name}/").text
