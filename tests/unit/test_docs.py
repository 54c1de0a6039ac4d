"""The documentation names everything there is, and nothing that is not."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_config.cli import _parser
from hub_config.roles import EVERYBODY, PEOPLE, SERVICES

CHECKOUT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", "node_modules", ".venv", "build", "dist", "artefacts"}
# The folders of the house, so that a page which names one that is gone is found, too.
HOUSE = {"campus_base", "hub_config", "spawners", "extensions", "courses", "starter_kits", "images", "tests", "docs"}


def files(*suffixes: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(CHECKOUT):
        folders[:] = sorted(set(folders) - NOT_OURS)
        yield from (Path(folder) / name for name in sorted(names) if name.endswith(suffixes))


PAGES = list(files(".md"))
MANUAL = [page for page in PAGES if page.parent in (CHECKOUT, CHECKOUT / "docs")]
every_page = pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(CHECKOUT)) for p in PAGES])

FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


def code(text: str) -> list[str]:
    """Every line of code on a page: those of blocks, and what stands between backticks."""
    lines = [line for block in FENCE.finditer(text) for line in block[0].splitlines()[1:-1]]
    return lines + [" ".join(span[2].split()) for span in SPAN.finditer(FENCE.sub("", text))]


def prose(text: str) -> str:
    return SPAN.sub("", FENCE.sub("", text))


def named(word: str, text: str) -> bool:
    """Whether the text holds this word, and not only as part of another."""
    return re.search(rf"(?<![\w:-]){re.escape(word)}(?![\w:-])", text) is not None


def verbs() -> dict[str, argparse.ArgumentParser]:
    return next(a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction)).choices


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Those of a verb, and of what it has below it."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return {option for action in parser._actions for option in action.option_strings}.union(
        *(options(each) for action in below for each in action.choices.values())
    )


# ---------------------------------------------------------------- what there is, is documented


def test_every_verb_and_option_is_documented() -> None:
    text = "\n".join(page.read_text() for page in MANUAL)
    wanted = [f"./campus {verb}" for verb in verbs()]
    for parser in (_parser(), *verbs().values()):
        wanted += sorted(o for o in options(parser) - {"--help"} if o.startswith("--"))
    missing = [word for word in dict.fromkeys(wanted) if not named(word, text)]
    assert not missing, f"neither README.md nor docs/*.md names {missing}"


def test_every_scope_is_documented() -> None:
    text = "\n".join(line for page in MANUAL for line in code(page.read_text()))
    scopes = {
        scope.partition("!")[0] for row in (*PEOPLE.values(), *SERVICES.values(), *EVERYBODY.values()) for scope in row
    }
    missing = sorted(scope for scope in scopes if not named(scope, text))
    assert not missing, f"neither README.md nor docs/*.md names {missing}"


# ---------------------------------------------------------------- what is documented, there is


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r"^#+ +(.+?) *#*$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in found}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = prose(page.read_text())
    targets = re.findall(r"\]\(<?([^)\s>]+)[^)]*\)", text) + re.findall(r"^ *\[[^\]]+\]: +<?(\S+?)>? *$", text, re.M)
    wrong = []
    for target in targets:
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        found = there.exists() and there.is_relative_to(CHECKOUT)
        if not found or (anchor and there.suffix == ".md" and anchor not in headings(there)):
            wrong.append(target)
    assert not wrong, f"{page.relative_to(CHECKOUT)} links to {wrong}"


def looks_like_a_path(word: str) -> bool:
    """A path of this repository; one with a word in capitals stands for many, and is not looked for."""
    first, slash, _ = word.removeprefix("./").partition("/")
    known = first in HOUSE or (first.strip(".") and (CHECKOUT / first).is_dir())
    placeholder = re.search(r"(^|/)[A-Z_]{2,}(/|$)|[<>{}…]|\.\.\.", word)
    return bool(slash and known) and not placeholder and re.fullmatch(r"[\w./@*-]+", word) is not None


@every_page
def test_paths_in_backticks_exist(page: Path) -> None:
    spans = [span[2] for span in SPAN.finditer(FENCE.sub("", page.read_text()))]
    words = {word.rstrip(",;:.") for span in spans for word in span.split() if looks_like_a_path(word)}
    gone = sorted(word for word in words if not any(CHECKOUT.glob(word.removeprefix("./").rstrip("/"))))
    assert not gone, f"{page.relative_to(CHECKOUT)} names {gone}"


COMMAND = re.compile(r"\./campus +([a-z][a-z-]*)((?: +(?!\./campus)[^\s`;|&#]+)*)")


def wrong_commands(text: str) -> list[str]:
    """Uses of ./campus with a verb or an option that it does not have."""
    wrong = []
    for verb, rest in COMMAND.findall(text):
        if verb not in verbs():
            wrong.append(f"./campus {verb}")
        elif verb != "test":  # the rest of its line is for pytest
            used = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest))
            wrong += [f"./campus {verb} {option}" for option in sorted(used - options(verbs()[verb]))]
    return wrong


@every_page
def test_commands_on_a_page_are_real(page: Path) -> None:
    wrong = [command for line in code(page.read_text()) for command in wrong_commands(line)]
    assert not wrong, f"{page.relative_to(CHECKOUT)} tells to run {wrong}"


def test_commands_in_remedies_are_real() -> None:
    sources = [p for p in files(".py", ".toml", ".j2", ".html") if p.relative_to(CHECKOUT).parts[0] != "tests"]
    assert len(sources) > 20
    wrong = {}
    for path in (*sources, CHECKOUT / "campus"):
        if found := [command for command in wrong_commands(path.read_text()) if "--" not in command]:
            wrong[str(path.relative_to(CHECKOUT))] = found
    assert not wrong


# ---------------------------------------------------------------- these tests can fail


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("./campus up --site FILE", []),
        ("./campus logs -n 5 hub", []),
        ("./campus test unit -k word --pdb", []),
        ("CAMPUS_PREFIX=/opt/x ./campus status --json", []),
        ("./campus fly", ["./campus fly"]),
        ("./campus up --sight x", ["./campus up --sight"]),
        ("./campus down; ./campus soar", ["./campus soar"]),
        ("./campus down && ./campus status --yaml", ["./campus status --yaml"]),
        ("the folder ./campus", []),
    ],
)
def test_wrong_commands_are_seen(text: str, wrong: list[str]) -> None:
    assert wrong_commands(text) == wrong


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("hub_config/site.py", True),
        ("./docs/settings.md", True),
        ("courses/deep-learning/", True),
        ("tests/unit/test_*.py", True),
        ("courses/NAME/course.toml", False),
        ("/etc/campus", False),
        ("/proxy/PORT", False),
        ("https://example.org/docs", False),
        ("and/or", False),
        ("settings.md", False),
        (".campus/logs", False),
        ("../shared/DESIGN.md", False),
    ],
)
def test_paths_are_told_from_other_words(word: str, path: bool) -> None:
    assert looks_like_a_path(word) is path


def test_code_is_told_from_prose() -> None:
    text = "One `a b` and ``c `d` e``.\n\n```sh\n# no heading\n./campus up\n```\n[link](x) `[no](y)`\n# Heading: it's\n"
    assert code(text) == ["# no heading", "./campus up", "a b", "c `d` e", "[no](y)"]
    assert "[link](x)" in prose(text)
    assert "[no](y)" not in prose(text)


def test_headings_are_anchors(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# The `[a.b]` of: it's\n\n```sh\n# no heading\n```\n## Second-one ##\n")
    assert headings(page) == {"the-ab-of-its", "second-one"}


def test_words_are_told_from_parts_of_words() -> None:
    text = "`read:users:name`, `--json`, ./campus upgrade"
    assert named("--json", text)
    assert not named("read:users", text)
    assert not named("./campus up", text)
    assert not named("--js", text)
