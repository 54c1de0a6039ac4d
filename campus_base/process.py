"""The one place that starts programs: an argument list, never a shell, always a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from campus_base.errors import CampusError

_DYING = 5.0  # seconds


class Secret(str):
    """A string that prints as stars; ``reveal()`` is the only way to the value."""

    def reveal(self) -> str:
        return super().__str__()

    def __str__(self) -> str:
        return "****"

    def __repr__(self) -> str:
        return "Secret('****')"

    def __format__(self, spec: str) -> str:
        return "****"


@dataclass(frozen=True)
class Identity:
    """The Unix account a program runs as: numeric uid, gid and supplementary gids; and its name."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Result:
    """What a program left: exit status and decoded output."""

    status: int
    stdout: str
    stderr: str


class ProgramFailed(CampusError):
    """A program could not start, overran its deadline, or exited non-zero.

    ``result`` is None where there is no exit status (it did not start, or was killed at its deadline).
    """

    def __init__(self, what: str, reason: str, result: Result | None = None) -> None:
        super().__init__(
            "program-failed",
            f"{what} failed: {reason}.",
            "Try again; if it persists, an operator finds the details in the log.",
            detail=(result.stderr or result.stdout).strip() if result else reason,
        )
        self.result = result


def _check(argv: Sequence[str]) -> list[str]:
    if isinstance(argv, str) or not argv:
        raise TypeError(f"a program is an argument list, not {argv!r}")
    if bad := [a for a in argv if isinstance(a, Secret) or "\0" in a]:
        raise ValueError(f"an argument may hold no secret and no null byte: {bad!r}")
    return list(argv)


def revealed(env: Mapping[str, str]) -> dict[str, str]:
    """An environment with the values of its secrets, for whoever passes it on to the program."""
    return {k: v.reveal() if isinstance(v, Secret) else v for k, v in env.items()}


def _verdict(what: str, result: Result, check: bool) -> Result:
    if check and result.status != 0:
        last = (result.stderr or result.stdout).strip().splitlines()[-1:] or [f"exit {result.status}"]
        raise ProgramFailed(what, last[0].rstrip("."), result)
    return result


async def run(
    argv: Sequence[str],
    *,
    what: str,
    timeout: float,
    env: Mapping[str, str],
    identity: Identity | None = None,
    stdin: str = "",
    cwd: str = "/",
    check: bool = True,
) -> Result:
    """Run a program without blocking the event loop.

    Args:
        argv: program and arguments. A plain string, a ``Secret`` or a null byte is refused.
        what: what it is for, as the subject of an error sentence ("Asking Slurm for the queue").
        timeout: seconds until it is killed.
        env: the whole environment; ``Secret`` values are revealed to the program only.
        identity: the account to become first (needs root, unless it is this one already), None to stay.
        check: raise on a non-zero exit.

    Raises:
        ProgramFailed: it did not start, overran its deadline, or (with ``check``) exited non-zero.
    """
    become: dict = {}
    if identity and identity.uid != os.geteuid():
        become = {
            "user": identity.uid,
            "group": identity.gid,
            "extra_groups": list(identity.groups),
        }
    try:
        process = await asyncio.create_subprocess_exec(
            *_check(argv),
            env=revealed(env),
            cwd=cwd,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            **become,
        )
    except OSError as error:
        raise ProgramFailed(what, f"{argv[0]} cannot be started ({error.strerror})") from error
    try:
        # Not wait_for: in Python 3.11 it drops a cancellation that comes together with the answer.
        async with asyncio.timeout(timeout):
            out, err = await process.communicate(stdin.encode())
    except BaseException as error:
        if process.returncode is None:
            with contextlib.suppress(PermissionError):  # of sudo, which is root's: it ends by its own deadline
                process.kill()
            # Bounded: a process that hangs in a dead file system does not even die when it is killed.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DYING):
                    await process.wait()
        if isinstance(error, TimeoutError):
            raise ProgramFailed(what, f"no answer within {timeout:g} seconds") from error
        raise
    result = Result(
        process.returncode or 0,
        out.decode(errors="replace"),
        err.decode(errors="replace"),
    )
    return _verdict(what, result, check)


def run_sync(
    argv: Sequence[str],
    *,
    what: str,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: str = "/",
    check: bool = True,
    output: BinaryIO | None = None,
) -> Result:
    """:func:`run` for the command line, where nothing else waits (``env`` None inherits).

    With ``output`` what it prints goes there, as it is, and not into the result.
    """
    try:
        done = subprocess.run(
            _check(argv),
            env=revealed(env) if env is not None else None,
            cwd=cwd,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise ProgramFailed(what, f"{argv[0]} cannot be started ({error.strerror})") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(what, f"no answer within {timeout:g} seconds") from error
    result = Result(
        done.returncode,
        (done.stdout or b"").decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )
    return _verdict(what, result, check)
