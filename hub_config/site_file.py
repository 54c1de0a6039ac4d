"""Reading a site file: every mistake at once, each with its key, its value and what to do.

Sources: pydantic's "Validation Errors" reference for the error types and their context.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from campus_base.errors import CampusError
from hub_config import site_checks
from hub_config.site import Site
from hub_config.site_types import PATTERNS

LOCAL = Path(__file__).parent / "sites" / "local.toml"
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
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must be {words}",
    "too_short": "must have at least one entry; add one",
    "tuple_type": "must be a list: [...], or for tables one [[{key}]] for each",
    "model_type": "must be a table, with settings of its own below [{key}]",
    "model_attributes_type": "must be a table, with settings of its own below [{key}]",
    "union_tag_invalid": 'must be "demo", "pam" or "oidc"',
    "union_tag_not_found": 'is missing; add method = "demo", "pam" or "oidc"',
}


class SiteFileError(CampusError):
    """A site file that can't be used. ``problems`` holds one line for each mistake."""

    def __init__(self, path: Path, problems: list[str], remedy: str = "") -> None:
        self.problems = problems
        super().__init__(
            "site-file",
            f"The site file {path} cannot be used:\n  " + "\n  ".join(problems) + "\n",
            remedy or f"Correct the file and run ./campus check {shlex.quote(str(path))}",
        )


def _printable(text: str) -> str:
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}... ({len(text)} characters)"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)


def _key(error: Any) -> str:
    location = list(error["loc"])
    if location[:1] == ["authentication"]:
        del location[1:2]  # pydantic puts the method there
        if error["type"].startswith("union_tag"):
            location.append("method")
    text = ""
    for step in location:
        bare = isinstance(step, str) and re.fullmatch(r"[A-Za-z0-9_-]+", step, re.ASCII)
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step if bare else json.dumps(step)}"
    return _printable(text.lstrip("."))


def _value(key: str, error: Any) -> str:
    value = error["input"]
    if error["type"] in _NOT_SHOWN or _SECRET.search(key) or isinstance(value, dict | list | tuple):
        return ""
    if isinstance(value, int) and abs(value) > 10**_LONGEST_SHOWN:
        return " = (a very large number)"
    if any(character in str(value) for character in "@?"):
        return ""
    return f" = {_printable(json.dumps(value, default=str, ensure_ascii=False))}"


def _no_such_setting(name: str) -> str:
    tables = Site.model_json_schema()
    known = {key for table in (tables, *tables["$defs"].values()) for key in table["properties"]}
    close = get_close_matches(name[:_LONGEST_SHOWN], sorted(known), 1)
    meant = f"did you mean {close[0]}? If not, " if close else ""
    return f"is no setting here; {meant}remove it (docs/settings.md lists all)"


def _problem(error: Any) -> list[str]:
    key, kind = _key(error), error["type"]
    if kind == "value_error":
        lines = error["msg"].removeprefix("Value error, ").splitlines()
    elif kind == "extra_forbidden":
        lines = [_no_such_setting(str(error["loc"][-1]))]
    elif kind in _MESSAGES:
        context = error.get("ctx", {})
        words = PATTERNS.get(context.get("pattern", ""))
        lines = [_MESSAGES[kind].format(**{"key": key, "words": words, **context})]
    else:
        lines = [error["msg"]]
    return [f"{key}{_value(key, error)}: {line}" for line in lines] if key else lines


def _problems(error: ValidationError, sound: dict[str, Any]) -> list[str]:
    errors = error.errors(include_url=False)
    # A list that lost its only row to a mistake in it is reported as empty, too: the mistake says enough.
    broken_rows = {e["loc"][:depth] for e in errors for depth in range(1, len(e["loc"]))}
    errors = [e for e in errors if not (e["type"] == "too_short" and e["loc"] in broken_rows)]
    found = [line for e in errors for line in _problem(e)]
    if any(e["loc"] for e in errors):  # else the parts were sound, and what does not fit is in the error
        broken = {e["loc"][0] for e in errors}
        defaults = {name: f.default for name, f in Site.model_fields.items() if not f.is_required()}
        parts = {name: part for name, part in (defaults | sound).items() if name not in broken}
        found += site_checks.problems(parts)
    return found


def parse_site(text: str, path: Path) -> Site:
    """A Site from TOML text. Raises SiteFileError naming every mistake; ``path`` is for the message."""
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteFileError(path, [f"it is not TOML: {error}"]) from None
    except (
        ValueError,
        RecursionError,
    ):  # what tomllib makes of overlong numbers and of lists in lists in lists
        raise SiteFileError(path, ["it is no site file: a number is too long, or a list too deep"]) from None
    sound: dict[str, Any] = {}
    try:
        return Site.model_validate(settings, context=sound)
    except ValidationError as error:
        raise SiteFileError(path, _problems(error, sound)) from None


def read_site(path: Path) -> Site:
    """The Site in a file. Raises SiteFileError, also when the file is missing or unreadable."""
    try:
        if path.exists() and not path.is_file():
            raise SiteFileError(path, ["it is not a file"], "Name a site file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise SiteFileError(path, ["there is no such file"], "Name one that there is") from None
    except OSError as error:
        raise SiteFileError(
            path, [f"it cannot be read: {error.strerror}"], "Make it readable, or name another"
        ) from None
    if len(data) > _LARGEST:
        raise SiteFileError(path, [f"it is larger than {_LARGEST} bytes"], "Name a site file")
    try:
        return parse_site(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SiteFileError(path, [f"it is not UTF-8 text: see line {line}"]) from None


def schema() -> str:
    """The JSON schema of a site file, for editors."""
    return json.dumps(Site.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
