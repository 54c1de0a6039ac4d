"""``/receipts``: whether a receipt is ours, and whether what it stands for is here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from extensions.exchange.archive import File
from extensions.exchange.receipts import is_signed
from extensions.exchange.refusals import TooMany
from extensions.exchange.service import trees
from extensions.exchange.service.bodies import malformed
from extensions.exchange.service.handler import ApiHandler
from extensions.exchange.service.tables import KEYS, SUBMISSIONS
from extensions.exchange.service.visit import Visit

_WELL = "We gave this receipt, and its files are here, unchanged."
_FORGED = "We did not give this receipt, or it was changed since."
_LOST = "We gave this receipt, but its files are not all here. Tell an operator, and keep the receipt."


def keys(visit: Visit) -> dict[str, str]:
    return {row.key: row.public for row in visit.connection.execute(select(KEYS))}


def promised(visit: Visit, receipt: dict[str, Any]) -> list[File] | None:
    """The files that a receipt stands for; None where it is not ours."""
    public = keys(visit).get(str(receipt.get("key")))
    if not public or not is_signed(receipt, public):
        return None
    row = visit.connection.execute(select(SUBMISSIONS.c.tree).where(SUBMISSIONS.c.id == receipt["id"])).first()
    found = trees.files(visit.connection, row.tree) if row else []
    return found if trees.shown(found) == receipt["files"] else []


class Verify(ApiHandler):
    async def post(self) -> None:
        try:
            receipt = json.loads(self.request.body)
        except (ValueError, RecursionError):
            receipt = None
        if not isinstance(receipt, dict):
            raise malformed("the body must be a receipt")
        with self._alone():
            files = await self.ask(promised, receipt)
            if files is None:
                self.answer({"valid": False, "kept": False, "sentence": _FORGED})
                return
            kept = bool(files) and await self._are_here(files)
            self.answer({"valid": True, "kept": kept, "sentence": _WELL if kept else _LOST})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One receipt of each person at a time: it is a lot of reading."""
        verifying, name = self.exchange.verifying, self.asker.name
        if name in verifying:
            raise TooMany("too-many", "Another receipt of yours is being looked at.", "Try again in a moment.")
        verifying.add(name)
        try:
            yield
        finally:
            verifying.remove(name)

    async def _are_here(self, files: list[File]) -> bool:
        """One file after another, so that everybody's turn comes."""
        return all([await self.in_thread(self.exchange.store.holds, file) for file in files])


class Keys(ApiHandler):
    async def get(self) -> None:
        current = self.exchange.signer.key
        found = await self.ask(keys)
        self.answer([{"key": key, "public": public, "current": key == current} for key, public in found.items()])
