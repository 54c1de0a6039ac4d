"""From submissions at the real exchange to grades and feedback there, by the one command."""

from __future__ import annotations

import datetime
import json
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from tests.session.test_grading_faults import grading
from tests.support.course import Course, solve
from tests.support.exchange import untar
from tests.support.taught import ASSIGNMENT, GRADER, PATH, RIGHT, Taught


def test_grades_are_told_and_kept_back_until_feedback_is_released(taught: Taught) -> None:
    taught.release()
    taught.submit("ada", RIGHT)
    taught.submit("bob", solve(s1="import os; os.kill(os.getpid(), 9)"))
    first = taught.submit("eve")
    second = taught.submit("eve", solve(s1="points = 1"))
    told = taught.grade("--exchange")
    assert [e["event"] for e in told] == ["note", "start", "graded", "graded", "graded", "end"]
    ada = taught.told("ada")
    assert (ada["score"], ada["max_score"], ada["causes"], ada["grade_released"]) == (5, 10, [], False)
    assert ada["cells"] == {
        "ps1/t1": {"score": 3, "max_score": 3},
        "ps1/t2": {"score": 2, "max_score": 2},
        "ps1/why": {"score": 0, "max_score": 5, "manual": True},
    }
    assert taught.seen_by("ada")["score"] is None
    bob = taught.told("bob")
    assert (bob["score"], bob["causes"]) == (0, ["died"])
    assert taught.told("eve")["id"] == second["id"]
    assert (taught.told("eve")["score"], taught.exchange.get(GRADER, f"/submissions/{first['id']}")["score"]) == (
        1,
        None,
    )

    # What nothing has changed of is not told again.
    before = taught.log()
    assert [e["event"] for e in taught.grade("--exchange")] == ["note", "start", "end"]
    assert taught.log().count("graded") == before.count("graded")

    told = taught.grade("--release", "--student=ada")
    assert [(e["event"], e.get("student")) for e in told] == [("start", None), ("feedback", "ada"), ("end", None)]
    assert (taught.seen_by("ada")["score"], taught.seen_by("eve")["score"]) == (5, None)
    page = untar(taught.exchange.ask("ada", "GET", f"/submissions/{ada['id']}/feedback").content)["ps1.html"]
    assert b"SECRET" not in page
    assert b"Because." in page
    taught.grade("--release")
    assert (taught.seen_by("bob")["score"], taught.seen_by("eve")["score"]) == (0, 1)
    before = taught.log()
    taught.grade("--release")
    assert taught.log() == before
    # A grade that people know stays known when it changes.
    taught.grade("--exchange", "--force", "--student=eve")
    assert taught.seen_by("eve")["score"] == 1


def test_what_one_hands_in_keeps_nobody_from_a_grade(taught: Taught) -> None:
    taught.release()
    # nbgrader ends a whole run at a folder that is larger than this, in thousands of bytes.
    taught.course.configure("c.CourseDirectory.course_id = 'dl'\nc.CourseDirectory.max_dir_size = 20")
    odd = {"ps1.ipynb": taught.released, "timestamp.txt/x": b"1", "submission_secret.txt/x": b"1", "big": bytes(30_000)}
    taught.exchange.submitted("ada", "dl", "a1", odd)
    taught.submit("bob", RIGHT)
    told = {e["student"]: e["score"] for e in taught.grade("--exchange") if e["event"] == "graded"}
    assert told == {"ada": 0, "bob": 5}


def test_what_is_graded_on_submission_is_released_at_once(taught: Taught) -> None:
    taught.release(grade_on_submit=True)
    taught.submit("ada", RIGHT)
    taught.grade("--exchange")
    one = taught.seen_by("ada")
    assert (one["score"], one["grade_released"], [f["path"] for f in one["feedback"]["files"]]) == (
        5,
        True,
        ["ps1.html"],
    )
    before = taught.log()
    taught.grade("--exchange", "--force")
    assert taught.log().count("feedback-released") == before.count("feedback-released")
    taught.submit("ada", solve(s1="points = 2"))
    taught.grade("--exchange")
    assert (taught.seen_by("ada")["score"], taught.seen_by("ada")["feedback"] is None) == (2, False)


def test_what_an_earlier_run_could_not_tell_is_told_by_the_next(taught: Taught) -> None:
    taught.release()
    taught.submit("ada", RIGHT)
    taught.course.run("nbgrader", "collect", "a1", **taught.session)
    taught.grade()
    assert taught.told("ada")["score"] is None
    taught.grade("--exchange")
    assert taught.told("ada")["score"] == 5


def test_a_refusal_stops_the_run_and_says_why(taught: Taught) -> None:
    taught.release()
    taught.session["JUPYTERHUB_API_TOKEN"] = "ada"
    *_, last = taught.grade("--exchange", check=False)
    assert last["event"] == "stopped"
    assert "Only instructors" in last["message"]


def late(**more: float) -> dict[str, Any]:
    """The policy of an assignment that was due a day and a half ago."""
    due = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=36)
    return {"due": due.isoformat(), "late_policy": {"penalty_per_day": 0.1, **more}}


