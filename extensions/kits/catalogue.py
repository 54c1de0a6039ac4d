"""What Home reads of a published kit: facts as JSON, texts as parts of pages, pictures.

The folder holds ``kit.json`` (the manifest's keys, and ``name``, ``tree``, ``form``, ``files``, ``bytes``,
``figures``), ``notebooks/STEM.html``, ``readme.html``, ``card.html``, ``croissant.json`` and ``pictures/*.png``. The
parts of pages have neither scripts nor styles; their classes are those of nbconvert's template "basic".
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from markdown_it import MarkdownIt
from nbformat import NotebookNode

from extensions.kits.croissant import SHEET
from extensions.kits.kit import KitFolder, as_json

FACTS = "kit.json"
FORM = 1
"""Of these pages: another number, and all kits are written anew."""
_PLACEHOLDER = re.compile(r"\{[a-z][a-z0-9_]*(:[^{}]*)?\}")  # as kitlib's card has them
_NOT_YET = "*(computed when it runs)*"
_LOUD = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_STYLED = re.compile(r"""\s(style|on[a-z]+)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def facts(folder: KitFolder, built: Path, tree: str, figures: dict[str, Any] | None) -> dict[str, Any]:
    """What ``kit.json`` says; ``figures`` are those of the run whose outputs the pages show, None without one."""
    files = [file for file in built.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    return as_json(folder) | {"tree": tree, "form": FORM, "files": len(files), "bytes": size, "figures": figures}


def write(folder: KitFolder, built: Path, into: Path, said: dict[str, Any], executed: Path | None = None) -> None:
    """Write the entry into a folder that is empty.

    ``executed`` is a folder with the notebooks as they were run; the card is then that which the run filled.
    """
    (into / "notebooks").mkdir()
    for notebook in folder.kit.notebooks:
        source = executed or built / "notebooks"
        cells = nbformat.read(source / f"{notebook.stem}.ipynb", as_version=4).cells
        (into / "notebooks" / f"{notebook.stem}.html").write_text("".join(map(_cell, cells)), "utf-8")
    filled = built / "results" / "model_card.md"
    card = (filled if executed else built / "model_card.md").read_text("utf-8")
    (into / "card.html").write_text(_page(card if executed else _PLACEHOLDER.sub(_NOT_YET, card)), "utf-8")
    (into / "readme.html").write_text(_page((built / "README.md").read_text("utf-8")), "utf-8")
    shutil.copyfile(built / SHEET, into / "croissant.json")
    (into / "pictures").mkdir()
    for picture in sorted((built / "pictures").glob("*.png")):
        shutil.copyfile(picture, into / "pictures" / picture.name)
    (into / FACTS).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _page(text: str) -> str:
    """Markdown as HTML; HTML in it stays text."""
    made: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return made


def _cell(cell: NotebookNode) -> str:
    if cell.cell_type == "markdown":
        return f'<div class="cell text_cell_render">{_page(cell.source)}</div>\n'
    if cell.cell_type != "code" or not cell.source.strip():
        return ""
    shown = "".join(_outputs(cell.outputs))
    code = f'<div class="input_area"><div class="highlight"><pre>{escape(cell.source)}</pre></div></div>'
    below = f'<div class="output_area">{shown}</div>' if shown else ""
    return f'<div class="cell">{code}{below}</div>\n'


def _outputs(outputs: list[NotebookNode]) -> Iterator[str]:
    """What a cell showed, in the richest form that a page may have; what went to stderr is left out."""
    for output in outputs:
        data = output.get("data", {})
        if output.output_type == "stream" and output.name == "stdout":
            yield f"<pre>{escape(_ANSI.sub('', output.text))}</pre>"
        elif "image/png" in data:
            yield f'<img src="data:image/png;base64,{"".join(data["image/png"].split())}" alt="What this cell draws">'
        elif "text/html" in data:
            yield _STYLED.sub("", _LOUD.sub("", data["text/html"]))
        elif "text/markdown" in data:
            yield _page(data["text/markdown"])
        elif "text/plain" in data and "application/vnd.jupyter.widget-view+json" not in data:
            yield f"<pre>{escape(data['text/plain'])}</pre>"
