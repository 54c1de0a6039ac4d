"""Reading a manifest (site, course, kit): every mistake at once, each with its key, its value and what to do.

Sources: pydantic's "Validation Errors" reference for the error types and their context.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from campus_base.errors import CampusError
from campus_base.manifest import PATTERNS

_LARGEST = 1024 * 1024
_LONGEST_SHOWN = 80

# Keys that could hold a secret, or get one by mistake: their values are never shown. Nor is one with @ or ?
# (addresses can carry passwords), nor that of a key which does not exist.
_SECRET = re.compile(r"secret|password|\bkey\b|^database\b")
_NOT_SHOWN = {"missing", "extra_forbidden", "model_type", "model_attributes_type", "tuple_type"}

_MESSAGES = {
    "missing": "is missing; add it",
    "string_type": 'must be text, in quotes: "..."',
    "path_type": 'must be a path, in quotes: "/..."',
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a number",
    "bool_type": "must be true or false, without quotes",
    "datetime_type": "must be a date with a time and an offset, without quotes: 2026-11-15T22:59:00Z",
    "timezone_aware": "must say its offset from UTC: 2026-11-15T22:59:00Z",
    "greater_than_equal": "must be {ge:g} or more",
    "greater_than": "must be more than {gt:g}",
    "less_than_equal": "must be {le:g} or less",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must be {words}",
    "too_short": "must have at least one entry; add one",
    "tuple_type": "must be a list: [...], or for tables one [[{key}]] for each",
    "model_type": "must be a table, with settings of its own below [{key}]",
    "model_attributes_type": "must be a table, with settings of its own below [{key}]",
}

Model = TypeVar("Model", bound=BaseModel)


class ManifestError(CampusError):
    """A manifest that can't be used. ``problems`` holds one line for each mistake."""

    def __init__(self, kind: ManifestKind[Any], path: Path, problems: list[str], remedy: str = "") -> None:
        self.problems = problems
        what = kind.name
        super().__init__(
            what.replace(" ", "-"),
            f"The {what} {path} cannot be used:\n  " + "\n  ".join(problems) + "\n",
            remedy or kind.remedy(path),
        )


def _no_relations(parts: Mapping[str, Any]) -> list[str]:
    return []


