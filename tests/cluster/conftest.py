from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.campus import Campus
from tests.support.person import wait_for


@pytest.fixture
def full(calm: Campus) -> Iterator[Campus]:
    """A cluster whose GPUs are all taken by a job that is not ours."""
    nodes = len(calm.status["nodes"])
    gpus = calm.status["nodes"][0]["gpus"]
    blocker = calm.slurm(
        *("sbatch", "--parsable", f"--nodes={nodes}", f"--gres=gpu:{gpus}", "--mem=4G", "--output=/dev/null"),
        "--time=10",
        "--wrap=sleep 600",
    ).stdout.strip()
    wait_for("the GPUs to be taken", lambda: calm.job_state(blocker) == "RUNNING")
    yield calm
    calm.slurm("scancel", blocker)


@pytest.fixture(scope="module")
def slurm_with_choices(campus: Campus) -> Iterator[None]:
    """A second account, partition and environment, and a reservation for that account; startup1 may use them all."""
    person = campus.name("startup1")
    second = campus.paths.prefix / "second"
    second.unlink(missing_ok=True)
    second.symlink_to(campus.paths.session_env.resolve())
    course = ("ReservationName=course", "StartTime=now", "Duration=90", "Accounts=seminar", "Nodes=gpu-node2")
    there = (
        ("sacctmgr", "-iQ", "add", "account", "seminar", "QOS=normal,long", "DefaultQOS=normal"),
        ("sacctmgr", "-iQ", "add", "user", person, "account=seminar"),
        ("scontrol", "create", "partition=short", "Nodes=gpu-node1,gpu-node2", "MaxTime=30", "State=UP"),
        ("scontrol", "create", "reservation", *course, "Flags=IGNORE_JOBS"),
    )
    gone = (
        ("scontrol", "delete", "reservation=course"),
        ("scontrol", "delete", "partition=short"),
        ("sacctmgr", "-iQ", "delete", "user", person, "account=seminar"),
        ("sacctmgr", "-iQ", "delete", "account", "seminar"),
    )

    def until_done(commands: tuple[tuple[str, ...], ...]) -> None:
        # slurmctld hears of an account a moment later, and lets nothing go that a session is still taken down in.
        for command in commands:
            wait_for(" ".join(command), lambda command=command: campus.slurm(*command).returncode == 0, 30)
        campus.kill("hub")  # what Slurm allows is asked once a minute, and by every new hub
        campus.wait_until_answering()

    for command in gone:  # what a run that was cut off has left
        campus.slurm(*command)
    until_done(there)
    yield
    until_done(gone)
