"""The GPUs that Slurm gave to this job, and what nvidia-smi says of them; of others nothing is asked or told."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from typing import Any

from campus_base.process import ProgramFailed, run

_DEADLINE = 10.0  # seconds; a driver that is being loaded takes some
_ID = re.compile(r"[0-9]{1,3}|(GPU|MIG)-[0-9A-Za-z/-]{1,80}")
_FIELDS = "index,uuid,memory.used,memory.total,utilization.gpu"
_MIB = 1 << 20


def granted(environ: Mapping[str, str]) -> list[str]:
    """Their ids: numbers, or names that start with ``GPU-`` or ``MIG-``. Words such as NoDevFiles are none."""
    said = environ.get("CUDA_VISIBLE_DEVICES") or environ.get("SLURM_JOB_GPUS") or ""
    return [gpu for gpu in said.split(",") if _ID.fullmatch(gpu)]


def _number(text: str, unit: int = 1) -> int | None:
    return int(text) * unit if text.isascii() and text.isdigit() else None


def parse(printed: str) -> dict[str, dict[str, int | None]]:
    """What is known of each GPU, by its number and by its name. Lines that are none, and ``[N/A]``, are left out."""
    known = {}
    for line in printed.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == len(_FIELDS.split(",")):
            index, uuid, used, total, busy = fields
            known[index] = known[uuid] = {
                "memory_used": _number(used, _MIB),
                "memory_total": _number(total, _MIB),
                "utilisation": _number(busy),
            }
    return known


async def look(gpus: list[str]) -> list[dict[str, Any]]:
    """One dictionary a GPU, see :class:`extensions.clock.extension.SessionHandler`; None for what is not known."""
    nothing: dict[str, int | None] = dict.fromkeys(("memory_used", "memory_total", "utilisation"))
    known: dict[str, dict[str, int | None]] = {}
    # nvidia-smi knows no part of a GPU (MIG) by its name.
    whole = [gpu for gpu in gpus if not gpu.startswith("MIG-")]
    if whole and shutil.which("nvidia-smi"):
        argv = ["nvidia-smi", f"--id={','.join(whole)}", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits"]
        env = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        with contextlib.suppress(ProgramFailed):  # a driver that is not loaded, a GPU that fell off the bus
            known = parse((await run(argv, what="Asking for the GPUs", timeout=_DEADLINE, env=env)).stdout)
    return [{"id": gpu} | known.get(gpu, nothing) for gpu in gpus]
