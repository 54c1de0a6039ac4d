"""The waits at the end of ``up``: what does not come is named, with where to look."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from campus_base.errors import CampusError
from hub_config import up as module
from hub_config.paths import Paths
from hub_config.site_file import LOCAL, read_site
from hub_config.up import Up


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Up:
    """An up whose clock goes on by ten seconds at each look."""
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))
    found = Up(Paths(tmp_path), print, None)
    found.site = read_site(LOCAL)
    return found


def node(name: str, state: str) -> dict[str, Any]:
    return {"name": name, "state": state, "gpus": 4}


def test_nodes_that_register_in_time(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([[], [node("n1", "unknown")], [node("n1", "reserved"), node("n2", "mixed")]])
    monkeypatch.setattr(module, "slurm_nodes", lambda *_: next(looks))
    assert up._nodes() == "2 nodes, 8 GPUs"


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([node("gpu-node1", "idle"), node("gpu-node2", "down")], "within 90 seconds: gpu-node2 is down."),
        ([], "slurmctld does not answer."),
    ],
)
def test_a_node_that_does_not_register_is_named(
    nodes: list[dict[str, Any]], says: str, up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "slurm_nodes", lambda *_: nodes)
    with pytest.raises(CampusError) as missing:
        up._nodes()
    assert missing.value.code == "nodes-missing"
    assert says in missing.value.message
    assert "./campus logs gpu-node1" in missing.value.remedy


def test_a_hub_that_does_not_answer_is_said(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "answers", lambda _: False)
    with pytest.raises(CampusError, match=r"does not answer at http://127\.0\.0\.1:8000") as silent:
        up._answering()
    assert silent.value.code == "hub-silent"
    assert "./campus logs hub" in silent.value.remedy
