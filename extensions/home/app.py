"""The application: which address is answered by what."""

from __future__ import annotations

from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.web import RequestHandler

from extensions.daemon import Health, Service
from extensions.exchange.names import ID
from extensions.home.handler import Home, NothingHere
from extensions.home.kits.kit import FILE, NAME
from extensions.home.pages import course, kits, landing, language, mine, search, session
from extensions.home.pages.teach import assignment, classes, log, overview, people, similar, struggles
from extensions.home.render import static_handlers

_COURSE = f"courses/({ID})"
_KIT = f"kits/({NAME})"
_TEACH = f"teach/({ID})"
_ASSIGNMENT = f"{_TEACH}/assignments/({ID})"

# Below the service's prefix. A path is matched whole.
PAGES: tuple[tuple[str, type[RequestHandler]], ...] = (
    ("", landing.Landing),
    ("language", language.ChooseLanguage),
    ("recent/forget", mine.Forget),
    ("session", session.Session),
    ("session/stop", session.Stop),
    (_COURSE, course.Course),
    (rf"{_COURSE}/certificate\.(pdf|json)", course.Certificate),
    (_KIT, kits.KitPage),
    (f"{_KIT}/notebooks/({FILE})", kits.Notebook),
    (f"{_KIT}/pictures/({FILE})", kits.Picture),
    (f"{_KIT}/open", kits.Open),
    (f"{_KIT}/restart", kits.Restart),
    ("search", search.Search),
    (_TEACH, overview.Overview),
    (rf"{_TEACH}/gradebook\.csv", overview.GradebookTable),
    (f"{_TEACH}/people", people.People),
    (f"{_TEACH}/people/add", people.Add),
    (f"{_TEACH}/people/remove", people.Remove),
    (f"{_TEACH}/people/upload", people.Upload),
    (f"{_TEACH}/struggles", struggles.Struggles),
    (f"{_TEACH}/log", log.Log),
    (f"{_TEACH}/classes", classes.Classes),
    (f"{_TEACH}/classes/cancel", classes.Cancel),
    (_ASSIGNMENT, assignment.Assignment),
    (f"{_ASSIGNMENT}/dates", assignment.Dates),
    (f"{_ASSIGNMENT}/extensions", assignment.Extend),
    (f"{_ASSIGNMENT}/extensions/take-back", assignment.TakeBack),
    (f"{_ASSIGNMENT}/similar", similar.Similar),
)


def make_app(home: Home, cookie_secret: bytes) -> Service:
    prefix = home.settings.prefix
    handlers: list[Any] = [(f"{prefix}{path}", handler) for path, handler in PAGES]
    handlers += [
        (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
        (f"{prefix}health", Health),
        *static_handlers(prefix),
    ]
    return Service(handlers, home=home, cookie_secret=cookie_secret, default_handler_class=NothingHere)
