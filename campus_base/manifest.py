"""What every manifest is made of (site, course, kit): tables of typed values, in TOML.

Messages say what is wanted, and never the value: it may be secret.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_DAYS = 366

_DURATION = r"^[1-9][0-9]{0,7}[smhd]$"
_DURATION_OR_OFF = r"^([1-9][0-9]{0,7}[smhd]|off)$"
_NAME = r"^[a-z][a-z0-9-]{0,29}$"

# What a pattern asks for, in the words of the error messages and of the settings page.
PATTERNS = {
    _DURATION: "a number more than zero and s, m, h or d, like 45m or 2h",
    _DURATION_OR_OFF: "a number more than zero and s, m, h or d, like 45m or 2h, or off",
    _NAME: "a name of lower-case letters, digits and -, beginning with a letter, at most 30 long",
}


class Part(BaseModel):
    """A table of a manifest: unknown keys are mistakes, values never change after loading."""

    # Strict: true is no number and "4" is no 4, so a slip of the pen is told and not guessed at.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


def duration_seconds(text: str) -> int:
    """Seconds in ``90s``, ``45m``, ``2h`` or ``1d``. Raises ValueError on anything else."""
    if not re.fullmatch(_DURATION[1:-1], text, re.ASCII):
        raise ValueError(f"must be {PATTERNS[_DURATION]}")
    return int(text[:-1]) * _SECONDS[text[-1]]


def seconds_or_none(text: str) -> int | None:
    """Seconds in a duration, None for ``off``. Raises ValueError on anything else."""
    return None if text == "off" else duration_seconds(text)


def _duration(text: str) -> str:
    if duration_seconds(text) > _LONGEST_DAYS * _SECONDS["d"]:
        raise ValueError(f"must be {_LONGEST_DAYS}d or less")
    return text


def _duration_or_off(text: str) -> str:
    return text if text == "off" else _duration(text)


def one_line(text: str) -> str:
    """The text, where it is one line. Raises ValueError."""
    # Format characters are out too: some turn the direction of the text that follows.
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text):
        raise ValueError("must be one line without control characters")
    if text != text.strip():
        raise ValueError("must not begin or end with a space")
    return text


def names_differ(rows: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse rows that share a name. Raises ValueError."""
    names = [row.name for row in rows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"has more than one named {', '.join(twice)}; give each a name of its own")
    return rows


Row = TypeVar("Row")
Many = Annotated[tuple[Row, ...], Strict(False)]
Named = Annotated[tuple[Row, ...], Strict(False), AfterValidator(names_differ)]

Duration = Annotated[str, Field(pattern=_DURATION), AfterValidator(_duration)]
DurationOrOff = Annotated[str, Field(pattern=_DURATION_OR_OFF), AfterValidator(_duration_or_off)]
Line = Annotated[str, AfterValidator(one_line)]
Name = Annotated[str, Field(pattern=_NAME)]
