"""What a kit's figures say: whether its model is better than the baseline by what ``kit.toml`` asks for."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.kits.kit import Kit

FIGURES = "results/figures.json"


def figures(built: Path, name: str) -> dict[str, Any]:
    """What the notebooks kept. Raises CampusError where it is not there, or lacks a number."""
    try:
        found = json.loads((built / FIGURES).read_text("utf-8"))
    except FileNotFoundError:
        raise CampusError(
            "kit-figures",
            f"The notebooks of {name} keep no figures.",
            "Call figures.keep(baseline=…, model=…) of kitlib in one of them.",
        ) from None
    except ValueError as error:
        raise CampusError("kit-figures", f"{FIGURES} of {name} is not JSON: {error}.", "Use figures.keep.") from None
    for key in ("baseline", "model"):
        value = found.get(key) if isinstance(found, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise CampusError(
                "kit-figures", f"{FIGURES} of {name} has no number {key}.", "Call figures.keep with both numbers."
            )
    return dict(found)


def judge(kit: Kit, name: str, found: dict[str, Any]) -> str:
    """A line on how model and baseline compare. Raises CampusError where the margin is missed."""
    baseline, model = found["baseline"], found["model"]
    gain = kit.gain(baseline, model)
    compared = f"{kit.metric}: model {model:.4g}, baseline {baseline:.4g}"
    if gain < kit.margin:
        raise CampusError(
            "kit-margin",
            f"The model of {name} is better than its baseline by {gain:.4g}, and kit.toml asks for {kit.margin:g} "
            f"({compared}; {kit.better} is better).",
            "Improve the model, or ask for what it reaches (margin in kit.toml).",
        )
    return f"{compared}: better by {gain:.4g}, {kit.margin:g} is asked for"
