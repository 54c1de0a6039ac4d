"""Starter kits on Home: the catalogue with what is broken in it, a kit's pages, and the session it opens in."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from extensions.home.kits.catalogue import Catalogue
from extensions.home.kits.clean import cleaned, plain, untitled
from extensions.home.kits.files import NoFile, read
from extensions.home.kits.kit import Kit
from extensions.home.kits.opening import enough, way
from extensions.home.kits.sheet import Sheet, sheet
from extensions.home.settings import Size
from extensions.kits.kit import KIT_FILE, MANIFEST, kits_in
from hub_config.kits.sources import OURS
from tests.support.exchange import Exchange, running
from tests.support.home import NO_SESSION, SIZES, Home, at_home, text
from tests.support.kits import publish

CPU, SLICE, GPU1, GPU4 = (Size(**size) for size in SIZES)  # type: ignore[arg-type]


class Sizes:
    def size(self, name: str | None) -> Size:
        return next((size for size in (CPU, SLICE, GPU1, GPU4) if size.name == name), CPU)


def session(state: str, size: str | None = None, name: str = "") -> dict:
    return NO_SESSION | {"name": name, "state": state, "size": size, "title": size and Sizes().size(size).title}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("home") / "exchange") as found:
        yield found


@pytest.fixture(scope="module")
def process(exchange: Exchange) -> Iterator[Home]:
    with at_home(exchange) as found:
        yield found


@pytest.fixture
def home(process: Home) -> Home:
    process.reset()
    process.exchange.hub.groups.clear()
    shutil.rmtree(process.kits, ignore_errors=True)
    publish(process.kits, "finance")
    return process


# ---------------------------------------------------------------- the catalogue


def test_a_catalogue_is_read_anew_only_where_it_changed(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "catalogue")
    assert catalogue.kits() == []
    publish(catalogue.root, "finance")
    (first,) = catalogue.kits()
    assert catalogue.kit("finance") is first
    folder = publish(catalogue.root, "space", sector="space", title="See clouds")
    assert [one.kit.name for one in catalogue.kits()] == ["finance", "space"]
    assert catalogue.kit("finance") is first, "it was read again"
    manifest = json.loads((folder / "kit.json").read_text())
    (folder / "new").write_text(json.dumps(manifest | {"title": "See floods"}))
    (folder / "new").rename(folder / "kit.json")
    assert catalogue.kit("space").kit.title == "See floods"  # type: ignore[union-attr]
    shutil.rmtree(folder)
    assert [one.kit.name for one in catalogue.kits()] == ["finance"]


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda kit: (kit / "kit.json").write_text("{"), "kit.json, all: Invalid JSON"),
        (lambda kit: (kit / "kit.json").unlink(), "kit.json: No such file"),
        (lambda kit: (kit / "pictures" / "result.png").unlink(), "pictures/result.png: No such file"),
        (lambda kit: (kit / "notebooks" / "02_model.html").unlink(), "notebooks/02_model.html: No such file"),
        (lambda kit: _written(kit, name="other"), "kit.json calls it other"),
        (lambda kit: publish(kit.parent, kit.name, picture="../../../etc/passwd"), "kit.json, picture"),
        (lambda kit: publish(kit.parent, kit.name, picture="pictures/../kit.json"), "kit.json, picture"),
        (lambda kit: publish(kit.parent, kit.name, notebooks=[]), "kit.json, notebooks"),
        (lambda kit: publish(kit.parent, kit.name, minutes="soon"), "kit.json, minutes"),
        (
            lambda kit: publish(kit.parent, kit.name, notebooks=[{"file": "../a.py", "title": "A"}]),
            "kit.json, notebooks.0",
        ),
        (lambda kit: _linked(kit / "kit.json"), "kit.json: Too many levels of symbolic links"),
        (lambda kit: _linked(kit / "notebooks"), "notebooks/01_data.html: Not a directory"),
        (lambda kit: _linked(kit), "kit.json: Not a directory"),
        (lambda kit: _pipe(kit / "pictures" / "result.png"), "is no plain file"),
    ],
)
def test_a_broken_kit_is_left_out_and_said_once(
    harm, why: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = Catalogue(tmp_path / "catalogue")
    publish(catalogue.root, "sound")
    harm(publish(catalogue.root, "finance"))
    for _ in range(3):
        assert [one.kit.name for one in catalogue.kits()] == ["sound"]
        (broken,) = catalogue.broken()
    assert broken.name == "finance"
    assert why in broken.why
    assert len([one for one in caplog.records if "finance" in one.getMessage()]) == 1
    shutil.rmtree(catalogue.root / "finance", ignore_errors=True)
    (catalogue.root / "finance").unlink(missing_ok=True)
    publish(catalogue.root, "finance")
    assert len(catalogue.kits()) == 2, "mended, it is still left out"


def _written(kit: Path, **other: object) -> None:
    (kit / "kit.json").write_text(json.dumps(json.loads((kit / "kit.json").read_text()) | other))


def _linked(path: Path) -> None:
    """What is there lies elsewhere, and a link leads there."""
    elsewhere = path.parent.parent / f"elsewhere-{path.name}.d"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("path", kits_in(OURS), ids=lambda path: path.name)
def test_every_kit_that_comes_with_campus_can_be_shown(path: Path) -> None:
    told = KIT_FILE.read(path / MANIFEST).model_dump(mode="json")
    assert Kit.model_validate({**told, "name": path.name}).title == told["title"]


def test_the_longest_that_a_manifest_may_say_can_be_shown() -> None:
    """Home asks no more of a kit than its manifest's model does."""
    told = KIT_FILE.read(OURS / "green" / MANIFEST).model_dump(mode="json")
    longest = {"title": 100, "summary": 300, "sector": 40, "licence": 100, "picture_alt": 300}
    told |= {name: "x" * length for name, length in longest.items()}
    told["data"][0] |= {"name": "x" * 100, "source": "x" * 300, "licence": "x" * 100, "note": "x" * 500}
    told["notebooks"][0]["title"] = "x" * 100
    Kit.model_validate({**told, "name": "green"})


