"""A thousand people signed in, and three hundred starts in five minutes, of light sessions.

Meanwhile pages of the hub are asked for as people ask for them, and its health as a load balancer does. It prints the
times of both, how often Slurm was asked for its jobs, and the hub's memory before, at the end, and when all has ended.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import requests

from tests.benchmarks.support.bench import bench_campus
from tests.benchmarks.support.figures import percentile, verdict
from tests.benchmarks.support.processes import taken_by
from tests.benchmarks.support.sessions import campus_hub, sign_in, stop
from tests.support.campus import Campus
from tests.support.person import Person, wait_for

PAGES = ("/hub/home", "/hub/spawn", "/hub/api/user")
AT_ONCE = 32


class Timed:
    """Seconds that requests took; an answer of 500 and more, or none, is a failure."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []

    def request(self, ask: Callable[[], requests.Response]) -> None:
        begin = time.monotonic()
        try:
            answer = ask()
        except requests.RequestException as error:
            self.failures.append(str(error))
            return
        self.seconds.append(time.monotonic() - begin)
        if answer.status_code >= 500:
            self.failures.append(f"{answer.status_code} {answer.text[:100]}")


@contextmanager
def every(seconds: float, do: Callable[[], None]) -> Iterator[None]:
    """While this lasts, do something every so many seconds, in a thread."""
    over = threading.Event()

    def loop() -> None:
        while not over.wait(seconds):
            do()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def squeues(campus: Campus) -> float:
    """How often the hub has run squeue."""
    text = campus.person("operator1").request("GET", "/hub/metrics").text
    line = 'campus_slurm_requests_total{command="squeue"} '
    return sum(float(row.removeprefix(line)) for row in text.splitlines() if row.startswith(line))


def rush(campus: Campus, people: list[Person], starts: int, seconds: float) -> tuple[Timed, Timed, Timed]:
    """So many starts in so many seconds; times of pages, of health and of the starts' own requests."""
    pages, health, asked, draw = Timed(), Timed(), Timed(), random.Random(1)

    def look() -> None:
        person = draw.choice(people)
        pages.request(lambda: person.web.get(f"{campus.url}{draw.choice(PAGES)}", timeout=60))

    def probe() -> None:
        health.request(lambda: requests.get(f"{campus.url}/hub/health", timeout=60))

    with every(0.2, look), every(0.25, probe), ThreadPoolExecutor(AT_ONCE) as pool:
        for person in people[:starts]:
            pool.submit(asked.request, lambda person=person: person.ask(size="light"))  # type: ignore[misc]
            time.sleep(seconds / starts)
    return pages, health, asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1000, help="who are signed in (default 1000)")
    parser.add_argument("--starts", type=int, default=300, help="how many of them start a session (default 300)")
    parser.add_argument("--seconds", type=int, default=300, help="in how long (default 300)")
    options = parser.parse_args()
    with bench_campus(people=options.people) as campus:
        people = sign_in(campus_hub(campus), [f"p{n:04}" for n in range(options.people)])
        hub = psutil.Process(campus.pid("hub"))
        before, begin, asked_before = taken_by(hub), time.monotonic(), squeues(campus)
        pages, health, asked = rush(campus, people, options.starts, options.seconds)
        minutes = (time.monotonic() - begin) / 60
        per_interval = (squeues(campus) - asked_before) / (minutes * 60 / campus.site.slurm.poll_seconds)
        started = people[: options.starts]
        wait_for("the sessions", lambda: all((p.server() or {}).get("ready") for p in started), 300)
        full = taken_by(hub)
        stop(started)
        time.sleep(60)
        after = taken_by(hub)
    for name, timed in (("pages", pages), ("health", health), ("starts", asked)):
        for failure in sorted(set(timed.failures)):
            print(f"{name}: {failure}")
    print(f"{len(pages.seconds)} pages, {len(health.seconds)} probes, {len(asked.seconds)} starts answered")
    failures = sum(len(timed.failures) for timed in (pages, health, asked))
    print(verdict("failures", failures, 0))
    print(verdict("pages, ms (95 %)", percentile(pages.seconds, 95) * 1000, 500))
    print(verdict("health, ms (95 %)", percentile(health.seconds, 95) * 1000, 100))
    print(f"squeue for each interval of the watch: {per_interval:.2f} (1, and what is out of turn: spawners/cluster)")
    print(f"the hub's processor: {(full.cpu - before.cpu) / minutes:.1f} s a minute")
    print(
        f"the hub's memory: {before.memory:.0f} MiB before, {full.memory:.0f} with sessions, {after.memory:.0f} after"
    )


if __name__ == "__main__":
    main()
