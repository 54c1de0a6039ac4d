"""The outer wall: bubblewrap, with the machine's programs and the Python environment, read-only, and nothing else.

No network, no host files, no submission, no other process, an empty environment. ``inner.py`` divides what is within.

What runs within ends by itself when its standard input does, whose other end only the grader has. bubblewrap's own
``--die-with-parent`` asks for no death that was before it, and one while it sets up leaves half of it behind for ever.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, run_sync
from extensions.grading.sandbox.inner import HOME

_PROGRAMS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SETTINGS = (
    "alternatives",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "timezone",
)
_SEARCH = "/usr/local/bin:/usr/bin:/bin"
_TRY_SECONDS = 60
SERVER = (sys.executable, "-I", "-m", "extensions.grading.sandbox.server")
"""What runs within: the fork server, or a single room."""


def command(program: list[str]) -> list[str]:
    """The argument list that runs a program within the wall; start it with an empty environment.

    Raises CampusError where there can be no wall. Source: bwrap(1), options of 0.4 only.
    """
    bwrap = shutil.which("bwrap", path=_SEARCH)
    if not bwrap:
        raise CampusError(
            "no-bubblewrap",
            "Student code cannot be run here: bubblewrap (bwrap) is not installed.",
            "Ask an operator to install the package bubblewrap on every node that grades.",
        )
    if os.geteuid() == 0:
        raise CampusError(
            "grading-as-root",
            "Student code is never run by root: what breaks out of a sandbox would be root.",
            "Grade as the course's grader account.",
        )
    return [
        bwrap,
        *("--unshare-user", "--unshare-all", "--new-session", "--cap-drop", "ALL"),
        *_files(),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--tmpfs", "/tmp", "--tmpfs", "/home", "--dir", HOME),  # noqa: S108 - its own
        *("--remount-ro", "/", "--chdir", "/"),
        *(word for name, value in _environment().items() for word in ("--setenv", name, value)),
        *program,
    ]


def _files() -> list[str]:
    words = ["--ro-bind", "/usr", "/usr"]
    for name in _PROGRAMS:
        path = Path("/") / name
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            words += ["--ro-bind", str(path), str(path)]
    for name in _SETTINGS:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    prefixes = {sys.prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}
    for prefix in sorted(p for p in prefixes if not Path(p).is_relative_to("/usr")):
        words += ["--ro-bind", os.path.realpath(prefix), prefix]
    return words


def _environment() -> dict[str, str]:
    return {"PATH": f"{sys.prefix}/bin:{_SEARCH}", "HOME": HOME, "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108


def check() -> None:
    """Make both walls, and see. Raises CampusError where this account on this machine can make no sandbox."""
    try:
        run_sync(command([*SERVER, "--try"]), what="Making a sandbox", timeout=_TRY_SECONDS, env={})
    except ProgramFailed as error:
        raise CampusError(
            "no-sandbox",
            "Student code cannot be run here: this machine lets this account make no sandbox.",
            "Ask an operator to allow user namespaces (user.max_user_namespaces, kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns) on every node that grades.",
            error.detail,
        ) from error
