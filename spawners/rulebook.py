"""Rulebook: what Slurm lets people use, and what they use now, asked once for everybody."""

from __future__ import annotations

import asyncio
import logging
import time

from campus_base.errors import CampusError
from spawners.limits import Use
from spawners.slurm import Transport
from spawners.slurm.rules import Rules

log = logging.getLogger("campus.rulebook")

_RULES_SECONDS = 60.0  # how old the rules may be
_DOUBTED_SECONDS = 3.0  # the same while somebody doubts them
_USE_SECONDS = 5.0  # how old may be what people use, while somebody looks at it
_WANTED_SECONDS = 60.0  # how long after the last look it is still kept fresh


class Rulebook:
    """The last good answers. Slurm's silence leaves them as they are."""

    def __init__(self, slurm: Transport) -> None:
        self.rules = Rules()
        self.use = Use()
        self._slurm = slurm
        self._asking = asyncio.Lock()
        self._doubted = False
        self._rules_asked = self._use_asked = self._wanted = -_RULES_SECONDS * 2  # monotonic

    async def look(self) -> None:
        """Have both as fresh as they are to be; whoever else looks shares the answers. Raises nothing."""
        self._wanted = time.monotonic()
        await self.freshen()

    def doubt(self) -> None:
        """Something was refused that may be allowed by now, or the other way round: the rules are asked for again."""
        self._doubted = True

    async def ask_again(self) -> None:
        """Have the rules as of now: for whoever has changed them. Raises nothing."""
        self._rules_asked = -_RULES_SECONDS * 2
        await self.look()

    async def freshen(self) -> None:
        """Ask for what is too old. Raises nothing."""
        async with self._asking:
            now = time.monotonic()
            if now - self._rules_asked > (_DOUBTED_SECONDS if self._doubted else _RULES_SECONDS):
                self._rules_asked, self._doubted = now, False
                await self._ask_rules()
            looked_at = now - self._wanted < _WANTED_SECONDS
            # Elsewhere an account is what its owner wrote, and no limit holds.
            if looked_at and "limits" in self.rules.enforced and now - self._use_asked > _USE_SECONDS:
                self._use_asked = now
                await self._ask_use()

    async def _ask_rules(self) -> None:
        try:
            rules = await self._slurm.rules()
        except CampusError as error:
            log.warning("What Slurm lets people use stays as it was: %s", error.detail)
            return
        if rules.accounting and rules.associations is None:
            kept = {"associations": self.rules.associations, "qos": self.rules.qos}
            rules = rules.model_copy(update=kept)
        self.rules = rules

    async def _ask_use(self) -> None:
        try:
            claims = await self._slurm.claims()
        except CampusError as error:
            log.warning("What people use stays as it was: %s", error.detail)
            return
        self.use = await asyncio.to_thread(Use, claims)
