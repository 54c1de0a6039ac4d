"""What trainees write as Markdown, in the formgrader and in feedback: nothing of it runs, or passes for the page's."""

from __future__ import annotations

import re

import bleach
from bleach.css_sanitizer import CSSSanitizer
from nbconvert.filters import strip_files_prefix

_TAGS = (
    "a abbr b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre s samp span "
    "strong sub sup table tbody td tfoot th thead tr tt u ul"
)
_ATTRIBUTES = {
    "a": ["href", "title"],
    "abbr": ["title"],
    "img": ["src", "alt", "title", "width", "height"],
    "ol": ["start"],
}
# With data: an attached picture is shown; as a link, no browser opens it.
_PROTOCOLS = ("http", "https", "mailto", "data")
# No other: the formgrader's buttons are told by their class, and no id, which would be taken for a cell's.
_HIGHLIGHT = re.compile(r"\s*highlight( hl-\w+)?\s*|[a-z][a-z0-9]{0,2}")


def _fits(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return tag in ("div", "span") and bool(_HIGHLIGHT.fullmatch(value))
    return name in _ATTRIBUTES.get(tag, ()) or (name == "style" and tag in ("td", "th"))


def clean(html: str) -> str:
    """In place of nbconvert's ``strip_files_prefix``, the last filter of nbgrader's templates: it may bare a URL."""
    return bleach.clean(
        strip_files_prefix(html),
        tags=_TAGS.split(),
        attributes=_fits,
        protocols=_PROTOCOLS,
        css_sanitizer=CSSSanitizer(allowed_css_properties=["text-align"]),
    )
