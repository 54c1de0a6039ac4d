"""Advanced options in a browser: by keyboard, on a phone, and remembered."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Shot, SignIn
from tests.cluster.conftest import slurm_with_choices
from tests.cluster.test_choices import job
from tests.support.campus import Campus

__all__ = ["slurm_with_choices"]  # a fixture

pytestmark = [pytest.mark.cluster, pytest.mark.browser, pytest.mark.usefixtures("slurm_with_choices")]

_LAB = 60_000  # milliseconds


def tab_to(page: Page, what: str) -> None:
    """Press Tab until what has the focus is what this JavaScript says of ``node``."""
    for _ in range(40):
        if page.evaluate(f"(node => {what})(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {what}")


def choose(page: Page, name: str, text: str) -> None:
    """Choose in a list by keyboard: what is typed picks the option that begins with it."""
    tab_to(page, f"node.name === '{name}'")
    page.keyboard.type(text)


def test_by_keyboard_and_remembered(sign_in: SignIn, shot: Shot, calm: Campus, errors: list[str]) -> None:
    calm.person("startup1").ask(size="none")  # refused, so that no choice is remembered
    page = sign_in("startup1")
    page.goto(f"{calm.url}/hub/spawn#size=gpu1&minutes=15")
    expect(page.get_by_role("radio", name=re.compile("^One GPU"))).to_be_checked()
    details = page.locator("details.campus-advanced")
    expect(details).not_to_have_attribute("open", "")
    tab_to(page, "node.tagName === 'SUMMARY' && node.textContent.includes('Advanced')")
    page.keyboard.press("Enter")
    choose(page, "account", "seminar")
    choose(page, "qos", "long")
    expect(page.get_by_label("Quality of service")).to_have_value("long")
    expect(page.get_by_text("your limits allow 8")).to_be_visible()
    page.get_by_label("Reservation").focus()
    page.keyboard.type("course")
    expect(page.get_by_text(re.compile(r"^Up to 1 h \d+ min: your reservation ends at "))).to_be_visible()
    expect(page.locator("[data-field=account]")).to_be_hidden()
    expect(page.get_by_text("room for 4")).to_be_visible()
    tab_to(page, "node.name === 'memory'")
    page.keyboard.type("5")
    shot(page, "advanced")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab**", timeout=_LAB)
    (job_id,) = calm.jobs()
    found = job(calm, job_id)
    assert (found["Reservation"], found["Account"], found["QOS"]) == ("course", "seminar", "long")
    assert (found["MinMemoryNode"], found["TimeLimit"]) == ("5G", "00:15:00")
    page.goto(f"{calm.url}/hub/home")  # JupyterLab complains of a session that is stopped while it loads
    calm.person("startup1").stop()

    page.goto(f"{calm.url}/hub/spawn")
    expect(details).to_have_attribute("open", "")
    expect(page.get_by_label("Reservation")).to_have_value("course")
    expect(page.get_by_label("Memory")).to_have_value("5.0")
    page.get_by_label("Reservation").select_option("")
    expect(page.get_by_text(re.compile(r"^Up to 8 h\.$"))).to_be_visible()
    expect(page.get_by_label("Quality of service")).to_have_value("long")
    assert not errors


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(scheme: str, sign_in: SignIn, shot: Shot, calm: Campus) -> None:
    page = sign_in("startup1", viewport={"width": 360, "height": 800}, color_scheme=scheme)
    page.goto(f"{calm.url}/hub/spawn#size=gpu4&account=seminar&partition=short&memory=99")
    expect(page.get_by_text("Up to 30 min: your limits in Slurm allow no more.")).to_be_visible()
    expect(page.get_by_text("0.5 to 16 GB memory, not '99'")).to_be_visible()
    shot(page, f"advanced-phone-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"


def test_a_refused_address_fills_the_page_in(sign_in: SignIn, calm: Campus) -> None:
    page = sign_in("startup1")
    page.goto(f"{calm.url}/hub/spawn?opt-size=gpu1&opt-account=training&opt-qos=long")
    expect(page.get_by_text("The account 'training' is not yours to use.")).to_be_visible()
    expect(page.get_by_role("radio", name=re.compile("^One GPU"))).to_be_checked()
    expect(page.get_by_label("Quality of service")).to_have_value("long")
    assert not calm.jobs()
