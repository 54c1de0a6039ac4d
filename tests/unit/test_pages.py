"""The hub's pages, as JupyterHub itself serves them with our templates: nothing that anybody writes becomes markup."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.spawner import Spawner
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from traitlets.config import Config

from hub_config.auth import update_authentication
from hub_config.pages import TEMPLATES, update_pages
from hub_config.paths import Paths
from hub_config.sessions import offer
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE
from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.offer import Offer
from spawners.form import HANDLERS, choose, render_form
from spawners.life.failure import Ended

EVIL = """"><script>alert(1)</script><img src=x onerror='alert(1)'>"""
OURS = sorted(p.name for p in TEMPLATES.glob("*.html"))


class Waiting(Spawner):
    """A session that is asked for with our form and never gets ready."""

    offer: Offer

    ended: Ended | None = None
    resumable = ""

    def _options_form_default(self) -> str:
        resuming = (self.resumable, "?opt-resume=1")
        chosen = choose({}, self.offer, None)
        return render_form(chosen, self.offer, "/hub/", self.api_url("sizes"), self.ended, resuming)

    @property
    def sizes(self) -> Any:
        return self.offer.sizes

    def api_url(self, what: str) -> str:
        return f"/hub/api/{what}"

    def options_from_form(self, form: dict[str, list[str]]) -> dict[str, str]:
        if form["size"] != ["gpu1"]:
            raise ValueError(f"no size {form['size'][0]}")
        return {"size": "gpu1"}

    def job(self) -> None:
        """Slurm knows of none."""

    async def start(self) -> None:
        await asyncio.Event().wait()

    async def stop(self, now: bool = False) -> None: ...

    async def poll(self) -> int | None:
        return None


class Browser:
    """JupyterHub's own application, listening, and a browser before it that keeps cookies."""

    def __init__(self, app: JupyterHub) -> None:
        server = app.tornado_application.listen(0, address="127.0.0.1")
        (listener,) = server._sockets.values()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.server = server
        self.environment = app.tornado_settings["jinja2_env_sync"]
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, **query: str) -> str:
        return (await self._fetch(f"{path}?{urlencode(query)}" if query else path)).body.decode()

    async def post(self, path: str, **form: str) -> HTTPResponse:
        return await self._fetch(path, method="POST", body=urlencode({**form, "_xsrf": self.cookies["_xsrf"]}))

    async def _fetch(self, path: str, **options: Any) -> HTTPResponse:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        answer = await AsyncHTTPClient().fetch(
            f"{self.url}{path}", headers=headers, follow_redirects=False, raise_error=False, **options
        )
        for line in answer.headers.get_list("Set-Cookie"):
            self.cookies |= {k: m.value for k, m in SimpleCookie(line).items()}
        return answer

    async def sign_in(self) -> None:
        await self.get("/hub/login")
        await self.post("/hub/login", username="trainee1", password="for-all-of-us")


def site_of(word: str) -> Site:
    """The embedded site, with this word wherever an operator may write what people read."""
    text = LOCAL.read_text()
    for line in ('name = "Campus"', 'title = "One GPU"', 'description = "Courses and starter kits."'):
        key = line.partition(" ")[0]
        assert line in text
        text = text.replace(line, f"{key} = '''{word}'''", 1)
    return SITE_FILE.parse(text, LOCAL)


def offer_of(site: Site, paths: Paths) -> Offer:
    """What the site offers, with its words wherever Slurm's own may stand."""
    found = offer(site, paths)
    word = site.sizes[1].title[:20]
    environments = tuple(SessionEnvironment(name, word, word, "/env") for name in ("standard", "older"))
    sizes = tuple(replace(size, gpu_type=word if size.gpus else None) for size in found.sizes)
    return replace(found, sizes=sizes, environments=environments)


