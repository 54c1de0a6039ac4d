"""A slice of a GPU: what Slurm gives it, and that nobody is given the whole GPU meanwhile."""

from __future__ import annotations

import pytest

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = pytest.mark.cluster


def gpus_of(person: Person) -> str:
    return person.session().kernel().run('import os; print(os.environ["CUDA_VISIBLE_DEVICES"])').strip()


def room(campus: Campus, size: str) -> int:
    person = campus.person("instructor1")
    answer = person.api("GET", f"/users/{person.name}/campus/sizes").json()
    return next(one["fits_now"] for one in answer["sizes"] if one["name"] == size)


def test_slices_share_a_gpu_that_nobody_has_whole(calm: Campus) -> None:
    wait_for("room for all", lambda: room(calm, "gpu4") == 4)
    people = [calm.person("trainee1"), calm.person("trainee2")]
    for person in people:
        person.start(size="slice")
    assert [gpus_of(person) for person in people] == ["0", "0"]
    nodes = calm.slurm("squeue", "--noheader", "--format=%N %b").stdout.split()
    assert nodes == [nodes[0], "gres:shard:1"] * 2
    wait_for("one GPU to be in use", lambda: room(calm, "gpu1") == 15)
    assert room(calm, "gpu4") == 3
    # On that node there are three whole GPUs, and no fourth.
    ask = ("sbatch", "--parsable", f"--nodelist={nodes[0]}", "--mem=1G", "--output=/dev/null", "--wrap=sleep 60")
    four = calm.slurm(*ask, "--gres=gpu:4").stdout.strip()
    three = calm.slurm(*ask, "--gres=gpu:3", "--priority=TOP").stdout.strip()
    wait_for("three GPUs", lambda: calm.job_state(three) == "RUNNING")
    assert calm.job_state(four) == "PENDING"
