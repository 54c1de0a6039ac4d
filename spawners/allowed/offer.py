"""What there is to ask for: the sizes and environments of the site, and the refusal of what there is not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from campus_base.errors import CampusError
from campus_base.shared import Shared
from spawners.allowed.environments import SessionEnvironment

CASCADE = ("reservation", "account", "partition", "qos")
"""What Slurm lets a person choose between: each of them narrows what those after it may be."""

LABELS = {key: key for key in CASCADE} | {"qos": "quality of service"}


@dataclass(frozen=True)
class SessionSize:
    """A size that the site offers. Memory in MiB, times in seconds."""

    name: str
    title: str
    description: str
    partition: str
    gpus: int
    gpu_type: str | None
    cpus: int
    memory_mib: int
    seconds: int
    max_seconds: int
    account: str | None
    max_memory_mib: int | None = None
    """The most that a person may ask for; None fixes the memory."""
    shards: int = 0
    """Slices of one GPU, in place of whole ones."""


@dataclass(frozen=True)
class Offer(Shared):
    """What the site offers everybody; the first size and the first environment serve whoever names none."""

    sizes: Sequence[SessionSize]
    environments: Sequence[SessionEnvironment]
    choices: frozenset[str] = frozenset(CASCADE)
    """Which of Slurm's own choices the site leaves to people."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What people read instead of a partition's name."""

    def size(self, name: object) -> SessionSize:
        """The size of that name, the first where there is none."""
        return next((size for size in self.sizes if size.name == name), self.sizes[0])


class RequestRefused(CampusError):
    """A request that the site, or Slurm, does not allow this person. ``option`` is the one at fault, where one is."""

    def __init__(self, message: str, remedy: str, option: str = "") -> None:
        super().__init__("request-refused", message, remedy)
        self.option = option


def shown(value: object) -> str:
    """Somebody's value as it may stand in a sentence."""
    text = re.sub(r"[^\w .:=+-]", "?", str(value)[:40], flags=re.ASCII)
    return f"'{text}'"
