"""The Python environments: made from hash locks, complete or not there."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import psutil

from campus_base.process import run_sync
from hub_config.paths import Paths

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = CHECKOUT / "images" / "locks"
_PACKAGES = ("campus_base", "hub_config", "spawners", "extensions")
_SESSION_LOCKS = (LOCKS / "session.txt", LOCKS / "torch.txt")
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


def installed_source(environment: Path) -> str:
    """Digest of the code that an environment has; empty where none is installed, or only half."""
    stamp = _stamp(environment, "source")
    return stamp.read_text() if stamp.exists() else ""


def locked_environment(paths: Paths) -> tuple[Path, str]:
    """The session environment that this checkout's locks ask for, and the digest that marks it as complete."""
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in _SESSION_LOCKS)).hexdigest()
    return paths.environments / f"session-{wanted[:12]}", wanted


def is_complete(paths: Paths) -> bool:
    """Whether the session environment of this checkout's locks is there."""
    environment, wanted = locked_environment(paths)
    return _is(_stamp(environment, "complete"), wanted)


def ensure_session_environment(paths: Paths, *, shared: bool) -> bool:
    """Packages of notebook sessions: the lock, then torch (the build that fits the machine). True if it is another.

    Every lock has a folder of its own, and ``paths.session_env`` points at the current one: sessions that run or wait
    on the one before keep it. With ``shared`` they may run on other machines too, so none is ever removed.
    Raises ProgramFailed when pip does; what is half made is made anew by the next call.
    """
    environment, wanted = locked_environment(paths)
    if made := not is_complete(paths):
        shutil.rmtree(environment, ignore_errors=True)
        environment.parent.mkdir(parents=True, exist_ok=True)
        base = str(Path(sys.executable).resolve())
        run_sync([base, "-m", "venv", str(environment)], what=f"Making {environment}", timeout=120)
        lock, torch = map(str, _SESSION_LOCKS)
        _pip(environment, "--no-deps", "--require-hashes", "-r", lock, what="Installing the session's packages")
        _pip(environment, "-r", torch, what="Installing torch")
        _stamp(environment, "complete").write_text(wanted)
    before = paths.session_env.resolve() if paths.session_env.is_symlink() else None
    if before == environment.resolve():
        return made
    staged = paths.session_env.with_name("session.new")
    staged.unlink(missing_ok=True)
    staged.symlink_to(environment)
    staged.replace(paths.session_env)
    if not shared:
        _drop_unused(paths.environments, keep={environment.resolve(), before})
    return True


def _drop_unused(folder: Path, keep: set[Path | None]) -> None:
    """Remove older environments that no process runs on."""
    used = {part for process in psutil.process_iter(["cmdline"]) for part in process.info["cmdline"] or []}
    for environment in folder.glob("session-*"):
        if environment.resolve() not in keep and not any(part.startswith(f"{environment}/") for part in used):
            shutil.rmtree(environment, ignore_errors=True)


def ensure_project(environment: Path) -> bool:
    """Campus's own code in an environment, as in this checkout. True if it was renewed. Raises ProgramFailed."""
    wanted = source_digest()
    stamp = _stamp(environment, "source")
    if _is(stamp, wanted):
        return False
    stamp.unlink(missing_ok=True)
    _pip(
        environment,
        *("--no-deps", "--no-build-isolation", "--no-index", "--force-reinstall", str(CHECKOUT)),
        what=f"Installing Campus into {environment}",
    )
    stamp.write_text(wanted)
    return True