def test_other_files_in_the_catalogue_are_no_kits(tmp_path: Path) -> None:
    for name in (".new-finance", "Finance", "README", "finance.old"):
        publish(tmp_path, "finance").rename(tmp_path / name)
    assert Catalogue(tmp_path).kits() == []
    assert Catalogue(tmp_path).broken() == []


@pytest.mark.parametrize("path", [[], [".."], ["a", "..", "a"], ["/etc/passwd"], [".hidden"], ["a/b"], ["a\n"], [""]])
def test_a_name_never_leads_out(path: list[str], tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(NoFile):
        read(tmp_path, path, 10)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(NoFile, match="larger than 10 bytes"):
        read(tmp_path, ["a"], 10)


# ---------------------------------------------------------------- published HTML


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("<script>alert(1)</script>a", "a"),
        ("<style>p{}</style><p style='x' onclick='y' id='main'>a</p>", "<p>a</p>"),
        ("<a href='javascript:x()'>a</a>", "<a>a</a>"),
        ("<a href='https://x.org/?a&b'>a</a>", '<a href="https://x.org/?a&amp;b" rel="noopener noreferrer">a</a>'),
        ("<img src='https://x.org/a.png'><img src=x onerror=y>", ""),
        ("<img src='data:image/svg+xml;base64,AA=='>", ""),
        ("<img src='data:image/png;base64,AA=='>", '<img src="data:image/png;base64,AA==" alt="">'),
        ("<form><input><button>a</button></form>", "a"),
        ("<svg><script>x</script><p>a</p></svg>b", "b"),
        ("<iframe src='x'>a</iframe>b", "b"),
        ("a &lt;b&gt; &amp; <b>c", "a &lt;b&gt; &amp; <b>c</b>"),
        ("<h1>a</h1><h3>b</h3><h2>c</h2>", "<h2>a</h2><h3>b</h3><h3>c</h3>"),
        ("<h2>a <a class='anchor-link' href='#a'>¶</a></h2>", "<h2>a </h2>"),
        ("<table><tr><th></th><th>a</th></tr></table>", "<tr><td></td><th>a</th></tr>"),
        ("<span class='kn navbar h1 fixed-top'>a</span>", '<span class="kn">a</span>'),
        ("</div></div><p>a", "<p>a</p>"),
        ("<!-- a --><?php b ?><![CDATA[c]]>d", "d"),
    ],
)
def test_only_what_is_on_the_list_is_kept(said: str, kept: str) -> None:
    assert kept in cleaned(said)
    assert not re.search(r"script|style|onclick|onerror|javascript|svg|iframe|<form|<input", cleaned(said))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("<h1>Title</h1>a<h2>b</h2><h3>c</h3>", "a<h3>b</h3><h4>c</h4>"),
        ("<div class='cell'><div>\n</div><h1>Title</h1>a</div>", '<div class="cell"><div>\n</div>a</div>'),
        ("a<h1>b</h1><h2>c</h2>", "a<h3>b</h3><h4>c</h4>"),
        ("<h2>Title</h2><h2>b</h2>", "<h3>b</h3>"),
        ("", ""),
    ],
)
def test_a_title_gives_way_to_the_pages_own(said: str, kept: str) -> None:
    assert untitled(said, below=2) == kept


