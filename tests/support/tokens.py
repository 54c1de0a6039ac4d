"""The tokens that ``up`` makes, for tests of what reads them."""

from __future__ import annotations

from hub_config.exchange import PUBLISHER_TOKEN
from hub_config.exchange import TOKEN as EXCHANGE_TOKEN
from hub_config.home import TOKEN as HOME_TOKEN
from hub_config.paths import Paths

NAMES = ("proxy-token", EXCHANGE_TOKEN, HOME_TOKEN, PUBLISHER_TOKEN)


def write_tokens(paths: Paths, text: str = "ab" * 32) -> None:
    """All of them, with this text."""
    paths.secrets.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        paths.secret(name).write_text(f"{text}\n")
