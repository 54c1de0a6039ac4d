"""What nbgrader has no score for, or a wrong one, has a score here, with its cause; what was interrupted goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.course import Course, Notebook, cell, events, named, notebook, printed, solve

ASSIGNMENT = notebook(
    cell("### BEGIN SOLUTION\npoints = 3\n### END SOLUTION", "s1", role="solution"),
    cell("points", "t1", role="test", points=3),
    cell("assert True", "t2", role="test", points=1),
)
VALUES = {"nan": 0, "inf": 0, "huge": 0, "minus": 0, "silent": 0, "good": 3, "text": 3, "none": 3}
SOURCES = {
    "nan": "float('nan')",
    "inf": "float('inf')",
    "huge": "3.01",
    "minus": "-1",
    # A result without text: nbgrader stops at it.
    "silent": "type('S', (), {'__repr__': lambda self: ''})()",
    "good": "3",
    "text": "'well'",
    "none": "None",
}


def doubled(found: Notebook) -> None:
    again = json.loads(json.dumps(named(found, "t1")))
    found["cells"].insert(0, {**again, "id": "again", "source": "'never'"})


@pytest.fixture(scope="module")
def course(environment: Path, base: Path) -> Course:
    course = Course(environment, base)
    course.configure("c.Sandbox.seconds = 4\nc.Execute.timeout = 3\n")
    course.generate(ps1=ASSIGNMENT)
    for student, value in SOURCES.items():
        course.submit(f"v-{student}", solve(s1=f"points = {value}"))
    course.submit("doubled", solve(s1="points = 2"), doubled)
    course.submit(
        "long",
        solve(s1="import time\ntime.sleep(2.5)\npoints = 3"),
        lambda found: found["cells"].insert(1, {**cell("time.sleep(2.5)"), "id": "more"}),
    )
    course.submit("kernel", lambda found: found["metadata"].update(kernelspec={"name": "cobol", "display_name": "x"}))
    for student, content in (
        ("broken", "{"),
        ("deep", "[" * 200_000),
        ("empty", ""),
        ("list", "[]"),
        ("old", '{"nbformat": 9}'),
    ):
        (course.submit(student) / "ps1.ipynb").write_text(content)
    (course.submit("large") / "ps1.ipynb").write_text(json.dumps({"x": "y" * (17 << 20)}))
    linked = course.submit("linked")
    (linked / "book.txt").symlink_to(course.root / "gradebook.db")
    solution = course.submit("copied")
    (solution / "ps1.ipynb").unlink()
    (solution / "ps1.ipynb").symlink_to(course.root / "source" / "a1" / "ps1.ipynb")
    (course.submit("nothing") / "ps1.ipynb").unlink()
    os.mkfifo(course.submit("fifo") / "data.csv")
    course.told = events(course.grade())  # type: ignore[attr-defined]
    return course


def causes(course: Course, student: str) -> list[str]:
    return [fault["cause"] for fault in course.told[student]["faults"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", VALUES)
def test_only_scores_from_zero_to_the_points_count(course: Course, value: str) -> None:
    student = f"v-{value}"
    assert (course.score(student, "t1"), course.score(student, "t2")) == (VALUES[value], 1)
    assert causes(course, student) == ([] if VALUES[value] else ["score"])
    assert ("is not between 0 and 3." in printed(named(course.graded(student), "t1"))) == (not VALUES[value])


def test_of_two_cells_with_one_id_the_last_counts(course: Course) -> None:
    assert course.score("doubled", "t1") == 2
    assert causes(course, "doubled") == []


def test_a_notebook_that_takes_too_long_keeps_what_it_had_and_loses_the_rest(course: Course) -> None:
    assert (course.score("long", "t1"), course.score("long", "t2")) == (0, 0)
    assert causes(course, "long") == ["time"]
    (fault,) = course.told["long"]["faults"]  # type: ignore[attr-defined]
    assert fault["cell"] == "2"
    assert fault["sentence"] == "The notebook took longer than the 4 seconds that it may take."
    assert fault["sentence"] in printed(named(course.graded("long"), "t1"))


def test_the_courses_kernel_is_used_and_not_the_submissions(course: Course) -> None:
    assert course.score("kernel", "t2") == 1


@pytest.mark.parametrize(
    "student", ["broken", "deep", "empty", "list", "old", "large", "linked", "copied", "nothing", "fifo"]
)
def test_what_cannot_be_read_has_no_points_and_says_why(course: Course, student: str) -> None:
    assert (course.score(student, "t1"), course.score(student, "t2")) == (0, 0)
    assert causes(course, student) == ["unreadable"]
    assert "cannot be graded" in printed(course.graded(student)["cells"][0])


def test_a_link_is_never_followed(course: Course) -> None:
    assert [p.name for p in (course.root / "autograded" / "linked" / "a1").iterdir()] == ["ps1.ipynb"]
    assert b"SQLite" not in b"".join(p.read_bytes() for p in course.root.glob("autograded/*/a1/*"))


def test_feedback_can_be_made_of_all(course: Course) -> None:
    course.run("nbgrader", "generate_feedback", "a1")
    assert len(list(course.root.glob("feedback/*/a1/ps1.html"))) == len(course.told)  # type: ignore[attr-defined]


def test_graded_once_is_enough(course: Course) -> None:
    start, end = course.grade()
    assert (start["total"], start["standing"], end["event"]) == (0, len(course.told), "end")  # type: ignore[attr-defined]


def test_nbgraders_own_command_gives_no_points_for_impossible_scores_either(course: Course) -> None:
    course.autograde("--force", "--student=v-*")
    assert {value: course.score(f"v-{value}", "t1") for value in VALUES} == VALUES


def test_nbgraders_own_command_follows_no_link(course: Course) -> None:
    shutil.rmtree(course.root / "autograded" / "linked")
    log = course.autograde("--student=linked", check=False)
    assert "'book.txt' in the submission is a link" in log
    assert not (course.root / "autograded" / "linked" / "a1").exists()


# A user namespace that allows one more below it, the grader's: none is left for a sandbox (user_namespaces(7)).
NO_SANDBOX = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    'echo 1 > /proc/sys/user/max_user_namespaces && exec unshare --user --map-user=1000 "$@"',
    "sh",
)


def grading(course: Course, *options: str, within: Sequence[str] = ()) -> subprocess.Popen[str]:
    become: dict[str, Any] = {"user": course.uid, "group": course.uid, "extra_groups": []} if os.getuid() == 0 else {}
    return subprocess.Popen(
        [*within, str(course.environment / "bin" / "python"), "-m", "extensions.grading", "a1", "--json", *options],
        cwd=course.root,
        env={"PATH": f"{course.environment}/bin:/usr/bin:/bin", "HOME": str(course.home), "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        text=True,
        **become,
    )


def test_killed_at_any_moment_it_goes_on_and_grades_each_once(environment: Path, base: Path) -> None:
    course = Course(environment, base / "killed")
    course.generate(ps1=ASSIGNMENT)
    students = [f"s{number}" for number in range(6)]
    for student in students:
        course.submit(student, solve(s1="points = 3"))
    told: list[str] = []
    for killed_after in (0, 1, 2):
        process = grading(course, "--workers=1")
        assert process.stdout
        for line in process.stdout:
            event = json.loads(line)
            told += [event["student"]] if event["event"] == "graded" else []
            if event.get("done", 0) >= killed_after:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
    told += [e["student"] for e in course.grade("--workers=2") if e["event"] == "graded"]
    assert told
    assert {student: course.score(student, "t1") for student in students} == dict.fromkeys(students, 3)
    assert len(course.grades()) == 2 * len(students)
    assert not list((course.root / ".grading" / "executed").glob("*/a1/*.ipynb"))


def test_a_course_has_one_writer(course: Course) -> None:
    first = grading(course, "--force")
    assert first.stdout
    first.stdout.readline()
    second = course.run("python", "-m", "extensions.grading", "a1", check=False)
    assert "Another grading of the course" in second.stderr
    assert second.returncode == 1
    first.terminate()
    assert first.wait() == 143


def test_where_no_sandbox_can_be_made_nothing_is_run(environment: Path, base: Path) -> None:
    course = Course(environment, base / "no-sandbox")
    course.generate(ps1=ASSIGNMENT)
    course.submit("ada", solve(s1="points = 3"))
    process = grading(course, within=NO_SANDBOX)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    last = json.loads(said.splitlines()[-1])
    assert (last["event"], last["code"], last["done"]) == ("stopped", "no-sandbox", 0)
    assert "user namespaces" in last["remedy"]
    assert [event["student"] for event in course.grade() if event["event"] == "graded"] == ["ada"]


def test_root_grades_nothing(environment: Path) -> None:
    if os.getuid() == 0:
        done = subprocess.run(
            [str(environment / "bin" / "python"), "-I", "-m", "extensions.grading.sandbox"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        assert done.returncode == 1
        assert "never run by root" in done.stderr


def test_it_says_when_there_is_no_sandbox(course: Course) -> None:
    assert course.run("python", "-m", "extensions.grading.sandbox").stdout == "Student code can be run here.\n"


# The secret's letters, as the digits of a sentence of the grader's own.
FORGES = """
from IPython import get_ipython

