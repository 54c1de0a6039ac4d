from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from campus_base.errors import CampusError
from campus_base.manifest_file import ManifestError
from extensions.courses.check import check, courses_in
from extensions.courses.course import COURSE_FILE, Assignment, Course, CourseFolder
from extensions.courses.names import course_of, grader_of
from extensions.courses.notebooks import NotebookError, build, grade_ids, marks, points
from extensions.courses.stage import stage
from extensions.courses.verdict import mistakes
from extensions.courses.wrong import Wrong, wrong_answers
from hub_config.courses.publish import _check_offered
from hub_config.environments import CHECKOUT
from hub_config.site_file import LOCAL, read_site

MANIFEST = """
title = "First steps"
summary = "A first look."
level = "beginner"
hours = 2
learn = ["Start a session."]
licence = "CC-BY-4.0"

[[assignments]]
name = "means"
title = "Means"
due = 2026-12-01T12:00:00+01:00
late = { accept = "2d", penalty_per_day = 0.1 }
"""
TEXT = """# %% [markdown]
# # Means

# %% nbgrader={"grade_id": "mean", "solution": true}
def mean(values):
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION

# %% nbgrader={"grade_id": "mean-test", "points": 2}
assert mean([1, 2]) == 1.5

# %% [markdown] nbgrader={"grade_id": "why", "solution": true, "points": 3}
# Why?

# %% [markdown] nbgrader={"grade_id": "own", "task": true, "points": 1}
# Try your own.

# %% nbgrader={"grade_id": "setup", "locked": true} tags=["hide"]
import math
"""


# nbgrader's documentation, "Metadata" (schema version 3).
NBGRADERS = {"schema_version", "grade_id", "solution", "grade", "task", "locked", "cell_type"}


def course(folder: Path, manifest: str = MANIFEST, text: str = TEXT) -> Path:
    path = folder / "first"
    (path / "source" / "means" / "data").mkdir(parents=True)
    (path / "course.toml").write_text(manifest)
    (path / "source" / "means" / "means.py").write_text(text)
    (path / "source" / "means" / "data" / "values.csv").write_text("1\n")
    return path


def built(tmp_path: Path, text: str = TEXT) -> Any:
    path = tmp_path / "means.py"
    path.write_text(text)
    return build(path)


def test_what_is_not_usual_is_enough_for_nbgrader(tmp_path: Path) -> None:
    notebook = built(tmp_path)
    assert grade_ids(notebook) == ["mean", "mean-test", "why", "own", "setup"]
    assert [(m["solution"], m["grade"], m["task"], m["locked"]) for m in marks(notebook)] == [
        (True, False, False, False),
        (False, True, False, True),
        (True, True, False, False),
        (False, False, True, True),
        (False, False, False, True),
    ]
    assert points(notebook) == 6
    assert all(set(m) - {"points"} == NBGRADERS for m in marks(notebook))
    assert notebook.cells[-1].metadata["tags"] == ["hide"]


