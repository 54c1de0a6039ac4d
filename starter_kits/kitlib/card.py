"""The model's card: ``model_card.md`` with its placeholders filled by what was computed."""

from __future__ import annotations

import re
from typing import Any

from kitlib import settings

TEMPLATE = "model_card.md"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(:[^{}]*)?\}")


def fill(**values: Any) -> str:
    """The card as text, also written to ``results/model_card.md``.

    A placeholder is ``{name}``, or ``{name:.3f}`` with a format as Python's ``format`` knows it. Raises ValueError
    naming the placeholders for which there is no value.
    """
    template = (settings.root() / TEMPLATE).read_text("utf-8")
    asked = {found[1] for found in _PLACEHOLDER.finditer(template)}
    if missing := sorted(asked - set(values)):
        raise ValueError(f"{TEMPLATE} asks for {', '.join(missing)}: give fill() a value for each")
    text = _PLACEHOLDER.sub(lambda found: format(values[found[1]], (found[2] or ":")[1:]), template)
    (settings.results() / TEMPLATE).write_text(text, "utf-8")
    return text
