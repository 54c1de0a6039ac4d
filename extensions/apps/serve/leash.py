"""What every app's program does first: it ends with the session, and goes before the session when memory runs out."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # prctl(2)
_BEFORE_THE_SERVER = 300  # oom_score_adj (proc(5)); a kernel has 500
_OF_THE_SESSION = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")


def leash() -> None:
    """Have the kernel end this process when the session's server ends, however that ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent or parent == 1:  # it ended just before
        raise SystemExit(1)
    Path("/proc/self/oom_score_adj").write_text(str(_BEFORE_THE_SERVER))
    os.umask(0o077)
    for name in _OF_THE_SESSION:  # an app has no business at the hub
        os.environ.pop(name, None)


def private_folder(path: Path) -> Path:
    """The folder, made for its owner alone (0700) where it is missing."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
