"""What a hub takes: processor time and memory of its process and of all that it starts."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Taken:
    """Processor time in seconds, ended children included; memory that is its own, in MiB."""

    cpu: float
    memory: float


def taken_by(hub: psutil.Process) -> Taken:
    """What a hub and its children take. The proxy is left out: a stock hub starts it, Campus's is a daemon."""
    cpu = memory = 0.0
    for process in (hub, *hub.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == "node":
                continue
            times = process.cpu_times()
            cpu += times.user + times.system + times.children_user + times.children_system
            memory += process.memory_full_info().uss / 2**20
    return Taken(cpu, memory)
