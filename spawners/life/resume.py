"""The last session once more: the same size and options, with one click. JupyterLab brings the documents back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from spawners.allowed.offer import SessionSize
from spawners.life.failure import Ended
from spawners.refusal import SessionRefused

OPTION = "resume"


def offer(ended: Ended | None, sizes: Sequence[SessionSize]) -> str:
    """What would be resumed, like ``One GPU, 90 minutes``; empty where there is nothing, or no such size any more."""
    if ended is None:
        return ""
    asked = ended.options.get("size") or sizes[0].name
    size = next((size for size in sizes if size.name == asked), None)
    if size is None:
        return ""
    minutes = ended.options.get("minutes")
    return f"{size.title}, {minutes} minutes" if minutes else size.title


def query(next_url: str = "") -> str:
    """The query of a spawn page's address that resumes at once; ``next_url`` is where to go afterwards."""
    return "?" + urlencode({f"opt-{OPTION}": "1"} | ({"next": next_url} if next_url else {}))


def options_of(ended: Ended | None) -> dict[str, Any]:
    """The options of the session that ended. Raises SessionRefused where there is none."""
    if ended is None:
        raise SessionRefused("There is no session to resume. Choose a size.", reason="request-refused")
    return dict(ended.options)
