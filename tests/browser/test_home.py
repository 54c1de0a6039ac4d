"""Home and the pages of courses, as people of a real Campus see them."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from hub_config.exchange import PUBLISHER_TOKEN
from tests.browser.conftest import SignIn, Well
from tests.support.campus import Campus
from tests.support.exchange import key, tar
from tests.support.person import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_LONG = 60_000  # milliseconds


def at(**shift: float) -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(**shift)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Course:
    """A course that no other test publishes, made through the API as it is published; instructor5 teaches it."""

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        teacher = campus.name("instructor5")
        self.id = next(account.course for account in campus.site.accounts if account.name == teacher)
        self.token = campus.paths.secret(PUBLISHER_TOKEN).read_text().strip()
        card = {
            "summary": "What a neural network is, and how one is trained: from logistic regression to a small one.",
            "language": "en",
            "level": "beginner",
            "hours": 6,
            "learn": ["train a small network", "say when it overfits"],
            "licence": "CC-BY-4.0",
            "order": ["logistic", "network", "project"],
        }
        self.ask("PUT", "", json={"title": "First steps in deep learning", "card": card})
        self.ask("PUT", f"/roster/{campus.name('trainee1')}", json={"first_name": "Ada", "last_name": "Lovelace"})
        self.ask("PUT", f"/roster/{campus.name('trainee2')}", json={})
        rules = {"due": at(days=3), "attempts": 3, "late_policy": {"accept_days": 2, "penalty_per_day": 0.1}}
        self.release("logistic", "Logistic regression", points=10, session_size="cpu", **rules)
        self.release("network", "A small network", points=20, due=at(hours=-5))
        self.ask(
            "PUT", "/assignments/project", json={"title": "Your own project", "opens": at(days=5), "due": at(days=20)}
        )

    def ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        url = f"{self.campus.url}/services/exchange/api/v1/courses/{self.id}{path}"
        headers = {"Authorization": f"token {self.token}", **arguments.pop("headers", {})}
        answer = requests.request(method, url, headers=headers, timeout=60, **arguments)
        assert answer.ok, answer.text
        return answer

    def release(self, name: str, title: str, **policy: Any) -> None:
        self.ask("PUT", f"/assignments/{name}", json={"title": title, **policy})
        files = {"params": {"key": key(), "replace": "1"}, "data": tar({f"{name}.ipynb": b"{}"})}
        self.ask("PUT", f"/assignments/{name}/files", headers={"Content-Type": "application/x-tar"}, **files)


@pytest.fixture(scope="module")
def course(campus: Campus) -> Course:
    return Course(campus)


def test_a_trainee_from_home_into_a_session_and_back(
    sign_in: SignIn, well: Well, calm: Campus, course: Course, errors: list[str]
) -> None:
    page = sign_in("trainee1")
    page.get_by_role("link", name="Home", exact=True).click()
    page.wait_for_url("**/services/home/")
    expect(page.get_by_text("No session is running")).to_be_visible()
    expect(page.get_by_text("0 of 3 handed in")).to_be_visible()
    well(page, "home")
    page.get_by_role("link", name="Open the course First steps in deep learning").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("First steps in deep learning")
    well(page, "course")
    assert not errors
    page.get_by_role("link", name="Open Logistic regression").click()
    name = calm.name("trainee1")
    page.wait_for_url(re.compile(rf"/user/{name}/"), timeout=_LONG)
    page.goto(f"{calm.url}/services/home/")
    errors.clear()  # what a session's own pages say is tested elsewhere
    expect(page.locator("[data-state=running]")).to_contain_text("Time left")
    well(page, "home-running")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status").first).to_contain_text("is being stopped")
    # By itself: the part of the page is asked for again.
    expect(page.locator("[data-state=none]")).to_contain_text("The session was stopped.", timeout=_LONG)
    assert not errors


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_in_french(scheme: str, sign_in: SignIn, well: Well, calm: Campus, course: Course) -> None:
    page = sign_in("trainee2", viewport={"width": 360, "height": 740}, color_scheme=scheme, locale="fr-LU")
    for path, name in (("", "home"), (f"courses/{course.id}", "course")):
        page.goto(f"{calm.url}/services/home/{path}")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        well(page, f"{name}-phone-{scheme}")
    expect(page.get_by_role("link", name="Ouvrir Logistic regression")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "fr-LU"])
def test_the_tour_is_shown_once_and_again_when_asked(
    locale: str, sign_in: SignIn, well: Well, calm: Campus, course: Course, errors: list[str]
) -> None:
    following, skip, again = {
        "en-GB": ("Next", "Skip the tour", "Tour of this page"),
        "fr-LU": ("Suivant", "Passer la visite", "Visite de cette page"),
    }[locale]
    page = sign_in("trainee1", tour=True, locale=locale, viewport={"width": 400, "height": 800})
    page.goto(f"{calm.url}/services/home/")
    tour = page.get_by_role("dialog")
    expect(tour).to_be_visible()
    expect(tour.get_by_role("heading")).to_be_focused()
    well(page, f"tour-{locale}")
    expect(tour).to_have_accessible_name(tour.get_by_role("heading").inner_text())
    said = set()
    while tour.get_by_role("button", name=following).is_visible():
        said.add(tour.get_by_role("heading").inner_text())
        # By keyboard alone; the dialog lets nothing behind it be reached.
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.tour") != "next":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    assert len(said) >= 3
    page.keyboard.press("Escape")
    expect(tour).not_to_be_visible()
    expect(page.get_by_role("button", name=again)).to_be_focused()
    page.reload()
    expect(tour).not_to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=again).click()
    tour.get_by_role("button", name=skip).click()
    expect(tour).not_to_be_visible()
    assert not errors


def test_recent_work_is_opened_and_forgotten(sign_in: SignIn, well: Well, calm: Campus, errors: list[str]) -> None:
    person, name = calm.person("trainee2"), calm.name("trainee2")
    person.start(size="cpu")
    body = {
        "type": "notebook",
        "format": "json",
        "content": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    }
    for path in ("first.ipynb", "Deuxième essai.ipynb"):
        assert person.request("PUT", f"/user/{name}/api/contents/{path}", json=body).ok
    page = sign_in("trainee2")

    def shown() -> bool:
        page.goto(f"{calm.url}/services/home/")
        return page.get_by_role("link", name="Deuxième essai.ipynb").is_visible()

    wait_for("the notebook on Home", shown)
    well(page, "home-recent")
    other = sign_in("trainee1")
    other.goto(f"{calm.url}/services/home/")
    expect(other.get_by_text("Deuxième essai.ipynb")).to_have_count(0)
    page.get_by_role("link", name="Deuxième essai.ipynb").click()
    page.wait_for_url(re.compile(rf"/user/{name}/lab"), timeout=_LONG)
    expect(page.get_by_role("tab", name="Deuxième essai.ipynb")).to_be_visible(timeout=_LONG)
    page.goto(f"{calm.url}/services/home/")
    errors.clear()
    page.get_by_role("button", name="Forget this list").click()
    expect(page.get_by_role("status").first).to_contain_text("The list is forgotten.")
    expect(page.get_by_role("link", name="Deuxième essai.ipynb")).to_have_count(0)
    assert not errors


def test_by_keyboard_and_the_language_is_remembered(sign_in: SignIn, calm: Campus, course: Course) -> None:
    page = sign_in("trainee1")
    page.goto(f"{calm.url}/services/home/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Français":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is not seen"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ma session")).to_be_visible()
    page.goto(f"{calm.url}/services/home/courses/{course.id}")
    expect(page.get_by_role("heading", name="Devoirs")).to_be_visible()


def test_an_instructor_teaches(sign_in: SignIn, well: Well, calm: Campus, course: Course, errors: list[str]) -> None:
    page = sign_in("instructor5")
    page.goto(f"{calm.url}/services/home/")
    page.get_by_role("link", name=re.compile("^Teach First steps")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Teach: First steps in deep learning")
    expect(page.get_by_role("link", name="Grade", exact=True)).to_have_attribute("href", re.compile("spawn/grader-"))
    well(page, "teach")
    page.get_by_role("link", name="People").click()
    well(page, "teach-people")
    table = {"name": "class.csv", "mimeType": "text/csv", "buffer": b"id,last_name\nzoe,Z\n../zoe,Z\n"}
    page.get_by_label("CSV file").set_input_files(table)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("line 3")
    well(page, "teach-people-mistake")
    page.get_by_label("Account").fill("zoe")
    page.get_by_role("button", name="Enter", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The person is entered.")
    page.get_by_role("button", name="Take out zoe").click()
    expect(page.get_by_role("status")).to_contain_text("taken out")
    page.get_by_role("link", name="Assignments").click()
    page.get_by_role("link", name="Logistic regression").click()
    well(page, "teach-assignment")
    page.get_by_label("The person").select_option(calm.name("trainee2"))
    page.locator("#their-due").fill("2031-05-01T10:00")
    page.get_by_label("Why").fill("ill")
    page.get_by_role("button", name="Extend").click()
    expect(page.get_by_role("status")).to_contain_text("The extension is given.")
    page.get_by_role("button", name=re.compile("Take back the extension")).click()
    expect(page.get_by_role("status")).to_contain_text("taken back")
    page.goto(f"{calm.url}/services/home/teach/{course.id}/assignments/logistic/similar")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text(re.compile("^Compared on"))).to_be_visible(timeout=_LONG)
    well(page, "teach-similar")
    for link, name in (("Where they struggle", "struggles"), ("Live classes", "classes"), ("Log", "log")):
        page.get_by_role("link", name=link).click()
        expect(page.get_by_role("link", name=link)).to_have_attribute("aria-current", "page")
        well(page, f"teach-{name}")
    assert not errors


def test_dates_are_entered_in_the_browsers_zone(sign_in: SignIn, calm: Campus, course: Course) -> None:
    page = sign_in("instructor5", timezone_id="Asia/Tokyo")
    page.goto(f"{calm.url}/services/home/teach/{course.id}/assignments/network")
    expect(page.get_by_text("(Asia/Tokyo)").first).to_be_visible()
    page.locator("#due").fill("2031-05-01T10:00")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("status")).to_contain_text("The dates and rules are set.")
    assert course.ask("GET", "/assignments/network").json()["due"] == "2031-05-01T01:00:00.000000Z"
    expect(page.locator("#due")).to_have_value("2031-05-01T10:00")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_teaching_on_a_phone_in_french(scheme: str, sign_in: SignIn, well: Well, calm: Campus, course: Course) -> None:
    page = sign_in("instructor5", viewport={"width": 360, "height": 740}, color_scheme=scheme, locale="fr-LU")
    for path in ("", "/people", "/assignments/logistic", "/struggles", "/log", "/classes"):
        page.goto(f"{calm.url}/services/home/teach/{course.id}{path}")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Enseigner")
        well(page, f"teach{path.replace('/', '-')}-phone-{scheme}")
