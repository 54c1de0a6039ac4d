"""The process that does nbgrader's work for this session: started when it is needed, and ends when it is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

from campus_base.errors import CampusError

_LONGEST = 1 << 26  # bytes of an answer
_COMMAND = ("-I", "-m", "extensions.coursework.work")


class Helper:
    """``folder`` is the one whose courses it works on: the root of JupyterLab's files."""

    def __init__(self, folder: str, log: Any) -> None:
        self._folder, self._log = folder, log
        self._one_at_a_time = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, what: str, **named: Any) -> Any:
        """What extensions.coursework.work answers. Raises CampusError, its refusal among them."""
        line = json.dumps({"do": what, "with": named}).encode() + b"\n"
        async with self._one_at_a_time:
            # It may end just now, being idle. Whatever it does may be done twice.
            answer = await self._answer(line) or await self._answer(line)
        if not answer:
            raise CampusError(
                "helper-ended",
                "The program that does this ended before it had answered.",
                "Is the session's memory used up? Shut down notebooks that you do not need, and try again.",
            )
        said = json.loads(answer)
        if "refused" in said:
            raise CampusError(**said["refused"])
        return said["said"]

    async def _answer(self, line: bytes) -> bytes:
        """Empty where the process ended."""
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line)
            await process.stdin.drain()
            return await process.stdout.readline()
        except ConnectionError:
            return b""
        except BaseException:  # an answer that nobody waits for would be taken for the next one's
            self.end()
            raise

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None or self._process.stdout.at_eof():  # type: ignore[union-attr]
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *_COMMAND, cwd=self._folder, stdin=pipe, stdout=pipe, limit=_LONGEST
            )
        return self._process

    def end(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process = None
