from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.axe import violations
from tests.support.campus import Campus

ARTEFACTS = Path(__file__).parents[1] / "artefacts"
# A test machine may have no network: without these Chromium asks for its maker's hosts at every start.
_QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
CHROMIUM: dict[str, Any] = {"executable_path": "/usr/bin/chromium", "args": list(_QUIET)}
SignIn = Callable[..., Page]
Shot = Callable[[Page, str], None]
Well = Callable[[Page, str], None]
SIDEWAYS = "document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def errors() -> list[str]:
    """What the pages of this test complained about in the browser's console."""
    return []


@pytest.fixture
def sign_in(chromium: Browser, calm: Campus, errors: list[str]) -> SignIn:
    """Signs in as a newcomer and goes on to the spawn page; keywords are a browser context's (viewport, ...).

    Without ``tour``, their browser has seen Home's tour, which would stand before everything.
    """

    def sign_in(name: str, tour: bool = False, **context: object) -> Page:
        opened = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})  # type: ignore[arg-type]
        if not tour:
            opened.add_cookies([{"name": "campus-tour", "value": "1", "url": f"{calm.url}/services/home/"}])
        page = opened.new_page()
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(calm.url)
        page.get_by_label("Username").fill(calm.name(name))
        page.get_by_label("Password").fill(calm.passwords[calm.name(name)])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/services/home/")
        page.goto(f"{calm.url}/hub/spawn")
        return page

    return sign_in


@pytest.fixture
def shot() -> Shot:
    """Keeps a picture of the page under tests/artefacts."""
    ARTEFACTS.mkdir(exist_ok=True)

    def shot(page: Page, name: str) -> None:
        page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    return shot


@pytest.fixture
def well(shot: Shot, errors: list[str]) -> Well:
    """Nothing on the page keeps anybody out, and it does not scroll sideways; keeps a picture of it."""

    def well(page: Page, name: str) -> None:
        shot(page, name)
        said = list(errors)
        assert violations(page) == []
        errors[:] = said  # axe tries inline styles, which our pages forbid
        assert not page.evaluate(SIDEWAYS), "the page scrolls sideways"

    return well
