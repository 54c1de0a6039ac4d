"""What a course is called, and the account that grades it."""

from __future__ import annotations

import re

COURSE = r"[a-z][a-z0-9-]{0,22}"
"""A course: with ``grader-`` before it, it is a Unix account's name of 30 letters at most (useradd(8): 32)."""
COURSE_IN_WORDS = "lower-case letters, digits and -, a letter first, at most 23 long"
_GRADER = "grader-"


def grader_of(course: str) -> str:
    """The account that grades a course: of Unix, of Slurm and of JupyterHub."""
    return f"{_GRADER}{course}"


def is_grader(account: str) -> bool:
    """Whether an account of that name grades a course: nobody signs in as one."""
    return account.startswith(_GRADER)


def course_of(account: str) -> str | None:
    """The course that an account grades, None where it grades none."""
    course = account.removeprefix(_GRADER)
    return course if is_grader(account) and re.fullmatch(COURSE, course) else None
