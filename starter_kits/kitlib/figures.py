"""The kit's figures: what its model reached on data it has not seen, beside the baseline."""

from __future__ import annotations

import json
import math
from typing import Any

from kitlib import settings

_FILE = "figures.json"


def keep(*, baseline: float, model: float, **more: Any) -> dict[str, Any]:
    """Write ``results/figures.json``, in the metric that ``kit.toml`` names, and return what is in it.

    ``more`` may hold numbers, texts, truth values, and lists or dicts of these. Raises ValueError for a number that
    is not finite.
    """
    from kitlib import compute  # torch comes with it

    found = {key: _plain(key, value) for key, value in {"baseline": baseline, "model": model, **more}.items()}
    found["scale"] = compute.scale()
    (settings.results() / _FILE).write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return found


def read() -> dict[str, Any]:
    """What was kept last. Raises FileNotFoundError, saying what to do, where nothing was."""
    file = settings.root() / "results" / _FILE
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there yet: run the notebooks first, in order")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def _plain(key: str, value: Any) -> Any:
    """A value as JSON has it: a number of numpy or torch becomes Python's."""
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, dict):
        return {str(name): _plain(f"{key}.{name}", inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(key, inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} = {value} is no figure to keep")
    return value
