"""The job that this session runs in: what it has left of time, memory and GPU, and how idle it is."""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from typing import Any

from extensions.clock.end import ask_slurm, end_at_start
from extensions.clock.gpus import granted, look
from extensions.clock.idle import IdleReports
from extensions.clock.kept import Kept
from extensions.clock.memory import job_memory
from extensions.clock.use import Use

_END_SECONDS = 60.0
_GPU_SECONDS = 10.0


class JobClock:
    """Outside a job (``job`` None) it knows nothing and asks nobody."""

    def __init__(self, settings: dict[str, Any], log: Any) -> None:
        said = os.environ.get("SLURM_JOB_ID", "")
        self.job = int(said) if said.isascii() and said.isdigit() else None
        self._end = Kept(partial(ask_slurm, self.job or 0), end_at_start(), _END_SECONDS, log)
        gpus = granted(os.environ) if self.job else []
        self._gpus: Kept[list[dict[str, Any]]] = Kept(partial(look, gpus), [], _GPU_SECONDS, log)
        self.use = Use(settings)
        self.idle = IdleReports(self.use, self._gpus, settings, log)

    def start(self) -> None:
        """Report to the hub from now on."""
        if self.job:
            self._reports = asyncio.create_task(self.idle.run())

    async def end(self) -> int | None:
        return await self._end.get() if self.job else None

    def moved(self) -> None:
        """The end was moved just now: the next who wants it has it asked for."""
        self._end.forget()

    async def now(self) -> dict[str, Any]:
        """See :class:`extensions.clock.extension.SessionHandler`."""
        end, memory, gpus = None, None, []
        if self.job:
            end, memory, gpus = await asyncio.gather(
                self.end(), asyncio.to_thread(job_memory, self.job), self._gpus.get()
            )
        return {
            "job": self.job,
            "partition": os.environ.get("SLURM_JOB_PARTITION") if self.job else None,
            "end": end,
            "seconds_left": None if end is None else max(0, round(end - time.time())),
            "memory": memory,
            "gpus": gpus,
            "idle": self.idle.now(),
        }
