"""A trainee's way through an assignment: from a link, with no session, to the receipt and the points."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Shot, SignIn
from tests.browser.test_clock import choose_theme, contrast
from tests.support.campus import Campus
from tests.support.course import cell, notebook, text
from tests.support.exchange import key, tar

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_LAB = 60_000  # milliseconds
COURSE, ASSIGNMENT = "walk", "means"
BOOK = notebook(
    cell("def mean(values):\n    raise NotImplementedError", "mean", role="solution"),
    cell("assert mean([1, 2]) == 1.5", "mean-test", role="test", points=2),
    cell("assert mean([4]) == 4, 'of one number'", "one-test", role="test", points=1),
)
RIGHT = "def mean(values): return sum(values) / len(values)"
WRONG = "def mean(values): return 1.5"


class Teacher:
    """Whoever publishes courses, at the exchange."""

    def __init__(self, campus: Campus) -> None:
        self.url = f"{campus.url}/services/exchange/api/v1"
        self.token = campus.paths.secret("publisher-token").read_text().strip()

    def ask(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"Authorization": f"token {self.token}", **arguments.pop("headers", {})}
        answer = requests.request(method, self.url + path, headers=headers, timeout=60, **arguments)
        assert answer.ok, answer.text
        return answer.json()

    def send(self, method: str, path: str, files: dict[str, bytes], **params: str) -> Any:
        headers = {"Content-Type": "application/x-tar"}
        return self.ask(method, path, data=tar(files), params={"key": key(), **params}, headers=headers)

    def submissions(self, course: str = COURSE) -> list[dict[str, Any]]:
        return self.ask("GET", f"/courses/{course}/assignments/{ASSIGNMENT}/submissions")


@pytest.fixture
def teacher(calm: Campus) -> Teacher:
    """With a course of both trainees, one that is only the second's, and no submissions."""
    found = Teacher(calm)
    people = {COURSE: ("trainee1", "trainee2"), "elsewhere": ("trainee2",)}
    for course, names in people.items():
        found.ask("PUT", f"/courses/{course}", json={"title": course})
        found.ask("PUT", f"/courses/{course}/roster", json=[{"id": calm.name(name)} for name in names])
        path = f"/courses/{course}/assignments/{ASSIGNMENT}"
        policy = {"title": "Means & <i>ends</i>", "due": "2099-01-01T12:00:00Z", "attempts": 3}
        found.ask("PUT", path, json={**policy, "late_policy": {"accept_days": 2, "penalty_per_day": 0.1}})
        found.send("PUT", f"{path}/files", {"a.ipynb": json.dumps(BOOK).encode(), "b.ipynb": b"{}"}, replace="1")
        for submission in found.submissions(course):
            found.ask("DELETE", f"/submissions/{submission['id']}")
    for name in people[COURSE]:
        calm.as_account(calm.name(name), "rm", "-rf", *(str(home(calm, name) / course) for course in people))
    return found


def home(campus: Campus, name: str) -> Path:
    return Path(campus.account(campus.name(name)).pw_dir)


def link(campus: Campus, name: str, what: str = "open", course: str = COURSE) -> str:
    return f"/user/{campus.name(name)}/campus/{what}?course={course}&assignment={ASSIGNMENT}"


def started(page: Page, campus: Campus, name: str, path: str) -> None:
    """Follow a link into a session that does not run yet."""
    page.goto(f"{campus.url}/hub/spawn/{campus.name(name)}?opt-size=cpu&opt-minutes=30&next={quote(path, safe='')}")


def notebook_shown(page: Page) -> None:
    page.wait_for_url("**/lab/**", timeout=_LAB)
    page.locator(".jp-Notebook .cm-content:visible").first.wait_for(timeout=_LAB)
    button(page, "Check").wait_for(timeout=_LAB)


def button(page: Page, name: str) -> Locator:
    return page.locator(".jp-NotebookPanel-toolbar:visible").get_by_role("button", name=name, exact=True)


