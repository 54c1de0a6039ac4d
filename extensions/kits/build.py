"""A kit as people get it: notebooks built from their texts, and what every kit computes and tracks with beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat

from campus_base.errors import CampusError
from extensions import percent
from extensions.kits.kit import KITLIB, SETTINGS, KitFolder

APP = "app"
_SETTINGS = """\
# How this kit computes. The environment's KIT_SCALE goes before scale, so that a batch job can say it for itself.
scale = "default"   # "full": more data, and a GPU where there is one
seed = 1
country = "LUX"     # whose electricity it is, for the carbon dioxide of a run: an ISO 3166-1 code of three letters
"""
_IGNORED = "results/\n__pycache__/\n.ipynb_checkpoints/\n"


def build(folder: KitFolder, into: Path, kitlib: Path) -> None:
    """Write the kit's published form into ``into``, a folder that is there and empty.

    ``kitlib`` is the library to put beside it. The same kit gives the same bytes. Raises CampusError for a text that
    is no notebook.
    """
    texts = {*folder.texts(), folder.path / f"{APP}.py"}
    for file in folder.files():
        target = into / file.relative_to(folder.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file in texts:
            target.with_suffix(".ipynb").write_text(_notebook(file), "utf-8")
        else:
            shutil.copyfile(file, target)
    for file in _library(kitlib):
        target = into / KITLIB / file.relative_to(kitlib)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    if not (into / SETTINGS).exists():
        (into / SETTINGS).write_text(_SETTINGS)
    (into / ".gitignore").write_text(_IGNORED)


def _library(kitlib: Path) -> Iterator[Path]:
    """Its files without its tests, which are ours."""
    return (f for f in sorted(kitlib.rglob("*.py")) if f.relative_to(kitlib).parts[0] != "tests")


def _notebook(path: Path) -> str:
    notebook = percent.read(path)
    if not any(cell.cell_type == "code" for cell in notebook.cells):
        raise CampusError(
            "kit-notebook", f"{path} has no cell with code.", "Write it in the percent format: cells begin with # %%."
        )
    for number, cell in enumerate(notebook.cells):
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
        cell.id = percent.cell_id(path.stem, number)
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook)
    return text + "\n"
