"""A disk that is full and a clock that is set: no receipt is void, nothing is half there, and people are told."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extensions.exchange.service.clock import text
from tests.support.exchange import Exchange, running

ROOM = 12 * 1024 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("only root can mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def stands(exchange: Exchange, receipt: dict[str, Any]) -> bool:
    verdict = exchange.ask("ada", "POST", "/receipts/verify", json=receipt).json()
    return verdict["valid"] and verdict["kept"]


def test_a_full_disk_takes_nothing_says_so_and_loses_nothing(small: Path) -> None:
    with running(small / "state") as exchange:
        exchange.put("grader-dl", "/courses/dl", {"title": "x", "enrolment": "open"})
        exchange.release("dl", "ps1")
        given, refused = [], []
        # Smaller and smaller, so that files, then names, then the database meet the end of the disk.
        for size in (700_000, 100_000, 10_000, 100):
            while True:
                answer = exchange.submit("ada", "dl", "ps1", {"f": os.urandom(size), "g": os.urandom(size // 3)})
                if answer.status_code != 201:
                    break
                given.append(answer.json())
                assert len(given) < 2000
            refused.append((answer.status_code, answer.json()["code"]))
        assert refused == [(503, "disk-full")] * 4
        assert len(given) > 10
        assert all(stands(exchange, receipt) for receipt in given)
        listed = exchange.get("ada", "/courses/dl/assignments/ps1/submissions")
        assert [one["id"] for one in listed] == [receipt["id"] for receipt in given]
        # What was refused lies nowhere: what is there belongs to what was taken.
        kept = {path.parent.name + path.name for path in exchange.folder.glob("objects/*/*")}
        named = {file["sha256"] for receipt in given for file in receipt["files"]}
        release = exchange.get("grader-dl", "/courses/dl/assignments/ps1")["files"]
        assert kept == named | {file["sha256"] for file in release}
        # Killed and started on the full disk, it answers and has everything.
        exchange.kill(signal.SIGKILL)
        exchange.web.close()
        exchange.start()
        assert all(stands(exchange, receipt) for receipt in given)
        assert exchange.get("grader-dl", "/courses/dl/audit")["intact"]
        subprocess.run(["mount", "-o", f"remount,size={4 * ROOM}", str(small)], check=True)
        assert stands(exchange, exchange.submitted("ada", "dl", "ps1", {"f": os.urandom(700_000)}))


# A machine whose clock is as far off as a file says.
_OFF = (
    "import pathlib, time; real = time.time; off = pathlib.Path({file!r});"
    "time.time = lambda: real() + float(off.read_text());"
    "from extensions.exchange.service.__main__ import main; main()"
)


def test_a_clock_that_is_set_puts_nothing_out_of_order_and_makes_nobody_late(tmp_path: Path) -> None:
    off = tmp_path / "off"
    off.write_text("0")
    with running(tmp_path / "state") as exchange:
        exchange.kill(signal.SIGTERM)
        exchange.program = ("-c", _OFF.format(file=str(off)))
        exchange.web.close()
        exchange.start()
        exchange.put("grader-dl", "/courses/dl", {"title": "x", "enrolment": "open"})
        due = datetime.now(UTC) + timedelta(minutes=30)
        exchange.release("dl", "ps1", due=text(due))

        def submit(seconds: float) -> dict[str, Any]:
            off.with_suffix(".new").write_text(str(seconds))
            off.with_suffix(".new").replace(off)
            exchange.web.close()  # tornado counts how long a connection is unused by the clock, and an hour is enough
            return exchange.submitted("ada", "dl", "ps1", {"p1.ipynb": str(time.time_ns()).encode()})

        # An hour on, back, two hours back, and right again.
        receipts = [submit(seconds) for seconds in (0, 3600, 0, -7200, 0)]
        received = [receipt["received"] for receipt in receipts]
        assert received == sorted(set(received))
        late = [receipt["late_seconds"] for receipt in receipts]
        assert late[0] == 0
        assert 1700 < late[1] < 1900, "by the clock it was late, and the receipt says which clock"
        # Back, time stands until it has caught up: order holds, and the wrong hour is one for an instructor to forgive.
        assert late[1] <= late[2] <= late[3] <= late[4] < late[1] + 2
        jumps = [
            round(entry["about"]["seconds"])
            for entry in exchange.get("grader-dl", "/courses/dl/audit")["entries"]
            if entry["what"] == "clock-jumped"
        ]
        assert jumps == [3600, -3600, -7200, 7200]
        # An extension mends it, and a new process does not go back either.
        exchange.put("grader-dl", "/courses/dl/assignments/ps1/extensions/ada", {"due": text(due + timedelta(hours=2))})
        exchange.kill(signal.SIGTERM)
        exchange.web.close()
        exchange.start()
        last = submit(0)
        assert last["received"] > received[-1]
        assert last["late_seconds"] == 0
        assert all(stands(exchange, receipt) for receipt in [*receipts, last])
        assert exchange.get("grader-dl", "/courses/dl/audit")["intact"]
