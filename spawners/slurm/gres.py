"""Generic resources, as Slurm writes them. Source: gres.conf(5); sinfo(1), ``Gres`` and ``GresUsed``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypedDict

_ENTRY = re.compile(r"(?:^|,)(?P<name>gpu|shard)(?::(?P<type>[^:,()]+))?:(?P<count>\d+)(?:\((?P<where>[^)]*)\))?")

_TAKEN = re.compile(r"(\d+|-)/(\d+)")  # slices of a GPU; a dash where it is in use whole


class NodeGpus(TypedDict):
    """The GPUs of spawners.slurm.facts.Node."""

    gpus: dict[str, int]
    gpus_used: dict[str, int]
    shards_per_gpu: int
    shards_free: tuple[int, ...]


def node_gpus(gres: str, used: str) -> NodeGpus:
    """GPUs and slices in ``gpu:a100:4(S:0-1),shard:16`` with ``gpu:a100:1(IDX:0),shard:a100:2(IDX:1-2)`` in use.

    Since 23.11 the latter is written ``shard:a100:5(-/4,3/4,2/4,0/4)``: slices taken on each GPU.
    """
    total, taken = _counts(gres, "gpu"), _counts(used, "gpu")
    each = sum(_counts(gres, "shard").values()) // max(1, sum(total.values()))
    partly: list[int] = []
    for entry in _entries(used, "shard"):
        parts = _TAKEN.findall(entry["where"])
        begun = [int(size) - int(taken) for taken, size in parts if taken not in ("0", "-")]
        partly += [left for left in begun if left]
        # Slices may stand without the type that their GPUs have.
        kind = entry["type"] if entry["type"] in total else next(iter(total), "")
        taken[kind] = taken.get(kind, 0) + (len(begun) if parts else int(entry["count"]))
    untouched = max(0, sum(total.values()) - sum(taken.values()))
    return {
        "gpus": total,
        "gpus_used": taken,
        "shards_per_gpu": each,
        "shards_free": (*partly, *(each for _ in range(untouched) if each)),
    }


def _counts(gres: str, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in _entries(gres, name):
        found[entry["type"]] = found.get(entry["type"], 0) + int(entry["count"])
    return found


def _entries(gres: str, name: str) -> Iterator[dict[str, str]]:
    for match in _ENTRY.finditer(gres.replace("(null):", "")):
        if match["name"] == name:
            yield {key: value or "" for key, value in match.groupdict().items()}
