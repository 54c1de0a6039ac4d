"""Whole GPUs and slices of them: what a node has, and what is left. As Slurm 22.05 and 24.11 print it."""

from __future__ import annotations

import pytest

from spawners.slurm.facts import JobRequest, Node
from spawners.slurm.gres import node_gpus


@pytest.mark.parametrize(
    ("gres", "used", "whole", "slices"),
    [
        ("gpu:4(S:0-31),shard:16(S:0-31)", "gpu:(null):0(IDX:N/A),shard:(null):0(IDX:N/A)", 4, (4, 4, 4, 4)),
        # One GPU in use whole, one in slices, of which 22.05 does not say how many.
        ("gpu:4(S:0-31),shard:16(S:0-31)", "gpu:(null):1(IDX:1),shard:(null):1(IDX:0)", 2, (4, 4)),
        ("gpu:4,shard:16", "gpu:(null):3(IDX:1-3),shard:(null):1(IDX:0)", 0, ()),
        ("gpu:4,shard:16", "gpu:4,shard:(null):0(IDX:N/A)", 0, ()),
        # Since 23.11 it does; a dash is a GPU that is in use whole.
        ("gpu:a100:4(S:0),shard:a100:16(S:0)", "gpu:a100:0(IDX:N/A),shard:a100:5(3/4,2/4,0/4,0/4)", 2, (1, 2, 4, 4)),
        ("gpu:a100:4(S:0),shard:a100:16(S:0)", "gpu:a100:1(IDX:3),shard:a100:4(4/4,0/4,0/4,-/4)", 2, (4, 4)),
        ("gpu:a100:4(S:0),shard:a100:16(S:0)", "gpu:a100:1(IDX:3),shard:a100:4(4/4,0/4,0/4,0/4)", 2, (4, 4)),
        ("gpu:a100:2,shard:8", "gpu:a100:0(IDX:N/A),shard:(null):1(IDX:0)", 1, (4,)),
        ("gpu:2", "gpu:1", 1, ()),
        ("(null)", "(null)", 0, ()),
        # Slices of one GPU as a type of their own (MIG) are GPUs.
        ("gpu:1g.10gb:7(S:0),gpu:a100:1", "gpu:1g.10gb:2(IDX:0-1),gpu:a100:0(IDX:N/A)", 6, ()),
    ],
)
def test_what_is_left(gres: str, used: str, whole: int, slices: tuple[int, ...]) -> None:
    node = Node(
        name="n1",
        address="10.0.0.1",
        state="idle",
        partitions=frozenset(),
        cpus_free=1,
        memory_free_mib=1,
        **node_gpus(gres, used),
    )
    assert node.gpus_free(None) == whole
    assert node.shards_free == slices


def test_a_mig_slice_is_asked_for_by_its_type() -> None:
    found = node_gpus("gpu:1g.10gb:7(S:0)", "gpu:1g.10gb:2(IDX:0-1)")
    assert (found["gpus"], found["gpus_used"]) == ({"1g.10gb": 7}, {"1g.10gb": 2})


@pytest.mark.parametrize(
    ("of", "gres"),
    [
        ({"gpus": 2}, "gpu:2"),
        ({"gpus": 1, "gpu_type": "1g.10gb"}, "gpu:1g.10gb:1"),
        ({"gpus": 0, "shards": 3}, "shard:3"),
        ({"gpus": 0}, ""),
    ],
)
def test_what_a_job_asks_for(of: dict, gres: str) -> None:
    given = {"name": "n", "mark": "m", "partition": "p", "gpu_type": None, "cpus": 1, "memory_mib": 1, "seconds": 60}
    assert JobRequest(**{**given, "account": None, "folder": "/", "script": "", **of}).gres == gres
