"""Which session a kit opens in: one that runs and is enough, one that is on its way, or a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from extensions.home.settings import Settings, Size

Does = Literal["go", "ask", "stopping"]
COMING = ("waiting", "starting")


@dataclass(frozen=True)
class Way:
    """What to do: go on into the session, ask the person first, or wait until it has stopped.

    ``session`` is the one meant, as the hub tells of it; its name is empty for the usual one.
    """

    does: Does
    session: dict[str, Any]


def enough(have: Size, wanted: Size) -> bool:
    """Whether what asks for one size can be run in a session of another."""
    if have == wanted:
        return True
    sliced = not wanted.shards or have.gpus > 0 or have.shards >= wanted.shards
    return sliced and have.gpus >= wanted.gpus and have.memory_mib >= wanted.memory_mib


def way(sessions: Sequence[dict[str, Any]], wanted: Size, settings: Settings) -> Way:
    """For the sessions as the hub tells of them, the usual one first (docs/operators.md, "The pages' API")."""

    def serves(one: dict[str, Any]) -> bool:
        return enough(settings.size(one["size"]), wanted)

    usual = sessions[0]
    if running := next((one for one in sessions if one["state"] == "running" and serves(one)), None):
        return Way("go", running)
    if usual["state"] == "none" or (usual["state"] in COMING and serves(usual)):
        return Way("go", usual)
    return Way("stopping" if usual["state"] == "stopping" else "ask", usual)
