"""Opening, checking and submitting an assignment in a real session, before the real exchange."""

from __future__ import annotations

import html
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil
import pytest
import requests

from tests.session.conftest import NOBODY, TOKEN, Session, running
from tests.support import exchange as exchanges
from tests.support.course import Course, cell, notebook
from tests.support.course import named as cell_of
from tests.support.exchange import Exchange
from tests.support.person import wait_for

ALICE = "alices-token"  # as whom the exchange knows whoever has it
HOME = "http://127.0.0.1:8000/services/home/"
PS1 = {"course": "dl", "assignment": "ps1"}
BOOK = notebook(
    cell("def mean(values):\n    raise NotImplementedError", "mean", role="solution"),
    cell("assert mean([1, 2]) == 1.5", "mean-test", role="test", points=2),
    cell("assert mean([4]) == 4, 'of one number'", "one-test", role="test", points=1),
    cell("Why?", "why", kind="markdown", role="manual", points=3),
)
FILES = {"b.ipynb": b"{}", "a.ipynb": json.dumps(BOOK).encode(), "data/numbers.csv": b"1,2\n"}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with exchanges.running(tmp_path_factory.mktemp("exchange") / "state") as found:
        found.put("grader-dl", "/courses/dl", {"title": "Deep learning"})
        found.put("grader-dl", "/courses/dl/roster", [{"id": ALICE}, {"id": "bob"}])
        found.put("grader-other", "/courses/other", {"title": "Another"})
        found.release("other", "ps1", FILES)
        yield found


@pytest.fixture(scope="module")
def session(environment: Path, exchange: Exchange) -> Iterator[Session]:
    with running(environment, CAMPUS_EXCHANGE_URL=exchange.url, CAMPUS_HOME_URL=HOME) as session:
        yield session


