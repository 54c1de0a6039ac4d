"""A domain for each person: everything works as on one domain, and no page has a way to somebody else's session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_walk import run_cell
from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = pytest.mark.browser

_LAB_MILLISECONDS = 60_000
# Below localhost every name is this machine, in every browser (RFC 6761).
HOST = "campus.localhost"
READS = """url => {
    const xsrf = document.cookie.match(/_xsrf=([^;]+)/)[1];
    return fetch(url, {credentials: "include", headers: {"X-XSRFToken": xsrf}}).then(a => a.text(), () => "refused");
}"""


@pytest.fixture
def apart(calm: Campus, tmp_path: Path) -> Iterator[Campus]:
    """Campus with a domain for each person."""
    before, site = tmp_path / "before.toml", tmp_path / "site.toml"
    before.write_text(calm.paths.site_file.read_text())
    site.write_text(
        before.read_text().replace('public_url = "http://127.0.0.1', f'own_domains = true\npublic_url = "http://{HOST}')
    )
    try:
        calm.command("up", "--site", str(site))
        yield Campus(calm.paths.prefix)
    finally:
        jobs = calm.jobs()
        if jobs:
            calm.slurm("scancel", *jobs)
        calm.command("up", "--site", str(before))


def open_lab(browser: Browser, campus: Campus, name: str) -> Page:
    name = campus.name(name)
    page = browser.new_page()
    page.goto(campus.url)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(campus.passwords[name])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"http://home--service.{HOST}:*/services/home/")
    page.goto(f"{campus.url}/hub/spawn")
    page.get_by_role("radio", name=re.compile("^No GPU")).check()
    page.get_by_role("button", name="Start").click()
    port = campus.site.addresses.port
    lab = f"http://{name}.{HOST}:{port}/user/{name}/lab"
    page.wait_for_url(f"{lab}**", timeout=_LAB_MILLISECONDS)
    page.goto(f"{lab}?reset")  # whatever an earlier test left open
    return page


def test_sessions_work_and_are_apart(apart: Campus, chromium: Browser) -> None:
    one, two = open_lab(chromium, apart, "trainee1"), open_lab(chromium, apart, "trainee2")
    assert run_cell(one, "print(6 * 7)").strip() == "42"
    mine, hub = "/".join(two.url.split("/")[:5]), apart.url
    assert "content" in two.evaluate(READS, f"{mine}/api/contents")
    for address in (f"{mine}/api/contents", f"{hub}/hub/api/user"):
        assert one.evaluate(READS, address) == "refused"
    cookies = {cookie["name"]: cookie["domain"] for cookie in one.context.cookies()}
    assert cookies[f"jupyterhub-user-{apart.name('trainee1')}"] == f"{apart.name('trainee1')}.{HOST}"
    assert cookies["jupyterhub-hub-login"] == HOST
    one.goto(f"{hub}/hub/home")
    one.get_by_role("button", name="Stop").click()
    wait_for("the session to stop", lambda: len(apart.jobs()) == 1)