def dialog(page: Page) -> Locator:
    return page.locator(".jp-Dialog-content")


def write(page: Page, code: str) -> None:
    editor = page.locator(".jp-Notebook .cm-content:visible").first  # other notebooks may be open behind
    editor.fill(code)
    expect(editor).to_have_text(code)


def test_from_a_link_to_the_points(
    sign_in: SignIn, shot: Shot, calm: Campus, teacher: Teacher, errors: list[str]
) -> None:
    page = sign_in("trainee1")
    started(page, calm, "trainee1", link(calm, "trainee1"))
    notebook_shown(page)
    expect(page).to_have_title(re.compile("a.ipynb"))
    expect(page.locator(".campus-Standing")).to_have_text(re.compile("^Due .*2099"))
    expect(page.locator(".validate-button")).to_be_hidden()
    shot(page, "coursework-open")

    write(page, WRONG)
    button(page, "Check").click()
    expect(dialog(page)).to_contain_text("1 of 2 tests passed", timeout=_LAB)
    expect(dialog(page)).to_contain_text("AssertionError: of one number")
    expect(dialog(page)).to_contain_text("Grading may run more tests")
    shot(page, "coursework-check")
    dialog(page).get_by_role("button", name="one-test").click()
    expect(dialog(page)).to_have_count(0)
    expect(page.locator(".jp-Notebook-cell").nth(2)).to_have_class(re.compile("jp-mod-active"))

    write(page, RIGHT)
    # By keyboard, from the palette; what is not saved yet is what is checked.
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette-input").fill("Course Check")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("All 2 tests passed", timeout=_LAB)
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)

    button(page, "Submit").click()
    expect(dialog(page)).to_contain_text("Submit: Means & <i>ends</i>", timeout=_LAB)
    expect(dialog(page)).to_contain_text("3 of 3 left")
    shot(page, "coursework-submit")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("It is in.", timeout=_LAB)
    (submission,) = teacher.submissions()
    assert submission["user"] == calm.name("trainee1")
    expect(dialog(page)).to_contain_text(submission["sha256"])
    shot(page, "coursework-receipt")
    page.keyboard.press("Enter")
    expect(page.locator(".campus-Standing")).to_have_text("Submitted")
    sent = teacher.ask("GET", f"/submissions/{submission['id']}")["files"]
    assert [file["path"] for file in sent] == ["a.ipynb", "b.ipynb"]
    kept = json.loads((home(calm, "trainee1") / COURSE / ASSIGNMENT / ".receipts" / "attempt-1.json").read_text())
    assert kept == submission["receipt"]

    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_text("Assignment List").click()
    # It shows the first of the person's courses, and others may have been published in this Campus.
    expect(page.locator("#course_list_dropdown")).to_be_enabled(timeout=_LAB)
    page.locator("#course_list_dropdown").click()
    page.locator("#course_list").get_by_text(COURSE, exact=True).click()
    expect(page.locator("#submitted_assignments_list")).to_contain_text(ASSIGNMENT, timeout=_LAB)
    shot(page, "coursework-list")

    grade = {"score": 2.5, "max_score": 3, "cells": {}, "causes": [], "released": True}
    teacher.ask("PUT", f"/submissions/{submission['id']}/grade", json=grade)
    teacher.send("PUT", f"/submissions/{submission['id']}/feedback", {"a.html": b"<h1>Well done</h1>"})
    page.goto(f"{calm.url}{link(calm, 'trainee1')}")
    notebook_shown(page)
    expect(page.locator(".jp-Notebook .cm-content").first).to_have_text(RIGHT)
    expect(page.locator(".campus-Standing")).to_have_text("2.5 of 3 points")
    button(page, "Feedback").click()
    expect(page.frame_locator(".jp-HTMLViewer iframe").get_by_role("heading")).to_have_text("Well done", timeout=_LAB)
    shot(page, "coursework-feedback")
    assert not errors


