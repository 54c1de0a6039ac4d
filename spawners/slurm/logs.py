"""The end of a session's log, which lies in the home of the person whose session it is."""

from __future__ import annotations

from campus_base.process import Identity, run

LOG_BYTES = 16384


def end_of(path: str) -> list[str]:
    """The command that prints it."""
    return ["tail", f"--bytes={LOG_BYTES}", "--", path]


async def read_end(path: str, identity: Identity | None) -> str:
    """Read it as its owner, since root need not be able to and must not be told to. Raises ProgramFailed."""
    done = await run(end_of(path), what="Reading the log", timeout=10, env={"PATH": "/usr/bin:/bin"}, identity=identity)
    return done.stdout
