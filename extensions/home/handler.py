"""What every page has: who is signed in, their language, whom it asks, and errors as a page."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from jupyterhub.services.auth import HubOAuthenticated
from markupsafe import Markup
from tornado.log import app_log
from tornado.web import HTTPError, RequestHandler

from campus_base.errors import CampusError
from extensions.exchange.names import PERSON
from extensions.home.announcements import Announcements
from extensions.home.asking import Asked, Refusal, Unanswered
from extensions.home.kits.catalogue import Catalogue
from extensions.home.language import N_, Language, choose
from extensions.home.render import Templates
from extensions.home.settings import Settings

LANGUAGE_COOKIE = "campus-language"
_SAID_COOKIE = "campus-said"
_YEAR = 365
_LONGEST_SAID = 1500  # characters: a cookie holds 4 KiB


@dataclass(frozen=True)
class Home:
    """What the handlers share."""

    settings: Settings
    hub: Asked
    exchange: Asked
    languages: dict[str, Language]
    templates: Templates
    announcements: Announcements
    kits: Catalogue
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Person:
    """Whoever is signed in, and the token to ask with."""

    name: str
    token: str
    groups: frozenset[str] = frozenset()
    """The Campus groups that the person is in."""


class Localised(RequestHandler):
    """A handler that knows in which language to answer, and answers nothing that another site could use."""

    @property
    def home(self) -> Home:
        return self.settings["home"]

    @property
    def language(self) -> Language:
        kept = self.get_cookie(LANGUAGE_COOKIE, "") or ""
        accepts = self.request.headers.get("Accept-Language", "")
        return self.home.languages[choose(kept, accepts, list(self.home.languages))]

    def set_default_headers(self) -> None:
        hub = self.home.settings.hub_host
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
            f"img-src 'self' data: {hub}".rstrip()
            + "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")


class Page(HubOAuthenticated, Localised):
    """Base of all pages: ``person`` is set before a method runs."""

    person: Person | None = None
    fragment = False
    """Whether a script asks for it, which can't sign anybody in."""

    async def prepare(self) -> None:
        try:
            # With a cookie it checks the XSRF token, too, and says "nobody" where that is wrong.
            model = await self.hub_auth.get_user(self, sync=False)
        except HTTPError as error:
            raise self._hub_silent() from error
        if model and self.hub_auth.check_scopes(self.hub_auth.access_scopes, model):
            self.person = self._known(model)
        elif model:
            raise Refusal(403, "no-scope", N_("This account may not use these pages."), N_("Ask an operator."))
        elif self.request.method in ("GET", "HEAD") and not self.fragment:
            self.redirect(self.get_login_url())
        else:
            raise Refusal(
                403,
                "signed-out",
                N_("You are signed out, or this page was open for too long."),
                N_("Open the page again, and repeat what you did."),
            )

    def _known(self, model: dict[str, Any]) -> Person:
        name, token = str(model["name"]), self.hub_auth.get_token(self)
        if model.get("kind") != "user" or not re.fullmatch(PERSON, name) or not token:
            raise Refusal(403, "no-person", N_("These pages are for people."), N_("Sign in with an account."))
        return Person(name, token, frozenset(model.get("groups") or ()))

    @staticmethod
    def _hub_silent() -> Unanswered:
        return Unanswered(
            "hub-silent",
            N_("The hub does not answer now, so nobody can be signed in."),
            N_("Try again in a minute; sessions go on meanwhile."),
        )

    # -- asking -------------------------------------------------------------------------------------

    @property
    def me(self) -> Person:
        assert self.person is not None  # prepare() lets nobody else come so far
        return self.person

    async def exchange(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Raises Unanswered, Refusal."""
        return await self.home.exchange.json(self.me.token, method, path, body, **query)

    async def hub(self, method: str, path: str, body: Any = None) -> Any:
        """Raises Unanswered, Refusal."""
        return await self.home.hub.json(self.me.token, method, path, body)

    # -- answering ----------------------------------------------------------------------------------

    def address(self, path: str = "") -> str:
        """Of a page of ours."""
        return f"{self.home.settings.prefix}{path}"

    def show(self, template: str, **what: Any) -> None:
        """Answer with a page."""
        self.finish(self.rendered(template, **what))

    def rendered(self, template: str, **what: Any) -> str:
        shared = {
            "person": self.person,
            "settings": self.home.settings,
            "languages": self.home.languages.values(),
            "xsrf": self.xsrf_token.decode() if self.person else "",
            "path": self.request.path,
            "said": self._said(),
            "now": self.home.now(),
        }
        return self.home.templates.render(self.language, template, **shared, **what)

    def part(self, template: str, made_of: object, what: Callable[[], dict[str, Any]]) -> Markup:
        """A part of a page that everybody sees alike (Templates.part); no page's own variables are in it."""
        return self.home.templates.part(
            self.language, template, made_of, lambda: {"settings": self.home.settings, **what()}
        )

    def tell(self, kind: str, text: str, remedy: str = "") -> None:
        """Say something on the next page: ``success`` or ``danger``."""
        said = {"kind": kind, "text": text[:_LONGEST_SAID], "remedy": remedy[:300]}
        self.set_signed_cookie(
            _SAID_COOKIE, json.dumps(said), path=self.address(), expires_days=1, httponly=True, samesite="Lax"
        )

    def _said(self) -> dict[str, str] | None:
        kept = self.get_signed_cookie(_SAID_COOKIE, max_age_days=1)
        if kept is None or self.fragment:
            return None
        self.clear_cookie(_SAID_COOKIE, path=self.address())
        return json.loads(kept)

    def _(self, text: str) -> str:
        return self.language.texts.gettext(text)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error: Any = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Refusal):
            status_code = error.status
        elif isinstance(error, Unanswered):
            status_code = 503
        elif status_code == 404:
            error = Refusal(404, "not-found", N_("There is no such page."), N_("Go back to Home."))
        elif not isinstance(error, CampusError):
            error = CampusError("failed", N_("This page failed."), N_("Try again; an operator finds the cause."))
        self.set_status(status_code)
        self.show("error.html", error=error, status=status_code)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, CampusError):
            app_log.info("%s %s: %s %s", self.request.method, self.request.path, value.code, value.detail)
        else:
            super().log_exception(typ, value, tb)


def into_session(
    settings: Settings,
    person: str,
    path: str,
    size: str | None = None,
    environment: Any = None,
    server: str = "",
    **query: str,
) -> str:
    """An address that opens a page of somebody's session; it starts one first where none runs.

    A size that the site does not offer gives way to its first; an ``environment`` that is no text is left out.
    ``server`` is the session's name, empty for the usual one.
    """
    whose = f"{person}/{quote(server, safe='')}" if server else person
    following = f"{settings.base}user/{whose}/{path}{f'?{urlencode(query)}' if query else ''}"
    options = {"opt-size": settings.size(size).name}
    if isinstance(environment, str):
        options["opt-environment"] = environment
    return f"{settings.hub}spawn/{whose}?{urlencode({**options, 'next': following})}"


class NothingHere(Page):
    """Every other address."""

    async def get(self) -> None:
        raise HTTPError(404)