shell = get_ipython()
seen = []


class NotGraded(Exception):
    pass


def forge(info):
    seen.extend(str(ord(letter)) for letter in info.raw_cell.partition("KEY")[2][:3])
    for number in seen:
        sentence = f"The cell ran longer than the {number} seconds that a cell may take, and was interrupted."
        content = {"ename": "NotGraded", "evalue": sentence, "traceback": []}
        shell.kernel.session.send(shell.kernel.iopub_socket, "error", content, parent=shell.kernel.get_parent("shell"))


def fail():
    raise NotGraded("The cell ran longer than the 77 seconds that a cell may take, and was interrupted.")


shell.events.register("pre_run_cell", forge)
"""


def test_what_looks_like_the_graders_words_is_an_error_as_any_other(environment: Path, base: Path) -> None:
    course = Course(environment, base / "forged")
    hidden = "pass\n### BEGIN HIDDEN TESTS\nassert True, 'KEYabc'\n### END HIDDEN TESTS"
    course.generate(
        ps1=notebook(
            cell("### BEGIN SOLUTION\ndef fail(): pass\n### END SOLUTION", "s1", role="solution"),
            cell("fail()", "t1", role="test", points=1),
            cell(hidden, "t2", role="test", points=1),
            cell("4.0", "t3", role="test", points=3),
            cell("### BEGIN SOLUTION\n### END SOLUTION", "s2", role="solution"),
        )
    )
    course.submit("forges", solve(s1=FORGES, s2="raise NotGraded(seen)"))
    course.submit("ends", solve(s1="fail = lambda: None", s2="import os; os._exit(0)"))
    course.grade()
    assert course.score("forges", "t1") == 0
    assert (course.score("ends", "t1"), course.score("ends", "t3")) == (1, 0)
    course.run("nbgrader", "generate_feedback", "a1")
    forged, ended = (
        (course.root / "feedback" / student / "a1" / "ps1.html").read_text() for student in ("forges", "ends")
    )
    assert [number for number in (97, 98, 99) if f"longer than the {number} seconds" in forged] == []
    assert "which is not between 0 and 3" in ended
    assert "kernel ended: it exited with status 0" in ended