def test_what_comes_late_loses_what_the_course_says_and_an_extension_helps(taught: Taught) -> None:
    taught.release(**late())
    tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).isoformat()
    taught.exchange.put(GRADER, f"{PATH}/extensions/bob", {"due": tomorrow})
    for who in ("ada", "bob", "eve"):
        taught.submit(who, RIGHT)
    told = {e["student"]: e for e in taught.grade("--exchange") if e["event"] == "graded"}
    # Two days are begun, and a tenth is taken off for each.
    assert {who: (e["score"], e["penalty"]) for who, e in told.items()} == {"ada": (4, 1), "bob": (5, 0), "eve": (4, 1)}
    ada = taught.told("ada")
    assert (ada["score"], ada["causes"], ada["cells"]["ps1/t1"]["score"]) == (4, ["late"], 3)
    assert (taught.told("bob")["score"], taught.told("bob")["causes"]) == (5, [])
    taught.grade("--release", "--student=ada")
    assert taught.seen_by("ada")["score"] == 4
    # An extension that comes after the grade helps when it is graded again.
    taught.exchange.put(GRADER, f"{PATH}/extensions/eve", {"due": tomorrow})
    taught.grade("--exchange", "--force")
    assert (taught.told("eve")["score"], taught.told("ada")["score"]) == (5, 4)


def test_timed_work_is_late_from_when_it_was_fetched(taught: Taught) -> None:
    taught.release(minutes=1, late_policy={"penalty_per_day": 0.1})
    for who in ("ada", "bob"):
        assert taught.exchange.ask(who, "GET", f"{PATH}/files").ok
    taught.submit("bob", RIGHT)
    # Ada began an hour before.
    with sqlite3.connect(taught.exchange.folder / "exchange.sqlite") as database:
        hour = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        database.execute("update exchange_fetches set at = ? where person = 'ada'", (hour,))
    taught.submit("ada", RIGHT)
    taught.grade("--exchange")
    assert (taught.told("ada")["score"], taught.told("bob")["score"]) == (4.5, 5)


def test_nbgraders_own_commands_take_the_same_off(taught: Taught) -> None:
    taught.release(**late(penalty_per_day=0.75))
    taught.submit("ada", RIGHT)
    taught.course.run("nbgrader", "collect", "a1", **taught.session)
    taught.course.autograde()
    taught.course.run("nbgrader", "generate_feedback", "a1")
    taught.course.run("nbgrader", "release_feedback", "a1", **taught.session)
    one = taught.seen_by("ada")
    assert (one["score"], one["causes"]) == (0, ["late"]), "two days at three quarters each are all of it"


def test_a_date_that_is_moved_forward_makes_nobody_late(taught: Taught) -> None:
    taught.release()
    taught.submit("ada", RIGHT)
    taught.exchange.put(GRADER, PATH, {"title": "A", **late()})
    taught.grade("--exchange")
    assert taught.told("ada")["score"] == 5


def test_regrading_all_that_is_killed_goes_on_where_it_was(environment: Path, base: Path) -> None:
    course = Course(environment, base / "again")
    course.generate(ps1=ASSIGNMENT)
    students = [f"s{number}" for number in range(4)]
    for student in students:
        course.submit(student, solve(s1="points = 3"))
    course.grade()
    process = grading(course, "--workers=1", "--force")
    assert process.stdout
    again = []
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "graded":
            again.append(event["student"])
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    rest = [e["student"] for e in course.grade() if e["event"] == "graded"]
    # The one that was told last may not have been noted yet.
    assert set(again) | set(rest) == set(students)
    assert len(rest) >= 3
    assert [e["event"] for e in course.grade()] == ["start", "end"]


def test_a_full_disk_costs_no_points(environment: Path, base: Path) -> None:
    course = Course(environment, base / "full")
    course.generate(ps1=ASSIGNMENT)
    course.submit("ada", solve(s1="points = 3"))
    disk = course.root / ".grading"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        (disk / "filling").write_bytes(b"x" * (1 << 15))
        found = course.submit("ada") / "data.bin"
        found.write_bytes(b"y" * (1 << 16))
        done = course.run("python", "-m", "extensions.grading", "a1", check=False)
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert course.grades() == {} or course.score("ada", "t1") is None
    finally:
        subprocess.run(["umount", disk], check=True)
    course.submit("ada", solve(s1="points = 3"))
    course.grade()
    assert course.score("ada", "t1") == 3


def test_feedback_that_cannot_be_made_keeps_no_one_elses_back(taught: Taught) -> None:
    taught.release(grade_on_submit=True)
    taught.submit("ada", solve(s1="points = 3", why="![none](attachment:none.png)"))
    taught.submit("bob", RIGHT)
    for again in (False, True):
        told = taught.grade("--exchange", check=False)
        untold = [(e["student"], e["code"]) for e in told if e["event"] == "note" and "student" in e]
        assert (untold, told[-1]["event"]) == ([("ada", "no-feedback")], "end")
        assert (taught.seen_by("bob")["score"], taught.seen_by("bob")["feedback"] is None) == (5, False)
        assert taught.told("ada")["score"] == 5
        if not again:
            taught.submit("eve", RIGHT)
    assert taught.seen_by("eve")["feedback"]["files"]


def test_metadata_of_any_shape_costs_no_feedback(taught: Taught) -> None:
    taught.release(grade_on_submit=True)
    shapes = ('{"text/html": 1}', '{"text/html": {"isolated": [1]}}', '{"text/html": [], "x": 2}')
    shows = "\n".join(f"display({{'text/html': 'x'}}, raw=True, metadata={shape})" for shape in shapes)
    taught.submit("ada", solve(s1=f"points = 3\n{shows}"))
    taught.grade("--exchange")
    assert (taught.seen_by("ada")["score"], taught.seen_by("ada")["feedback"] is None) == (5, False)
