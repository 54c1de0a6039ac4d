"""Home, as many people at once see it, beside the hub's page of sessions of the same people, in the same run.

Each person asks for a page, reads a moment, and asks again, all of them at the same time, through the proxy, with the
cookies of a browser. The two pages take turns, so that whatever else the machine does meets both. It prints the 95th
percentile of each and their ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Mapping, Sequence

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from tests.benchmarks.support.bench import bench_campus
from tests.benchmarks.support.figures import percentile, verdict
from tests.benchmarks.support.sessions import campus_hub, sign_in
from tests.support.campus import Campus
from tests.support.person import Person

AS_BROWSERS_DO = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
PAGES = {"Home": "/services/home/", "the hub's": "/hub/home"}
TARGET = 1.5
SEED = 4711
Cookies = Mapping[str, str]
"""What a browser sends, by the page."""


def browser(campus: Campus, person: Person) -> dict[str, str]:
    """A person's cookies for each page. Raises HTTPError where a page can't be had."""
    found = {}
    for path in PAGES.values():
        answer = person.web.get(f"{campus.url}{path}", timeout=60)
        answer.raise_for_status()
        cookies = (cookie for cookie in person.web.cookies if path.startswith(cookie.path))
        # The more precise path first, as browsers send them: several services keep a cookie of the same name.
        ordered = sorted(cookies, key=lambda cookie: -len(cookie.path))
        found[path] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ordered)
    return found


async def together(campus: Campus, path: str, people: Sequence[Cookies], times: int, pause: float) -> list[float]:
    """Seconds that each page took. Raises AssertionError where one was no page."""
    chance = random.Random(SEED)

    async def one(web: ClientSession, cookies: str, pauses: list[float]) -> list[float]:
        found = []
        for wait in pauses:
            await asyncio.sleep(wait)
            begin = time.monotonic()
            headers = {**AS_BROWSERS_DO, "Cookie": cookies}
            async with web.get(f"{campus.url}{path}", headers=headers, allow_redirects=False) as answer:
                body = await answer.read()
            found.append(time.monotonic() - begin)
            assert answer.status == 200, f"{path}: {answer.status} {body[:200]!r}"
        return found

    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as web:
        pauses = [[chance.uniform(0, pause) for _ in range(times)] for _ in people]
        asked = (one(web, cookies[path], each) for cookies, each in zip(people, pauses, strict=True))
        return [seconds for row in await asyncio.gather(*asked) for seconds in row]


def measure(campus: Campus, people: Sequence[Cookies], rounds: int, times: int, pause: float) -> dict[str, list[float]]:
    """Seconds of each page, by its name. The first round is not counted: it fills what both sides remember."""
    found: dict[str, list[float]] = {name: [] for name in PAGES}
    for number in range(rounds + 1):
        for name, path in PAGES.items():
            seconds = asyncio.run(together(campus, path, people, times, pause))
            if number:
                found[name] += seconds
                print(f"round {number}, {name}: {percentile(seconds, 95) * 1000:.0f} ms (95 %)", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200, help="how many at once (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of both pages (default 3)")
    parser.add_argument("--times", type=int, default=3, help="pages of each person in a turn (default 3)")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between two, at most (default 5)")
    options = parser.parse_args()
    with bench_campus(people=options.people) as campus:
        signed_in = sign_in(campus_hub(campus), [f"p{n:04}" for n in range(options.people)])
        people = [browser(campus, person) for person in signed_in]
        found = measure(campus, people, options.rounds, options.times, options.pause)
    home, theirs = (percentile(found[name], 95) for name in PAGES)
    print(f"Home {home * 1000:.0f} ms, the hub's {theirs * 1000:.0f} ms (95 %), {len(found['Home'])} of each")
    print(verdict("Home / the hub's (95 %)", home / theirs, TARGET))


if __name__ == "__main__":
    main()