async def browser_of(site: Site, folder: Path) -> Browser:
    paths = Paths(folder)
    paths.secrets.mkdir(parents=True, exist_ok=True)
    paths.secret("demo-password").write_text("for-all-of-us")
    paths.secret("operator-password").write_text("o" * 32)
    c: Any = Config()
    update_pages(c, site, paths)
    update_authentication(c, site, paths)
    offered = offer_of(site, paths)
    ended = Ended("idle", f"It was idle, {site.name}.", "7", (site.name,))
    last = {"ended": ended, "resumable": f"{offered.sizes[0].title}, {site.name}"}
    c.JupyterHub.spawner_class = type("Waiting", (Waiting,), {"offer": offered, **last})
    c.JupyterHub.extra_handlers = HANDLERS
    c.JupyterHub.db_url = "sqlite:///:memory:"
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
    c.JupyterHub.log_level = "CRITICAL"
    c.ConfigurableHTTPProxy.auth_token = "x"
    app = JupyterHub(config=c)
    app.cookie_secret = b"x" * 32
    app.authenticator = app.authenticator_class(parent=app)
    app.init_eventlog()
    app.init_db()
    await app.init_role_creation()
    app.init_hub()
    app.init_oauth()
    app.init_handlers()
    app.init_proxy()
    app.init_tornado_settings()
    app.init_tornado_application()
    return Browser(app)


@pytest.fixture
async def evil(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = await browser_of(site_of(EVIL), tmp_path)
    yield browser
    browser.server.stop()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Browser]:
    browser = await browser_of(site_of("words"), tmp_path)
    yield browser
    browser.server.stop()


