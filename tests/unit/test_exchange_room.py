"""What a person may take of the disk and of the workers, and that what is refused takes nothing."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from extensions.exchange.names import Limits
from extensions.exchange.store import Staged, Store
from tests.support.exchange import Exchange, key, running, tar
from tests.support.person import wait_for

NAME = "/courses/dl/assignments/ps1"


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with running(tmp_path / "state", CAMPUS_EXCHANGE_PERSON_BYTES="500000") as found:
        found.put("grader-dl", "/courses/dl", {"title": "x", "enrolment": "open"})
        found.release("dl", "ps1", attempts=3)
        yield found


def objects(exchange: Exchange) -> set[str]:
    return {path.parent.name + path.name for path in exchange.folder.glob("objects/*/*")}


def test_what_is_refused_leaves_no_bytes(exchange: Exchange) -> None:
    one = key()
    receipt = exchange.submit("ada", "dl", "ps1", {"p1.ipynb": b"mine"}, key=one).json()
    before = objects(exchange)
    for number in range(3):
        assert exchange.submit("ada", "dl", "ps1", {"x": bytes([number]) * 100}, key=one).json()["code"] == "key-used"
        assert exchange.submit("ada", "dl", "ps1", {"x": bytes([number]) * 490_000}).json()["code"] == "too-large"
    assert objects(exchange) == before
    # The same content, refused: it is in the one that was taken, so it stays.
    again = exchange.submit("ada", "dl", "ps1", {"p2.ipynb": b"mine", "y": b"new"}, key=one)
    assert again.json()["code"] == "key-used"
    assert objects(exchange) == before
    assert exchange.ask("ada", "POST", "/receipts/verify", json=receipt).json()["kept"]


def test_an_instructor_who_is_refused_leaves_nothing_either(exchange: Exchange) -> None:
    exchange.submitted("ada", "dl", "ps1")
    number = exchange.get("grader-dl", f"{NAME}/submissions")[0]["id"]
    one = key()
    assert exchange.send("grader-dl", "PUT", f"/submissions/{number}/feedback", tar({"a": b"1"}), key=one).ok
    assert exchange.send("grader-dl", "PUT", f"{NAME}/files", tar({"b": b"1"}), key=one, replace="1").ok
    before = objects(exchange)
    refused = exchange.send("grader-dl", "PUT", f"/submissions/{number}/feedback", tar({"c": b"2"}), key=one)
    assert refused.json()["code"] == "key-used"
    refused = exchange.send("grader-dl", "PUT", f"{NAME}/files", tar({"d": b"3"}), key=one, replace="1")
    assert refused.json()["code"] == "key-used"
    assert objects(exchange) == before


def test_many_at_once_with_the_same_content_lose_no_receipt(exchange: Exchange) -> None:
    """Two attempts are left for four who bring the same: whoever is refused takes nothing of the others' away."""
    exchange.submitted("ada", "dl", "ps1", {"first": b"1"})
    for number in range(6):
        exchange.put("grader-dl", f"{NAME}/extensions/ada", {"attempts": 3 + 2 * number})
        files = {"p1.ipynb": b"shared %d" % number, "p2.ipynb": b"more %d" % number}
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda files: exchange.submit("ada", "dl", "ps1", files), [files] * 4))
        taken = [answer.json() for answer in answers if answer.status_code == 201]
        assert len(taken) == 2
        for receipt in taken:
            assert exchange.ask("ada", "POST", "/receipts/verify", json=receipt).json()["kept"]


def test_what_a_killed_process_kept_for_nobody_is_gone_at_the_next_start(exchange: Exchange) -> None:
    receipt = exchange.submitted("ada", "dl", "ps1", {"p1.ipynb": b"mine"})
    before = objects(exchange)
    exchange.kill()
    # As a process leaves it that dies between keeping the files and writing down whose they are.
    store = Store(exchange.folder)
    store.open(lambda names: names)
    staged = stage(store, {"p1.ipynb": b"mine", "p2.ipynb": b"nobody's"}, "left")
    store.keep(staged)
    assert len(objects(exchange)) == len(before) + 1
    exchange.web.close()
    exchange.start()
    assert objects(exchange) == before
    assert exchange.ask("ada", "POST", "/receipts/verify", json=receipt).json()["kept"]


def stage(store: Store, files: dict[str, bytes], folder: str) -> Staged:
    made = store.staging / folder
    made.mkdir()
    return store.stage(io.BytesIO(tar(files)), made, Limits())


def test_uploads_with_the_same_content_are_counted(tmp_path: Path) -> None:
    """Of those that are on their way, the last to be refused removes it; once one is taken, nobody does."""
    store = Store(tmp_path)
    store.open(lambda names: names)
    first, second, third = (stage(store, {"a": b"same"}, name) for name in ("1", "2", "3"))
    for staged in (first, second):
        store.keep(staged)
    store.settle(first, taken=False)
    assert store.holds(second.files[0])
    store.settle(second, taken=False)
    assert not store.holds(second.files[0])
    for staged in (first, second, third):
        store.keep(staged)
    store.settle(second, taken=True)
    store.settle(first, taken=False)
    store.settle(third, taken=False)
    assert store.holds(second.files[0])


def test_an_empty_file_is_not_free_and_a_submission_is_not_either(exchange: Exchange) -> None:
    exchange.put("grader-dl", NAME, {"title": "x"})
    receipts = list(iter(lambda: exchange.submit("ada", "dl", "ps1", {"empty": b""}).json().get("id"), None))
    assert len(receipts) == 500_000 // (24 * 1024)
    refused = exchange.submit("ada", "dl", "ps1", {"empty": b""}).json()
    assert (refused["code"], "counts as" in refused["message"]) == ("too-large", True)
    many = exchange.submit("bob", "dl", "ps1", {f"f{n}": b"" for n in range(200)})
    assert many.json()["code"] == "too-large"


def test_the_same_refusal_again_and_again_is_noted_once_a_minute(exchange: Exchange) -> None:
    for _ in range(3):
        exchange.submitted("ada", "dl", "ps1")
    for _ in range(5):
        assert exchange.submit("ada", "dl", "ps1", {"a": b""}).json()["code"] == "no-attempts"
    entries = exchange.get("grader-dl", "/courses/dl/audit")["entries"]
    assert [entry["what"] for entry in entries].count("submission-refused") == 1


def test_whoever_asks_for_one_receipt_after_another_waits_for_none_but_themself(tmp_path: Path) -> None:
    with running(tmp_path / "state", CAMPUS_EXCHANGE_UPLOAD_BYTES="50000000") as exchange:
        exchange.put("grader-dl", "/courses/dl", {"title": "x", "enrolment": "open"})
        exchange.release("dl", "ps1")
        receipt = exchange.submitted("ada", "dl", "ps1", {"p1.ipynb": bytes(40_000_000)})
        verdicts: list[int] = []

        def verify() -> None:
            for _ in range(6):
                verdicts.append(exchange.ask("ada", "POST", "/receipts/verify", json=receipt).status_code)

        threads = [threading.Thread(target=verify) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 200 in verdicts
        assert 429 in verdicts
        assert set(verdicts) == {200, 429}
        # Nothing of it stays: the next one is answered.
        wait_for("a verdict", lambda: exchange.ask("ada", "POST", "/receipts/verify", json=receipt).ok)
