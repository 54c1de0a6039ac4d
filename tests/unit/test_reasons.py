from __future__ import annotations

import pytest

from spawners.slurm.reasons import limited_resource, reason_sentence


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
        ("MaxGRESPerAccount", "Your project has reached the limit of GPUs"),
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


@pytest.mark.parametrize(
    ("reason", "resource"),
    [
        ("AssocGrpGRES", "gres/"),
        ("QOSMaxGRESPerUser", "gres/"),
        ("MaxGRESPerAccount", "gres/"),
        ("QOSMaxCpuPerUserLimit", "cpu"),
        ("AssocGrpMemLimit", "mem"),
        ("QOSGrpNodeLimit", "node"),
        ("AssocMaxJobsLimit", "jobs"),
        # What is not counted in amounts that are in use now.
        ("AssocGrpCPURunMinutesLimit", ""),
        ("AssocMaxSubmitJobLimit", ""),
        ("QOSMaxGRESPerJob", ""),
        ("Resources", ""),
        ("NodeDown", ""),
    ],
)
def test_the_resource_behind_a_limit(reason: str, resource: str) -> None:
    assert limited_resource(reason) == resource


def test_a_limit_with_its_numbers_is_said() -> None:
    limit = "Your project uses 4 of its 4 GPUs"
    assert reason_sentence("AssocGrpGRES", limit) == f"{limit}; it starts when something of that ends."
    assert reason_sentence("Priority", limit) == "Sessions and jobs before it go first."
