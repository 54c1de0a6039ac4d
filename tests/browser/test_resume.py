"""Resume: one click after a session's end brings back its size and the documents that were open."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Shot, SignIn
from tests.browser.test_clock import start
from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_LAB = 60_000  # milliseconds


@pytest.fixture
def home(calm: Campus) -> Iterator[Path]:
    """trainee2's home, with a text file and a notebook; its JupyterLab has no documents of earlier tests."""
    account = calm.account(calm.name("trainee2"))
    home = Path(account.pw_dir)
    calm.as_account(account.pw_name, "rm", "-rf", f"{home}/.jupyter/lab/workspaces")
    notes = home / "notes.txt"
    notes.write_text("to be read\n")
    os.chown(notes, account.pw_uid, account.pw_gid)
    yield home
    for path in (notes, *home.glob("Untitled*.ipynb")):
        path.unlink()


def tab(page: Page, name: str) -> Locator:
    return page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text=name)


def new(page: Page, what: str) -> None:
    """File, New, ..."""
    page.get_by_role("menuitem", name="File").click()
    page.locator(".lm-Menu-itemLabel").get_by_text("New", exact=True).hover()
    page.locator(".lm-Menu-itemLabel").get_by_text(what, exact=True).click()


def stop_and_wait(person: Person) -> None:
    person.stop()
    wait_for("its end", lambda: person.server() is None)


def test_resume_brings_the_documents_back(
    sign_in: SignIn, shot: Shot, calm: Campus, home: Path, errors: list[str]
) -> None:
    page = sign_in("trainee2")
    person = calm.person("trainee2")
    start(page, "One GPU", 30)
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=_LAB)
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.type("precious = 42")
    page.keyboard.press("Control+s")
    page.get_by_role("button", name="Rename").click()  # JupyterLab asks for a name, and keeps its own
    new(page, "Terminal")
    expect(tab(page, "@")).to_be_visible(timeout=_LAB)
    page.locator(".jp-DirListing-item", has_text="notes.txt").dblclick()
    expect(page.locator(".jp-FileEditor .cm-content")).to_have_text("to be read")
    tab(page, "Untitled.ipynb").click()
    expect(page).to_have_url(re.compile(r"/lab/tree/Untitled\.ipynb$"))
    kept = home / ".jupyter" / "lab" / "workspaces"
    seen = r'"editor:notes.txt"(.|\n)*"current": *"notebook:Untitled.ipynb"'
    wait_for("the layout to be saved", lambda: any(re.search(seen, f.read_text()) for f in kept.glob("default*")))
    where = page.url

    stop_and_wait(person)
    page.goto(where)  # the address that somebody has kept
    expect(page.get_by_role("heading", name="No session is running")).to_be_visible()
    expect(page.get_by_text("The session was stopped.")).to_be_visible()
    expect(page.get_by_text("Resuming starts One GPU, 30 minutes")).to_be_visible()
    shot(page, "resume-not-running")
    page.get_by_role("button", name="Resume it").click()
    page.wait_for_url(f"{where}**", timeout=_LAB)
    expect(page.locator(".jp-Notebook .cm-content").first).to_have_text("precious = 42", timeout=_LAB)
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=_LAB)
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")).to_have_text("Untitled.ipynb")
    for name in ("notes.txt", "@"):  # a terminal is a new one, in the place of the old
        expect(tab(page, name)).to_be_visible(timeout=_LAB)
    shot(page, "resume-lab")
    job = calm.slurm("squeue", "--noheader", "--format=%l %b").stdout.split()
    assert job == ["30:00", "gres:gpu:1"]
    terminals = person.request("GET", f"/user/{person.name}/api/terminals").json()
    assert len(terminals) == 1
