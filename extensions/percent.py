"""Notebooks kept as text, in jupytext's percent format, as nbformat has them: the same text gives the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import jupytext
from nbformat import NotebookNode

_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def read(path: Path) -> NotebookNode:
    """The notebook behind a text, with the usual kernel; its cells' ids are random until :func:`cell_id` gives them."""
    notebook = jupytext.reads(path.read_text("utf-8"), fmt="py:percent")
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(_KERNEL), language_info=NotebookNode(name="python"))
    return notebook


def cell_id(stem: str, name: object) -> str:
    """An id that stays the same for the cell of that name, or number, in the notebook ``stem``."""
    return hashlib.sha256(f"{stem}/{name}".encode()).hexdigest()[:16]
