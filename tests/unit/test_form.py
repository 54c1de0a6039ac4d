from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

import pytest

from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.offer import Offer, SessionSize
from spawners.allowed.ways import Means
from spawners.form import choose, render_form
from spawners.form.choose import part_of_a_gpu
from spawners.life.failure import Ended
from spawners.slurm.rules import Reservation, Rules
from tests.unit.test_request import NOW, way

EVIL = "\"><img src=x onerror=alert(1)>&'"


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, name: str) -> dict[str, str | None]:
        return next(attrs for _, attrs in self.found if attrs.get("name") == name and attrs.get("type") != "radio")


def offer(text: str) -> Offer:
    return Offer(
        (
            SessionSize("cpu", text, text, "gpu", 0, None, 1, 1536, 600, 5400, None),
            SessionSize("gpu1", "One", "", "gpu", 2, "a100", 2, 4096, 600, 7200, None, 8192),
        ),
        tuple(SessionEnvironment(name, text, text, "/env") for name in ("standard", "older")),
        titles={"gpu": text},
    )


def reserved(name: str, start: int, end: int) -> Rules:
    return Rules(reservations={name: Reservation(name=name, start=start, end=end)})


def means(name: str) -> Means:
    """Somebody who has two of everything, the second ones of that name."""
    ways = tuple(
        way(partition, account, qos, reservation, default=(partition, account, qos) == ("gpu", "team", "normal"))
        for partition in ("gpu", name)
        for account in ("team", name)
        for qos in ("normal", name)
        for reservation in (None, name)
    )
    return Means(NOW, ways, rules=reserved(name, NOW - 60, NOW + 7810))


def render(options: dict[str, Any], text: str = "Small", ended: Ended | None = None, **what: Means | None) -> str:
    offered = offer(text)
    return render_form(choose(options, offered, what.get("means")), offered, "/hub/", f"/hub/api/{text}", ended)


def test_a_card_for_each_size() -> None:
    html = render({"size": "gpu1"})
    inputs = [a for t, a in Tags(html).found if t == "input" and a.get("type") == "radio"]
    assert [(a["value"], "checked" in a) for a in inputs] == [("cpu", False), ("gpu1", True)]
    assert all("required" in a for a in inputs)
    text = " ".join(html.split())
    assert '1 core · 1.5 GB · up to <span class="campus-longest" data-size="cpu">1.5 h' in text
    assert '2 GPUs a100 · 2 cores · 4 GB · up to <span class="campus-longest" data-size="gpu1">2 h' in text
    assert "Your last session ended" not in html


def test_everything_is_escaped() -> None:
    ended = Ended("failed", EVIL, EVIL, (EVIL, EVIL))
    plain = Ended("failed", "plain", "7", ("a", "b"))
    chosen = {"size": EVIL, "qos": EVIL, "account": EVIL, "partition": EVIL, "reservation": EVIL, "minutes": EVIL}
    normal = dict.fromkeys(chosen, "other") | {"size": "x", "minutes": "x"}
    evil_tags = [t for t, _ in Tags(render(chosen, EVIL, ended, means=means(EVIL))).found]
    assert evil_tags == [t for t, _ in Tags(render(normal, "plain", plain, means=means("other"))).found]
    assert "img" not in evil_tags
    assert evil_tags.count("option") == 2 * 5


def test_why_the_last_session_ended() -> None:
    html = render({}, ended=Ended("timeout", "It reached its time limit.", "7", ("last line",)))
    assert "It reached its time limit." in html
    assert "last line" in html
    assert "<summary>The end" not in render({}, ended=Ended("timeout", "It ended.", "7"))


# ------------------------------------------------------------------------------------------------ what is a choice


def test_who_has_one_of_everything_is_asked_nothing() -> None:
    one = replace(offer("x"), environments=offer("x").environments[:1])
    chosen = choose({}, one, Means(NOW, (way("gpu", "team", "normal", default=True),)))
    assert not any(field.options for field in chosen.fields)
    assert chosen.memory is None
    page = Tags(render_form(chosen, one, "/hub/", "/x", None))
    (details,) = [attrs for tag, attrs in page.found if tag == "details"]
    assert "hidden" in details
    assert all("disabled" in attrs for tag, attrs in page.found if tag == "select")
    assert "disabled" in page.named("memory")


