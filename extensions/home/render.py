"""Templates, one environment for each language. Whatever they are given is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jupyterhub._data import DATA_FILES_PATH
from markupsafe import Markup
from tornado.web import StaticFileHandler

from extensions.home.display import Display
from extensions.home.language import Language
from extensions.home.words import ENDINGS, LEVELS, SECTORS, STATES

_HERE = Path(__file__).parent
OURS = _HERE / "static"
HUBS = Path(DATA_FILES_PATH) / "static"
_AT_HUBS = "hub/"


class Templates:
    """``prefix`` is the service's own."""

    def __init__(self, languages: Iterable[Language], prefix: str) -> None:
        self._static = f"{prefix}static/"
        self._versions: dict[str, str] = {}
        self._parts: dict[tuple[str, str], tuple[object, Markup]] = {}
        self._environments = {language.code: self._environment(language) for language in languages}

    def _environment(self, language: Language) -> Environment:
        made = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # else each template that a page is made of is looked at anew
        )
        texts = language.texts
        made.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=True)  # type: ignore[attr-defined]
        made.filters |= Display(language).filters()
        made.globals |= {
            "asset": self.asset,
            "language": language,
            "endings": ENDINGS,
            "states": STATES,
            "levels": LEVELS,
            "sectors": SECTORS,
        }
        return made

    def render(self, language: Language, template: str, **what: Any) -> str:
        return self._environments[language.code].get_template(template).render(**what)

    def part(self, language: Language, template: str, made_of: object, what: Callable[[], dict[str, Any]]) -> Markup:
        """A part of pages that everybody sees alike, made of what ``what`` returns.

        It is made once, and anew when ``made_of`` is no longer equal.
        """
        kept = self._parts.get((language.code, template))
        if kept is None or kept[0] != made_of:
            kept = made_of, Markup(self.render(language, template, **what()))  # noqa: S704 - the template escapes
            self._parts[language.code, template] = kept
        return kept[1]

    def asset(self, path: str) -> str:
        """Address of a static file, ours or (below ``hub/``) JupyterHub's; it changes when the file does."""
        if path not in self._versions:
            file = HUBS / path.removeprefix(_AT_HUBS) if path.startswith(_AT_HUBS) else OURS / path
            self._versions[path] = StaticFileHandler.get_content_version(str(file))[:16]
        return f"{self._static}{path}?v={self._versions[path]}"


def static_handlers(prefix: str) -> list[Any]:
    """Static files: those of JupyterHub, whose look this is, and ours."""
    return [
        (f"{prefix}static/{_AT_HUBS}(.*)", Static, {"path": str(HUBS)}),
        (f"{prefix}static/(.*)", Static, {"path": str(OURS)}),
    ]


class Static(StaticFileHandler):
    """With the version in its address, a file may be kept for ever."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
