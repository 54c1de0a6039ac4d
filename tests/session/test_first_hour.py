"""Your first hour runs from top to bottom with a session's packages."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nbformat
import pytest

from hub_config import first_hour


@pytest.mark.parametrize("job", ["", "7"])
def test_it_runs_from_top_to_bottom(environment: Path, tmp_path: Path, job: str) -> None:
    """Where nothing of a job is there, and as in one that was granted a GPU which is none."""
    notebook = nbformat.reads(first_hour.built(), as_version=4)
    script = tmp_path / "cells.py"
    script.write_text("\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code"))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    env |= {"SLURM_JOB_ID": job, "CUDA_VISIBLE_DEVICES": "0"} if job else {}
    argv = [str(environment / "bin" / "python"), "-I", str(script)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert "slope 3.0" in done.stdout or "slope 2.9" in done.stdout
    assert ("in the partition" in done.stdout) == bool(job)
    assert ("No GPU" in done.stdout) == (not job)
