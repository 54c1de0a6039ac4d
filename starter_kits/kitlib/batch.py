"""The same code as a Slurm batch job: submitted, watched and read from a notebook."""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kitlib import settings

_TIMEOUT = 20.0  # seconds that one of Slurm's commands may take
_EVERY = 3.0  # seconds between two looks at a job
_TAIL = 4000  # characters of a log that are shown
_OVER = re.compile("COMPLETED|FAILED|CANCELLED|TIMEOUT|OUT_OF_MEMORY|NODE_FAIL|PREEMPTED|BOOT_FAIL|DEADLINE|GONE")


class BatchError(RuntimeError):
    """A job could not be submitted or asked about; the message is for the person."""


@dataclass(frozen=True)
class Job:
    """A job in Slurm."""

    id: str
    log_file: Path

    def state(self) -> str:
        """Slurm's name of its state, like PENDING or COMPLETED; GONE where Slurm no longer knows it."""
        queue = _slurm(["squeue", "--noheader", f"--jobs={self.id}", "--format=%T"], check=False)
        if found := queue.split():
            return found[0]
        if shutil.which("sacct") is None:
            return "GONE"
        kept = _slurm(
            ["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={self.id}", "--format=State"], check=False
        )
        return kept.split()[0] if kept.split() else "GONE"

    def log(self) -> str:
        """The end of what it printed; empty before it starts."""
        try:
            return self.log_file.read_text("utf-8", errors="replace")[-_TAIL:]
        except FileNotFoundError:
            return ""


def submit(script: str) -> Job:
    """Submit a batch script of the kit, like ``scale_out.sbatch``; it runs in the kit's folder.

    What it prints goes to ``results/``. Raises BatchError with a sentence: no Slurm here, or Slurm's own refusal.
    """
    folder = settings.root()
    if not (folder / script).is_file():
        raise BatchError(f"There is no {script} in {folder}.")
    if shutil.which("sbatch") is None:
        raise BatchError(
            f"There is no Slurm here: open the kit in a session on the cluster to submit {script}, "
            "or run the command at its end in a terminal."
        )
    stem = Path(script).stem
    settings.results()
    said = _slurm(
        ["sbatch", "--parsable", f"--output=results/{stem}-%j.log", script],
        env=_environment((folder / script).read_text("utf-8")),
    )
    number = said.strip().partition(";")[0]  # ID;CLUSTER
    if not number.isdecimal():
        raise BatchError(f"Slurm answered {said.strip()!r}, which is no job number.")
    return Job(number, folder / "results" / f"{stem}-{number}.log")


def button(script: str) -> Any:
    """A button that submits the script, then shows the job's state and the end of its log until it is over."""
    import ipywidgets

    press = ipywidgets.Button(description="Submit to Slurm", button_style="primary", icon="play")
    state, log = ipywidgets.HTML(), ipywidgets.HTML()
    watching: set[asyncio.Task[None]] = set()  # else nothing holds the task, and it may be collected

    async def watch() -> None:
        try:
            job = await asyncio.to_thread(submit, script)
            now = ""
            while not _OVER.match(now):
                now = await asyncio.to_thread(job.state)
                state.value = f"Job {job.id}: <b>{html.escape(now)}</b>"
                log.value = f"<pre>{html.escape(await asyncio.to_thread(job.log))}</pre>"
                await asyncio.sleep(_EVERY)
        except BatchError as error:
            state.value = html.escape(str(error))
        finally:
            press.disabled = False

    def pressed(_: Any) -> None:
        press.disabled = True
        state.value, log.value = "Submitting…", ""
        task = asyncio.get_running_loop().create_task(watch())
        watching.add(task)
        task.add_done_callback(watching.discard)

    press.on_click(pressed)
    return ipywidgets.VBox([press, state, log])


def _environment(script: str) -> dict[str, str]:
    """This environment for the job, without what belongs to the session that it is submitted from.

    The session's own limits (SLURM_MEM_PER_NODE and so on) would become the job's. Its account and partition are
    taken where the script names none.
    """
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLURM_", "JUPYTERHUB_", "JPY_")) or name == "SLURM_CONF"
    }
    for option, name in (("account", "SLURM_JOB_ACCOUNT"), ("partition", "SLURM_JOB_PARTITION")):
        said = re.search(
            rf"^#SBATCH +(--{option}\b|-{option[0].upper() if option == 'account' else 'p'}\b)", script, re.M
        )
        if not said and os.environ.get(name):
            ours.setdefault(f"SBATCH_{option.upper()}", os.environ[name])
    return ours


def _slurm(argv: list[str], env: Mapping[str, str] | None = None, check: bool = True) -> str:
    """What one of Slurm's commands prints, run in the kit's folder."""
    try:
        done = subprocess.run(
            argv,
            cwd=settings.root(),
            env=env,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise BatchError(f"There is no Slurm here ({argv[0]} is missing).") from None
    except subprocess.TimeoutExpired:
        raise BatchError("Slurm does not answer at the moment. Try again in a minute.") from None
    if check and done.returncode:
        last = (done.stderr.strip() or f"{argv[0]} failed").splitlines()[-1]
        raise BatchError(f"Slurm does not take the job: {last.removeprefix('sbatch: error: ')}.")
    return done.stdout
