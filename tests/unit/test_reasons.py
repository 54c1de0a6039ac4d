from __future__ import annotations

import pytest

from spawners.slurm.reasons import reason_sentence


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("Resources", "It is next, and waits until enough is free."),
        ("Priority", "Sessions and jobs before it go first."),
        ("AssocGrpGRES", "Your project has reached the limit of GPUs"),
        ("AssocMaxJobsLimit", "Your project has reached the limit of sessions and jobs at once"),
        ("PartitionConfig", "can not give what it asks for"),
        ("QOSMaxGRESPerUser", "You have reached the limit of GPUs"),
        ("QOSMaxJobsPerUserLimit", "You have reached the limit of sessions and jobs at once"),
        ("QOSMaxCpuPerUserLimit", "You have reached the limit of processors"),
        ("QOSGrpMemLimit", "Your project has reached the limit of memory"),
        ("AssocGrpCPURunMinutesLimit", "Your project has reached the limit of processors"),
        ("ReqNodeNotAvail, UnavailableNodes:gpu-node1", "are down, or reserved for somebody else"),
        ("Nodes required for job are DOWN", "Slurm says: Nodes."),
        ("SomethingNew", "Slurm says: SomethingNew."),
        ("<script>alert(1)</script>", "Slurm says: <script>alert"),
        ("x" * 500, "Slurm says: " + "x" * 60 + "."),
    ],
)
def test_a_reason_is_a_sentence(reason: str, says: str) -> None:
    sentence = reason_sentence(reason)
    assert says in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
