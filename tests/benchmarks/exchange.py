"""The minute before a deadline: two hundred submissions of a hundred people, at a real Campus.

They come more and more densely towards its end, through the proxy, as nbgrader's plug-in sends them. Each is timed from
the moment when it was due to be sent, so that one that had to wait counts its wait. Then every receipt is verified, and
nbgrader's submit is timed with its own exchange, a shared folder, and with Campus's, in turns, with the same files.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from extensions.exchange.client import Client
from hub_config.exchange import PUBLISHER_TOKEN, exchange_url
from tests.benchmarks.support.bench import bench_campus
from tests.benchmarks.support.figures import percentile, spread, verdict
from tests.benchmarks.support.sessions import AT_ONCE, campus_hub, sign_in
from tests.support.campus import CHECKOUT, Campus

COURSE, NAME = "bench", "ps1"
PATH = f"/courses/{COURSE}/assignments/{NAME}"
NOTEBOOK_BYTES = 200_000
TARGET = 1.0  # seconds, for the 95th percentile
SEED = 4711


def prepare(campus: Campus, folder: Path) -> Client:
    """An open course with one assignment; the publisher's client."""
    publisher = Client(
        exchange_url(campus.site, campus.paths), campus.paths.secret(PUBLISHER_TOKEN).read_text().strip()
    )
    publisher.ask("PUT", f"/courses/{COURSE}", dict, json={"title": "Benchmark", "enrolment": "open"})
    publisher.ask("PUT", PATH, dict, json={"title": "The only one"})
    publisher.send("PUT", f"{PATH}/files", folder, replace="1")
    return publisher


def work(folder: Path, chance: random.Random) -> Path:
    """A folder to hand in: a notebook with outputs, and a small file."""
    folder.mkdir(parents=True)
    (folder / "p1.ipynb").write_text(json.dumps({"cells": [], "text": chance.randbytes(NOTEBOOK_BYTES // 2).hex()}))
    (folder / "notes.txt").write_bytes(chance.randbytes(500))
    return folder


def crowd(campus: Campus, tokens: list[str], count: int, seconds: float, base: Path) -> list[tuple[float, Any]]:
    """Seconds and receipt of each submission; None for one that was not taken."""
    chance = random.Random(SEED)
    moments = sorted(seconds * chance.random() ** 0.5 for _ in range(count))
    folders = [work(base / str(number), chance) for number in range(count)]
    begin = time.monotonic() + 1

    def send(number: int) -> tuple[float, Any]:
        client = Client(exchange_url(campus.site, campus.paths), tokens[number % len(tokens)])
        due = begin + moments[number]
        time.sleep(max(0, due - time.monotonic()))
        receipt = client.send("POST", f"{PATH}/submissions", folders[number], "id")
        return time.monotonic() - due, receipt

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def beside_stock(campus: Campus, name: str, token: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of nbgrader's submit, by exchange, as one of the people."""
    account = campus.account(name)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        work(folder / NAME, random.Random(SEED))
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
        source = (CHECKOUT / "tests" / "benchmarks" / "support" / "handing_in.py").read_text()
        done = campus.as_account(
            name,
            *(f"{campus.paths.session_env}/bin/python", "-P", "-s", "-c", source),
            stdin=json.dumps({"folder": str(folder), "course": COURSE, "rounds": rounds}),
            env={
                **{"HOME": str(folder), "CAMPUS_EXCHANGE_URL": exchange_url(campus.site, campus.paths)},
                "JUPYTERHUB_API_TOKEN": token,
            },
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100, help="how many people (default 100)")
    parser.add_argument("--submissions", type=int, default=200, help="how many submissions (default 200)")
    parser.add_argument("--seconds", type=float, default=60, help="in how many seconds (default 60)")
    parser.add_argument(
        "--rounds", type=int, default=30, help="submissions beside nbgrader's own exchange (default 30)"
    )
    options = parser.parse_args()
    with bench_campus(people=options.people) as campus, tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        publisher = prepare(campus, work(base / "release", random.Random(SEED)))
        names = [f"p{number:04}" for number in range(options.people)]
        tokens = [person.token for person in sign_in(campus_hub(campus), names)]
        service = psutil.Process(campus.pid("exchange"))
        before = service.cpu_times()
        sent = crowd(campus, tokens, options.submissions, options.seconds, base / "work")
        after = service.cpu_times()
        taken = [seconds for seconds, _ in sent]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            verdicts = list(
                pool.map(
                    lambda one: Client(exchange_url(campus.site, campus.paths), tokens[one[0] % len(tokens)]).ask(
                        "POST", "/receipts/verify", dict, json=one[1][1]
                    ),
                    enumerate(sent),
                )
            )
        listed = {one["id"] for one in publisher.get(f"{PATH}/submissions", list, "id")}
        lost = sum(not (found["valid"] and found["kept"]) for found in verdicts)
        lost += sum(receipt["id"] not in listed for _, receipt in sent)
        cpu = after.user + after.system - before.user - before.system
        ours = beside_stock(campus, campus.name(names[0]), tokens[0], options.rounds)
    print(f"submissions: {len(sent)} of {options.people} people in {options.seconds:g} s: {spread(taken, 's')}")
    print(f"the longest {max(taken):.2f} s; the exchange took {cpu:.1f} s of processor")
    print(verdict("seconds, 95th percentile", percentile(taken, 95), TARGET))
    print(verdict("lost", lost, 0))
    for name, seconds in ours.items():
        print(f"nbgrader submit, {name:<7} {spread([1000 * value for value in seconds], 'ms')}")
    ratio = statistics.median(ours["Campus"]) / statistics.median(ours["stock"])
    print(f"nbgrader submit, Campus / stock: {ratio:.2f}")


if __name__ == "__main__":
    main()
