"""One task of the array: executes its batch, on whatever node Slurm gave it. It never opens the gradebook."""

from __future__ import annotations

import json
from pathlib import Path

from campus_base.errors import CampusError
from extensions.grading import run, work
from extensions.grading.array import batch_file, done_file


def execute(folder: Path, number: int, here: run.Here) -> int:
    """Execute a batch, and add a line for each job that has a result. Returns how many have none."""
    jobs = [work.Job(**job) for job in json.loads(batch_file(folder, number).read_text())]
    failed = 0
    with done_file(folder, number).open("a") as done:
        for job, result in here(jobs):
            if isinstance(result, CampusError):
                failed += 1
                print(f"{job.student}: {result}", flush=True)
            else:
                done.write(f"{job.student}\n")
                done.flush()
    return failed
