"""SessionRequest: what a person may ask for, checked on the server in every path (form, URL, REST)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from spawners.allowed.entitlements import Choice
from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.offer import CASCADE, LABELS, Offer, RequestRefused, SessionSize, shown
from spawners.allowed.ways import Longest, Means, longest_of, way_for

_LEAST_MEMORY_MIB = 512
_MEBIBYTES = {"M": 1, "G": 1024, "T": 1024 * 1024}
_MEMORY = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(?:([MGT])(?:i?B)?)?", re.ASCII | re.IGNORECASE)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=64, strict=True)

    size: str | None = None
    minutes: int | str | None = None
    reservation: str | None = None
    account: str | None = None
    partition: str | None = None
    qos: str | None = None
    memory: int | str | None = None
    environment: str | None = None


OPTIONS = tuple(_Options.model_fields)


@dataclass(frozen=True)
class SessionRequest:
    """A checked request: a size, for so many seconds, and where it runs on whose account.

    ``account`` and ``qos`` are None where Slurm's own choice for the person is the right one.
    """

    size: SessionSize
    environment: SessionEnvironment
    memory_mib: int
    partition: str
    account: str | None
    qos: str | None
    reservation: str | None
    seconds: int
    way: Choice = field(compare=False)
    """The way behind it, with the account and the quality of service that Slurm takes by itself."""
    longest: Longest = field(compare=False)


def check_request(options: Mapping[str, Any], offer: Offer, means: Means | None) -> SessionRequest:
    """The request behind raw options (see OPTIONS); ``means`` is None while nobody knows what Slurm allows.

    The usual time is cut to what is left of a reservation; a time that was asked for is refused where it is too long.

    Raises:
        RequestRefused: an unknown option, or a value that the site does not offer or Slurm does not allow this person.
    """
    asked = _read(options)
    size = _named(asked.size, "size", "session size", offer.sizes)
    environment = _named(asked.environment, "environment", "environment", offer.environments)
    memory = memory_mib(asked.memory, size)
    wanted = {key: value for key in CASCADE if (value := getattr(asked, key)) is not None}
    for key in wanted:
        if key not in offer.choices:
            raise RequestRefused(f"This site does not let people choose the {LABELS[key]}.", f"Leave {key} out.", key)
        if means is None:
            raise RequestRefused(
                f"Slurm does not say at the moment which {LABELS[key]} you may use.",
                f"Leave {key} out, or try again in a few minutes.",
                key,
            )
    way = way_for(wanted, size, means) if means else Choice(size.partition, None, None, None, None, default=True)
    longest = longest_of(way, size, means) if means else Longest(size.max_seconds)
    return SessionRequest(
        size=size,
        environment=environment,
        memory_mib=memory,
        partition=way.partition,
        account=wanted.get("account") or (None if way.default else way.account) or size.account,
        qos=wanted.get("qos") or (None if way.default else way.qos),
        reservation=way.reservation,
        seconds=_seconds(asked.minutes, size, longest, way.reservation),
        way=way,
        longest=longest,
    )


def _read(options: Mapping[str, Any]) -> _Options:
    try:
        return _Options.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            known = f"{', '.join(OPTIONS[:-1])} and {OPTIONS[-1]}"
            raise RequestRefused(f"A session has no option {shown(key)}.", f"The options are {known}.", key) from None
        raise RequestRefused(
            f"The option {shown(key)} is not usable.", "Give a short text; minutes and memory may be numbers.", key
        ) from None


Row = TypeVar("Row", SessionSize, SessionEnvironment)


def _named(name: str | None, option: str, what: str, rows: Sequence[Row]) -> Row:
    """The row of that name, the first where none is given."""
    found = rows[0] if name is None else next((row for row in rows if row.name == name), None)
    if found is None:
        names = ", ".join(row.name for row in rows)
        raise RequestRefused(f"There is no {what} {shown(name)}.", f"Choose one of {names}.", option)
    return found


def least_memory(size: SessionSize) -> int:
    """The least that may be asked for, in MiB: JupyterLab and one kernel do not start with less."""
    return min(_LEAST_MEMORY_MIB, size.memory_mib)


def memory_mib(asked: int | str | None, size: SessionSize) -> int:
    """The memory of a session in MiB. A number without a unit counts GB, as on the page. Raises RequestRefused."""
    if asked is None or asked == "":
        return size.memory_mib
    match = _MEMORY.fullmatch(str(asked).strip())
    if not match:
        raise RequestRefused(f"{shown(asked)} is not an amount of memory.", "Write it like 6G or 1536M.", "memory")
    wanted = round(float(match[1]) * _MEBIBYTES[(match[2] or "G").upper()])
    if size.max_memory_mib is None and wanted != size.memory_mib:
        raise RequestRefused(
            f"The memory of size {size.name} is {gigabytes(size.memory_mib)} GB.", "Choose another size.", "memory"
        )
    least, most = least_memory(size), size.max_memory_mib or size.memory_mib
    if not least <= wanted <= most:
        raise RequestRefused(
            f"A session of size {size.name} has {gigabytes(least)} to {gigabytes(most)} GB memory, not {shown(asked)}.",
            "Ask for an amount in between, or choose another size.",
            "memory",
        )
    return wanted


def gigabytes(mib: int) -> str:
    """An amount of memory as people read it, without its unit."""
    return f"{mib / 1024:.4g}"


def _seconds(minutes: int | str | None, size: SessionSize, longest: Longest, reservation: str | None) -> int:
    most = longest.seconds // 60
    if most < 1:
        raise _too_short(longest, reservation)
    if minutes is None or minutes == "":
        return min(size.seconds, most * 60)
    if isinstance(minutes, str) and not (minutes.isascii() and minutes.isdigit()):
        raise RequestRefused(
            f"{shown(minutes)} is not a number of minutes.", f"Give a number from 1 to {most}.", "minutes"
        )
    if not 1 <= int(minutes) <= most:
        said = {
            "size": f"A session of size {size.name} runs",
            "limits": "Slurm lets you run a session like this",
            "reservation": f"A session in the reservation {reservation} runs",
            "maintenance": "Until the maintenance of the nodes a session runs",
        }[longest.because]
        raise RequestRefused(
            f"{said} for 1 to {most} minutes, not {shown(minutes)}.", "Ask for a shorter time.", "minutes"
        )
    return int(minutes) * 60


def _too_short(longest: Longest, reservation: str | None) -> RequestRefused:
    remedy = "Choose something else, or try again later."
    if longest.because == "reservation":
        return RequestRefused(f"The reservation {reservation} ends within a minute.", remedy, "reservation")
    if longest.because == "maintenance":
        return RequestRefused("A maintenance of the nodes begins within a minute.", remedy)
    return RequestRefused("Slurm's limits let you run a session like this for less than a minute.", remedy)
