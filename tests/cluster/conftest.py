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