def test_a_cleaned_page_is_plain_text_too() -> None:
    assert plain(cleaned("<h1>a&amp;b</h1><pre>x\n  y</pre>")) == "a&b x y"


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"nonsense", b"[" * 100_000, b"\xff", b'{"license": 3, "distribution": "x"}']
)
def test_a_sheet_that_cannot_be_read_is_nearly_empty(raw: bytes) -> None:
    found = sheet(raw)
    assert (found.name, found.facts, found.files) == ("", (), ())
    assert sheet(b"{}") == Sheet()


def test_a_sheet_links_to_the_web_only() -> None:
    found = sheet(b'{"creator": {"name": "A", "url": "javascript:x"}, "url": "https://example.org/"}')
    assert [(row.text, row.link) for row in found.facts] == [("A", ""), ("https://example.org/",) * 2]


# ---------------------------------------------------------------- which session


@pytest.mark.parametrize(
    ("have", "wanted", "is_enough"),
    [
        (CPU, CPU, True),
        (GPU1, CPU, True),
        (CPU, GPU1, False),
        (SLICE, GPU1, False),
        (GPU1, SLICE, True),
        (CPU, SLICE, False),
        (GPU4, GPU1, True),
        (GPU1, GPU4, False),
        (Size("small", "", 1, 0, 1024), GPU1, False),
    ],
)
def test_whether_a_size_is_enough(have: Size, wanted: Size, is_enough: bool) -> None:
    assert enough(have, wanted) is is_enough


@pytest.mark.parametrize(
    ("sessions", "does", "where"),
    [
        ([session("none")], "go", ""),
        ([session("running", "gpu1")], "go", ""),
        ([session("running", "gpu4")], "go", ""),
        ([session("running", "cpu")], "ask", ""),
        ([session("waiting", "gpu1")], "go", ""),
        ([session("starting", "cpu")], "ask", ""),
        ([session("stopping", "cpu")], "stopping", ""),
        ([session("none"), session("running", "gpu1", "second")], "go", "second"),
        ([session("running", "cpu"), session("running", "gpu1", "second")], "go", "second"),
        ([session("running", "gpu1"), session("running", "gpu4", "second")], "go", ""),
        ([session("none"), session("running", "cpu", "second")], "go", ""),
        ([session("stopping", "cpu"), session("running", "cpu", "second")], "stopping", ""),
    ],
)
def test_which_session_a_kit_opens_in(sessions: list[dict], does: str, where: str) -> None:
    found = way(sessions, GPU1, Sizes())  # type: ignore[arg-type]
    assert (found.does, found.session["name"]) == (does, where)


