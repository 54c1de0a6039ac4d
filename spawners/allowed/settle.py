"""What is left of a choice that was remembered, or made for another size: as much of it as may still be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spawners.allowed.offer import Offer, RequestRefused
from spawners.allowed.request import OPTIONS, check_request
from spawners.allowed.ways import Means


def settle(options: Mapping[str, Any], offer: Offer, means: Means | None) -> tuple[dict[str, Any], dict[str, str]]:
    """The options that may still be asked for together, and why each of the others may not. Raises nothing.

    Where even the usual choice may not be had, the reason stands under ``size``.
    """
    left = {key: value for key, value in options.items() if key in OPTIONS and value not in (None, "")}
    out: dict[str, str] = {}
    while True:
        try:
            check_request(left, offer, means)
        except RequestRefused as refused:
            out.setdefault(refused.option or "size", refused.message)
            if refused.option not in left:
                return left, out
            del left[refused.option]
        else:
            return left, out
