"""The session's private folder: certificate, runtime files and kernel sockets, readable by its owner only."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

# Variable that brings a PEM text -> file it becomes -> variable that JupyterHub reads its path from.
_PEM = (
    ("CAMPUS_TLS_KEYFILE", "key.pem", "JUPYTERHUB_SSL_KEYFILE"),
    ("CAMPUS_TLS_CERTFILE", "certificate.pem", "JUPYTERHUB_SSL_CERTFILE"),
    ("CAMPUS_TLS_CAFILE", "authorities.pem", "JUPYTERHUB_SSL_CLIENT_CA"),
)


_TOP = Path("/tmp")  # noqa: S108 - each folder in it is made by mkdtemp: new, 0700, ours
_PREFIX = "campus-session-"


def _remove_dead() -> None:
    """Remove folders of this person's sessions that ended without a farewell (killed, out of memory)."""
    for folder in _TOP.glob(f"{_PREFIX}*"):
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # somebody else's, or gone just now
            continue
        try:
            if os.fstat(descriptor).st_uid != os.geteuid():
                continue
            # A living session holds the lock for as long as it lives (flock(2)).
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # it lives, or this /tmp has no locks
            pass
        finally:
            os.close(descriptor)


def _new_folder() -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_TOP))
        with contextlib.suppress(OSError):
            fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
        # Another session that starts now may have taken it for a dead one's before it was locked.
        if folder.exists():
            return folder


def make_private_folder(env: MutableMapping[str, str]) -> Path:
    """Make the folder (0700), move the PEM texts out of ``env`` into it, and point Jupyter at it.

    Its path is short because a Unix socket's may have 107 bytes at most (unix(7)). Removed when the session ends,
    or where it was killed when the person's next one starts on that node.
    """
    _remove_dead()
    folder = _new_folder()
    owner = os.getpid()

    def remove() -> None:
        # A process forked from this one must not take the folder along when it ends.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    for variable, name, path_variable in _PEM:
        path = folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(env.pop(variable))
        env[path_variable] = str(path)
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    env["JUPYTER_RUNTIME_DIR"] = str(runtime)
    return folder
