"""A kernel's outputs are what student code makes of them: only what nbformat describes gets into a notebook."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode, from_dict


class Garbled(Exception):
    """An output is none."""


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    if not isinstance(value, str):
        raise Garbled
    return value


def _bundle(value: Any) -> dict[str, Any]:
    """Data of a display, by MIME type: text, but for JSON."""
    if not isinstance(value, dict) or not all(isinstance(kind, str) for kind in value):
        raise Garbled
    return {kind: part if kind.endswith("json") else _text(part) for kind, part in value.items()}


def _metadata(value: Any, data: dict[str, Any]) -> dict[str, Any]:
    """By MIME type: numbers, switches, and a picture's words. Text as a size would become attributes in a page."""
    if not isinstance(value, dict):
        raise Garbled
    parts = {kind: part for kind in data if isinstance(part := value.get(kind), dict)}
    return {
        kind: {name: one for name, one in part.items() if isinstance(one, int | float) or _words(name, one)}
        for kind, part in parts.items()
    }


def _words(name: Any, value: Any) -> bool:
    return name == "alt" and isinstance(value, str)


def checked(output: Any) -> NotebookNode:
    """The output with the parts that its kind has (nbformat 4.5), and no other. Raises Garbled."""
    if not isinstance(output, dict):
        raise Garbled
    kind = output.get("output_type")
    made: dict[str, Any] = {"output_type": kind}
    if kind == "stream":
        if output.get("name") not in ("stdout", "stderr"):
            raise Garbled
        made |= {"name": output["name"], "text": _text(output.get("text"))}
    elif kind in ("display_data", "execute_result"):
        data = _bundle(output.get("data"))
        made |= {"data": data, "metadata": _metadata(output.get("metadata"), data)}
        if kind == "execute_result":
            made["execution_count"] = count(output.get("execution_count"))
    elif kind == "error":
        traceback = output.get("traceback")
        if not isinstance(traceback, list):
            raise Garbled
        made |= {
            "ename": _text(output.get("ename")),
            "evalue": _text(output.get("evalue")),
            "traceback": [_text(line) for line in traceback],
        }
    else:
        raise Garbled
    return from_dict(made)


def count(value: Any) -> int | None:
    """A number of an execution. Raises Garbled."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise Garbled
    return value


def error(name: str, sentence: str) -> NotebookNode:
    """An error output of ours: the cell gets no points, and says why."""
    return from_dict({"output_type": "error", "ename": name, "evalue": sentence, "traceback": [f"{name}: {sentence}"]})
