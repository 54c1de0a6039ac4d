"""What many hold at once."""

from __future__ import annotations

from typing import Any, Self


class Shared:
    """Mixed into what never changes: a copy is the thing itself. traitlets copies a setting for each that has it."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
