"""Refusals of the exchange: a CampusError with the HTTP status that it is answered with."""

from __future__ import annotations

from campus_base.errors import CampusError


class Refused(CampusError):
    """Base of all; ``status`` is the HTTP status."""

    status = 400


class BadFile(Refused):
    """An upload holds what it may not."""

    def __init__(self, message: str, remedy: str = "Take it out or rename it, and try again.") -> None:
        super().__init__("bad-file", message, remedy)


class TooLarge(Refused):
    status = 413

    def __init__(self, message: str, remedy: str = "Leave out what is not needed, and try again.") -> None:
        super().__init__("too-large", message, remedy)


class NotSignedIn(Refused):
    status = 401


class NotAllowed(Refused):
    status = 403


class NotFound(Refused):
    """There is no such thing, or it is not theirs to know of: both look the same."""

    status = 404

    def __init__(self, what: str, remedy: str = "Check the name; if it is right, ask your instructor.") -> None:
        super().__init__("not-found", f"There is no {what}, or it is not open to you.", remedy)


class NotNow(Refused):
    status = 409


class TooMany(Refused):
    status = 429


class Unavailable(Refused):
    status = 503
