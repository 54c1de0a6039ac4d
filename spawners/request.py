"""SessionRequest: what a person may ask for, checked on the server in every path (form, URL, REST)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from campus_base.errors import CampusError


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


class RequestRefused(CampusError):
    """A request that the site does not allow."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("request-refused", message, remedy)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=64, strict=True)

    size: str | None = None
    minutes: int | str | None = None


@dataclass(frozen=True)
class SessionRequest:
    """A checked request: one of the site's sizes, for so many seconds."""

    size: SessionSize
    seconds: int


def _shown(value: object) -> str:
    text = re.sub(r"[^\w .:=+-]", "?", str(value)[:40], flags=re.ASCII)
    return f"'{text}'"


def check_request(options: Mapping[str, Any], sizes: Sequence[SessionSize]) -> SessionRequest:
    """The request behind raw options (``size``, ``minutes``); without a size, the site's first.

    Raises:
        RequestRefused: an unknown option, an unknown size, or a time that is no number or too long.
    """
    names = ", ".join(size.name for size in sizes)
    try:
        asked = _Options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = _shown(".".join(str(step) for step in first["loc"][:1]))
        if first["type"] == "extra_forbidden":
            raise RequestRefused(f"A session has no option {key}.", "The options are size and minutes.") from None
        raise RequestRefused(
            f"The option {key} is not usable.", f"Give one of the sizes {names}, and minutes as a number."
        ) from None
    size = sizes[0] if asked.size is None else next((s for s in sizes if s.name == asked.size), None)
    if size is None:
        raise RequestRefused(f"There is no session size {_shown(asked.size)}.", f"Choose one of {names}.")
    return SessionRequest(size, _seconds(asked.minutes, size))


def _seconds(minutes: int | str | None, size: SessionSize) -> int:
    if minutes is None or minutes == "":
        return size.seconds
    longest = size.max_seconds // 60
    if isinstance(minutes, str) and not (minutes.isascii() and minutes.isdigit()):
        raise RequestRefused(f"{_shown(minutes)} is not a number of minutes.", f"Give a number from 1 to {longest}.")
    if not 1 <= int(minutes) <= longest:
        raise RequestRefused(
            f"A session of size {size.name} runs for 1 to {longest} minutes, not {_shown(minutes)}.",
            "Ask for a shorter time.",
        )
    return int(minutes) * 60
