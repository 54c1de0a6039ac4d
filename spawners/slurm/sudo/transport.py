"""Slurm's commands as the transport ``cli`` runs them, but through sudo and the wrapper beside this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campus_base.errors import CampusError
from campus_base.process import Identity, ProgramFailed, Result, Secret, revealed
from campus_base.process import run as run_program
from spawners import metrics
from spawners.slurm.cli import CliTransport
from spawners.slurm.logs import end_of
from spawners.slurm.sudo.wrapper import REFUSED

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


class NotPermitted(CampusError):
    """sudo, or the wrapper, does not let the hub do this."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "not-permitted",
            "Campus may not act for people on this machine at the moment.",
            "Running sessions go on; an operator finds the reason in the log.",
            detail,
        )


@dataclass(frozen=True)
class SudoTransport(CliTransport):
    """``wrapper`` is where it is installed; ``operator`` the account that Slurm lets see and lengthen all jobs."""

    wrapper: str = ""
    operator: str = ""

    async def run(
        self,
        argv: Sequence[str],
        what: str,
        identity: Identity | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> Result:
        """Run one of Slurm's commands as a person, or as the operator; sinfo tells everybody all it knows.

        Raises ProgramFailed, or NotPermitted.
        """
        if argv[0] == "sinfo":
            return await super().run(argv, what)
        return await metrics.counted(self._through_sudo)(argv, what, identity, env or {}, stdin)

    async def log_end(self, path: str, identity: Identity | None) -> str:
        """The end of a session's log, read as its owner. Raises ProgramFailed, or NotPermitted."""
        return (await self._through_sudo(end_of(path), "Reading the log", identity, {}, "")).stdout

    async def _through_sudo(
        self, argv: Sequence[str], what: str, identity: Identity | None, env: Mapping[str, str], stdin: str
    ) -> Result:
        whom = f"#{identity.uid}" if identity else self.operator
        # A job's environment holds its secrets, and everybody reads a command line.
        asked = Secret(json.dumps({"arguments": list(argv[1:]), "environment": revealed(env), "input": stdin}))
        try:
            return await run_program(
                ["sudo", "--non-interactive", f"--user={whom}", "--", self.wrapper, argv[0]],
                what=what,
                timeout=self.timeout,
                env=_ENVIRONMENT,
                stdin=asked,
            )
        except ProgramFailed as error:
            if error.result and (error.result.status == REFUSED or error.detail.startswith("sudo: ")):
                raise NotPermitted(error.detail) from error
            raise
