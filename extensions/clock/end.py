"""When the job ends, as Slurm says."""

from __future__ import annotations

import os
import re

from campus_base.errors import CampusError
from campus_base.process import run

_DEADLINE = 10.0  # seconds
_EPOCH = re.compile(r"[1-9][0-9]{8,10}")
_ENDLESS = ("NONE", "N/A", "UNLIMITED", "INFINITE")  # squeue's words for a job without a time limit


def end_at_start() -> int | None:
    """The end that Slurm gave the job with its start (sbatch(1), from 23.02 on); it may have been moved since."""
    said = os.environ.get("SLURM_JOB_END_TIME", "")
    return int(said) if _EPOCH.fullmatch(said) else None


async def ask_slurm(job: int) -> int | None:
    """The job's end as epoch seconds, None for a job without one. Raises CampusError when Slurm does not say."""
    what = "Asking Slurm when this session ends"
    wanted = ("PATH", "SLURM_CONF", "LD_LIBRARY_PATH")  # nothing else: squeue takes filters from its environment
    env = {name: os.environ[name] for name in wanted if name in os.environ}
    done = await run(
        ["squeue", "--noheader", f"--jobs={job}", "--format=%e"],
        what=what,
        timeout=_DEADLINE,
        env=env | {"LC_ALL": "C.UTF-8", "SLURM_TIME_FORMAT": "%s"},
    )
    said = done.stdout.strip()
    if said in _ENDLESS:
        return None
    if not _EPOCH.fullmatch(said):
        raise CampusError("slurm-unreadable", f"{what} gave no time.", "", detail=f"squeue printed {said[:200]!r}")
    return int(said)
