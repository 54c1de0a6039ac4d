"""What can be told of a kit without running it: its manifest, its files, its notebooks' form, and its data sheet."""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from campus_base.errors import CampusError
from extensions.kits import croissant
from extensions.kits.build import build
from extensions.kits.kit import KitFolder

CARD = "model_card.md"
_CARD_SAYS = {
    "intended use": r"intended use|meant for",
    "the data": r"\bdata\b",
    "limits": r"limit",
    "the energy used": r"energy",
    "the EU AI Act": r"AI Act",
}


def check(folder: KitFolder, kitlib: Path) -> Iterator[str]:
    """A line for each thing that was found right. Raises CampusError at what is not."""
    kit = folder.kit
    yield f"{folder.name}: {kit.title} ({kit.sector}, {kit.minutes} minutes)"
    with tempfile.TemporaryDirectory() as into:
        build(folder, Path(into), kitlib)
    _code(folder)
    yield f"  built: {len(kit.notebooks)} notebooks, an app, the package {kit.package}"
    yield f"  data: {croissant.check(folder)}"
    _card(folder)
    yield "  model card: says what it is for, its data, its limits, its energy and what the EU AI Act asks"


def _code(folder: KitFolder) -> None:
    """Raises CampusError for Python that is none, and for MLflow without kitlib, which knows where runs belong."""
    texts = {*folder.texts(), folder.path / "app.py"}
    for file in folder.files():
        if file.suffix != ".py":
            continue
        code = file.read_text("utf-8")
        if file not in texts:  # a notebook may hold magics
            try:
                ast.parse(code)
            except SyntaxError as error:
                raise CampusError("kit-code", f"{file}, line {error.lineno}: {error.msg}.", "Correct it.") from None
        if found := re.search(r"^\s*(?:import|from) +(mlflow|codecarbon)\b", code, re.MULTILINE):
            line = code[: found.start()].count("\n") + 1
            raise CampusError(
                "kit-code",
                f"{file}, line {line}, imports {found[1]}.",
                "Use tracking of kitlib, which knows where runs belong.",
            )


def _card(folder: KitFolder) -> None:
    text = (folder.path / CARD).read_text("utf-8")
    missing = [what for what, pattern in _CARD_SAYS.items() if not re.search(pattern, text, re.IGNORECASE)]
    if missing:
        raise CampusError(
            "kit-card", f"{folder.path / CARD} does not speak of {', '.join(missing)}.", "Add what people have to know."
        )
