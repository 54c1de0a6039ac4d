"""The Python environments: made from hash locks, complete or not there."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from campus_base.process import run_sync

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = CHECKOUT / "images" / "locks"
_PACKAGES = ("campus_base", "hub_config", "spawners", "extensions")
_PIP_SECONDS = 1800


def _pip(environment: Path, *arguments: str, what: str) -> None:
    argv = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    run_sync([*argv, "--quiet", *arguments], what=what, timeout=_PIP_SECONDS)


def _stamp(environment: Path, name: str) -> Path:
    return environment / f".{name}"


def _is(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def source_digest() -> str:
    """Digest of the code that an environment gets from this checkout."""
    digest = hashlib.sha256()
    files = [p for name in _PACKAGES for p in (CHECKOUT / name).rglob("*") if p.is_file()]
    for path in sorted([*files, CHECKOUT / "pyproject.toml", CHECKOUT / "jupyterhub_config.py"]):
        if "__pycache__" not in path.parts and "node_modules" not in path.parts:
            digest.update(f"{path.relative_to(CHECKOUT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def ensure_session_environment(environment: Path) -> bool:
    """Packages of notebook sessions: the lock, then torch (the build that fits the machine). True if it was made.

    Raises ProgramFailed when pip does; what is half made is made anew by the next call.
    """
    locks = [LOCKS / "session.txt", LOCKS / "torch.txt"]
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    stamp = _stamp(environment, "complete")
    if _is(stamp, wanted):
        return False
    shutil.rmtree(environment, ignore_errors=True)
    base = str(Path(sys.executable).resolve())
    run_sync([base, "-m", "venv", str(environment)], what=f"Making {environment}", timeout=120)
    _pip(environment, "--no-deps", "--require-hashes", "-r", str(locks[0]), what="Installing the session's packages")
    _pip(environment, "-r", str(locks[1]), what="Installing torch")
    stamp.write_text(wanted)
    return True


def ensure_project(environment: Path) -> bool:
    """Campus's own code in an environment, as in this checkout. True if it was renewed. Raises ProgramFailed."""
    wanted = source_digest()
    stamp = _stamp(environment, "source")
    if _is(stamp, wanted):
        return False
    _pip(
        environment,
        *("--no-deps", "--no-build-isolation", "--no-index", "--force-reinstall", str(CHECKOUT)),
        what=f"Installing Campus into {environment}",
    )
    stamp.write_text(wanted)
    return True
