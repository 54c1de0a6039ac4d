"""What a trial (extensions.courses.trial) says of a course's tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from extensions.courses.wrong import Wrong

SOLUTION, RELEASED = "solution", "released"


def mistakes(assignment: str, found: dict[str, Any], wrong: Sequence[Wrong]) -> Iterator[str]:
    """A line for each thing that a test of the assignment should not have done.

    The solution gets all points and what trainees get none, neither of them ends its kernel, and a wrong answer loses
    points at the tests that it names and at no other.
    """
    for name in (SOLUTION, RELEASED):
        for cause in dict.fromkeys(found[name]["causes"]):
            yield f"{assignment}: the {name} version ends with the cause {cause!r} (docs/grading.md)"
    for cell, (score, most) in found[SOLUTION]["cells"].items():
        if score < most:
            yield f"{assignment}: the solution gets {score:g} of {most:g} points at {cell}"
    for cell, (score, most) in found[RELEASED]["cells"].items():
        if score > 0:
            yield f"{assignment}: what trainees get has {score:g} of {most:g} points at {cell} already"
    for answer in wrong:
        lost = {cell for cell, (score, most) in found[answer.name]["cells"].items() if score < most}
        for cell in sorted(answer.fails - lost):
            yield f"{assignment}: the wrong answer {answer.name} gets all points at {cell}"
        for cell in sorted(lost - answer.fails):
            yield f"{assignment}: the wrong answer {answer.name} loses points at {cell}, which it does not name"
