"""What this machine has: memory, GPUs, cgroups."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Machine:
    """Memory in MiB, NVIDIA device files in order, and the cgroup controllers Slurm may use."""

    memory_mib: int
    nvidia: tuple[Path, ...]
    cgroup_version: int
    """1, 2, or 0 where there are no usable cgroups."""
    controllers: frozenset[str]

    @property
    def contains_memory(self) -> bool:
        return "memory" in self.controllers

    @property
    def tracks_processes(self) -> bool:
        """Whether Slurm can find every process of a job again (proctrack/cgroup uses the freezer of version 1)."""
        return self.cgroup_version == 2 or "freezer" in self.controllers

    @property
    def contains_devices(self) -> bool:
        # cgroup v2 has no devices controller; Slurm uses eBPF there.
        return self.cgroup_version == 2 or "devices" in self.controllers


def _cgroups(root: Path) -> tuple[int, frozenset[str]]:
    unified = root / "cgroup.controllers"
    if unified.exists():
        writable = _writable(root)
        return (2, frozenset(unified.read_text().split())) if writable else (0, frozenset())
    if not root.is_dir():
        return 0, frozenset()
    found = frozenset(p.name for p in root.iterdir() if (p / "tasks").exists() and _writable(p))
    return (1, found) if found else (0, frozenset())


def _writable(folder: Path) -> bool:
    try:
        os.rmdir(tempfile.mkdtemp(prefix="campus-probe-", dir=folder))
    except OSError:
        return False
    return True


def look(dev: Path = Path("/dev"), cgroup: Path = Path("/sys/fs/cgroup")) -> Machine:
    """Look at the machine; root is needed to tell whether cgroups are usable."""
    cards = [p for p in dev.glob("nvidia*") if re.fullmatch(r"nvidia\d+", p.name)]
    version, controllers = _cgroups(cgroup)
    return Machine(
        memory_mib=psutil.virtual_memory().total // (1024 * 1024),
        nvidia=tuple(sorted(cards, key=lambda p: int(p.name.removeprefix("nvidia")))),
        cgroup_version=version,
        controllers=controllers,
    )
