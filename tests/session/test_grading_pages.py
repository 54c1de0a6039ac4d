"""The grading page's API in a real session, before the real exchange; tests/browser looks at the page itself."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.session.conftest import Session, running
from tests.support.course import solve
from tests.support.person import wait_for
from tests.support.taught import RIGHT, Taught

PAGES = {"ServerApp": {"jpserver_extensions": {"extensions.grading.pages": True}}}
API = "/campus/grading/api"
# ipykernel passes on what is written to standard error, in a thread of its own.
GONE = "import os, time\nos.write(2, b'<script>gone</script>')\ntime.sleep(1)\nos._exit(3)"


@contextmanager
def session_of(taught: Taught) -> Iterator[Session]:
    """A session of the course's grader; others may follow in the same home."""
    course = taught.course
    # The stand-in of the exchange's hub takes a token for its owner's name.
    taught.exchange.hub.groups["alices-token"] = ["instructor-dl"]
    (course.home / ".jupyter").mkdir(exist_ok=True)
    (course.home / ".jupyter" / "jupyter_server_config.json").write_text(json.dumps(PAGES))
    course.run("python", "-c", "")  # its files are the grader's again
    told = {"CAMPUS_GRADER_OF": "dl", "CAMPUS_EXCHANGE_URL": taught.exchange.url, "HOME": str(course.home)}
    with running(course.environment, **told) as session:
        yield session


def ask(session: Session, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = session.request(method, API + path, **({"json": body} if body is not None else {}))
    assert answer.status_code == status, answer.text
    return answer.json()


def rest(session: Session) -> dict[str, Any]:
    """The run, once nothing runs any more."""
    wait_for("the run to end", lambda: not ask(session, "GET", "/run")["busy"], 60)
    return ask(session, "GET", "/run")


def workers(session: Session) -> list[psutil.Process]:
    return [p for p in session.processes() if "extensions.grading" in p.cmdline()]


def test_from_collecting_to_feedback_with_what_went_wrong(taught: Taught) -> None:
    taught.release()
    taught.submit("ada", RIGHT)
    taught.submit("bob", solve(s1=GONE))
    with session_of(taught) as session:
        (one,) = ask(session, "GET", "/assignments")
        assert (one["name"], one["submitters"], one["graded"]) == ("a1", 2, 0)
        assert {s["state"] for s in ask(session, "GET", "/assignments/a1")} == {"waiting"}
        ask(session, "POST", "/run", {"assignment": "a1", "what": "grade"}, 202)
        refused = ask(session, "POST", "/run", {"assignment": "a1", "what": "again"}, 409)
        assert refused["code"] == "grading-runs"
        done = rest(session)["run"]
        assert (done["state"], done["done"], done["total"], done["causes"]) == ("ended", 2, 2, {"died": 1})
        ada, bob = ask(session, "GET", "/assignments/a1")
        assert (ada["score"], ada["manual"], ada["grade_released"], ada["faults"]) == (5, True, False, [])
        (fault,) = bob["faults"]
        assert (fault["cause"], fault["log"]) == ("died", "<script>gone</script>")
        ask(session, "POST", "/run", {"assignment": "a1", "what": "feedback", "student": "ada"}, 202)
        assert rest(session)["run"]["what"] == "feedback"
        assert (taught.seen_by("ada")["score"], taught.seen_by("bob")["score"]) == (5, None)
        ask(session, "POST", "/run", {"assignment": "a1", "what": "again", "student": "bob"}, 202)
        assert rest(session)["run"]["done"] == 1


def test_the_page_is_there_for_whom_it_is_and_answers_no_stranger(taught: Taught) -> None:
    with session_of(taught) as session:
        page = session.request("GET", "/campus/grading")
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert "Grading dl" in page.text
        assert "<script>" not in page.text
        assert not re.search(r"\son\w+=|style=", page.text)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for name in ("grading.js", "grading.css"):
            assert session.request("GET", f"/campus/grading/static/{name}").ok
        nobody = {"Authorization": "token nobodys"}
        for path in ("/campus/grading", f"{API}/run", f"{API}/assignments"):
            assert session.request("GET", path, headers=nobody).status_code in (302, 403)
        order = {"assignment": "a1", "what": "grade"}
        cookie = {"Authorization": "", "Cookie": "_xsrf=2|abc|def|1"}
        assert session.request("POST", f"{API}/run", json=order, headers=cookie).status_code == 403
        for wrong in (
            {"assignment": "../x"},
            {"assignment": "a1", "student": "a*"},
            {"assignment": "a1", "what": "x"},
            7,
        ):
            assert ask(session, "POST", "/run", wrong, 409)["code"] == "bad-order"


def test_a_session_without_a_course_has_no_such_page(environment: Path) -> None:
    with running(environment, PAGES) as session:
        assert session.request("GET", "/campus/grading").status_code == 404


def test_what_a_session_left_undone_is_done_by_the_next(taught: Taught) -> None:
    taught.release()
    people = [f"p{number}" for number in range(5)]
    for who in people:
        taught.submit(who, RIGHT)
    with session_of(taught) as session:
        ask(session, "POST", "/run", {"assignment": "a1", "what": "grade"}, 202)
        wait_for("the first grade", lambda: (ask(session, "GET", "/run")["run"] or {}).get("done", 0) > 0, 60)
        for process in session.processes():  # as Slurm ends a job
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    assert sum(taught.told(who)["score"] is None for who in people) > 0
    with session_of(taught) as session:
        wait_for("the rest", lambda: all(taught.told(who)["score"] == 5 for who in people), 60)
        assert rest(session)["run"]["standing"] > 0


def test_stopped_it_stays_stopped(taught: Taught) -> None:
    taught.release()
    taught.submit("ada", solve(s1="import time; time.sleep(20)"))
    with session_of(taught) as session:
        ask(session, "POST", "/run", {"assignment": "a1", "what": "grade"}, 202)
        wait_for("the start", lambda: (ask(session, "GET", "/run")["run"] or {}).get("started"), 60)
        ask(session, "DELETE", "/run")
        assert rest(session)["run"]["state"] == "interrupted"
        assert not workers(session)
        assert not (taught.course.root / ".grading" / "order.json").exists()


def test_what_is_graded_on_submission_is_graded_by_itself(taught: Taught) -> None:
    taught.release(grade_on_submit=True)
    with session_of(taught):
        taught.submit("ada", RIGHT)
        wait_for("the grade", lambda: taught.seen_by("ada")["feedback"], 60)
        assert taught.seen_by("ada")["score"] == 5
