"""Two courses, two instructors, three trainees: from the roster to feedback and certificate, each in a browser.

Sessions are real Slurm jobs under the accounts of those whose they are; the graders' are opened by their instructors.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Shot, SignIn
from tests.browser.test_coursework import Teacher, button, dialog, home, notebook_shown, write
from tests.support.campus import Campus

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_LONG = 120_000  # milliseconds
HIDDEN = "a constant is no mean"
MANIFEST = """\
title = "Means, by {who}"
summary = "What a mean is."
level = "beginner"
hours = 1
learn = ["Take a mean."]
licence = "CC-BY-4.0"
size = "cpu"
pass_mark = 0.6
certificate = true

[[assignments]]
name = "means"
title = "Take a mean"
attempts = 2
"""
SOURCE = f"""\
# %% nbgrader={{"grade_id": "mean", "solution": true}}
def mean(values):
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION

# %% nbgrader={{"grade_id": "mean-test", "points": 3}}
assert mean([1, 2]) == 1.5
### BEGIN HIDDEN TESTS
assert mean([4, 6]) == 5, "{HIDDEN}"
### END HIDDEN TESTS
"""
RIGHT = "def mean(values): return sum(values) / len(values)"
WRONG = "def mean(values): return 1.5"


class Class:
    """A course, who teaches it, and what each who is taught hands in."""

    def __init__(self, campus: Campus, teacher: str, answers: dict[str, str]) -> None:
        self.campus, self.teacher, self.answers = campus, teacher, answers
        name = campus.name(teacher)
        self.id = next(account.course for account in campus.site.accounts if account.name == name)
        self.grader = f"grader-{self.id}"

    def home(self, path: str = "") -> str:
        return f"{self.campus.url}/services/home/{path}"

    @property
    def page(self) -> str:
        return self.home(f"courses/{self.id}")

    @property
    def teach(self) -> str:
        return self.home(f"teach/{self.id}")


@pytest.fixture
def classes(calm: Campus) -> Iterator[tuple[Class, Class]]:
    """Courses of no other test's, published; trainee2 follows both, and answers each in a way of their own."""
    top = calm.paths.prefix / "courses"
    shutil.rmtree(top, ignore_errors=True)
    found = (
        Class(calm, "instructor3", {"trainee1": RIGHT, "trainee2": WRONG}),
        Class(calm, "instructor4", {"trainee2": RIGHT, "startup1": RIGHT}),
    )
    for one in found:
        source = top / one.id / "source" / "means"
        source.mkdir(parents=True)
        (source / f"{one.teacher}.py").write_text(SOURCE)
        (top / one.id / "course.toml").write_text(MANIFEST.format(who=one.teacher))
    said = calm.command("course", "publish", *(one.id for one in found)).stdout
    teacher = Teacher(calm)
    for one in found:  # what an earlier run has left
        for submission in teacher.ask("GET", f"/courses/{one.id}/assignments/means/submissions"):
            teacher.ask("DELETE", f"/submissions/{submission['id']}")
        for who in one.answers:
            left = (one.id, ".jupyter/lab/workspaces")
            calm.as_account(calm.name(who), "rm", "-rf", *(f"{home(calm, who)}/{path}" for path in left))
    assert all(f"it is graded as {one.grader}" in said for one in found)
    yield found
    shutil.rmtree(top)


def enter(one: Class, page: Page, by_table: bool, folder: Path) -> None:
    """The roster, on the Teach page: one by one, or from a table."""
    names = [one.campus.name(who) for who in one.answers]
    page.goto(one.home())
    page.get_by_role("link", name=re.compile(f"^Teach Means, by {one.teacher}")).click()
    page.get_by_role("link", name="People", exact=True).click()
    if by_table:
        table = folder / "people.csv"
        table.write_text("id,first_name\n" + "".join(f"{name},Nora\n" for name in names))
        page.get_by_label("CSV file").set_input_files(table)
        page.get_by_label("This is everybody").check()
        page.get_by_role("button", name="Upload").click()
    else:
        for name in names:
            page.get_by_label("Account").fill(name)
            page.get_by_role("button", name="Enter", exact=True).click()
    for name in names:
        expect(page.get_by_role("rowheader", name=name)).to_be_visible()


