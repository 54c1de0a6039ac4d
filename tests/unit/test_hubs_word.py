"""The hub's word on a token: remembered, and asked for anew without keeping anybody waiting."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tornado.web import HTTPError

from extensions.daemon import MEMORY_SECONDS, HubsWord, _patience

KEY = "token:abc:session"


class Word(HubsWord):  # type: ignore[misc, unused-ignore]
    """Counts what the hub is asked; it answers with what ``says`` holds."""

    says: Any = "ada"
    asked = 0

    async def _asked(self, url: str, api_token: str) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    async def who(self) -> Any:
        return await self._check_hub_authorization("https://hub/user", "abc", KEY)

    def grow_old(self, part: float) -> None:
        self.cache.timestamps[KEY] -= MEMORY_SECONDS * part


@pytest.fixture
def word() -> Word:
    return Word(cache_max_age=MEMORY_SECONDS, api_token="own", api_url="https://hub", base_url="/")


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_at_once_is_asked_about_once(word: Word) -> None:
    assert await asyncio.gather(word.who(), word.who()) == ["ada", "ada"]
    assert await word.who() == "ada"
    assert word.asked == 1


async def test_before_it_is_too_old_the_hub_is_asked_beside_a_request(word: Word) -> None:
    await word.who()
    word.grow_old(_patience(KEY) + 0.01)
    word.says = None  # the token is gone
    assert await asyncio.gather(word.who(), word.who()) == ["ada", "ada"]
    await settled()
    assert await word.who() is None
    assert word.asked == 2


async def test_where_the_hub_does_not_say_its_word_holds_until_its_time_is_over(word: Word) -> None:
    await word.who()
    word.says = HTTPError(502)
    word.grow_old(_patience(KEY) + 0.01)
    assert await word.who() == "ada"
    await settled()
    word.grow_old(1)
    with pytest.raises(HTTPError):
        await word.who()


def test_each_has_a_time_of_their_own() -> None:
    found = {_patience(f"token:{number}:session") for number in range(100)}
    assert len(found) > 90
    assert 0.6 <= min(found) < max(found) <= 0.95
