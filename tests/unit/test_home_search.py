"""Looking for words on Home: what is found, in which order, and what is marked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from extensions.home.search import Document, folded, marked, search, words
from tests.support.exchange import Exchange, running
from tests.support.home import Home, at_home, text
from tests.support.kits import publish


def found(query: str, *documents: tuple[str, str, str]) -> list[str]:
    return [one.what for one in search([Document(one[0], *one) for one in documents], words(query))]


@pytest.mark.parametrize("said", ["Énergie éolienne", "ÅSTRÖM œuvre ß", "İ ﬁ ½ 日本", "e\u0301", "\U0001f600 a", ""])
def test_folding_keeps_every_place(said: str) -> None:
    assert len(folded(said)) == len(said)


def test_words_are_looked_for_without_accents_and_case() -> None:
    assert words("  L'ÉNERGIE, énergie! ") == ["l", "energie"]
    assert words("- * ( [ \\") == []
    assert len(words("a b c d e f g h i j k")) == 8
    assert len("".join(words("x" * 5000))) == 200
    assert found("energie", ("Énergie", "", ""), ("Synergie", "", "")) == ["Énergie"]


def test_the_title_counts_before_the_summary_before_the_text() -> None:
    documents = [("a", "", "wind power"), ("b", "wind power", ""), ("Wind power", "", ""), ("d", "wind", "power")]
    assert found("wind power", *documents) == ["Wind power", "b", "d", "a"]


def test_what_has_every_word_comes_alone_and_else_what_has_most() -> None:
    documents = [("wind power", "", ""), ("wind", "", ""), ("sun", "", "")]
    assert found("wind power", *documents) == ["wind power"]
    assert found("wind power tomorrow", *documents) == ["wind power", "wind"]
    assert found("nothing", *documents) == []


def test_what_is_found_is_marked_where_it_stands() -> None:
    assert marked("Prévoir l'énergie", ["energ", "prev"]) == [
        ("Prév", True),
        ("oir l'", False),
        ("énerg", True),
        ("ie", False),
    ]
    (one,) = search([Document(1, "t", "s", f"{'before ' * 50}needle {'after ' * 50}")], ["needle"])
    shown = "".join(piece for piece, _ in one.excerpt)
    assert shown.startswith("… before")
    assert shown.endswith("after …")
    assert ("needle", True) in one.excerpt
    assert len(shown) < 200


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("home") / "exchange") as exchange:
        card = {"summary": "Anti-fraud for <beginners>", "learn": ["spot outliers"], "sector": "finance"}
        exchange.put("grader-dl", "/courses/dl", {"title": "Détecter la fraude", "card": card})
        exchange.put("grader-dl", "/courses/dl/roster/ada", {})
        exchange.release("dl", "ps1", title="Isolation forests")
        yield exchange


@pytest.fixture(scope="module")
def home(exchange: Exchange) -> Iterator[Home]:
    with at_home(exchange) as home:
        publish(home.kits, "finance")
        yield home


def test_courses_kits_and_data_are_found(home: Home) -> None:
    page = home.get("ada", "search?q=detecter")
    assert "<mark>Détecter</mark> la fraude" in page
    assert "Anti-fraud for &lt;beginners&gt;" in page
    assert "1 result" in text(page)
    for query, address in (
        ("isolation", "courses/dl"),
        ("outliers", "courses/dl"),
        ("laundering", "kits/finance"),
        ("autoencoder", "kits/finance"),
        ("payments synthetic", "kits/finance#data"),
        ("CC0", "kits/finance#data"),
    ):
        assert f'href="/services/home/{address}"' in home.get("ada", f"search?q={query}"), query


def test_what_is_not_yours_is_not_found(home: Home) -> None:
    assert "courses/dl" not in home.get("bob", "search?q=fraude")


def test_sectors_are_found_by_their_name_in_ones_language(home: Home) -> None:
    publish(home.kits, "cyber", sector="cybersecurity", title="Watch a network")
    page = home.get("ada", "search?q=cybersécurité", **{"Accept-Language": "fr"})
    assert 'href="/services/home/kits/cyber"' in page


def test_an_empty_search_and_one_that_finds_nothing_help(home: Home) -> None:
    assert "Type what you work on" in text(home.get("ada", "search"))
    for query in ("zebra", "%3Cscript%3E", "%00x", "x" * 3000):
        page = home.get("ada", f"search?q={query}")
        assert "Try fewer or other words" in text(page)
        assert "<script>" not in page
        assert 'href="/services/home/kits/finance"' in page
    assert "Type what you work on" in text(home.get("ada", "search?q=%2B%2B"))


def test_without_the_exchange_kits_are_still_found(home: Home, exchange: Exchange) -> None:
    exchange.kill()
    try:
        said = text(home.get("ada", "search?q=laundering"))
        assert "The exchange, which keeps courses, does not answer now." in said
        assert "Find <money> laundering" in " ".join(said.replace("< ", "<").split())
    finally:
        exchange.start()
