"""One error for people: every page, API answer and command renders the same object."""

from __future__ import annotations


class CampusError(Exception):
    """Something a person can act on.

    Args:
        code: kebab-case name, stable, for tests, metrics and searches (``port-in-use``).
        message: one sentence saying what is wrong, naming the thing.
        remedy: one sentence saying what to do about it.
        detail: for the log only (a program's stderr, a path); never shown on a page.
    """

    def __init__(self, code: str, message: str, remedy: str, detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"

    def as_dict(self) -> dict[str, str]:
        """The public parts, as the REST API and ``--json`` print them."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy}
