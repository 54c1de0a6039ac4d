"""The first walk of a newcomer, in a browser."""

from __future__ import annotations

import pwd
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Shot, SignIn
from tests.support.campus import Campus

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

CELL = "import os, torch, transformers; print('GPU', os.environ['CUDA_VISIBLE_DEVICES'], 'as', os.getuid())"
_LAB_SECONDS = 60_000  # milliseconds


def run_cell(page: Page, code: str) -> str:
    """Run code in a new notebook of the launcher; what it printed."""
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click(timeout=_LAB_SECONDS)
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=_LAB_SECONDS)
    editor = page.locator(".jp-Notebook .cm-content").first
    editor.fill(code)
    expect(editor).to_have_text(code)
    editor.press("Shift+Enter")
    output = page.locator(".jp-OutputArea-output").first
    output.wait_for(timeout=_LAB_SECONDS)
    return output.inner_text()


def test_from_sign_in_to_a_cell_on_a_gpu(sign_in: SignIn, shot: Shot, calm: Campus, errors: list[str]) -> None:
    page = sign_in("trainee1")
    shot(page, "spawn")
    page.get_by_role("radio", name=re.compile("^One GPU")).check()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile("/hub/spawn-pending/|/lab"))
    shot(page, "pending")
    page.wait_for_url(f"**/user/{calm.name('trainee1')}/lab**", timeout=_LAB_SECONDS)
    page.goto(f"{calm.url}/user/{calm.name('trainee1')}/lab?reset")  # whatever an earlier test left open
    printed = run_cell(page, CELL)
    shot(page, "session")
    uid = pwd.getpwnam(calm.name("trainee1")).pw_uid
    assert re.fullmatch(rf"GPU [0-3] as {uid}\s*", printed), printed
    granted = calm.slurm("scontrol", "show", "job", "--details", calm.jobs()[0]).stdout
    assert f"IDX:{printed.split()[1]}" in granted
    page.goto(f"{calm.url}/hub/home")
    shot(page, "home")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("link", name=re.compile("^Resume it"))).to_be_visible(timeout=_LAB_SECONDS)
    assert not errors


def test_by_keyboard_alone(sign_in: SignIn, calm: Campus) -> None:
    page = sign_in("startup1")
    for key, wanted in (("Tab", "type === 'radio'"), ("ArrowDown", "value === 'gpu1'")):
        for _ in range(20):
            if page.evaluate(f"document.activeElement.{wanted}"):
                break
            page.keyboard.press(key)
        else:
            pytest.fail(f"{key} does not lead to what has {wanted}")
    expect(page.get_by_role("radio", name=re.compile("^One GPU"))).to_be_checked()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/user/{calm.name('startup1')}/lab**", timeout=_LAB_SECONDS)
    assert calm.slurm("squeue", "--noheader", "--format=%b").stdout.strip().endswith("gpu:1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(scheme: str, sign_in: SignIn, shot: Shot) -> None:
    page = sign_in("instructor1", viewport={"width": 390, "height": 800}, color_scheme=scheme)
    shot(page, f"spawn-phone-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def test_a_wrong_password_is_a_sentence(calm: Campus, sign_in: SignIn) -> None:
    page = sign_in("trainee2").context.browser.new_page()  # type: ignore[union-attr]
    page.goto(calm.url)
    page.get_by_label("Username").fill(calm.name("trainee2"))
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Invalid username or password")).to_be_visible()


def test_a_refused_size_is_said_on_the_page(sign_in: SignIn, shot: Shot, calm: Campus) -> None:
    page = sign_in("trainee1")
    page.get_by_label(re.compile("Minutes")).fill("10000")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("runs for 1 to 480 minutes")).to_be_visible()
    shot(page, "refused")
    assert not calm.jobs()
