"""An idle session is announced, kept, saved, stopped, or gone on with on a smaller size."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Shot, SignIn
from tests.browser.test_clock import ASKED, choose_theme, contrast, start
from tests.browser.test_resume import home, tab
from tests.support.campus import Campus
from tests.support.person import wait_for

__all__ = ["home"]  # a fixture

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_LAB = 60_000  # milliseconds
_POLL = 45_000  # milliseconds, more than those between two questions of the page


class Announced:
    """What the session says of its end for being idle: tests of the cluster wait for a real one, these set it."""

    def __init__(self, page: Page) -> None:
        self.idle: dict[str, Any] | None = None
        self.page = page
        page.route(ASKED, self._answer)

    def _answer(self, route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=json.dumps(answer.json() | {"idle": self.idle}))

    def say(self, idle: dict[str, Any] | None) -> None:
        """From the next question on, which the page puts now."""
        self.idle = idle
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def gpu_idle(ends_in: float = 290, keeps_left: int = 2, **changes: Any) -> dict[str, Any]:
    smaller = {"title": "No GPU", "options": {"size": "cpu", "minutes": "20"}}
    said = {"because": "gpu", "idle": 1500, "ends_in": ends_in, "keeps_left": keeps_left, "smaller": smaller}
    return said | changes


def notice(page: Page) -> Locator:
    return page.get_by_role("alert").filter(has_text="has been idle")


def buttons(page: Page) -> list[str]:
    return notice(page).get_by_role("button").all_inner_texts()


def test_an_idle_session(sign_in: SignIn, shot: Shot, calm: Campus, home: Path, errors: list[str]) -> None:
    page = sign_in("trainee2")
    person = calm.person("trainee2")
    start(page, "One GPU", 20)
    announced = Announced(page)

    announced.say(gpu_idle())
    said = r"^The GPU has been idle for 25 minutes\. The session ends at \d\d:\d\d( [AP]M)?; variables are lost then\."
    expect(notice(page)).to_have_text(re.compile(said))
    assert [b for b in buttons(page) if b] == ["Keep it", "Go on: No GPU", "Save and stop"]
    page.wait_for_timeout(1_000)  # it slides in
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        choose_theme(page, theme)
        shot(page, f"idle-{theme.split()[-1].lower()}")
        for button in notice(page).get_by_role("button").filter(has_text=re.compile(".")).all():
            assert contrast(button) >= 4.5
    page.set_viewport_size({"width": 360, "height": 740})
    shot(page, "idle-phone")
    for button in notice(page).get_by_role("button").filter(has_text=re.compile(".")).all():
        expect(button).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1280, "height": 800})

    with page.expect_response("**/campus/session/keep*") as kept:
        page.get_by_role("button", name="Keep it").click()
    assert kept.value.json() == {"idle": None}
    expect(notice(page)).to_have_count(0)
    announced.say(gpu_idle(keeps_left=0, smaller=None, because="session"))
    expect(notice(page)).to_contain_text("This session has been idle")
    assert [b for b in buttons(page) if b] == ["Save and stop"]
    announced.say(None)
    expect(notice(page)).to_have_count(0)

    # What is not saved is saved shortly before the end, and what has not changed is left alone.
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=_LAB)
    page.locator(".jp-DirListing-item", has_text="notes.txt").dblclick()
    expect(page.locator(".jp-FileEditor .cm-content")).to_have_text("to be read")
    untouched = (home / "notes.txt").stat().st_mtime_ns
    tab(page, "Untitled.ipynb").click()
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.type("precious = 42")
    announced.say(gpu_idle(ends_in=100))
    expect(notice(page)).to_be_visible()
    wait_for("the notebook to be saved", lambda: "precious = 42" in (home / "Untitled.ipynb").read_text(), 20)
    assert (home / "notes.txt").stat().st_mtime_ns == untouched

    page.keyboard.type("0")
    assert not errors  # afterwards JupyterLab asks a server that is gone
    # The same address in a new document: the hub leads there at once, or through its waiting page.
    lab = re.compile(rf"/user/{person.name}/lab/tree/Untitled\.ipynb")
    with page.expect_event("domcontentloaded", lambda loaded: lab.search(loaded.url) is not None, timeout=_LAB):
        page.get_by_role("button", name="Go on: No GPU").click()
    expect(page.locator(".jp-Notebook .cm-content").first).to_have_text("precious = 420", timeout=_LAB)
    expect(tab(page, "notes.txt")).to_be_visible()
    assert calm.slurm("squeue", "--noheader", "--format=%l %b").stdout.split() == ["20:00", "N/A"]

    announced.say(gpu_idle(because="session", smaller=None))
    page.get_by_role("button", name="Save and stop").click(timeout=_LAB)
    page.wait_for_url(re.compile("/hub/spawn"), timeout=_LAB)
    expect(page.get_by_text("Your last session (No GPU, 20 minutes): The session was stopped.")).to_be_visible()
    assert not calm.jobs()
    shot(page, "resume-spawn")
    for scheme in ("light", "dark"):
        phone = page.context.browser.new_context(  # type: ignore[union-attr]
            viewport={"width": 360, "height": 740}, color_scheme=scheme, storage_state=page.context.storage_state()
        ).new_page()
        phone.goto(f"{calm.url}/hub/spawn")
        shot(phone, f"resume-spawn-{scheme}")
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
        phone.goto(f"{calm.url}/hub/home")
        shot(phone, f"resume-home-{scheme}")
