"""Reading a site file: every mistake at once, each with its key, its value and what to do."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from campus_base.errors import CampusError
from pydantic import ValidationError

from hub_config.site import Site

LOCAL = Path(__file__).parent / "sites" / "local.toml"

REMEDIES = {
    "extra_forbidden": "no such setting; remove it, or see the settings list for its right name",
    "missing": "add it",
    "union_tag_invalid": "choose demo, pam or oidc",
    "union_tag_not_found": 'add method = "demo", "pam" or "oidc"',
}


class SiteFileError(CampusError):
    """A site file that can't be used. ``problems`` holds one line for each mistake."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.problems = problems
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__(
            "site-file",
            f"{path} has {count}:\n  " + "\n  ".join(problems) + "\n",
            f"Correct the file and run ./campus check {path}",
        )


def _key(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        if step in ("demo", "pam", "oidc"):
            continue
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def _problem(error) -> list[str]:
    key = _key(error["loc"])
    says = error["msg"].removeprefix("Value error, ")
    if not key:
        return says.splitlines()
    remedy = REMEDIES.get(error["type"])
    value = error["input"]
    shown = "" if isinstance(value, dict | list | tuple) else f" = {json.dumps(value, default=str)}"
    return [f"{key}{shown if error['type'] != 'missing' else ''}: {says}{f' - {remedy}' if remedy else ''}"]


def parse_site(text: str, path: Path) -> Site:
    """A Site from TOML text. Raises SiteFileError naming every mistake; ``path`` is for the message."""
    try:
        return Site.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SiteFileError(path, [f"not TOML: {error}"]) from None
    except ValidationError as error:
        problems = [line for e in error.errors(include_url=False) for line in _problem(e)]
        raise SiteFileError(path, problems) from None


def read_site(path: Path) -> Site:
    """The Site in a file. Raises SiteFileError, also when the file is missing or unreadable."""
    try:
        return parse_site(path.read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise SiteFileError(path, [f"not UTF-8 text: {error.reason} at byte {error.start}"]) from None
    except OSError as error:
        raise SiteFileError(path, [f"cannot be read: {error.strerror}"]) from None


def schema() -> str:
    """The JSON schema of a site file, for editors."""
    return json.dumps(Site.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
