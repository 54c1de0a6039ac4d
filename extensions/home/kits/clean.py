"""HTML that was published, made fit to stand in a page of ours: what isn't on the list falls away.

Scripts and forms could act for whoever reads; styles are forbidden by our pages' policy, and pages have their own.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_INLINE = "a abbr b br code del em i img ins kbd q s samp small span strong sub sup u var"
_BLOCKS = "blockquote dd details div dl dt figcaption figure hr li ol p pre summary ul"
_TABLES = "caption col colgroup table tbody td tfoot th thead tr"
_KEPT = _HEADINGS.union(_INLINE.split(), _BLOCKS.split(), _TABLES.split())
_EMPTY = frozenset({"br", "col", "hr", "img"})
# What is inside goes with the mark. Of a picture as SVG nothing is kept: it can hold scripts.
_GONE = frozenset(
    {"script", "style", "template", "iframe", "object", "noscript", "svg", "math", "title", "textarea", "select"}
)
_ATTRIBUTES = {
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
    "abbr": {"title"},
    "details": {"open"},
}
_CLASS = re.compile(r"[A-Za-z0-9_ -]{1,200}")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")
_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_ADDRESSES = {"src": _PICTURE, "href": _LINK}
_ANYTHING = re.compile("")
# Classes that nbconvert writes for reading; others would meet rules of our pages.
_CLASSES = re.compile(
    r"(highlight|hl-\w+|ansi-[a-z-]+|dataframe|jp-[A-Za-z-]+|cell|prompt|output\w*|input\w*|(?!h[0-9])[a-z]{1,2}[0-9]?)\Z"
)
_DEEPEST = 6


class _Cleaner(HTMLParser):
    def __init__(self, below: int) -> None:
        super().__init__(convert_charrefs=True)
        self.below = below
        self.level = below
        self.parts: list[str] = []
        self.open: list[tuple[str, str]] = []
        """Marks that are not closed yet: as they came, and as they were written."""
        self.gone: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.gone:
            if tag in _GONE:
                self.gone.append(tag)
            return
        if tag in _GONE or (tag == "a" and ("class", "anchor-link") in attrs):  # nbconvert's mark at a heading
            self.gone.append(tag)
            return
        if tag not in _KEPT:
            return
        kept = self._attributes(tag, attrs)
        if tag == "img" and 'src="' not in kept:
            return
        name = self._heading(tag) if tag in _HEADINGS else tag
        if tag == "table":
            # Wide ones scroll by themselves, by keyboard too.
            self.parts.append('<div class="campus-scroll" tabindex="0">')
        self.parts.append(f"<{name}{kept}>")
        if tag not in _EMPTY:
            self.open.append((tag, name))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _EMPTY:
            self.handle_starttag(tag, attrs)
        elif tag not in _GONE:
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.gone:
            if tag in self.gone:
                while self.gone.pop() != tag:
                    pass
            return
        if all(tag != one for one, _ in self.open):
            return
        while self._close_last() != tag:  # what was left open inside is closed with it
            pass

    def handle_data(self, data: str) -> None:
        if not self.gone:
            self.parts.append(html.escape(data, quote=False))

    def close(self) -> None:
        super().close()
        while self.open:
            self._close_last()

    def _close_last(self) -> str:
        tag, name = self.open.pop()
        self.parts.append(f"</{name}>" + ("</div>" if tag == "table" else ""))
        return tag

    def _heading(self, tag: str) -> str:
        """Headings go on from the page's, and leave no level out."""
        self.level = min(int(tag[1]) + self.below, self.level + 1, _DEEPEST)
        return f"h{self.level}"

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> str:
        kept = {}
        for name, value in attrs:
            value = value or ""
            if name == "class" and _CLASS.fullmatch(value):
                if classes := [one for one in value.split() if _CLASSES.match(one)]:
                    kept["class"] = " ".join(classes)
            elif name in _ATTRIBUTES.get(tag, ()) and _ADDRESSES.get(name, _ANYTHING).match(value):
                kept[name] = value
        if tag == "img":
            kept.setdefault("alt", "")
        if tag == "a" and "href" in kept:
            kept["rel"] = "noopener noreferrer"
        return "".join(f' {name}="{html.escape(value)}"' for name, value in kept.items())


def cleaned(text: str, below: int = 1) -> str:
    """The same as far as it may stand in a page, below a heading of that level."""
    cleaner = _Cleaner(below)
    cleaner.feed(text)
    cleaner.close()
    # A table's empty corner is no heading of anything.
    return re.sub(r"<th[^>]*>\s*</th>", "<td></td>", "".join(cleaner.parts))


_TITLE = re.compile(r"((?:\s|<div[^>]*>|</div>)*)<(h[1-6])[^>]*>.*?</\2>", re.DOTALL)


def untitled(text: str, below: int) -> str:
    """Cleaned HTML without the heading that it begins with: what it stands below has that place."""
    titled = cleaned(text, below - 1)
    return _TITLE.sub(r"\1", titled, count=1) if _TITLE.match(titled) else cleaned(text, below)


def plain(text: str) -> str:
    """What a person reads of cleaned HTML, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
