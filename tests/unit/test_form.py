from __future__ import annotations

from html.parser import HTMLParser

from spawners.failure import Ended
from spawners.form import render_form
from spawners.request import SessionSize

EVIL = "\"><img src=x onerror=alert(1)>&'"


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def sizes(text: str) -> list[SessionSize]:
    return [
        SessionSize("cpu", text, text, "gpu", 0, None, 1, 1536, 600, 5400, None),
        SessionSize("gpu1", "One", "", "gpu", 2, "a100", 2, 4096, 600, 7200, None),
    ]


def test_a_card_for_each_size() -> None:
    html = render_form(sizes("Small"), "gpu1", "/hub/api/x", None)
    inputs = [a for t, a in Tags(html).found if t == "input" and a.get("type") == "radio"]
    assert [(a["value"], "checked" in a) for a in inputs] == [("cpu", False), ("gpu1", True)]
    assert all("required" in a for a in inputs)
    text = " ".join(html.split())
    assert "1 core · 1.5 GB · up to 1.5&nbsp;h" in text
    assert "2 GPUs a100 · 2 cores · 4 GB · up to 2&nbsp;h" in text
    assert "Your last session ended" not in html


def test_everything_is_escaped() -> None:
    ended = Ended("failed", EVIL, EVIL, (EVIL, EVIL))
    plain = Ended("failed", "plain", "7", ("a", "b"))
    evil_tags = [t for t, _ in Tags(render_form(sizes(EVIL), "cpu", EVIL, ended)).found]
    assert evil_tags == [t for t, _ in Tags(render_form(sizes("plain"), "cpu", "/x", plain)).found]
    assert "img" not in evil_tags


def test_why_the_last_session_ended() -> None:
    html = render_form(sizes("x"), "cpu", "/x", Ended("timeout", "It reached its time limit.", "7", ("last line",)))
    assert "It reached its time limit." in html
    assert "last line" in html
    assert "<details" not in render_form(sizes("x"), "cpu", "/x", Ended("timeout", "It ended.", "7"))
