"""The session's private folder: certificate, runtime files and kernel sockets, readable by its owner only."""

from __future__ import annotations

import atexit
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


def make_private_folder(env: MutableMapping[str, str]) -> Path:
    """Make the folder (0700), move the PEM texts out of ``env`` into it, and point Jupyter at it.

    Its path is short because a Unix socket's may have 107 bytes at most (unix(7)). Removed when the session ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="campus-", dir="/tmp"))
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