def test_who_has_more_may_choose() -> None:
    chosen = choose({"size": "gpu1"}, offer("Older"), means("second"))
    found = {field.name: [(o.value, o.title) for o in field.options] for field in chosen.fields}
    assert found == {
        "reservation": [("", "None"), ("second", "second, 2 h 10 min left")],
        "account": [("", "team (usual)"), ("second", "second")],
        "partition": [("", "Older (usual)"), ("second", "second")],
        "qos": [("", "normal (usual)"), ("second", "second")],
        "environment": [("", "Older (usual)"), ("older", "Older")],
    }
    assert chosen.memory is not None
    assert (chosen.memory.least, chosen.memory.most, chosen.memory.usual, chosen.memory.chosen) == (0.5, 8, 4, None)


def test_what_the_site_keeps_to_itself_is_no_field() -> None:
    closed = replace(offer("x"), choices=frozenset({"account"}))
    shown = [field.name for field in choose({}, closed, means("second")).fields if field.options]
    assert shown == ["account", "environment"]


def test_a_reservation_to_come_says_when() -> None:
    later = replace(means("lesson"), rules=reserved("lesson", NOW + 90, NOW + 999))
    (field,) = [field for field in choose({}, offer("x"), later).fields if field.name == "reservation"]
    assert field.options[1].title == "lesson, begins in 1 min"


def test_a_choice_is_shown_and_opens_the_options() -> None:
    options = {"size": "gpu1", "account": "second", "qos": "normal", "memory": "1536M", "minutes": 7}
    html = render(options, means=means("second"))
    page = Tags(html)
    selected = [attrs["value"] for tag, attrs in page.found if tag == "option" and "selected" in attrs]
    assert selected == ["", "second", "", "", ""], "what is the usual one anyway is shown as that"
    assert page.named("memory")["value"] == "1.5"
    assert page.named("minutes")["value"] == "7"
    assert any(tag == "details" and "open" in attrs for tag, attrs in page.found)
    assert not any(tag == "details" and "open" in a for tag, a in Tags(render({"size": "gpu1"})).found)


def test_what_is_no_longer_to_be_had_is_said() -> None:
    html = render({"size": "gpu1", "reservation": "over", "memory": "9G"}, means=means("second"))
    assert "The reservation &#39;over&#39; is not yours to use." in html
    assert "8 GB memory, not &#39;9G&#39;" in html


def test_each_card_goes_with_the_rest_of_the_choice() -> None:
    chosen = choose({"size": "gpu1", "qos": "second", "memory": "8G", "minutes": 100}, offer("x"), means("second"))
    cpu, gpu1 = chosen.cards["cpu"], chosen.cards["gpu1"]
    assert not isinstance(cpu, str)
    assert not isinstance(gpu1, str)
    assert (gpu1.qos, gpu1.memory_mib, gpu1.seconds) == ("second", 8192, 6000)
    assert (cpu.qos, cpu.memory_mib, cpu.seconds) == ("second", 1536, 600), "its own memory and time"
    nowhere = replace(means("second"), holds={"cpu": frozenset({"second"})})
    cards = choose({"size": "gpu1", "partition": "gpu"}, offer("x"), nowhere).cards
    assert cards["cpu"] == "The partition 'gpu' has no nodes for size cpu."
    assert (
        choose({}, offer("x"), Means(NOW, ())).cards["cpu"] == "No partition that you may use has nodes for size cpu."
    )


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("1/4", "a quarter of a GPU"),
        ("3/4", "three quarters of a GPU"),
        ("1/2", "half a GPU"),
        ("1/8", "an eighth of a GPU"),
        ("2/5", "2/5 of a GPU"),
        ("1", "a GPU in slices"),
    ],
)
def test_a_part_of_a_gpu_in_words(part: str, words: str) -> None:
    assert part_of_a_gpu(Fraction(part)) == words


def test_a_card_of_slices_says_how_much_of_a_gpu_it_is() -> None:
    sliced = offer("x")
    sliced = replace(sliced, sizes=(replace(sliced.sizes[0], shards=2), sliced.sizes[1]))
    known = Means(NOW, (way("gpu", None, None, default=True),), slices={"cpu": Fraction(2, 8)})
    for means, says in ((known, "a quarter of a GPU"), (None, "2 slices of a GPU")):
        html = render_form(choose({}, sliced, means), sliced, "/", "", None)
        assert f"{says} · 1 core" in " ".join(html.split())