def test_the_same_text_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = built(tmp_path), built(tmp_path)
    assert nbformat.writes(one) == nbformat.writes(two)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TEXT.replace('"mean-test"', '"mean"'), "two cells have the grade_id mean"),
        (TEXT.replace('"points": 2', '"points": -2'), "line 10, cell mean-test: points: "),
        (TEXT.replace('"points": 2', '"points": "2"'), "cell mean-test: points: "),
        (TEXT.replace('"points": 2', '"marks": 2'), "cell mean-test: marks: "),
        (TEXT.replace('"grade_id": "mean-test", ', ""), "grade_id: "),
        (TEXT.replace('"mean-test"', '"mean test"'), "grade_id: "),
        (TEXT.replace(', "locked": true', ""), "say solution, points, task or locked"),
        (TEXT.replace('"task": true, "points": 1', '"task": true'), "a task has points"),
        (TEXT.replace('"solution": true, "points": 3', '"solution": true, "locked": true'), "cannot be locked"),
    ],
)
def test_a_mistake_in_a_cell_is_told_with_its_place(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(NotebookError) as error:
        built(tmp_path, text)
    assert says in str(error.value)
    assert str(tmp_path / "means.py") in str(error.value)


def test_a_course_is_read_and_counted(tmp_path: Path) -> None:
    path = course(tmp_path)
    assert courses_in(tmp_path) == [path]
    assert list(check(path)) == [
        "first: First steps, 1 assignments",
        "  means/means: 5 cells for nbgrader, 6 points, 4 of them given by a person",
    ]
    assert [f.name for f in CourseFolder(path).others("means")] == ["values.csv"]


def test_dates_are_told_to_the_exchange_in_utc(tmp_path: Path) -> None:
    (assignment,) = CourseFolder(course(tmp_path)).course.assignments
    assert assignment.policy(6, "gpu1") == {
        "title": "Means",
        "opens": None,
        "due": "2026-12-01T11:00:00.000000Z",
        "minutes": None,
        "attempts": None,
        "late_policy": {"accept_days": 2.0, "penalty_per_day": 0.1},
        "points": 6,
        "grade_on_submit": False,
        "session_size": "gpu1",
        "weight": 1.0,
    }


def test_timed_work_needs_no_due_date_to_be_late(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("due = 2026-12-01T12:00:00+01:00", 'time = "90m"')
    (assignment,) = CourseFolder(course(tmp_path, manifest)).course.assignments
    policy = assignment.policy(6, None)
    assert (policy["minutes"], policy["due"], policy["late_policy"]["accept_days"]) == (90, None, 2.0)


def test_what_a_course_asks_for_the_site_must_have(tmp_path: Path) -> None:
    site = read_site(LOCAL)
    for key, wanted, code in (("size", "huge", "course-size"), ("environment", "fortran", "course-environment")):
        manifest = MANIFEST.replace("hours = 2", f'hours = 2\n{key} = "{wanted}"')
        folder = CourseFolder(course(tmp_path / key, manifest))
        with pytest.raises(CampusError, match=f"asks for the (session )?{key} {wanted}") as refused:
            _check_offered(folder, site)
        assert refused.value.code == code


def test_a_course_is_staged_for_nbgrader(tmp_path: Path) -> None:
    path = course(tmp_path)
    (path / "source" / "means" / ".DS_Store").write_text("litter")
    folder = CourseFolder(path)
    assert stage(folder, tmp_path / "staged") == {"means": 6.0}
    made = {str(f.relative_to(tmp_path / "staged")) for f in (tmp_path / "staged").rglob("*") if f.is_file()}
    assert made == {"means/means.ipynb", "means/data/values.csv"}
    assert folder.course.card()["order"] == ["means"]
    assert folder.course.card()["pass_mark"] == 0.5


def test_a_link_in_a_course_is_no_way_to_what_its_publisher_may_read(tmp_path: Path) -> None:
    path = course(tmp_path)
    (path / "source" / "means" / "data" / "more.csv").symlink_to("/etc/shadow")
    with pytest.raises(CampusError, match=r"more\.csv is a link"):
        CourseFolder(path)


def test_a_grader_is_the_course_s_account() -> None:
    assert grader_of("dl") == "grader-dl"
    assert [course_of(name) for name in ("grader-dl", "dl", "grader-", "grader-DL", f"grader-{'x' * 24}")] == [
        "dl",
        None,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('level = "beginner"', 'level = "easy"', "level = \"easy\": must be 'beginner', 'intermediate' or 'advanced'"),
        ("hours = 2", "hours = 0", "hours = 0: must be more than 0"),
        ("hours = 2", "hour = 2", "hour: is no setting here; did you mean hours?"),
        ("2026-12-01T12:00:00+01:00", "2026-12-01T12:00:00", "must say its offset from UTC"),
        ("2026-12-01T12:00:00+01:00", '"soon"', "assignments[1].due"),
        ("due = 2026-12-01T12:00:00+01:00", "", "must have a due date or a time to be late"),
        ("penalty_per_day = 0.1", "penalty_per_day = 2", "must be 1 or less"),
        ('name = "means"', 'name = "Means"', "a name of lower-case letters"),
    ],
)
def test_a_mistake_in_the_manifest_is_told_with_its_key(old: str, new: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as error:
        CourseFolder(course(tmp_path, MANIFEST.replace(old, new)))
    assert says in str(error.value)
    assert "./campus course check first" in str(error.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = MANIFEST.replace("hours = 2", "hours = 0").replace('level = "beginner"', "level = 1")
    with pytest.raises(ManifestError) as error:
        COURSE_FILE.parse(text, tmp_path / "first" / "course.toml")
    assert len(error.value.problems) == 2


def test_what_is_named_is_there_and_what_is_there_is_named(tmp_path: Path) -> None:
    path = course(tmp_path)
    (path / "source" / "more").mkdir()
    with pytest.raises(CampusError, match=r"more of first is in source/ and not in course\.toml"):
        CourseFolder(path)
    (path / "source" / "more").rmdir()
    (path / "source" / "means" / "means.py").unlink()
    with pytest.raises(CampusError, match="means of first has no notebook"):
        CourseFolder(path)


def test_an_assignment_without_points_is_none(tmp_path: Path) -> None:
    with pytest.raises(CampusError, match="has no points"):
        list(check(course(tmp_path, text="# %% [markdown]\n# Nothing.\n")))


def test_a_folder_whose_name_no_course_can_have(tmp_path: Path) -> None:
    with pytest.raises(CampusError, match="a name that no course can have"):
        CourseFolder(course(tmp_path).rename(tmp_path / "First Course"))
    with pytest.raises(CampusError, match="a name that no course can have"):
        CourseFolder(tmp_path / ("x" * 24))


WRONG = """# %% [markdown]
# Forgets to divide.

# %% replaces="mean" fails=["mean-test"]
def mean(values):
    return sum(values)
"""


def with_wrong(tmp_path: Path, text: str, assignment: str = "means") -> CourseFolder:
    path = course(tmp_path)
    (path / "wrong" / assignment).mkdir(parents=True)
    (path / "wrong" / assignment / "sum.py").write_text(text)
    return CourseFolder(path)


def test_wrong_answers_are_data(tmp_path: Path) -> None:
    (answer,) = wrong_answers(with_wrong(tmp_path, WRONG), "means")
    assert (answer.name, answer.fails) == ("sum", {"mean-test"})
    assert answer.cells == {"mean": "def mean(values):\n    return sum(values)"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"mean" f', '"median" f', "no one answer median"),
        ('"mean" f', '"mean-test" f', "no one answer mean-test"),
        ('["mean-test"]', '["why"]', "no test why"),
        ('["mean-test"]', '"mean-test"', "does not say what it replaces"),
        (' fails=["mean-test"]', "", "does not say what it replaces"),
        (WRONG, "# %% [markdown]\n# Nothing.\n", "replaces nothing"),
    ],
)
def test_a_wrong_answer_names_what_is_there(old: str, new: str, says: str, tmp_path: Path) -> None:
    folder = with_wrong(tmp_path, WRONG.replace(old, new))
    with pytest.raises(NotebookError, match=says):
        list(check(folder.path))


def test_wrong_answers_to_no_assignment(tmp_path: Path) -> None:
    with pytest.raises(CampusError, match="wrong answers to no assignment"):
        list(check(with_wrong(tmp_path, WRONG, "other").path))


GOOD = {
    "solution": {"cells": {"t1": [2.0, 2.0], "t2": [1.0, 1.0]}, "causes": []},
    "released": {"cells": {"t1": [0.0, 2.0], "t2": [0.0, 1.0]}, "causes": []},
    "sum": {"cells": {"t1": [0.0, 2.0], "t2": [1.0, 1.0]}, "causes": []},
}
SUM = [Wrong("sum", {"mean": ""}, frozenset({"t1"}))]


def test_tests_that_do_what_they_should() -> None:
    assert list(mistakes("a1", GOOD, SUM)) == []


@pytest.mark.parametrize(
    ("who", "found", "says"),
    [
        ("solution", {"cells": {"t1": [1.0, 2.0]}}, "a1: the solution gets 1 of 2 points at t1"),
        ("released", {"cells": {"t1": [2.0, 2.0]}}, "a1: what trainees get has 2 of 2 points at t1 already"),
        ("released", {"causes": ["died"]}, "a1: the released version ends with the cause 'died' (docs/grading.md)"),
        ("sum", {"cells": {"t1": [2.0, 2.0]}}, "a1: the wrong answer sum gets all points at t1"),
        (
            "sum",
            {"cells": {"t1": [0.0, 2.0], "t2": [0.0, 1.0]}},
            "a1: the wrong answer sum loses points at t2, which it does not name",
        ),
    ],
)
def test_tests_that_do_not(who: str, found: dict[str, Any], says: str) -> None:
    assert list(mistakes("a1", GOOD | {who: GOOD[who] | found}, SUM)) == [says]


def test_the_demo_course_is_sound() -> None:
    lines = list(check(CHECKOUT / "courses" / "first-steps"))
    assert lines[0] == "first-steps: First steps with tensors and data, 2 assignments"


@pytest.mark.parametrize("model", [Course, Assignment])
def test_every_key_is_explained_to_authors(model: type[Course] | type[Assignment]) -> None:
    said = (CHECKOUT / "courses" / "README.md").read_text()
    assert all(f"`{key}`" in said for key in model.model_fields)
