"""Generic resources, as Slurm writes them."""

from __future__ import annotations

import re

_GPU = re.compile(r"(?:^|,)gpu(?::(?P<type>[^:,()]+))?:(?P<count>\d+)")


def gpus_by_type(gres: str) -> dict[str, int]:
    """GPUs by type in ``gpu:a100:4(S:0-1),shard:8`` or ``gpu:(null):1(IDX:0)``."""
    found: dict[str, int] = {}
    for match in _GPU.finditer(gres.replace("(null):", "")):
        name = match["type"] or ""
        found[name] = found.get(name, 0) + int(match["count"])
    return found
