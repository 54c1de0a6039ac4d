"""Starter kits on Home, as people of a real Campus see them: read, opened and found."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIDEWAYS, SignIn, Well
from tests.support.campus import Campus
from tests.support.kits import publish
from tests.support.person import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_LONG = 60_000  # milliseconds
_TITLE = "Find odd payments"
_KIT = "ct-odd"


@pytest.fixture(scope="module")
def kit(campus: Campus) -> Iterator[str]:
    """A kit that wants a GPU, and one beside it that cannot be shown."""
    catalogue = campus.paths.kit_catalogue
    publish(catalogue, _KIT, title=_TITLE)
    publish(catalogue, "ct-broken", minutes=0)
    yield _KIT
    for name in (_KIT, "ct-broken"):
        shutil.rmtree(catalogue / name)


def at_home(page: Page, campus: Campus, path: str = "") -> None:
    page.goto(f"{campus.url}/services/home/{path}")


def running(campus: Campus, page: Page) -> str:
    """The size of the session that runs, as Home says it."""
    at_home(page, campus)
    expect(page.locator("[data-state=running]")).to_be_visible(timeout=_LONG)
    return page.locator("[data-state=running] dd").first.inner_text()


def start(campus: Campus, page: Page, size: str) -> None:
    """A session of a size, to the end of its start."""
    page.goto(f"{campus.url}/hub/spawn?opt-size={size}")
    page.wait_for_url(re.compile(r"/user/[^/]+/(lab|tree)"), timeout=_LONG)


def test_look_inside_and_open_without_a_session(
    sign_in: SignIn, well: Well, calm: Campus, kit: str, errors: list[str]
) -> None:
    page = sign_in("startup1")
    at_home(page, calm)
    card = page.get_by_role("article", name=_TITLE)
    expect(card.get_by_role("img")).to_have_js_property("naturalWidth", 640)
    well(page, "home-kits")
    card.get_by_role("link", name="Look inside").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(_TITLE)
    page.get_by_text("All about the data").click()
    expect(page.get_by_text("Drawn by a generator with a fixed seed.")).to_be_visible()
    well(page, "kit")
    page.get_by_role("link", name="Understand the data").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Understand the data")
    well(page, "kit-notebook")
    page.get_by_role("link", name="Train a model").click()
    expect(page.get_by_text("An autoencoder")).to_be_visible()
    assert not errors
    name = calm.name("startup1")
    with page.expect_request(re.compile(rf"/user/{name}/campus/kit\?name={_KIT}&notebook=02_model"), timeout=_LONG):
        page.get_by_role("link", name=re.compile("^Open on a GPU")).click()
        # It is watched on the hub's page of a session that starts, unless that is over by then.
        page.wait_for_url(re.compile(rf"/hub/spawn-pending/{name}|/user/{name}/"), timeout=_LONG)
    assert running(calm, page) == "One GPU"


def test_a_session_that_is_enough_is_used(sign_in: SignIn, calm: Campus, kit: str) -> None:
    page = sign_in("startup1")
    start(calm, page, "gpu1")
    jobs = calm.jobs(calm.job_name)
    at_home(page, calm)
    name = calm.name("startup1")
    with page.expect_request(re.compile(rf"/user/{name}/campus/kit\?name={_KIT}"), timeout=_LONG):
        page.get_by_role("link", name=f"Open on a GPU: {_TITLE}").click()
    assert calm.jobs(calm.job_name) == jobs


def test_a_smaller_session_asks_first(sign_in: SignIn, well: Well, calm: Campus, kit: str, errors: list[str]) -> None:
    page = sign_in("startup1")
    start(calm, page, "cpu")
    errors.clear()  # what a session's own pages say is tested elsewhere
    (job,) = calm.jobs(calm.job_name)
    name = calm.name("startup1")
    opening = f"kits/{kit}/open"
    at_home(page, calm, opening)
    expect(page.get_by_role("heading", level=1)).to_have_text("In which session?")
    well(page, "kit-open-smaller")
    page.get_by_role("link", name="Leave all as it is").click()
    page.wait_for_url(f"**/kits/{kit}")
    assert calm.jobs(calm.job_name) == [job]
    assert not errors
    at_home(page, calm, opening)
    with page.expect_request(re.compile(rf"/user/{name}/campus/kit\?name={_KIT}"), timeout=_LONG):
        page.get_by_role("link", name=re.compile("^Use it")).click()
    assert calm.jobs(calm.job_name) == [job]
    at_home(page, calm, opening)
    with page.expect_request(re.compile(rf"/user/{name}/campus/kit\?name={_KIT}"), timeout=2 * _LONG):
        page.get_by_role("button", name=re.compile("^Stop it and start")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your session is being stopped")
    assert running(calm, page) == "One GPU"
    assert job not in calm.jobs(calm.job_name)


def test_the_same_link_goes_on_after_the_hub_was_killed(sign_in: SignIn, calm: Campus, kit: str) -> None:
    page = sign_in("startup1")
    name = calm.name("startup1")
    at_home(page, calm, f"kits/{kit}/open")
    page.wait_for_url(re.compile(rf"/hub/spawn-pending/{name}|/user/{name}/"), timeout=_LONG)
    wait_for("the job", lambda: calm.jobs(calm.job_name))
    calm.kill("hub")
    calm.wait_until_answering()
    with page.expect_request(re.compile(rf"/user/{name}/campus/kit\?name={_KIT}"), timeout=2 * _LONG):
        at_home(page, calm, f"kits/{kit}/open")
    # The same one, or where the hub was killed before it knew of that, another in its place.
    wait_for("one session", lambda: len(calm.jobs(calm.job_name)) == 1)


def test_search(sign_in: SignIn, well: Well, calm: Campus, kit: str, errors: list[str]) -> None:
    page = sign_in("trainee1")
    at_home(page, calm)
    page.get_by_role("searchbox").fill("PAYMÉNTS zebra")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Starter kits")).to_be_visible()
    expect(page.locator("mark").first).to_have_text("payments")
    well(page, "search")
    page.get_by_role("searchbox").fill("zebra")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing was found for “zebra”.")).to_be_visible()
    well(page, "search-nothing")
    page.get_by_role("main").get_by_role("link", name=_TITLE).click()
    page.wait_for_url(f"**/kits/{kit}")
    assert not errors


def test_search_works_without_script(sign_in: SignIn, calm: Campus, kit: str) -> None:
    page = sign_in("trainee1")
    state = page.context.storage_state()
    plain = page.context.browser.new_context(java_script_enabled=False, storage_state=state).new_page()  # type: ignore[union-attr]
    plain.goto(f"{calm.url}/services/home/search?q=payments")
    expect(plain.get_by_role("link", name=_TITLE).first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_kits_on_a_phone_in_french(scheme: str, sign_in: SignIn, well: Well, calm: Campus, kit: str) -> None:
    page = sign_in("trainee2", viewport={"width": 360, "height": 740}, color_scheme=scheme, locale="fr-LU")
    for path, name in (
        ("", "home-kits"),
        (f"kits/{kit}", "kit"),
        (f"kits/{kit}/notebooks/01_data", "kit-notebook"),
        ("search?q=payments", "search"),
        ("search", "search-empty"),
    ):
        at_home(page, calm, path)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        well(page, f"{name}-phone-{scheme}")
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Accueil", exact=True)).to_be_visible()
    assert not page.evaluate(SIDEWAYS)
    at_home(page, calm)
    expect(page.get_by_role("link", name=f"Ouvrir sur un GPU : {_TITLE}")).to_be_visible()


def test_a_kit_by_keyboard(sign_in: SignIn, calm: Campus, kit: str) -> None:
    page = sign_in("trainee1")
    at_home(page, calm, f"kits/{kit}")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name"))
        if seen[-1] == "All about the data":
            break
    assert [one for one in seen if one in ("q", "Open on a GPU", "Understand the data")] == [
        "q",
        "Open on a GPU",
        "Understand the data",
    ]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is not seen"
    page.keyboard.press("Enter")
    expect(page.get_by_text("Drawn by a generator with a fixed seed.")).to_be_visible()


def test_operators_read_what_is_broken(sign_in: SignIn, calm: Campus, kit: str, well: Well) -> None:
    page = sign_in("operator1")
    at_home(page, calm)
    expect(page.get_by_text("The starter kit ct-broken is not shown")).to_be_visible()
    well(page, "home-kits-broken")
    page = sign_in("trainee1")
    at_home(page, calm)
    expect(page.get_by_role("article", name=_TITLE)).to_be_visible()
    expect(page.get_by_text("ct-broken")).to_have_count(0)
