"""Time is visible in JupyterLab: the status bar item, and the warnings before the end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import Shot, SignIn
from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

STATIC = Path(__file__).parents[2] / "extensions" / "clock" / "lab" / "static"
SAVE = "Save all"
ASKED = "**/campus/session?*"  # JupyterLab adds the time, so that nothing is taken from a cache
_LAB = 60_000  # milliseconds
_POLL = 45_000  # milliseconds, more than those between two questions of the page


def start(page: Page, size: str, minutes: int) -> None:
    """A session from the spawn page, until JupyterLab shows."""
    page.get_by_role("radio", name=re.compile(f"^{size}")).check()
    page.get_by_label(re.compile("Minutes")).fill(str(minutes))
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/lab**", timeout=_LAB)
    page.goto(f"{page.url.partition('?')[0]}?reset")  # no tabs of the session before
    page.locator(".jp-Launcher").first.wait_for(timeout=_LAB)


def item(page: Page) -> Locator:
    return page.locator("#jp-main-statusbar").get_by_role("button", name=re.compile("^This session"))


def warning(page: Page) -> Locator:
    return page.get_by_role("alert").filter(has_text="This session ends in")


def choose_theme(page: Page, name: str) -> None:
    page.get_by_role("menuitem", name="Settings").click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
    page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()
    page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def contrast(of: Locator) -> float:
    """Ratio of text to background, as WCAG 2 counts it; the background is that of the nearest that has one."""
    return of.evaluate(
        """node => {
            const numbers = text => text.match(/[\\d.]+/g).map(Number);
            const light = ([r, g, b]) => {
                const part = n => (n /= 255) <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4;
                return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
            };
            let back = node;
            while (numbers(getComputedStyle(back).backgroundColor)[3] === 0) back = back.parentElement;
            const under = numbers(getComputedStyle(back).backgroundColor);
            const [r, g, b, a = 1] = numbers(getComputedStyle(node).color);
            const text = [r, g, b].map((n, i) => n * a + under[i] * (1 - a));
            const [low, high] = [light(text), light(under)].sort((x, y) => x - y);
            return (high + 0.05) / (low + 0.05);
        }"""
    )


# ------------------------------------------------------------------------------------------------ in a session


def test_the_time_left_is_in_sight(sign_in: SignIn, shot: Shot, errors: list[str]) -> None:
    page = sign_in("startup1")
    start(page, "One GPU", 112)
    expect(item(page)).to_have_text(
        re.compile(r"^1 h 5[012] min left · [0-3](\.\d)? of 4 GB · GPU [0-3]$"), timeout=_LAB
    )
    said = r"^This session ends at .+, in 1 hour 5[012] minutes\. Memory: [\d.]+ of 4 GB\. GPU [0-3]\. Job \d+\.$"
    expect(item(page)).to_have_attribute("title", re.compile(said))
    expect(item(page)).to_have_accessible_name(re.compile(said))
    shot(page, "clock")
    assert contrast(item(page)) >= 4.5
    expect(warning(page)).to_have_count(0)
    item(page).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="This session ends at")).to_be_visible()
    for _ in range(60):
        page.keyboard.press("Tab")
        if item(page).evaluate("node => node === document.activeElement"):
            break
    else:
        pytest.fail("Tab does not lead to the item")
    page.set_viewport_size({"width": 390, "height": 800})
    expect(item(page)).to_be_in_viewport(ratio=1)
    assert not errors


@pytest.mark.parametrize(("minutes", "state"), [(14, "soon"), (4, "now")])
def test_the_end_is_announced_once(
    minutes: int, state: str, sign_in: SignIn, shot: Shot, calm: Campus, errors: list[str]
) -> None:
    page = sign_in("startup1")
    start(page, "No GPU", minutes)
    about = rf"({minutes - 1}|{minutes})"
    expect(item(page)).to_have_text(re.compile(rf"^{about} min left · [\d.]+ of 2 GB$"), timeout=_LAB)
    expect(item(page)).to_have_attribute("data-state", state)
    expect(warning(page)).to_have_text(re.compile(rf"in {about} minutes\. Save your work"))
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        choose_theme(page, theme)
        shot(page, f"clock-{state}-{theme.split()[-1].lower()}")
        assert contrast(item(page)) >= 4.5
        assert contrast(page.get_by_role("button", name=SAVE)) >= 4.5

    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=_LAB)
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.type("precious = 42")
    page.get_by_role("button", name=SAVE).click()
    name = re.sub(r".*/tree/", "", page.url)
    person = calm.person("startup1")

    def saved() -> bool:
        answer = person.request("GET", f"/user/{person.name}/api/contents/{name}?content=1")
        return "precious = 42" in answer.text

    wait_for("the notebook to be saved", saved, 10)

    page.reload()
    expect(item(page)).to_have_attribute("data-state", state, timeout=_LAB)
    page.wait_for_timeout(2_500)  # more than two looks at the clock
    expect(warning(page)).to_have_count(0)
    person.request("DELETE", f"/user/{person.name}/api/contents/{name}")
    assert not errors


def test_more_time_with_one_click(sign_in: SignIn, shot: Shot, calm: Campus, errors: list[str]) -> None:
    page = sign_in("startup1")
    start(page, "No GPU", 14)
    page.get_by_role("button", name="More time").click(timeout=_LAB)
    expect(page.get_by_role("alert").filter(has_text="This session ends at")).to_be_visible(timeout=_LAB)
    expect(item(page)).to_have_text(re.compile(r"^4[34] min left · "), timeout=_LAB)
    expect(item(page)).to_have_attribute("data-state", "")
    shot(page, "clock-longer")
    assert calm.slurm("squeue", "--noheader", "--format=%l").stdout.strip() == "44:00"
    assert not errors


def test_more_time_than_there_is_is_refused_in_words(sign_in: SignIn, shot: Shot, calm: Campus) -> None:
    page = sign_in("startup1")
    start(page, "No GPU", 14)
    expect(warning(page)).to_be_visible(timeout=_LAB)
    # The page goes on showing its warning while the session gets all that its size allows.
    person = calm.person("startup1")
    path = f"/users/{person.name}/servers//campus/extend"
    assert person.api("POST", path, json={"minutes": 480 - 14}).status_code == 200
    page.get_by_role("button", name="More time").click()
    said = "A session of this size runs for at most 480 minutes in all. Save your work"
    expect(page.get_by_role("alert").filter(has_text=said)).to_be_visible(timeout=_LAB)
    shot(page, "clock-no-longer")


ANSWER = {
    "job": 42,
    "partition": "<img src=x onerror=alert(1)>",
    "end": 4_000_000_000,
    "seconds_left": 100_000,
    "memory": {"used": 1 << 30, "limit": 4 << 30},
    "gpus": [],
}


def test_whatever_the_server_says(sign_in: SignIn, shot: Shot, errors: list[str]) -> None:
    """One session; what its page is told is made up."""
    page = sign_in("startup1")
    answer: dict[str, Any] = {"job": None}
    page.route(ASKED, lambda route: route.fulfill(json=answer))
    start(page, "No GPU", 30)
    page.wait_for_timeout(3_000)
    expect(item(page)).to_have_count(0)
    assert not errors

    answer = {**ANSWER, "gpus": [{"id": "<b>0</b>", "memory_used": None, "memory_total": None, "utilisation": None}]}
    page.reload()
    expect(item(page)).to_have_text("1 d 3 h left · 1 of 4 GB · 1 GPU", timeout=_LAB)
    answer = {**ANSWER, "memory": {"used": 3.7 * (1 << 30), "limit": 4 << 30}}
    full = page.get_by_role("alert").filter(has_text="Memory: 3.7 of 4 GB used.")
    expect(full).to_be_visible(timeout=_POLL)
    expect(item(page)).to_have_attribute("data-state", "soon")
    page.wait_for_timeout(1_000)  # it slides in
    shot(page, "clock-memory")
    assert not errors

    # A session that is silent is no reason to stop counting, or to fill the console.
    page.unroute(ASKED)
    page.route(ASKED, lambda route: route.fulfill(status=503, body="<h1>no</h1>"))
    page.reload()
    page.wait_for_timeout(3_000)
    expect(item(page)).to_have_count(0)
    assert [e for e in errors if "503" not in e] == []


# ------------------------------------------------------------------------------------------------ the words


@pytest.fixture
def modules(chromium: Browser) -> Page:
    """A page on which the item's own modules are ``words`` and ``watches``."""

    def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name:
            route.fulfill(body=(STATIC / name).read_text(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page = chromium.new_context(timezone_id="UTC", locale="en-GB").new_page()
    page.route("http://modules.test/**", serve)
    page.goto("http://modules.test/")
    page.evaluate("async () => { for (const n of ['words', 'watches']) window[n] = await import(`/${n}.js`); }")
    return page


GPU = {"id": "0", "memory_used": 8 << 30, "memory_total": 80 << 30, "utilisation": 97}
NO_GPU = {"id": "1", "memory_used": None, "memory_total": None, "utilisation": None}


@pytest.mark.parametrize(
    ("left", "change", "text", "state"),
    [
        (6720, {}, "1 h 52 min left · 1 of 4 GB", ""),
        (901, {}, "15 min left · 1 of 4 GB", ""),
        (900, {}, "15 min left · 1 of 4 GB", "soon"),
        (300, {}, "5 min left · 1 of 4 GB", "now"),
        (89, {}, "89 s left · 1 of 4 GB", "now"),
        (0, {}, "time is up · 1 of 4 GB", "now"),
        (86_400, {"memory": None}, "1 d 0 h left", ""),
        (None, {"memory": {"used": 1 << 29, "limit": None}}, "0.5 GB", ""),
        (None, {"memory": None}, "job 42", ""),
        (None, {"memory": {"used": 39, "limit": 40}}, "0 of 0 GB", "soon"),
        (3600, {"gpus": [GPU]}, "1 h 0 min left · 1 of 4 GB · GPU 0 97 %", ""),
        (3600, {"gpus": [GPU, NO_GPU]}, "1 h 0 min left · 1 of 4 GB · GPUs 0, 1", ""),
        (3600, {"gpus": [GPU] * 8}, "1 h 0 min left · 1 of 4 GB · 8 GPUs 97 %", ""),
        (3600, {"gpus": [{**GPU, "id": "MIG-1"}]}, "1 h 0 min left · 1 of 4 GB · 1 GPU 97 %", ""),
    ],
)
def test_the_items_words(left: float | None, change: dict[str, Any], text: str, state: str, modules: Page) -> None:
    found = modules.evaluate("([session, left]) => words.item(session, left)", [{**ANSWER, **change}, left])
    assert found == {"text": text, "state": state}


def test_the_sentences_fit_into_a_notification(modules: Page) -> None:
    """JupyterLab shows 140 characters."""
    many = {**ANSWER, "gpus": [GPU] * 8, "job": 123_456_789}
    said = modules.evaluate("session => words.details(session, 600_000)", many)
    assert said == (
        "This session ends at Tuesday 07:06, in 6 days 22 hours 40 minutes. Memory: 1 of 4 GB. "
        "8 GPUs: 64 of 640 GB, 97 % busy. Job 123456789."
    )
    assert len(said) <= 140
    idle = modules.evaluate("words.idleWarning({because: 'session', idle: 171_000, ends_in: 200_000}, 0)")
    ends = "The session ends at Saturday 07:33; variables are lost then."
    assert idle == f"This session has been idle for 1 day 23 hours 30 minutes. {ends}"
    assert len(idle) <= 140
    assert len(modules.evaluate("words.memoryWarning({used: 1023.9 * 2 ** 30, limit: 1024.1 * 2 ** 30})")) <= 140


def warned(page: Page, *looks: tuple[int, float | None]) -> list[bool]:
    """Whether each look at the clock, (job, seconds left), leads to a warning; the page is reloaded in between."""
    code = "([job, left]) => new watches.TimeWatch(sessionStorage).due(job, left)"
    return [page.evaluate(code, list(look)) for look in looks]


def test_each_warning_comes_once(modules: Page) -> None:
    looks = [(1, 901), (1, 900), (1, 899), (1, 901), (1, 899), (1, 301), (1, 300), (1, 299), (1, 301), (1, 0)]
    assert warned(modules, *looks) == [False, True, False, False, False, False, True, False, False, False]


def test_a_short_session_is_warned_once(modules: Page) -> None:
    assert warned(modules, (1, 240), (1, 239), (1, 10)) == [True, False, False]


def test_a_new_end_and_a_new_job_are_warned_of_anew(modules: Page) -> None:
    assert warned(modules, (1, 800), (1, 3600), (1, 800), (1, 200)) == [True, False, True, True]
    assert warned(modules, (1, 700), (1, 200), (1, None), (1, 200)) == [False, True, False, True]
    assert warned(modules, (2, 200), (2, 100)) == [True, False]


def test_full_memory_is_said_again_only_after_it_was_not(modules: Page) -> None:
    looks = json.dumps([50, 91, 95, 89, 91, 79, 91])
    code = (
        f"(() => {{ const w = new watches.MemoryWatch(); return {looks}.map(used => w.due({{used, limit: 100}})); }})()"
    )
    assert modules.evaluate(code) == [False, True, False, False, False, False, True]
    assert modules.evaluate("[null, {used: 5, limit: null}].map(m => new watches.MemoryWatch().due(m))") == [
        False,
        False,
    ]