def hand_in(one: Class, page: Page, who: str) -> None:
    """From Home into the notebook, an answer, a check, and the receipt."""
    page.goto(one.home())
    page.get_by_role("link", name=f"Open the course Means, by {one.teacher}").click()
    page.get_by_role("link", name="Open Take a mean").click()
    page.wait_for_url(re.compile(rf"/user/{one.campus.name(who)}/lab/"), timeout=_LONG)
    notebook_shown(page)
    # The notebook of another course may be open from before, and shown until this one is there.
    expect(page).to_have_title(re.compile(f"^{one.teacher}"), timeout=_LONG)
    write(page, one.answers[who])
    button(page, "Check").click()
    # The hidden test is not here: what is wrong passes as well.
    expect(dialog(page)).to_contain_text("The test passed", timeout=_LONG)
    page.keyboard.press("Enter")
    button(page, "Submit").click()
    expect(dialog(page)).to_contain_text("2 of 2 left", timeout=_LONG)
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("It is in.", timeout=_LONG)
    page.keyboard.press("Enter")


def grade(one: Class, page: Page) -> None:
    """In the course's own session: collect and grade, then release the feedback."""
    page.goto(one.teach)
    page.get_by_role("link", name="Grade, in the course's session").click()
    page.wait_for_url(re.compile(rf"/user/{one.grader}/campus/grading"), timeout=_LONG)
    users = one.campus.slurm("squeue", "--noheader", "--format=%u").stdout.split()
    assert one.grader in users
    page.get_by_role("button", name="Collect and grade").click()
    for who, answer in one.answers.items():
        row = page.get_by_role("row").filter(has_text=one.campus.name(who))
        expect(row).to_contain_text("3 / 3" if answer == RIGHT else "0 / 3", timeout=_LONG)
    page.get_by_role("button", name="Release feedback").first.click()
    expect(page.locator("#run")).to_contain_text("2 released", timeout=_LONG)


def test_the_whole_cycle(
    sign_in: SignIn, shot: Shot, calm: Campus, classes: tuple[Class, Class], tmp_path: Path
) -> None:
    teachers = [sign_in(one.teacher) for one in classes]
    for number, (one, page) in enumerate(zip(classes, teachers, strict=True)):
        enter(one, page, by_table=bool(number), folder=tmp_path)

    pages = {who: sign_in(who) for who in ("trainee1", "trainee2", "startup1")}
    for one in classes:
        for who in one.answers:
            hand_in(one, pages[who], who)

    first, second = classes
    # Whoever is no part of a course does not see that there is one.
    for page, path, status in (
        (pages["trainee1"], second.page, 404),
        (pages["startup1"], first.page, 404),
        (teachers[1], first.teach, 404),
        (pages["trainee1"], first.teach, 403),
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status
    for page in (pages["trainee1"], teachers[1]):
        answer = page.goto(f"{calm.url}/hub/spawn/{first.grader}")
        assert answer is not None
        assert answer.status in (403, 404)

    for one, page in zip(classes, teachers, strict=True):
        grade(one, page)
        shot(page, f"cycle-graded-{one.teacher}")
    for page in (pages["trainee1"], teachers[1]):
        answer = page.goto(f"{calm.url}/user/{first.grader}/campus/grading")
        assert answer is not None
        assert answer.status in (403, 404)

    page = pages["trainee1"]
    page.goto(first.page)
    expect(page.get_by_text("You have passed this course.")).to_be_visible(timeout=_LONG)
    shot(page, "cycle-passed")
    pdf = page.request.get(f"{first.page}/certificate.pdf")
    assert pdf.body().startswith(b"%PDF")
    page.get_by_role("link", name="Feedback on Take a mean").click()
    page.wait_for_url(re.compile(r"/lab/"), timeout=_LONG)
    feedback = page.frame_locator(".jp-HTMLViewer iframe").locator("body")
    expect(feedback).to_contain_text("3.0 / 3.0", timeout=_LONG)
    shot(page, "cycle-feedback")

    page = pages["trainee2"]
    page.goto(first.page)
    expect(page.get_by_role("article")).to_contain_text(re.compile(r"0\s*/ 3"))
    expect(page.get_by_text("You have passed this course.")).to_have_count(0)
    account = calm.account(calm.name("trainee2"))
    page.get_by_role("link", name="Feedback on Take a mean").click()
    page.wait_for_url(re.compile(r"/lab/"), timeout=_LONG)
    expect(page.frame_locator(".jp-HTMLViewer iframe").locator("body")).to_contain_text("0.0 / 3.0", timeout=_LONG)
    theirs = [
        file.read_text(errors="replace") for file in (Path(account.pw_dir) / first.id).rglob("*.*") if file.is_file()
    ]
    assert theirs
    assert not [text for text in theirs if HIDDEN in text], "hidden tests stay hidden, in feedback too"
