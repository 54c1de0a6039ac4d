"""One connection to the gradebook for a whole run, and one transaction for each submission.

nbgrader (0.9.6) opens the database anew in every preprocessor of every notebook and commits after every cell. Its own
code runs unchanged here; only what it opens is shared, and what it commits is kept until the submission is complete.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import nbgrader.converters.autograde
import nbgrader.preprocessors.latesubmissions
import nbgrader.preprocessors.overwritecells
import nbgrader.preprocessors.overwritekernelspec
import nbgrader.preprocessors.saveautogrades
from nbgrader.api import Gradebook
from sqlalchemy.exc import OperationalError

from campus_base.errors import CampusError

_USERS = (
    nbgrader.converters.autograde,
    nbgrader.preprocessors.latesubmissions,
    nbgrader.preprocessors.overwritecells,
    nbgrader.preprocessors.overwritekernelspec,
    nbgrader.preprocessors.saveautogrades,
)


class _Shared(Gradebook):
    """Stays open when those who use it are done with it."""

    def close(self) -> None:
        """Not yet."""


class OneGradebook:
    """The gradebook of a course while it is graded. A context manager; others may read it meanwhile."""

    def __init__(self, url: str, course: str) -> None:
        self.book = _Shared(url, course)
        self._commit = self.book.db.commit
        self.book.db.commit = self.book.db.flush

    def __enter__(self) -> OneGradebook:
        self._patches = contextlib.ExitStack()
        for module in _USERS:
            self._patches.enter_context(mock.patch.object(module, "Gradebook", self._open))
        return self

    def __exit__(self, *error: object) -> None:
        self._patches.close()
        Gradebook.close(self.book)

    def _open(self, *arguments: Any, **settings: Any) -> Gradebook:
        return self.book

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Gradebook]:
        """All that is written within it, or nothing. Raises CampusError where the gradebook cannot be written."""
        try:
            yield self.book
            self._commit()
        except OperationalError as error:
            self.book.db.rollback()
            raise CampusError(
                "gradebook-failed",
                f"The gradebook cannot be written: {error.orig}.",
                "See whether the disk is full, and grade again: what has a grade keeps it.",
            ) from error
        except BaseException:
            self.book.db.rollback()
            raise