@dataclass(frozen=True)
class ManifestKind(Generic[Model]):
    """One kind of manifest: its model, and what its messages say."""

    name: str
    """What people call such a file, as in "site file"."""
    model: type[Model]
    documentation: str
    """Where its keys are explained."""
    remedy: Callable[[Path], str]
    """What to do about a file with mistakes."""
    patterns: Mapping[str, str] = field(default_factory=lambda: PATTERNS)
    """What a pattern asks for, in words."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """Sentences for error types that only this kind has."""
    tagged: Mapping[str, str] = field(default_factory=dict)
    """Key of a table that comes in several forms -> the key inside it that says which."""
    relations: Callable[[Mapping[str, Any]], list[str]] = _no_relations
    """What must fit together between the parts: mistakes, a line each. The model checks it too."""

    def parse(self, text: str, path: Path) -> Model:
        """The manifest in TOML text. Raises ManifestError naming every mistake; ``path`` is for the message."""
        try:
            settings = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ManifestError(self, path, [f"it is not TOML: {error}"]) from None
        except (
            ValueError,
            RecursionError,
        ):  # what tomllib makes of overlong numbers and of lists in lists in lists
            says = f"it is no {self.name}: a number is too long, or a list too deep"
            raise ManifestError(self, path, [says]) from None
        sound: dict[str, Any] = {}
        try:
            return self.model.model_validate(settings, context=sound)
        except ValidationError as error:
            raise ManifestError(self, path, self._problems(error, sound)) from None

    def read(self, path: Path) -> Model:
        """The manifest in a file. Raises ManifestError, also when the file is missing or unreadable."""
        try:
            if path.exists() and not path.is_file():
                raise ManifestError(self, path, ["it is not a file"], f"Name a {self.name}")
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        except FileNotFoundError:
            raise ManifestError(self, path, ["there is no such file"], "Name one that there is") from None
        except OSError as error:
            says = f"it cannot be read: {error.strerror}"
            raise ManifestError(self, path, [says], "Make it readable, or name another") from None
        if len(data) > _LARGEST:
            raise ManifestError(self, path, [f"it is larger than {_LARGEST} bytes"], f"Name a {self.name}")
        try:
            return self.parse(data.decode("utf-8-sig"), path)
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise ManifestError(self, path, [f"it is not UTF-8 text: see line {line}"]) from None

    def schema(self) -> str:
        """The JSON schema of such a file, for editors."""
        return json.dumps(self.model.model_json_schema(), indent=2, ensure_ascii=False) + "\n"

    # -- mistakes in words --------------------------------------------------------------------------

    def _problems(self, error: ValidationError, sound: dict[str, Any]) -> list[str]:
        errors = error.errors(include_url=False)
        # A list that lost its only row to a mistake in it is reported as empty, too: the mistake says enough.
        broken_rows = {e["loc"][:depth] for e in errors for depth in range(1, len(e["loc"]))}
        errors = [e for e in errors if not (e["type"] == "too_short" and e["loc"] in broken_rows)]
        found = [line for e in errors for line in self._problem(e)]
        if any(e["loc"] for e in errors):  # else the parts were sound, and what does not fit is in the error
            broken = {e["loc"][0] for e in errors}
            defaults = {name: f.default for name, f in self.model.model_fields.items() if not f.is_required()}
            parts = {name: part for name, part in (defaults | sound).items() if name not in broken}
            found += self.relations(parts)
        return found

    def _problem(self, error: Any) -> list[str]:
        key, kind = self._key(error), error["type"]
        messages = {**_MESSAGES, **self.messages}
        if kind == "value_error":
            lines = error["msg"].removeprefix("Value error, ").splitlines()
        elif kind == "extra_forbidden":
            lines = [self._no_such_setting(str(error["loc"][-1]))]
        elif kind in messages:
            context = error.get("ctx", {})
            words = self.patterns.get(context.get("pattern", ""))
            lines = [messages[kind].format(**{"key": key, "words": words, **context})]
        else:
            lines = [error["msg"]]
        return [f"{key}{_value(key, error)}: {line}" for line in lines] if key else lines

    def _key(self, error: Any) -> str:
        location = list(error["loc"])
        if location[:1] and location[0] in self.tagged:
            if error["type"].startswith("union_tag"):
                location.append(self.tagged[location[0]])
            else:
                del location[1:2]  # pydantic puts the form there
        text = ""
        for step in location:
            bare = isinstance(step, str) and re.fullmatch(r"[A-Za-z0-9_-]+", step, re.ASCII)
            text += f"[{step + 1}]" if isinstance(step, int) else f".{step if bare else json.dumps(step)}"
        return _printable(text.lstrip("."))

    def _no_such_setting(self, name: str) -> str:
        tables = self.model.model_json_schema()
        known = {key for table in (tables, *tables.get("$defs", {}).values()) for key in table.get("properties", ())}
        close = get_close_matches(name[:_LONGEST_SHOWN], sorted(known), 1)
        meant = f"did you mean {close[0]}? If not, " if close else ""
        return f"is no setting here; {meant}remove it ({self.documentation} lists all)"


def _printable(text: str) -> str:
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}... ({len(text)} characters)"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)


def _value(key: str, error: Any) -> str:
    value = error["input"]
    if error["type"] in _NOT_SHOWN or _SECRET.search(key) or isinstance(value, dict | list | tuple):
        return ""
    if isinstance(value, int) and abs(value) > 10**_LONGEST_SHOWN:
        return " = (a very large number)"
    if any(character in str(value) for character in "@?"):
        return ""
    return f" = {_printable(json.dumps(value, default=str, ensure_ascii=False))}"
