"""A kit's data sheet, ``data/croissant.json``: that it is complete, and speaks of the files that are there.

Source: "Croissant Format Specification" 1.0 (docs.mlcommons.org/croissant), "Dataset-level Information", "FileObject"
and "RecordSets". What it calls contentUrl is here a path in the kit (of a file with data, or of the program that makes
it), or ``package:PACKAGE/PATH`` for a file that a Python package brings along.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.kits.kit import Data, KitFolder

SHEET = "data/croissant.json"
CONFORMS = "http://mlcommons.org/croissant/1.0"
PACKAGED = "package:"
_NEEDED = (
    *("@context", "@type", "conformsTo", "name", "description", "license"),
    *("url", "creator", "datePublished", "distribution", "recordSet"),
)
_OF_A_FILE = ("name", "contentUrl", "encodingFormat", "sha256")


class SheetError(CampusError):
    """A data sheet that is not right; ``problems`` has a line for each mistake."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(
            "kit-data-sheet",
            "\n  ".join((f"The data sheet {path} is not right:", *problems)) + "\n",
            "Correct it; starter_kits/README.md says what is in it.",
        )


def read(path: Path) -> dict[str, Any]:
    """The sheet. Raises SheetError where it is no JSON object."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SheetError(path, [f"it is not JSON: {error}"]) from None
    if not isinstance(found, dict):
        raise SheetError(path, ["it must be one object, of the type Dataset"])
    return found


def check(folder: KitFolder) -> str:
    """A line on what was found right. Raises SheetError naming every mistake."""
    path = folder.path / SHEET
    sheet = read(path)
    if problems := [*_dataset(sheet), *_files(folder, sheet), *_agrees(folder.kit.data, sheet)]:
        raise SheetError(path, problems)
    files, records = _rows(sheet["distribution"]), _rows(sheet["recordSet"])
    fields = sum(len(_rows(record.get("field"))) for record in records)
    licences = ", ".join(_licences(sheet))
    return f"{len(files)} files as they are in the data sheet, {fields} fields described, under {licences}"


def packaged(folder: KitFolder) -> dict[str, str]:
    """Files that Python packages bring along -> their sha256, as the sheet has it."""
    return {
        row["contentUrl"].removeprefix(PACKAGED): row["sha256"]
        for row in _rows(read(folder.path / SHEET).get("distribution"))
        if str(row.get("contentUrl", "")).startswith(PACKAGED)
    }


def _rows(value: Any) -> list[dict[str, Any]]:
    several = value if isinstance(value, list) else [value]
    return [row for row in several if isinstance(row, dict)]


def _dataset(sheet: dict[str, Any]) -> Iterator[str]:
    known = {key.rpartition(":")[2] if key.startswith(("sc:", "dct:")) else key for key in sheet}
    for key in _NEEDED:
        if key not in known:
            yield f"{key} is missing; add it"
    kind = sheet.get("@type")
    if kind is not None and str(kind).rpartition(":")[2].rpartition("/")[2] != "Dataset":
        yield f'@type = {json.dumps(kind)}: must be "sc:Dataset"'
    says = sheet.get("conformsTo", sheet.get("dct:conformsTo"))
    if says is not None and CONFORMS not in (says if isinstance(says, list) else [says]):
        yield f'conformsTo = {json.dumps(says)}: must be "{CONFORMS}"'
    for number, record in enumerate(_rows(sheet.get("recordSet")), 1):
        if not _rows(record.get("field")):
            yield f"recordSet[{number}] has no field; say what the columns are"
        for place, field in enumerate(_rows(record.get("field")), 1):
            for key in ("name", "description", "dataType"):
                if not field.get(key):
                    yield f"recordSet[{number}].field[{place}].{key} is missing; add it"


def _files(folder: KitFolder, sheet: dict[str, Any]) -> Iterator[str]:
    """Mistakes in what the sheet says of files, and data that it says nothing of."""
    rows = _rows(sheet.get("distribution"))
    if "distribution" in sheet and not rows:
        yield "distribution must name at least one file"
    for number, row in enumerate(rows, 1):
        if missing := [key for key in _OF_A_FILE if not isinstance(row.get(key), str) or not row[key]]:
            yield from (f"distribution[{number}].{key} is missing; add it" for key in missing)
            continue
        at, said = row["contentUrl"], row["sha256"]
        if not re.fullmatch(r"[0-9a-f]{64}", said) and at.startswith(PACKAGED):
            yield f"distribution[{number}].sha256: must be 64 hexadecimal digits"
        elif not at.startswith(PACKAGED):
            yield from (f"distribution[{number}].{mistake}" for mistake in _file(folder.path, at, said))
    named = {row.get("contentUrl") for row in rows}
    for file in folder.files():
        name = str(file.relative_to(folder.path))
        if name.startswith("data/") and name not in named and name != SHEET and file.suffix != ".py":
            yield f"distribution does not name {name}; add it with its source, or remove the file"


def _file(kit: Path, at: str, said: str) -> Iterator[str]:
    file = kit / at
    if at.startswith("/") or ".." in Path(at).parts or "://" in at or not file.is_file():
        yield (
            f'contentUrl = "{at}": must be a file of the kit, like data/table.csv or the program that makes the data, '
            f"or {PACKAGED}PACKAGE/PATH"
        )
        return
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != said:
        yield f"sha256: {at} is another file than the sheet speaks of; if that is meant, write {found}"


def _licences(sheet: dict[str, Any]) -> list[str]:
    said = sheet.get("license", [])
    return [_licence(one) for one in (said if isinstance(said, list) else [said])]


def _licence(said: Any) -> str:
    """A licence's name, from its name, its address, or an object with one of them."""
    if isinstance(said, dict):
        said = said.get("name") or said.get("url") or said.get("@id", "")
    return str(said).rstrip("/").rpartition("/")[2].removesuffix(".html")


def _agrees(data: Sequence[Data], sheet: dict[str, Any]) -> Iterator[str]:
    """Where kit.toml and the sheet tell different things."""
    rows = [*_rows(sheet.get("distribution")), *_rows(sheet.get("recordSet"))]
    names = {sheet.get("name"), *(row.get("name") for row in rows)}
    licences = _licences(sheet)
    for each in data:
        if each.name not in names:
            yield (
                f"kit.toml has the data set {json.dumps(each.name)}, and nothing here has that name; "
                "give it to the dataset, a file or a recordSet"
            )
        if each.licence not in licences:
            said = ", ".join(licences) or "empty"
            yield f"kit.toml has {each.licence} for {json.dumps(each.name)}, and license here is {said}"
