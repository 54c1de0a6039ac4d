"""Memory of the whole job, from its control group: the kernel counts it, so nothing is added up here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 1 << 60  # bytes; cgroup v1 writes almost 2^63 where there is no limit


@dataclass(frozen=True)
class Version:
    """What the files are called (the kernel's cgroup-v1/memory and cgroup-v2 documents)."""

    folder: str
    used: str
    limit: str
    prefix: str


_V1 = Version("memory", "memory.usage_in_bytes", "memory.limit_in_bytes", "total_")
_V2 = Version("", "memory.current", "memory.max", "")


def _find(job: int, root: Path) -> tuple[Version, Path] | None:
    """The job's own group; those of its steps and tasks lie below it, and may have no limit."""
    found = {}
    for line in (root / "proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            found[_V1] = path
        elif number == "0":
            found[_V2] = path
    version = _V1 if _V1 in found else _V2
    head, job_, _ = f"{found.get(version, '')}/".partition(f"/job_{job}/")
    if not job_:
        return None
    return version, root / "sys/fs/cgroup" / version.folder / f"{head}{job_}".strip("/")


def job_memory(job: int, root: Path = Path("/")) -> dict[str, int | None] | None:
    """``used`` and ``limit`` in bytes, limit None where there is none; None where the job has no group of its own.

    What the kernel can take back at once (pages of files that were read) is not counted as used, or a job that reads
    a large data set would look full.
    """
    try:
        if (found := _find(job, root)) is None:
            return None
        version, group = found
        used = int((group / version.used).read_text())
        lines = (line.split() for line in (group / "memory.stat").read_text().splitlines())
        stat = {name: int(value) for name, value in lines}
        said = (group / version.limit).read_text().strip()
    except (OSError, ValueError):
        return None
    of_files = sum(stat.get(f"{version.prefix}{kind}_file", 0) for kind in ("active", "inactive"))
    limit = int(said) if said.isdigit() else _UNLIMITED
    return {"used": max(0, used - of_files), "limit": limit if limit < _UNLIMITED else None}
