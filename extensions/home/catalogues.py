"""Brings the catalogues up to date with the texts of pages and code: ``python -m extensions.home.catalogues``.

Then translate what is empty in ``locale/*/LC_MESSAGES/home.po``; a language is offered once nothing is.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from extensions.home.language import DOMAIN, LOCALES, read_catalogue

_HERE = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}}
_KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}

# Lines of the header that change with every run, or say nothing.
_NOT_KEPT = tuple(f'"{key}' for key in ("Project", "Report", "POT-C", "PO-Rev", "Last-T", "Language-Team", "Generated"))


def extracted() -> Catalog:
    """Every text there is."""
    found = Catalog(project="Campus", charset="utf-8")
    for name, line, text, comments, _ in extract_from_dir(
        _HERE, _METHODS, _OPTIONS, keywords=_KEYWORDS, comment_tags=("Translators:",)
    ):
        found.add(text, locations=[(name, line)], auto_comments=comments)
    return found


def main() -> None:
    for path in sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        kept = read_catalogue(path)
        kept.locale = kept.locale or path.parts[-3]
        kept.update(extracted(), no_fuzzy_matching=True)
        kept.obsolete.clear()
        text = BytesIO()
        write_po(text, kept, width=120, sort_output=True, no_location=True)
        lines = text.getvalue().decode().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith(_NOT_KEPT)).lstrip("\n"))


if __name__ == "__main__":
    main()
