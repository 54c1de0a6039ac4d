"""The body of a submission, in the words of a version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campus_base.process import Secret
from spawners.slurm.facts import JobRequest


def submission(version: str, job: JobRequest, env: Mapping[str, str]) -> dict[str, Any]:
    """What ``job/submit`` takes for a job; ``env`` becomes its whole environment."""
    variables = {key: value.reveal() if isinstance(value, Secret) else value for key, value in env.items()}
    minutes = max(1, job.seconds // 60)
    common = {
        "name": job.name,
        "comment": job.mark,
        "partition": job.partition,
        "tasks": 1,
        "cpus_per_task": job.cpus,
        "current_working_directory": job.folder,
        # The job writes its own log, as the person, once it runs: a missing folder must not fail the job.
        "standard_input": "/dev/null",
        "standard_output": "/dev/null",
        "standard_error": "/dev/null",
        **{key: value for key in ("account", "qos", "reservation") if (value := getattr(job, key))},
    }
    if version == "v0.0.38":
        old = {
            "nodes": [1, 1],
            "memory_per_node": job.memory_mib,
            "time_limit": minutes,
            # Not requeue: whatever its value is, Slurm 22.05 takes it for true.
            "no_requeue": True,
            "environment": variables,
            **({"gres": job.gres} if job.gres else {}),
        }
        return {"job": common | old, "script": job.script}
    new = {
        "nodes": "1",
        "memory_per_node": number(job.memory_mib),
        "time_limit": number(minutes),
        "requeue": False,
        "environment": [f"{key}={value}" for key, value in variables.items()],
        "script": job.script,
        **({"tres_per_node": f"gres/{job.gres}"} if job.gres else {}),
    }
    return {"job": common | new}


def time_limit(version: str, minutes: int) -> dict[str, Any]:
    """What an update of ``job/ID`` takes to change how long a job may run in all."""
    return {"time_limit": minutes if version == "v0.0.38" else number(minutes)}


def number(value: int) -> dict[str, Any]:
    return {"set": True, "infinite": False, "number": value}
