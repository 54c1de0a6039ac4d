"""The hub's own page of sessions: what each does, and what can be done with it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn, Well
from tests.support.campus import Campus

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_SLOW = 60_000  # milliseconds


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_second_session_from_its_name_to_its_removal(
    scheme: str, sign_in: SignIn, well: Well, calm: Campus, errors: list[str]
) -> None:
    page = sign_in("startup1", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.goto(f"{calm.url}/hub/home")
    name = page.get_by_label("Another session")
    name.fill("My Tests")
    page.get_by_role("button", name="Choose its size").click()
    assert name.evaluate("input => input.validity.patternMismatch"), "JupyterHub would refuse it"
    name.fill("second-1")
    name.press("Enter")
    page.wait_for_url(f"**/hub/spawn/{calm.name('startup1')}/second-1")
    page.get_by_role("radio", name=re.compile("^One GPU")).check()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/second-1/lab**", timeout=_SLOW)

    page.goto(f"{calm.url}/hub/home")
    second = page.locator("section", has=page.get_by_role("heading", name="second-1"))
    expect(second).to_contain_text(re.compile(r"Running · One GPU · [\dhmin ]+ left"))
    expect(second.get_by_role("link", name="Open second-1")).to_be_visible()
    expect(page.locator("section", has=page.get_by_role("heading", name="Your session"))).to_contain_text("Not running")
    well(page, f"sessions-{scheme}")
    second.get_by_role("button", name="Stop").click()
    expect(second.get_by_role("link", name="Resume it (One GPU) second-1")).to_be_visible(timeout=_SLOW)
    expect(second).to_contain_text("The session was stopped.")
    assert not calm.jobs()
    well(page, f"sessions-stopped-{scheme}")
    second.get_by_role("button", name="Remove").click()
    expect(second).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="Your sessions")).to_be_visible()
    expect(second).to_have_count(0)
    assert not errors
