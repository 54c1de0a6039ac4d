"""What slurmctld counted: remote procedure calls, by type (sdiag(1))."""

from __future__ import annotations

import re

from tests.support.campus import Campus

_LINE = re.compile(r"^\s+([A-Z_]+)\s+\(\s*\d+\) count:(\d+)", re.MULTILINE)


def reset_calls(campus: Campus) -> None:
    campus.slurm("sdiag", "--reset")


def calls(campus: Campus) -> dict[str, int]:
    """Calls since the reset by type, without those of Slurm's own daemons (MESSAGE_...) and of sdiag itself."""
    text = campus.slurm("sdiag").stdout.partition("by message type")[2].partition("by user")[0]
    counted = {name: int(count) for name, count in _LINE.findall(text)}
    return {n: c for n, c in counted.items() if not n.startswith("MESSAGE_") and n != "REQUEST_STATS_INFO"}
