"""Grading on the real Slurm, as an ordinary account."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.campus import Campus
from tests.support.course import Course, cell, events, notebook, solve

pytestmark = pytest.mark.cluster
ASSIGNMENT = notebook(
    cell("### BEGIN SOLUTION\nvalue = 3\n### END SOLUTION", "s1", role="solution"),
    cell("value", "t1", role="test", points=3),
)


@pytest.fixture(scope="module")
def course(campus: Campus) -> Course:
    account = campus.account(campus.name("instructor1"))
    folder = Path(account.pw_dir) / "graded"
    shutil.rmtree(folder, ignore_errors=True)
    found = Course(campus.paths.session_env.resolve(), folder, account.pw_uid)
    found.configure("c.Sandbox.memory_mib = 512\nc.Sandbox.disk_mib = 64\nc.Array.batch = 1\n")
    found.generate(ps1=ASSIGNMENT)
    found.submit("ada", solve(s1="value = 3"))
    found.submit("bob", solve(s1="value = 1"))
    found.submit("slow", solve(s1="import time; time.sleep(5); value = 2"))
    found.run("python", "-c", "")  # its files are the grader's
    return found


def grading(course: Course, campus: Campus, meanwhile: Callable[[], None] = lambda: None) -> list[dict[str, Any]]:
    """The events of a run, which is few enough for a pipe; ``meanwhile`` is called again and again."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(course.home), "LANG": "C.UTF-8"}
    with subprocess.Popen(
        [str(course.environment / "bin" / "python"), "-m", "extensions.grading", "a1", "--json", "--slurm"],
        cwd=course.root,
        env={**environment, "SLURM_CONF": str(campus.paths.slurm_conf)},
        stdout=subprocess.PIPE,
        text=True,
        user=course.uid,
        group=course.uid,
        extra_groups=[],
    ) as process:
        while process.poll() is None:
            meanwhile()
            time.sleep(0.1)
        assert process.stdout
        return [json.loads(line) for line in process.stdout]


def tasks_of(student: str, course: Course, campus: Campus) -> list[str]:
    """The running tasks that have this student's submission."""
    argv = ("squeue", "--noheader", "--array", "--states=RUNNING", "--name=campus-grading", "--format=%K %F_%K")
    rows = [line.split() for line in campus.slurm(*argv).stdout.splitlines()]
    folder = course.root / ".grading" / "runs" / "a1" / "array"
    batches = {number: folder / f"batch-{number}.json" for number, _ in rows}
    return [job for number, job in rows if batches[number].exists() and f'"{student}"' in batches[number].read_text()]


def test_a_task_that_is_cancelled_costs_no_points_and_the_next_run_completes(course: Course, campus: Campus) -> None:
    def cancel() -> None:
        for task in tasks_of("slow", course, campus):
            campus.slurm("scancel", task)

    told = events(grading(course, campus, cancel))
    assert {who: event["event"] for who, event in told.items()} == {"ada": "graded", "bob": "graded", "slow": "failed"}
    assert (told["slow"]["code"], "cancelled" in told["slow"]["message"]) == ("task-lost", True)
    assert {key[0]: row[0] for key, row in course.grades().items()} == {"ada": 3, "bob": 1, "slow": None}
    again = [(event["event"], event.get("student")) for event in grading(course, campus)]
    assert again == [("start", None), ("graded", "slow"), ("end", None)]
    assert course.score("slow", "t1") == 2
    assert not campus.jobs("campus-grading")
