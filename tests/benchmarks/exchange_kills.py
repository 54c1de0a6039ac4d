"""``kill -9`` of the exchange during uploads, a thousand times: every receipt stands, and nothing is half there.

Its real process, before a stand-in for the hub, is started and killed at moments that a seed decides, while several
people hand in without a pause. Whoever gets no answer sends again, as nbgrader's commands here do. At the end it
counts receipts that are not valid or lack a byte, submissions that nobody has a receipt for, uploads that were taken
twice, and files that belong to nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from extensions.exchange.client import Client
from tests.benchmarks.support.figures import verdict
from tests.support.exchange import CHECKOUT, Exchange, Hub

PAUSES = (0.02,) * 1500  # seconds between tries: it is never away for long
LONGEST = 0.4  # seconds from answering to the kill: some uploads are over by then


class Forked(Exchange):
    """An exchange whose process is started in a few hundredths of a second."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        super().__init__(folder, hub)
        self.log = open(folder.parent / "exchange.log", "ab")  # noqa: SIM115
        self.source = subprocess.Popen(
            [self.python, "-P", "-s", "-m", "tests.support.forked_exchange"],
            env=self.environment() | {"PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.pid = 0

    def start(self) -> None:
        assert self.source.stdin
        assert self.source.stdout
        print(file=self.source.stdin, flush=True)
        self.pid = int(self.source.stdout.readline())
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except ConnectionRefusedError:
                os.kill(self.pid, 0)  # raises where it did not come up
                time.sleep(0.002)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)
        while Path(f"/proc/{self.pid}").exists():
            time.sleep(0.001)


class Uploader(threading.Thread):
    """Somebody who hands in one thing after another, and keeps what was promised."""

    def __init__(self, exchange: Exchange, name: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.exchange, self.name = exchange, name
        self.chance = random.Random(seed)
        self.receipts: list[dict[str, Any]] = []
        self.over = threading.Event()

    def run(self) -> None:
        client = Client(self.exchange.url, self.name, PAUSES)
        while not self.over.is_set():
            with tempfile.TemporaryDirectory() as folder:
                for number in range(self.chance.randrange(1, 6)):
                    content = self.chance.randbytes(self.chance.randrange(60_000))
                    (Path(folder) / f"f{number}").write_bytes(content)
                path = "/courses/dl/assignments/ps1/submissions"
                self.receipts.append(client.send("POST", path, Path(folder), "id"))


def strike(exchange: Forked, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    begin = time.monotonic()
    for number in range(1, kills + 1):
        exchange.start()
        time.sleep(chance.random() * LONGEST)
        exchange.kill()
        if number % 100 == 0:
            print(f"{number} kills in {time.monotonic() - begin:.0f} s", flush=True)
    exchange.start()


def faults(exchange: Exchange, receipts: list[dict[str, Any]]) -> dict[str, int]:
    """What must be none, counted."""
    client = Client(exchange.url, "grader-dl")
    verdicts = [client.ask("POST", "/receipts/verify", dict, json=receipt) for receipt in receipts]
    listed = client.get("/courses/dl/assignments/ps1/submissions", list, "id", "files")
    release = client.get("/courses/dl/assignments/ps1", dict, "files")["files"]
    named = {file["sha256"] for one in listed for file in one["files"]} | {file["sha256"] for file in release}
    kept = {path.parent.name + path.name for path in exchange.folder.glob("objects/*/*")}
    given, there = [receipt["id"] for receipt in receipts], {one["id"] for one in listed}
    intact, after = True, 0
    while entries := (found := client.get(f"/courses/dl/audit?after={after}", dict, "entries", "intact"))["entries"]:
        intact, after = intact and found["intact"], entries[-1]["number"]
    with sqlite3.connect(exchange.folder / "exchange.sqlite") as database:
        whole = database.execute("pragma integrity_check").fetchone()[0] == "ok"
    return {
        "receipts that do not stand": sum(not (v["valid"] and v["kept"]) for v in verdicts),
        "receipts without their submission": len(set(given) - there),
        "submissions without a receipt": len(there - set(given)),
        "submissions taken twice": len(given) - len(set(given)),
        "files missing": len(named - kept),
        "files that belong to nothing": len(kept - named),
        "uploads left half there": len(list(exchange.folder.glob("staging/*"))),
        "broken logs": int(not intact),
        "broken databases": int(not whole),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--people", type=int, default=4, help="who hand in at once (default 4)")
    parser.add_argument("--seed", type=int, default=4711, help="what decides the moments (default 4711)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        exchange = Forked(Path(folder) / "state", Hub())
        exchange.start()
        exchange.put("grader-dl", "/courses/dl", {"title": "x", "enrolment": "open"})
        exchange.release("dl", "ps1")
        exchange.kill()
        people = [Uploader(exchange, f"p{number}", options.seed + number) for number in range(options.people)]
        for person in people:
            person.start()
        strike(exchange, options.kills, options.seed)
        for person in people:
            person.over.set()
        for person in people:
            person.join(60)
            assert not person.is_alive(), f"{person.name} still waits for an answer"
        receipts = [receipt for person in people for receipt in person.receipts]
        print(f"{options.kills} kills, {len(receipts)} submissions with a receipt, seed {options.seed}")
        found = faults(exchange, receipts)
        exchange.kill(signal.SIGTERM)
    for what, count in found.items():
        print(verdict(what, count, 0))
    sys.exit(any(found.values()))


if __name__ == "__main__":
    main()