def test_the_page_submits_once_and_knows_what_is_not_saved(
    sign_in: SignIn, shot: Shot, calm: Campus, teacher: Teacher, errors: list[str]
) -> None:
    lab = sign_in("trainee2", color_scheme="dark")
    started(lab, calm, "trainee2", link(calm, "trainee2"))
    notebook_shown(lab)
    choose_theme(lab, "JupyterLab Dark")
    write(lab, RIGHT)
    page = lab.context.new_page()
    page.goto(f"{calm.url}{link(calm, 'trainee2', 'submit')}")
    note = page.get_by_text("Not saved in JupyterLab: a.ipynb.")
    expect(note).to_be_visible()
    shot(page, "coursework-page-dark")
    assert contrast(note) >= 4.5
    page.get_by_role("button", name="Save in JupyterLab").click()
    expect(note).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shot(page, "coursework-page-phone")
    submit = page.get_by_role("button", name="Submit", exact=True)
    assert contrast(submit) >= 4.5
    submit.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/campus/receipt?submission=**")
    expect(page.get_by_text("It is in.")).to_be_visible()
    shot(page, "coursework-receipt-phone")
    (submission,) = teacher.submissions()
    expect(page.get_by_text(submission["sha256"]).first).to_be_visible()
    page.reload()
    assert len(teacher.submissions()) == 1
    book = json.loads((home(calm, "trainee2") / COURSE / ASSIGNMENT / "a.ipynb").read_text())
    assert text(book["cells"][0]["source"]) == RIGHT
    assert not errors


def test_what_others_may_not_do(sign_in: SignIn, calm: Campus, teacher: Teacher) -> None:
    page = sign_in("trainee1")
    started(page, calm, "trainee1", link(calm, "trainee1"))
    notebook_shown(page)
    first = calm.name("trainee1")

    # A course that is not theirs, and paths that lead out of one.
    answer = page.goto(f"{calm.url}{link(calm, 'trainee1', course='elsewhere')}")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading")).to_have_text("There is no course elsewhere, or it is not open to you.")
    for wrong in ("..%2f..%2fetc", "%2fetc", "walk%2f..%2f..", "%3Cscript%3E"):
        for query in (f"course={wrong}&assignment={ASSIGNMENT}", f"course={COURSE}&assignment={wrong}"):
            answer = page.goto(f"{calm.url}/user/{first}/campus/open?{query}")
            assert answer is not None
            assert answer.status == 400
    # Another person's session.
    answer = page.goto(f"{calm.url}{link(calm, 'trainee2')}")
    assert answer is not None
    assert answer.status in (403, 404, 424)

    # With the person's cookies, as another site's page could have the browser send them.
    cookies = {one["name"]: one["value"] for one in page.context.cookies(f"{calm.url}/user/{first}/")}
    form = {"course": COURSE, "assignment": ASSIGNMENT, "key": key()}
    xsrf = {"_xsrf": cookies["_xsrf"]}
    url = f"{calm.url}/user/{first}/campus"
    for path, body, headers in (
        ("submit", form, {}),
        ("submit", {**form, "_xsrf": "x"}, {}),
        ("submit", {**form, **xsrf}, {"Origin": "https://elsewhere.test"}),
        ("coursework/submit", form, {}),
        ("coursework/check", {"path": f"{COURSE}/{ASSIGNMENT}/a.ipynb"}, {}),
        ("coursework/feedback", form, {}),
    ):
        refused = requests.post(
            f"{url}/{path}", params=body, data=body, cookies=cookies, headers=headers, timeout=60, allow_redirects=False
        )
        assert refused.status_code in (403, 404), (path, body, refused.status_code)
    assert teacher.submissions() == []
    framed = page.request.get(f"{url}/submit?course={COURSE}&assignment={ASSIGNMENT}")
    assert framed.ok
    assert "frame-ancestors 'none'" in framed.headers["content-security-policy"]
