"""The languages that pages speak: catalogues of texts, and which of them somebody reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "home"
SOURCE = "en"


def N_(text: str) -> str:
    """Marks a text that is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Language:
    code: str
    texts: NullTranslations

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(self.code)

    @cached_property
    def name(self) -> str:
        """What its speakers call it."""
        return (self.locale.get_display_name(self.code) or self.code).capitalize()


def read_catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def is_complete(catalogue: Catalog) -> bool:
    """Whether every text is translated, and no translation is a guess."""
    texts = (message for message in catalogue if message.id)
    return all(_said(message.string) and not message.fuzzy for message in texts)


def _said(string: str | Iterable[str]) -> bool:
    return bool(string) if isinstance(string, str) else all(string)


def _compiled(catalogue: Catalog) -> GNUTranslations:
    binary = BytesIO()
    write_mo(binary, catalogue)
    binary.seek(0)
    return GNUTranslations(binary)


def languages() -> dict[str, Language]:
    """Those that can be read from beginning to end, by their code; English, in which texts are written, first."""
    found = {SOURCE: Language(SOURCE, NullTranslations())}
    for path in sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        catalogue = read_catalogue(path)
        if is_complete(catalogue):
            code = path.parts[-3]
            found[code] = Language(code, _compiled(catalogue))
    return found


def choose(kept: str, accepts: str, offered: Sequence[str]) -> str:
    """The language to answer in: the one that was chosen, else the best of Accept-Language (RFC 9110, 12.5.4)."""
    if kept in offered:
        return kept
    wanted = []
    for position, part in enumerate(accepts.split(",")):
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=").strip() if parameters else "1"
        try:
            wanted.append((-float(quality), position, tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    found = (code for quality, _, code in sorted(wanted) if quality < 0 and code in offered)
    return next(found, offered[0])
