"""What a kit's ``croissant.json`` says of its data: Croissant 1.0, JSON-LD (docs.mlcommons.org/croissant).

A sheet is read as far as it is understood: what has another form than expected is left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from extensions.home.language import N_

_MOST = 40  # rows of one table
_LONGEST = 2000  # characters of one text

# Keys of the vocabularies that Croissant uses (schema.org, RAI 1.0) -> what they are called on the page.
_TOLD = {
    "creator": N_("Made by"),
    "publisher": N_("Published by"),
    "datePublished": N_("Published on"),
    "version": N_("Version"),
    "url": N_("Source"),
    "isBasedOn": N_("Based on"),
    "citeAs": N_("Cite as"),
    "dataCollection": N_("How it was made"),
    "dataCollectionType": N_("Kind of collection"),
    "dataPreprocessingProtocol": N_("How it was prepared"),
    "dataAnnotationProtocol": N_("How it was labelled"),
    "personalSensitiveInformation": N_("Personal or sensitive information"),
    "dataBiases": N_("Known biases"),
    "dataLimitations": N_("Limits"),
    "dataUseCases": N_("What it is for"),
    "dataSocialImpact": N_("Effect on people"),
}


@dataclass(frozen=True)
class Row:
    """A fact; ``label`` is translated where it is shown."""

    label: str
    text: str
    link: str = ""


@dataclass(frozen=True)
class File:
    name: str
    size: str
    form: str
    sha256: str


@dataclass(frozen=True)
class Field:
    name: str
    form: str
    text: str


@dataclass(frozen=True)
class Sheet:
    name: str = ""
    text: str = ""
    licence: Row | None = None
    facts: tuple[Row, ...] = ()
    files: tuple[File, ...] = ()
    fields: tuple[Field, ...] = ()


def sheet(raw: bytes) -> Sheet:
    """The sheet; an empty one where it is no JSON object."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return Sheet()
    if not isinstance(found, dict):
        return Sheet()
    rows = (
        _row(label, value) for label, value in ((_TOLD.get(_bare(key)), value) for key, value in found.items()) if label
    )
    licence = _row(N_("Licence"), found.get("license"))
    return Sheet(
        name=_text(found.get("name")),
        text=_text(found.get("description")),
        licence=licence if licence.text else None,
        facts=tuple(row for row in rows if row.text)[:_MOST],
        files=tuple(_file(one) for one in _list(found.get("distribution")) if _text(one.get("name")))[:_MOST],
        fields=tuple(
            Field(_text(one.get("name")), _kind(one.get("dataType")), _text(one.get("description")))
            for records in _list(found.get("recordSet"))
            for one in _list(records.get("field"))
            if _text(one.get("name"))
        )[:_MOST],
    )


def _bare(key: str) -> str:
    """A key without its vocabulary: ``rai:dataBiases`` is ``dataBiases``."""
    return key.rpartition(":")[2]


def _list(value: Any) -> list[dict[str, Any]]:
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, dict)]


def _text(value: Any) -> str:
    """A text, or the texts of a list, or the name of a thing, in one."""
    if isinstance(value, list):
        return "; ".join(found for found in map(_text, value[:_MOST]) if found)[:_LONGEST]
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("url") or value.get("@id") or value.get("@value"))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()[:_LONGEST]


def _row(label: str, value: Any) -> Row:
    text = _text(value)
    named = value.get("url") if isinstance(value, dict) else None
    link = next((one for one in (named, text) if isinstance(one, str) and re.fullmatch(r"https?://\S+", one)), "")
    return Row(label, text, link)


def _file(one: dict[str, Any]) -> File:
    return File(
        _text(one.get("name")),
        _text(one.get("contentSize")),
        _text(one.get("encodingFormat")),
        _text(one.get("sha256")),
    )


def _kind(value: Any) -> str:
    """``sc:Float`` as people read it: Float."""
    return ", ".join(_bare(one).rpartition("/")[2] for one in _text(value).split("; ") if one)