class Tags(HTMLParser):
    """The markup of a page: every tag with the names of its attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.title = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attributes)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1] == ("title",):
            self.title += data.strip()


def same_markup(evil: str, plain: str) -> None:
    assert len(Tags(plain).found) > 20, plain
    assert Tags(evil).found == Tags(plain).found
    assert "<script>alert" not in evil
    assert "<img src=x" not in evil


# ---------------------------------------------------------------- the pages


async def test_the_sign_in_page(evil: Browser, plain: Browser) -> None:
    page = await evil.get("/hub/login", next=EVIL, username=EVIL)
    same_markup(page, await plain.get("/hub/login", next="/hub/home", username="anna"))
    assert Tags(page).title == EVIL


async def test_a_wrong_password(evil: Browser, plain: Browser) -> None:
    pages = []
    for browser, name in ((evil, EVIL), (plain, "anna")):
        await browser.get("/hub/login")
        answer = await browser.post("/hub/login", username=name, password="wrong")
        assert answer.code == 403
        pages.append(answer.body.decode())
    same_markup(*pages)
    assert "Invalid username or password" in pages[0]


async def test_the_spawn_page(evil: Browser, plain: Browser) -> None:
    pages = []
    for browser in (evil, plain):
        await browser.sign_in()
        pages.append(await browser.get("/hub/spawn"))
    same_markup(*pages)
    page = Tags(pages[0])
    assert page.title == EVIL
    assert "<h1" in pages[0]
    assert "Start a session" in pages[0]
    assert "Server Options" not in pages[0], "JupyterHub's own heading"
    assert len([tag for tag in page.found if tag[0] == "input" and "value" in tag]) == 6


async def test_what_the_spawn_page_loads_is_there(plain: Browser) -> None:
    await plain.sign_in()
    page = await plain.get("/hub/spawn")
    loaded = re.findall(r'(?:src|href)="(/hub/campus/form/[^"]+)"', page)
    assert [name.rpartition("/")[2] for name in loaded] == ["form.css", "form.js"]
    for path in (*loaded, "/hub/campus/form/cards.js", "/hub/campus/form/advanced.js", "/hub/campus/form/words.js"):
        assert (await plain._fetch(path)).code == 200, path
    for path in ("/hub/campus/form/", "/hub/campus/form/../choose.py", "/hub/campus/form/%2e%2e/choose.py"):
        assert (await plain._fetch(path)).code in (403, 404), path


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/hub/spawn", "?opt-resume=1"),
        ("/hub/home", "/hub/spawn/trainee1?opt-resume=1"),
        (
            "/hub/user/trainee1/lab/tree/a.ipynb",
            "/hub/spawn/trainee1?next=%2Fhub%2Fuser%2Ftrainee1%2Flab%2Ftree%2Fa.ipynb&amp;opt-resume=1",
        ),
    ],
)
async def test_how_a_session_ended_and_to_resume_it(path: str, link: str, evil: Browser, plain: Browser) -> None:
    pages = []
    for browser in (evil, plain):
        await browser.sign_in()
        pages.append(await browser.get(path))
    same_markup(*pages)
    assert "It was idle, words." in pages[1]
    assert f'href="{link}"' in pages[1]
    assert re.search(r"\(?(Resuming starts )?No GPU, words", pages[1])


async def test_a_refused_session(evil: Browser, plain: Browser) -> None:
    pages = []
    for browser, size in ((evil, EVIL), (plain, "none")):
        await browser.sign_in()
        await browser.get("/hub/spawn")
        pages.append((await browser.post("/hub/spawn", size=size)).body.decode())
    same_markup(*pages)
    assert "no size" in pages[0]


async def test_the_page_of_a_session_on_its_way(evil: Browser, plain: Browser) -> None:
    pages = []
    for browser in (evil, plain):
        await browser.sign_in()
        await browser.get("/hub/spawn")
        answer = await browser.post("/hub/spawn", size="gpu1")
        assert "/hub/spawn-pending/trainee1" in answer.headers["Location"]
        pages.append(await browser.get("/hub/spawn-pending/trainee1"))
    same_markup(*pages)
    assert Tags(pages[0]).title == EVIL
    assert "Your session is on its way" in pages[0]
    assert 'id="campus-cancel"' in pages[0]


async def test_the_sessions_of_a_person_while_one_starts(evil: Browser, plain: Browser) -> None:
    pages = []
    for browser in (evil, plain):
        await browser.sign_in()
        await browser.get("/hub/spawn")
        await browser.post("/hub/spawn", size="gpu1")
        pages.append(await browser.get("/hub/home"))
    same_markup(*pages)
    assert 'data-state="starting"' in pages[1]
    assert "Starting · words" in re.sub(r"\s+", " ", pages[1]), "its size by its title"
    assert 'href="/hub/spawn-pending/trainee1"' in pages[1]
    assert 'data-ask="stop">Cancel<' in pages[1]
    assert "Resume it" not in pages[1]


async def test_a_page_that_is_not_there(evil: Browser, plain: Browser) -> None:
    same_markup(await evil.get(f"/hub/{EVIL.replace(' ', '%20')}"), await plain.get("/hub/nowhere"))


async def test_the_sign_in_page_of_a_demo_says_where_the_passwords_are(plain: Browser) -> None:
    assert "<code>./campus status</code> lists its accounts" in await plain.get("/hub/login")


def test_no_other_site_tells_that(tmp_path: Path) -> None:
    c: Any = Config()
    text = LOCAL.with_name("example.toml").read_text()
    update_pages(c, SITE_FILE.parse(text, LOCAL), Paths(tmp_path))
    assert c.JupyterHub.template_vars["site_name"] == "Campus"
    assert Path(c.JupyterHub.logo_file).read_text().lstrip().startswith("<svg")


# ---------------------------------------------------------------- the templates


@pytest.mark.parametrize("name", OURS)
async def test_our_templates_extend_jupyterhubs_own(name: str, plain: Browser) -> None:
    text = (TEMPLATES / name).read_text()
    assert text.startswith(f'{{% extends "templates/{name}" %}}')
    assert not re.search(r"\|\s*safe|autoescape", text)
    # A block that JupyterHub does not have would be dropped without a word.
    ours, theirs = plain.environment.get_template(name), plain.environment.get_template(f"templates/{name}")
    assert ours.filename == str(TEMPLATES / name)
    assert ours.blocks
    assert ours.blocks.keys() <= theirs.blocks.keys()


async def test_every_page_of_jupyterhub_has_our_frame(plain: Browser) -> None:
    for name in ("home.html", "token.html", "error.html", "not_running.html"):
        source = plain.environment.loader.get_source(plain.environment, name)[0]
        assert re.search(r'extends "((templates/)?(not_running|home)|page|error)\.html"', source), name
    assert plain.environment.get_template("page.html").filename == str(TEMPLATES / "page.html")
    assert plain.environment.autoescape is True
