"""Errors of ours that hold a name or a number, in whatever language they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campus_base.errors import CampusError


class Text(str):
    """A part of a sentence that is translated with it."""

    __slots__ = ()


class Told(CampusError):
    """A sentence with places to fill (``%(field)s``): by texts, names and numbers, or a list of such sentences."""

    def __init__(self, code: str, template: str, remedy: str, **values: Any) -> None:
        self.template, self.values = template, values
        super().__init__(code, self.told(str), remedy)

    def told(self, gettext: Callable[[str], str]) -> str:
        """The sentence in a language."""

        def filled(value: Any) -> Any:
            if isinstance(value, Text):
                return gettext(value)
            return "; ".join(one.told(gettext) for one in value) if isinstance(value, list) else value

        return gettext(self.template) % {key: filled(value) for key, value in self.values.items()}


def sentence(error: CampusError, gettext: Callable[[str], str]) -> str:
    """What is wrong, in a language where it is ours, else as it was said."""
    return error.told(gettext) if isinstance(error, Told) else gettext(error.message)