@pytest.fixture
def assignment(exchange: Exchange, session: Session, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new one for each test."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:30]
    exchange.release("dl", name, FILES)
    yield name
    mine = session.home / "dl"
    if mine.exists():
        mine.rename(session.home / f"dl-{name}")


def page(session: Session, path: str, status: int = 200, **arguments: str) -> str:
    answer = session.request("GET", f"/campus/{path}", params=arguments)
    assert answer.status_code == status, answer.text
    return words(answer)


def words(answer: requests.Response) -> str:
    """A page's main part, without tags."""
    main = answer.text.partition("<main>")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def opened(session: Session, assignment: str) -> Path:
    """Open the assignment; its folder."""
    answer = session.request("GET", "/campus/open", params={"course": "dl", "assignment": assignment})
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"] == f"/user/alice/lab/tree/dl/{assignment}/a.ipynb"
    return session.home / "dl" / assignment


def key_of(session: Session, assignment: str) -> str:
    """The key that the page has made for a submission."""
    answer = session.request("GET", "/campus/submit", params={"course": "dl", "assignment": assignment})
    assert f'<a href="{HOME}courses/dl">dl</a>' in answer.text
    found = re.search(r'name="key" value="(\w+)"', answer.text)
    assert found, answer.text
    return found[1]


def submit(session: Session, assignment: str, key: str) -> requests.Response:
    form = {"course": "dl", "assignment": assignment, "key": key}
    return session.request("POST", "/campus/submit", data=form)


def helper(session: Session) -> psutil.Process:
    """The process beside the server."""
    return next(p for p in session.processes() if "extensions.coursework.work" in p.cmdline())


# ------------------------------------------------------------------------------------------------ opening


def test_a_link_fetches_what_is_missing_and_opens_the_first_notebook(session: Session, assignment: str) -> None:
    mine = opened(session, assignment)
    assert {str(p.relative_to(mine)) for p in mine.rglob("*") if p.is_file()} == set(FILES)
    assert (mine / "a.ipynb").stat().st_mode & 0o777 == 0o644
    (mine / "a.ipynb").write_text("mine")
    (mine / "b.ipynb").unlink()
    opened(session, assignment)
    assert (mine / "a.ipynb").read_text() == "mine"
    assert (mine / "b.ipynb").read_bytes() == FILES["b.ipynb"]
    assert not list(mine.rglob(".campus-fetch-*"))


def test_an_open_that_was_cut_off_is_finished_by_the_next(session: Session, assignment: str) -> None:
    mine = opened(session, assignment)
    # As a session leaves it that was killed between two files: what it was writing has another name.
    (mine / "b.ipynb").unlink()
    part = mine / ".campus-fetch-x"
    part.write_bytes(b"{")
    os.utime(part, (0, 0))
    helper(session).send_signal(signal.SIGKILL)
    opened(session, assignment)
    assert (mine / "b.ipynb").read_bytes() == FILES["b.ipynb"]
    assert not part.exists()


def test_what_cannot_be_opened_is_a_page_that_says_why(session: Session, exchange: Exchange, assignment: str) -> None:
    said = page(session, "open", 404, course="other", assignment="ps1")
    assert said.startswith("There is no course other, or it is not open to you. Check the name")
    assert "no assignment nothing" in page(session, "open", 404, course="dl", assignment="nothing")
    exchange.put("grader-dl", "/courses/dl/assignments/later", {"title": "x", "opens": "2099-01-01T00:00:00Z"})
    exchange.release("dl", "later")
    assert "opens on 2099-01-01 00:00 UTC. Come back then." in page(
        session, "open", 409, course="dl", assignment="later"
    )
    (session.home / "dl").write_text("in the way")
    said = page(session, "open", 409, course="dl", assignment=assignment)
    assert said.startswith("dl is a file where a folder is needed. Rename it"), said
    (session.home / "dl").unlink()


def test_a_timed_assignment_asks_before_it_begins(session: Session, exchange: Exchange, assignment: str) -> None:
    path = f"/courses/dl/assignments/{assignment}"
    exchange.put("grader-dl", path, {"title": "x", "minutes": 90})
    begin = "You have 90 minutes for this assignment, from when you open it."
    for _ in range(2):
        assert begin in page(session, "open", course="dl", assignment=assignment)
    said = asked(session, "POST", "/assignments/fetch", course_id="dl", assignment_id=assignment)
    assert said["value"].startswith(begin)
    assert exchange.get(ALICE, path)["fetched"] is None
    answer = session.request("POST", "/campus/open", data={"course": "dl", "assignment": assignment})
    assert answer.headers["Location"] == f"/user/alice/lab/tree/dl/{assignment}/a.ipynb"
    assert exchange.get(ALICE, path)["fetched"]
    opened(session, assignment)
    assert "Time 90 minutes, from when you opened it" in page(session, "submit", course="dl", assignment=assignment)


@pytest.mark.parametrize("wrong", ["", "..", "../x", "a/b", "/etc", "%2e%2e", "A", "a\0b", "x" * 40, "<script>", "-f"])
def test_a_name_that_none_can_have_goes_nowhere(session: Session, wrong: str) -> None:
    for path in ("open", "submit"):
        for named in ({"course": wrong, "assignment": "ps1"}, {"course": "dl", "assignment": wrong}):
            said = page(session, path, 400, **named)
            assert said.startswith("This link names no ")
            assert "script" not in said.lower()


def test_a_page_may_not_be_framed_and_runs_only_its_own_script(session: Session) -> None:
    answer = session.request("GET", "/campus/submit", params={"course": "dl", "assignment": "nothing"})
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce
    assert answer.text.count("<script") == 1
    assert f'<script nonce="{nonce[1]}">' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_nobody_but_its_person_gets_in(session: Session) -> None:
    for method, path in (("GET", "open"), ("GET", "submit"), ("POST", "submit"), ("GET", "receipt")):
        answer = requests.request(
            method,
            f"{session.url}/campus/{path}",
            params=PS1,
            headers={"Authorization": "token mallory"},
            allow_redirects=False,
            timeout=30,
        )
        assert answer.status_code in (302, 403), (path, answer.status_code)
        assert "/campus/" not in answer.headers.get("Location", "").partition("?")[0]


# ------------------------------------------------------------------------------------------------ submitting


def test_a_submission_is_shown_before_and_proved_after(session: Session, exchange: Exchange, assignment: str) -> None:
    policy = {
        "title": "Means & <b>ends</b>",
        "due": "2020-01-01T12:00:00Z",
        "attempts": 2,
        "late_policy": {"accept_days": None, "penalty_per_day": 0.1},
    }
    exchange.put("grader-dl", f"/courses/dl/assignments/{assignment}", policy)
    mine = opened(session, assignment)
    (mine / "b.ipynb").unlink()
    (mine / "__pycache__").mkdir()
    (mine / "__pycache__" / "x.pyc").write_text("")
    said = page(session, "submit", course="dl", assignment=assignment)
    assert "Submit: Means & <b>ends</b>" in said
    assert "2020-01-01 12:00 UTC" in said
    assert "This submission is late: 10 % of the points are taken off for each day" in said
    assert "Attempts 2 of 2 left" in said
    assert "Not there: b.ipynb." in said
    assert "a.ipynb" in said
    assert "data/numbers.csv 4 bytes" in said
    assert "pyc" not in said
    answer = submit(session, assignment, key_of(session, assignment))
    assert answer.status_code == 303
    said = words(session.request("GET", f"/campus/{answer.headers['Location']}"))
    one = exchange.get(ALICE, f"/courses/dl/assignments/{assignment}/submissions")[0]
    assert one["sha256"] in said
    assert one["received"][:19].replace("T", " ") in said
    assert "Attempt 1" in said
    assert [f["path"] for f in one["files"]] == ["a.ipynb", "data/numbers.csv"]
    kept = json.loads((mine / ".receipts" / "attempt-1.json").read_text())
    assert kept == one["receipt"]
    assert exchange.ask(ALICE, "POST", "/receipts/verify", json=kept).json()["valid"] is True
    file = session.request("GET", f"/campus/{answer.headers['Location']}", params={"format": "json"})
    assert file.json() == kept
    assert "attachment" in file.headers["Content-Disposition"]
    # The receipt is no part of what is submitted next.
    assert submit(session, assignment, key_of(session, assignment)).status_code == 303
    last = exchange.get(ALICE, f"/courses/dl/assignments/{assignment}/submissions")[1]
    assert [f["path"] for f in last["files"]] == ["a.ipynb", "data/numbers.csv"]
    said = page(session, "submit", course="dl", assignment=assignment)
    assert said.count("All 2 attempts at this assignment are used.") == 1
    refused = submit(session, assignment, key_of(session, assignment))
    assert refused.status_code == 409
    assert "All 2 attempts" in words(refused)


def test_the_same_submission_sent_again_is_one(session: Session, exchange: Exchange, assignment: str) -> None:
    mine = opened(session, assignment)
    exchange.put("grader-dl", f"/courses/dl/assignments/{assignment}", {"title": "x", "attempts": 1})
    key = key_of(session, assignment)
    first, again = submit(session, assignment, key), submit(session, assignment, key)
    assert first.headers["Location"] == again.headers["Location"]
    assert len(exchange.get(ALICE, f"/courses/dl/assignments/{assignment}/submissions")) == 1
    (mine / "a.ipynb").write_text("another")
    assert submit(session, assignment, key).status_code == 409


def test_it_is_the_same_as_the_command(session: Session, exchange: Exchange, assignment: str) -> None:
    opened(session, assignment)
    submit(session, assignment, key_of(session, assignment))
    one = exchange.get(ALICE, f"/courses/dl/assignments/{assignment}/submissions")[0]
    cache = session.home / ".local" / "share" / "jupyter" / "nbgrader_cache" / "dl"
    copies = [p for p in cache.iterdir() if f"+{assignment}+" in p.name]
    assert len(copies) == 1
    assert (copies[0] / "submission_secret.txt").read_text() == one["id"]


def test_what_is_not_there_or_too_large_is_said(session: Session, exchange: Exchange, assignment: str) -> None:
    said = page(session, "submit", 409, course="dl", assignment=assignment)
    assert said.startswith(f"Your home has no folder dl/{assignment}, so there is nothing to hand in.")
    mine = opened(session, assignment)
    own(mine / "big.bin").write_bytes(bytes(2_000_000))
    refused = submit(session, assignment, key_of(session, assignment))
    assert refused.status_code == 409
    assert "too large" in words(refused).lower() or "larger" in words(refused)
    (mine / "big.bin").unlink()
    (mine / "gone").symlink_to("/nowhere")
    said = page(session, "submit", 409, course="dl", assignment=assignment)
    assert said.startswith("gone cannot be read: "), said


def own(path: Path) -> Path:
    path.touch()
    os.chown(path, NOBODY, NOBODY)
    return path


def test_another_persons_receipt_is_not_shown(session: Session, exchange: Exchange, assignment: str) -> None:
    theirs = exchange.submitted("bob", "dl", assignment)
    page(session, "receipt", 404, submission=theirs["id"])
    page(session, "receipt", 400, submission="../../x")
    page(session, "receipt", 400)


# ------------------------------------------------------------------------------------------------ feedback


def test_feedback_opens_where_nbgraders_page_finds_it(session: Session, exchange: Exchange, assignment: str) -> None:
    opened(session, assignment)
    submit(session, assignment, key_of(session, assignment))
    named: dict[str, Any] = {"course": "dl", "assignment": assignment, "what": "feedback"}
    said = page(session, "open", 409, **named)
    assert said.startswith(
        f"There is no feedback on {assignment} yet. It is here once your instructor has released it."
    )
    one = exchange.get(ALICE, f"/courses/dl/assignments/{assignment}/submissions")[0]
    pages = exchanges.tar({"a.html": b"<h1>Well done</h1>"})
    answer = exchange.send("grader-dl", "PUT", f"/submissions/{one['id']}/feedback", pages)
    assert answer.ok, answer.text
    answer = session.request("GET", "/campus/open", params=named)
    path = unquote(answer.headers["Location"]).removeprefix("/user/alice/lab/tree/")
    assert path.startswith(f"dl/{assignment}/feedback/20")
    assert (session.home / path).read_text() == "<h1>Well done</h1>"


# ------------------------------------------------------------------------------------------------ beside the server


def test_the_server_itself_does_without_nbgrader(session: Session, assignment: str) -> None:
    opened(session, assignment)
    assert helper(session).cwd() == str(session.home)
    mapped = {m.path for m in psutil.Process(session.process.pid).memory_maps()}
    assert not any("/sqlalchemy/" in path for path in mapped)


def test_it_goes_with_the_session(environment: Path, exchange: Exchange, assignment: str) -> None:
    with running(environment, CAMPUS_EXCHANGE_URL=exchange.url) as session:
        opened(session, assignment)
        process = helper(session)
        session.process.kill()
        wait_for("the helper to end", lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def test_a_silent_exchange_is_said_and_nothing_is_lost(session: Session, exchange: Exchange, assignment: str) -> None:
    opened(session, assignment)
    key = key_of(session, assignment)
    exchange.kill()
    said = page(session, "open", 503, course="dl", assignment=assignment)
    assert said.startswith("The exchange cannot be reached. Try again in a minute; your files are still yours.")
    exchange.start()
    assert submit(session, assignment, key).status_code == 303


# ------------------------------------------------------------------------------------------------ JupyterLab's buttons


def told(session: Session, method: str, what: str, status: int = 200, **named: str) -> Any:
    answer = session.request(method, f"/campus/coursework/{what}", params=named)
    assert answer.status_code == status, answer.text
    return answer.json()


def solved(path: Path, *, right: bool) -> None:
    book = json.loads(path.read_text())
    book["cells"][0]["source"] = f"def mean(values):\n    return {'sum(values) / len(values)' if right else '1.5'}"
    path.write_text(json.dumps(book))


def test_a_check_tells_of_each_test(session: Session, assignment: str) -> None:
    mine = opened(session, assignment)
    path = {"path": f"dl/{assignment}/a.ipynb"}
    before = {"name": "mean-test", "index": 1, "points": 2, "state": "failed", "message": "NotImplementedError"}
    found = told(session, "POST", "check", **path)["cells"]
    assert found[0] | before == found[0]
    assert "raise NotImplementedError" in found[0]["details"]
    solved(mine / "a.ipynb", right=False)
    cells = told(session, "POST", "check", **path)["cells"]
    assert [(c["name"], c["state"], c["message"]) for c in cells] == [
        ("mean-test", "passed", ""),
        ("one-test", "failed", "AssertionError: of one number"),
        ("why", "person", ""),
    ]
    solved(mine / "a.ipynb", right=True)
    assert [c["state"] for c in told(session, "POST", "check", **path)["cells"]] == ["passed", "passed", "person"]
    assert sorted(p.name for p in mine.iterdir()) == ["a.ipynb", "b.ipynb", "data"], "it leaves nothing behind"
    assert session.listening() == []


def test_a_cell_that_is_not_as_it_was_given(session: Session, exchange: Exchange, base: Path, assignment: str) -> None:
    course = Course(session.environment, base)
    course.generate(a=BOOK)
    release = json.loads((course.root / "release" / "a1" / "a.ipynb").read_text())
    exchange.release("dl", assignment, {"a.ipynb": json.dumps(release).encode()})
    mine = opened(session, assignment)

    def states() -> dict[str, str]:
        cells = told(session, "POST", "check", path=f"dl/{assignment}/a.ipynb")["cells"]
        return {cell["name"]: cell["state"] for cell in cells}

    assert states() == {"mean-test": "failed", "one-test": "failed", "why": "unanswered"}
    cell_of(release, "mean-test")["source"] = "pass"
    cell_of(release, "why")["source"] = "Because."
    cell_of(release, "mean")["source"] = "def mean(values):\n    return sum(values) / len(values)"
    (mine / "a.ipynb").write_text(json.dumps(release))
    assert states() == {"mean-test": "changed", "one-test": "passed", "why": "person"}


@pytest.mark.parametrize("path", ["", "nothing.ipynb", "../x.ipynb", "dl/../../x.ipynb", "/etc/passwd", "a\0.ipynb"])
def test_only_notebooks_are_checked(path: str, session: Session) -> None:
    assert told(session, "POST", "check", 409, path=path)["code"] == "no-notebook"


def test_a_notebook_that_cannot_be_checked_is_said(session: Session, assignment: str) -> None:
    mine = opened(session, assignment)
    path = {"path": f"dl/{assignment}/b.ipynb"}
    (mine / "b.ipynb").write_text("{")
    assert told(session, "POST", "check", 409, **path)["message"] == "b.ipynb cannot be read as a notebook."
    book = json.loads(json.dumps(BOOK))
    book["metadata"]["kernelspec"]["name"] = "cobol"
    (mine / "b.ipynb").write_text(json.dumps(book))
    assert "kernel cobol" in told(session, "POST", "check", 409, **path)["message"]
    book = json.loads(json.dumps(BOOK))
    book["cells"][0]["source"] = "import os; os._exit(1)"
    (mine / "b.ipynb").write_text(json.dumps(book))
    assert told(session, "POST", "check", 409, **path)["code"] == "kernel-died"
    book = json.loads(json.dumps(BOOK))
    del book["cells"][1]["metadata"]["nbgrader"]["points"]
    (mine / "b.ipynb").write_text(json.dumps(book))
    assert told(session, "POST", "check", 409, **path)["code"] == "metadata"


def test_a_check_that_nobody_waits_for_ends_with_its_kernel(session: Session, assignment: str) -> None:
    mine = opened(session, assignment)
    book = json.loads(json.dumps(BOOK))
    book["cells"][0]["source"] = "open('began', 'w').close()\nimport time\ntime.sleep(60)"
    (mine / "a.ipynb").write_text(json.dumps(book))
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{session.url}/campus/coursework/check",
            params={"path": f"dl/{assignment}/a.ipynb"},
            headers=TOKEN,
            timeout=8,
        )
    assert (mine / "began").exists()

    def gone() -> bool:
        lines = [" ".join(p.cmdline()) for p in session.processes() if p.status() != psutil.STATUS_ZOMBIE]
        return not any("coursework.check" in line or "check-" in line for line in lines)

    wait_for("the check and its kernel to end", gone, 20)


def test_the_buttons_submit_as_the_page_does(session: Session, exchange: Exchange, assignment: str) -> None:
    named = {"course": "dl", "assignment": assignment}
    assert told(session, "GET", "standing", **named)["assignment"]["state"] == "released"
    assert told(session, "GET", "standing", course="other", assignment="ps1") == {"assignment": None, "known": True}
    assert told(session, "GET", "preview", 409, **named)["code"] == "not-fetched"
    opened(session, assignment)
    found = told(session, "GET", "preview", **named)
    assert [f["path"] for f in found["files"]] == sorted(FILES)
    assert found["refusal"] is None
    receipt = told(session, "POST", "submit", key=found["key"], **named)
    assert told(session, "POST", "submit", key=found["key"], **named) == receipt
    assert told(session, "POST", "submit", 409, key="x", **named)["code"] == "bad-key"
    assert [s["receipt"] for s in exchange.get(ALICE, f"/courses/dl/assignments/{assignment}/submissions")] == [receipt]
    assert told(session, "GET", "standing", **named)["assignment"]["attempts_used"] == 1
    assert told(session, "POST", "feedback", 409, **named)["code"] == "no-feedback"


# ------------------------------------------------------------------------------------------------ nbgrader's own pages


def asked(session: Session, method: str, page: str, **named: str) -> Any:
    """As nbgrader's pages ask; what they get."""
    answer = session.request(method, page, **({"json": named} if method == "POST" else {"params": named}))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nbgraders_assignment_list_works(session: Session, exchange: Exchange, assignment: str) -> None:
    assert asked(session, "GET", "/nbgrader_version", version="0.9.6") == {"success": True}
    assert asked(session, "GET", "/nbgrader_version", version="0.0.1")["success"] is False
    assert asked(session, "GET", "/courses") == {"success": True, "value": ["dl"]}

    def mine(said: Any) -> dict[str, Any]:
        assert said["success"], said
        return {one["status"]: one for one in said["value"] if one["assignment_id"] == assignment}

    assert set(mine(asked(session, "GET", "/assignments", course_id="dl"))) == {"released"}
    named = {"course_id": "dl", "assignment_id": assignment}
    fetched = mine(asked(session, "POST", "/assignments/fetch", **named))["fetched"]
    assert fetched["path"] == f"dl/{assignment}"
    assert [book["path"] for book in fetched["notebooks"]] == [f"dl/{assignment}/{name}.ipynb" for name in "ab"]
    submitted = mine(asked(session, "POST", "/assignments/submit", **named))["submitted"]
    assert len(submitted["submissions"]) == 1
    said = asked(session, "POST", "/assignments/fetch_feedback", **named)
    assert not said["success"]
    assert said["value"].startswith(f"There is no feedback on {assignment} yet.")
    said = asked(session, "POST", "/assignments/validate", path=f"dl/{assignment}/a.ipynb")
    assert said["success"]
    assert [failed["source"] for failed in said["value"]["failed"]] == [c["source"] for c in BOOK["cells"][1:3]]
    said = asked(session, "POST", "/assignments/fetch", course_id="other", assignment_id="ps1")
    assert not said["success"]
    assert said["value"].startswith("There is no course other, or it is not open to you.")
    assert asked(session, "GET", "/assignments", course_id="../x")["success"] is False


def test_nbgraders_course_list_leads_instructors_to_their_graders(session: Session, exchange: Exchange) -> None:
    assert asked(session, "GET", "/formgraders") == {"success": True, "value": []}
    url = "/hub/spawn/grader-other?next=%2Fuser%2Fgrader-other%2Flab%3Fformgrader%3Dtrue"
    with known(exchange, ["instructor-other"]):
        found = [{"course_id": "other", "url": url, "kind": "jupyterhub"}]
        assert asked(session, "GET", "/formgraders")["value"] == found


@contextmanager
def known(exchange: Exchange, groups: list[str]) -> Iterator[None]:
    """While Alice is in these groups; the exchange, which remembers them for a while, is started anew."""

    def tell(now: list[str]) -> None:
        exchange.hub.groups[ALICE] = now
        exchange.kill()
        exchange.start()

    tell(groups)
    try:
        yield
    finally:
        tell([])


def test_a_graders_session_has_nbgraders_pages_for_it(environment: Path, exchange: Exchange) -> None:
    with running(environment, CAMPUS_EXCHANGE_URL=exchange.url, CAMPUS_GRADER_OF="dl") as session:
        off = session.page_config()["disabledExtensions"]
        assert not [name for name in off if name.startswith("@jupyter/nbgrader")]
        assert session.request("GET", "/formgrader/api/status").json()["status"] is True
        page = session.request("GET", "/formgrader/manage_assignments")
        assert page.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
        assert "'none'" in session.request("GET", "/lab").headers["Content-Security-Policy"]
