"""Why a submission lost points, other than that its code is wrong."""

from __future__ import annotations

import dataclasses
import re
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """What happened; docs/grading.md explains each."""

    MEMORY = "memory"
    TIME = "time"
    CELL_TIME = "cell-time"
    STUCK = "stuck"
    OUTPUT = "output"
    DIED = "died"
    GARBLED = "garbled"
    SCORE = "score"
    UNREADABLE = "unreadable"


# What fills in a sentence is a number or one of our own words, so that none can carry a hidden test out.
_SENTENCES = {
    Cause.MEMORY: "The notebook needed more memory than the {memory_mib} MiB that a submission may use.",
    Cause.TIME: "The notebook took longer than the {seconds} seconds that it may take.",
    Cause.CELL_TIME: "The cell ran longer than the {seconds} seconds that a cell may take, and was interrupted.",
    Cause.STUCK: "The cell did not end within {seconds} seconds, and could not be interrupted.",
    Cause.OUTPUT: "The notebook printed or showed more than the {output_mib} MiB that it may.",
    Cause.DIED: "The notebook's kernel ended: {end}.",
    Cause.GARBLED: "The notebook's kernel sent messages that no kernel sends.",
    Cause.SCORE: "The test gave {value:g} as its score, which is not between 0 and {points:g}.",
    Cause.UNREADABLE: "The notebook cannot be graded: {reason}.",
}
ENDINGS = ("it did not start", "it exited with status {status}", "it was killed by {signal}")
NOT_GRADED, SCORE_ERROR = "NotGraded", "ScoreError"
_NUMBER = r"-?(?:\d{1,6}(?:\.\d{1,3})?|nan|inf)"
_FIELDS = re.compile(r"\\{(\w+)(?::g)?\\}")
_SHOWN = [
    re.compile(_FIELDS.sub(lambda field: r"SIG[A-Z]{2,6}" if field[1] == "signal" else _NUMBER, re.escape(sentence)))
    for sentence in (
        *(text for cause, text in _SENTENCES.items() if cause not in (Cause.DIED, Cause.UNREADABLE)),
        *(_SENTENCES[Cause.DIED].format(end=end) for end in ENDINGS),
    )
]


@dataclasses.dataclass(frozen=True)
class Fault:
    """One cause, in words."""

    cause: Cause
    sentence: str
    notebook: str = ""
    cell: str = ""
    """The first cell that lost its points by it: its grade_id, or its place from 1 on."""
    log: str = ""
    """The end of what the kernel wrote elsewhere than into its cells. Student code wrote it: show it as plain text."""


def fault(cause: Cause, *, notebook: str = "", cell: str = "", log: str = "", **values: object) -> Fault:
    """A fault with its sentence; ``values`` fill it in."""
    return Fault(cause, _SENTENCES[cause].format(**values), notebook, cell, log)


def is_ours(output: Any) -> bool:
    """Whether an output is a fault of ours, and not what student code made to look like one."""
    named = output.output_type == "error" and output.ename in (NOT_GRADED, SCORE_ERROR)
    return named and any(pattern.fullmatch(output.evalue) for pattern in _SHOWN)
