"""Rulebook: what Slurm lets people use, asked once for everybody."""

from __future__ import annotations

import asyncio
import logging
import time

from campus_base.errors import CampusError
from spawners.slurm import Transport
from spawners.slurm.rules import Rules

log = logging.getLogger("campus.rulebook")

_RULES_SECONDS = 60.0  # how old the rules may be
_DOUBTED_SECONDS = 3.0  # the same while somebody doubts them


class Rulebook:
    """The last good answer. Slurm's silence leaves it as it is."""

    def __init__(self, slurm: Transport) -> None:
        self.rules = Rules()
        self._slurm = slurm
        self._asking = asyncio.Lock()
        self._doubted = False
        self._asked = -_RULES_SECONDS * 2  # monotonic

    def doubt(self) -> None:
        """Something was refused that may be allowed by now, or the other way round: the rules are asked for again."""
        self._doubted = True

    async def ask_again(self) -> None:
        """Have the rules as of now: for whoever has changed them. Raises nothing."""
        self._asked = -_RULES_SECONDS * 2
        await self.freshen()

    async def freshen(self) -> None:
        """Ask for rules that are too old; whoever else looks shares the answer. Raises nothing."""
        async with self._asking:
            now = time.monotonic()
            if now - self._asked > (_DOUBTED_SECONDS if self._doubted else _RULES_SECONDS):
                self._asked, self._doubted = now, False
                await self._ask()

    async def _ask(self) -> None:
        try:
            rules = await self._slurm.rules()
        except CampusError as error:
            log.warning("What Slurm lets people use stays as it was: %s", error.detail)
            return
        if rules.accounting and rules.associations is None:
            kept = {"associations": self.rules.associations, "qos": self.rules.qos}
            rules = rules.model_copy(update=kept)
        self.rules = rules