# ---------------------------------------------------------------- pages


def test_home_shows_kits_and_escapes_them(home: Home) -> None:
    page = home.get("ada")
    assert "Find &lt;money&gt; laundering" in page
    said = text(page)
    assert "Time it takes 1 h 15 min Session One GPU Data Made for this kit, CC0-1.0 Licence Apache-2.0" in said
    assert "Open on a GPU" in said
    assert 'src="/services/home/kits/finance/pictures/result.png"' in page


def test_a_site_without_a_gpu_promises_none(home: Home) -> None:
    publish(home.kits, "finance", size="huge")
    said = text(home.get("ada"))
    assert "Open on a GPU" not in said
    assert "Session No GPU" in said


def test_without_kits_home_says_so(home: Home) -> None:
    shutil.rmtree(home.kits)
    assert "No starter kit is published here yet." in text(home.get("ada"))


def test_sectors_have_headings_where_one_has_several_kits(home: Home) -> None:
    publish(home.kits, "credit", title="Judge credit")
    publish(home.kits, "oceans", sector="oceans <deep>", title="Count whales")
    page = home.get("ada")
    assert 'id="sector-1">Finance</h3>' in page
    assert 'id="sector-2">oceans &lt;deep&gt;</h3>' in page


def test_a_broken_kit_is_told_to_operators_only(home: Home) -> None:
    publish(home.kits, "space", minutes=0)
    assert "space" not in text(home.get("ada"))
    home.exchange.hub.groups["op"] = ["operator"]
    assert "The starter kit space is not shown" in text(home.get("op"))
    assert home.ask("op", "GET", "kits/space").status_code == 404
    assert "The starter kit space cannot be shown: kit.json, minutes" in (home.folder.parent / "home.log").read_text()


def test_a_kits_page(home: Home) -> None:
    said = text(home.get("ada", "kits/finance"))
    for part in (
        "What you will have at the end a model that ranks payments",
        "Understand the data Train a model",
        "About this kit First steps Open the notebooks.",
        "Source made by this kit Licence CC0-1.0 How it came about Made by a program",
        "Made by Campus",
        "How it was made Drawn by a generator with a fixed seed.",
        "payments.csv 120 kB",
        "amount Float In euro.",
        "Model card Not for decisions about people.",
    ):
        assert part in said


def test_a_notebook_is_read_before_anything_starts(home: Home) -> None:
    page = home.get("ada", "kits/finance/notebooks/01_data")
    assert page.count("Understand the data</h") == 1
    assert "<p>Days, in <em>order</em>.</p>" in page
    assert 'href="/services/home/kits/finance/open?notebook=01_data"' in page
    assert 'href="/services/home/kits/finance/notebooks/02_model"' in page
    assert home.asked == []


def test_a_picture_has_its_type(home: Home) -> None:
    answer = home.ask("ada", "GET", "kits/finance/pictures/result.png")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "path",
    [
        "kits/nothing",
        "kits/nothing/open",
        "kits/finance/notebooks/03_more",
        "kits/finance/notebooks/01_data.html",
        "kits/finance/pictures/none.png",
        "kits/finance/pictures/..%2fkit.json",
        "kits/finance/pictures/%2e%2e%2fkit.json",
        "kits/finance/pictures/page.html",
        "kits/finance/pictures/link.png",
        "kits/finance/kit.json",
        "kits/..%2f..%2f",
        "kits/Finance",
    ],
)
def test_nothing_else_is_served(home: Home, path: str) -> None:
    (home.kits / "finance" / "pictures" / "page.html").write_text("<script>")
    (home.kits / "finance" / "pictures" / "link.png").symlink_to("/etc/passwd")
    assert home.ask("ada", "GET", path).status_code == 404


