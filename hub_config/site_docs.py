"""What is made from the Site model: the JSON schema for editors, and docs/settings.md.

``python -m hub_config.site_docs CHECKOUT`` writes both into a checkout.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hub_config.site import Site
from hub_config.site_file import SITE_FILE
from hub_config.site_types import PATTERNS

SCHEMA = Path("hub_config/sites/site.schema.json")
SETTINGS = Path("docs/settings.md")

_INTRODUCTION = """\
# Settings

Everything that an operator may set stands in one TOML file, the site file. `./campus check FILE` names every
mistake in one; `./campus up --site FILE` uses it. `hub_config/sites/example.toml` is a commented production
site, and `hub_config/sites/local.toml` the embedded default. Editors that know JSON schemas check and
complete a site file that begins with `#:schema ./site.schema.json`, with that file beside it.

This page is made from the model in `hub_config/site.py` by `python -m hub_config.site_docs .`.
"""


def _table(heading: str, definition: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    """Lines of one table of the site file, then those of the tables below it."""
    below: list[tuple[str, dict[str, Any]]] = []
    rows = []
    for key, field in definition["properties"].items():
        path = key if heading == "" else f"{heading}.{key}"
        tables = _tables(path, field, definitions)
        below += tables
        if not tables:
            default = "required" if key in definition.get("required", ()) else _toml(field.get("default"))
            cells = (f"`{key}`", _type(field), default, field["description"])
            rows.append("| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |")
    if rows:
        yield from ("| Key | Type | Default | Meaning |", "|---|---|---|---|", *rows, "")
    for path, table in below:
        method = table["properties"].get("method", {}).get("const")
        name = f"[[{path.removesuffix('[]')}]]" if path.endswith("[]") else f"[{path}]"
        yield from (f"## `{name}`" + (f' with `method = "{method}"`' if method else ""), "")
        yield from ([table["description"], ""] if "description" in table else [])
        yield from _table(path, table, definitions)


def _tables(path: str, field: dict[str, Any], definitions: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The tables that a key stands for: none for a plain value, several where it is one of several kinds."""
    if field.get("type") == "array":
        return _tables(f"{path}[]", field["items"], definitions)
    choices = [field, *field.get("anyOf", ()), *field.get("oneOf", ())]
    return [(path, definitions[c["$ref"].rpartition("/")[2]]) for c in choices if "$ref" in c]


def _type(field: dict[str, Any]) -> str:
    """A value's type in words."""
    if "anyOf" in field:
        return _type(next(choice for choice in field["anyOf"] if choice["type"] != "null"))
    if "const" in field:
        return _toml(field["const"])
    if "enum" in field:
        return "one of " + ", ".join(_toml(value) for value in field["enum"])
    if "pattern" in field:
        return PATTERNS[field["pattern"]]
    low, high = field.get("minimum"), field.get("maximum")
    match field["type"]:
        case "array":
            return f"list, each {_type(field['items'])}"
        case "boolean":
            return "true or false"
        case "integer" | "number" as kind:
            return f"{'whole number' if kind == 'integer' else 'number'}, {low:g} to {high:g}"
    return f"text, up to {field['maxLength']} characters" if "maxLength" in field else "text"


def _toml(value: Any) -> str:
    return "" if value in (None, "") else f"`{json.dumps(value, ensure_ascii=False)}`"


def settings() -> str:
    """The text of docs/settings.md."""
    tree = Site.model_json_schema()
    lines: list[str] = ["## At the top of the file", "", *_table("", tree, tree["$defs"])]
    return _INTRODUCTION + "\n" + "\n".join(lines).rstrip().replace("``", "`") + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write both into the checkout that is the one argument; the exit status is 2 for any other use."""
    if len(arguments) != 1 or not (Path(arguments[0]) / SCHEMA.parent).is_dir():
        print("usage: python -m hub_config.site_docs CHECKOUT", file=sys.stderr)
        return 2
    checkout = Path(arguments[0])
    (checkout / SCHEMA).write_text(SITE_FILE.schema(), encoding="utf-8")
    (checkout / SETTINGS).write_text(settings(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
