"""What can be told of a course without running it: its manifest, its folders, and each notebook's cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from campus_base.errors import CampusError
from extensions.courses.course import MANIFEST, CourseFolder
from extensions.courses.notebooks import build, marks, points
from extensions.courses.wrong import check_folders, wrong_answers


def courses_in(folder: Path) -> list[Path]:
    """The courses' folders in a folder of courses."""
    return sorted(manifest.parent for manifest in folder.glob(f"*/{MANIFEST}"))


def check(path: Path) -> Iterator[str]:
    """Look at the course in this folder; a line for what was found right. Raises CampusError at what is not."""
    folder = CourseFolder(path)
    check_folders(folder)
    yield f"{folder.id}: {folder.course.title}, {len(folder.course.assignments)} assignments"
    for assignment in folder.course.assignments:
        total = 0.0
        for text in folder.texts(assignment.name):
            notebook = build(text)
            own = points(notebook)
            by_person = sum(mark["points"] for mark in marks(notebook) if "points" in mark and _for_a_person(mark))
            total += own
            yield f"  {assignment.name}/{text.stem}: {len(marks(notebook))} cells for nbgrader, {own:g} points, " + (
                f"{by_person:g} of them given by a person" if by_person else "all by tests"
            )
        wrong_answers(folder, assignment.name)
        if not total:
            raise CampusError(
                "course-points",
                f"The assignment {assignment.name} of {folder.id} has no points.",
                'Give a cell some: # %% nbgrader={"grade_id": "mean-test", "points": 2}',
            )


def _for_a_person(mark: dict[str, object]) -> bool:
    return bool(mark["solution"] or mark["task"])