def test_whoever_is_not_signed_in_sees_no_kit(home: Home) -> None:
    for path in ("kits/finance", "kits/finance/open", "kits/finance/pictures/result.png", "search"):
        assert home.ask("", "GET", path).status_code == 302
    assert home.ask("", "POST", "kits/finance/restart").status_code == 403


# ---------------------------------------------------------------- open


def opened(home: Home, path: str = "kits/finance/open") -> tuple[str, dict[str, list[str]]]:
    answer = home.ask("ada", "GET", path)
    assert answer.status_code == 302, answer.text
    link = urlsplit(answer.headers["Location"])
    return link.path, parse_qs(link.query)


def test_open_starts_the_right_size_and_goes_on_to_the_kit(home: Home) -> None:
    path, query = opened(home)
    assert path == "/hub/spawn/ada"
    assert query == {"opt-size": ["gpu1"], "next": ["/user/ada/campus/kit?name=finance"]}
    _, query = opened(home, "kits/finance/open?notebook=02_model")
    assert query["next"] == ["/user/ada/campus/kit?name=finance&notebook=02_model"]
    _, query = opened(home, "kits/finance/open?notebook=../../x")
    assert query["next"] == ["/user/ada/campus/kit?name=finance"]


def test_open_uses_a_session_with_a_name(home: Home) -> None:
    home.sessions["ada"] = [NO_SESSION, session("running", "gpu4", "my gpu")]
    path, query = opened(home)
    assert path == "/hub/spawn/ada/my%20gpu"
    assert query["next"] == ["/user/ada/my%20gpu/campus/kit?name=finance"]


def test_open_asks_where_the_session_is_not_enough(home: Home) -> None:
    home.sessions["ada"] = [session("running", "cpu")]
    page = home.get("ada", "kits/finance/open?notebook=02_model")
    said = text(page)
    assert "is meant for a session of the size One GPU . You have one of the size No GPU running" in said
    assert "their variables are lost" in said
    assert 'name="notebook" value="02_model"' in page
    assert "/hub/spawn/ada?opt-size=gpu1&amp;next=%2Fuser%2Fada%2Fcampus%2Fkit" in page


def test_open_says_so_of_a_session_that_waits(home: Home) -> None:
    home.sessions["ada"] = [session("waiting", "cpu")]
    assert "that has not started yet" in text(home.get("ada", "kits/finance/open"))


def test_a_session_is_stopped_by_a_form_and_the_right_one_follows(home: Home) -> None:
    home.sessions["ada"] = [session("running", "cpu")]
    answer = home.ask("ada", "POST", "kits/finance/restart", data={"notebook": "02_model"})
    assert ("DELETE", "/hub/api/users/ada/server", "ada") in home.asked
    following = "kits/finance/open?stopped=1&notebook=02_model"
    assert answer.headers["Location"] == f"/services/home/{following}"
    for state in ("stopping", "none"):
        home.sessions["ada"] = [session(state)]
        page = home.get("ada", following)
        assert "Your session is being stopped" in text(page)
        assert 'href="/services/home/kits/finance/open?notebook=02_model"' in page
    assert opened(home, "kits/finance/open?notebook=02_model")[1]["opt-size"] == ["gpu1"]


def test_a_stop_that_is_refused_is_said_on_the_kits_page(home: Home) -> None:
    before = home.exchange.hub.more

    def refuse(method: str, path: str, name: str) -> tuple[int, object]:
        return (403, {}) if method == "DELETE" else before(method, path, name)

    home.exchange.hub.more = refuse
    assert "or it is not open to you" in home.post("ada", "kits/finance/restart")


def test_a_silent_hub_leaves_the_kit_to_be_read_and_says_so_at_open(home: Home) -> None:
    home.exchange.hub.more = lambda method, path, name: (503, {})
    answer = home.ask("ada", "GET", "kits/finance/open")
    assert answer.status_code == 503
    assert "The hub does not answer now." in text(answer.text)
    assert "Find <money> laundering" in text(home.get("ada", "kits/finance"))
