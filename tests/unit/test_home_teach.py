"""The pages of those who teach: what a form changes is what the real exchange then says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from campus_base.errors import CampusError
from extensions.exchange.service.bodies import Policy
from extensions.home import forms
from extensions.home.pages.teach.assignment import POLICY
from extensions.home.roster_table import read_roster
from tests.support.exchange import Exchange, running
from tests.support.home import Home, at_home, text
from tests.support.person import wait_for
from tests.unit.test_home import at, links

PS1 = "/courses/dl/assignments/ps1"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("teach") / "exchange") as found:
        found.hub.groups["prof"] = ["instructor-dl"]
        found.hub.groups["other-prof"] = ["instructor-db"]
        found.put("prof", "/courses/dl", {"title": "Deep learning"})
        found.put("prof", "/courses/dl/roster/ada", {"first_name": "Ada"})
        notebook = {"cells": [{"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": []}]}
        files = {"p1.ipynb": json.dumps(notebook).encode()}
        found.release("dl", "ps1", files, due=at(days=2), points=10, session_size="gpu1", weight=2)
        yield found


@pytest.fixture(scope="module")
def process(exchange: Exchange) -> Iterator[Home]:
    with at_home(exchange) as found:
        yield found


@pytest.fixture
def home(process: Home) -> Home:
    process.reset()
    return process


PAGES = [
    "",
    "/people",
    "/assignments/ps1",
    "/assignments/ps1/similar",
    "/struggles",
    "/log",
    "/classes",
    "/gradebook.csv",
]
FORMS = [
    "people/add",
    "people/remove",
    "people/upload",
    "assignments/ps1/dates",
    "assignments/ps1/extensions",
    "assignments/ps1/extensions/take-back",
    "assignments/ps1/similar",
    "classes",
    "classes/cancel",
]


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("path", PAGES)
def test_only_those_who_teach_a_course_see_its_pages(home: Home, path: str) -> None:
    assert home.ask("prof", "GET", f"teach/dl{path}").status_code == 200
    assert home.ask("ada", "GET", f"teach/dl{path}").status_code == 403
    assert home.ask("other-prof", "GET", f"teach/dl{path}").status_code == 404


@pytest.mark.parametrize("who", ["ada", "other-prof"])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_somebody_else_changes_nothing(home: Home, exchange: Exchange, form: str, who: str) -> None:
    before = exchange.get("prof", "/courses/dl/audit")["entries"]
    fields = {"id": "mallory", "user": "ada", "due": "2030-01-01T00:00", "name": "c", "attempts": "9", "size": "gpu1"}
    answer = home.ask(who, "POST", f"teach/dl/{form}", data=fields, files={"table": b"id\nmallory\n"})
    assert answer.status_code in (302, 403, 404)
    assert exchange.get("prof", "/courses/dl/audit")["entries"] == before


def test_a_table_of_somebody_else_is_not_read(home: Home) -> None:
    said = {}
    for who in ("ada", "other-prof"):
        answer = home.ask(who, "POST", "teach/dl/people/upload", files={"table": b"id\n" + b"!\n" * 500_000})
        said[who] = answer.status_code
    assert said == {"ada": 403, "other-prof": 404}


# ---------------------------------------------------------------- people


def test_people_are_entered_and_taken_out(home: Home, exchange: Exchange) -> None:
    assert home.post("prof", "teach/dl/people/add", id=" bob ", last_name="<b>B</b>") == "The person is entered."
    page = home.get("prof", "teach/dl/people")
    assert "&lt;b&gt;B&lt;/b&gt;" in page
    assert "Take out bob" in page
    said = home.post("prof", "teach/dl/people/remove", id="bob")
    assert said == "The person is taken out. What they handed in stays."
    assert [one["id"] for one in exchange.get("prof", "/courses/dl/roster")] == ["ada"]
    assert "The account must be an account's name." in home.post("prof", "teach/dl/people/add", id="../x")


def test_a_table_adds_people_or_is_the_whole_roster(home: Home, exchange: Exchange) -> None:
    upload = "teach/dl/people/upload"
    assert (
        home.post("prof", upload, table=b"id;last_name\r\nbob;B\xc3\xa9\r\ncarl;\r\n")
        == "The roster is as in the table."
    )
    roster = {one["id"]: one for one in exchange.get("prof", "/courses/dl/roster")}
    assert set(roster) == {"ada", "bob", "carl"}
    assert (roster["ada"]["first_name"], roster["bob"]["last_name"]) == ("Ada", "Bé")
    home.post("prof", upload, table=b"id\nada\n", mode="replace")
    assert [one["id"] for one in exchange.get("prof", "/courses/dl/roster")] == ["ada"]


def test_a_table_with_mistakes_enters_nobody_and_names_the_lines(home: Home, exchange: Exchange) -> None:
    said = home.post("prof", "teach/dl/people/upload", table=b"id,email\nbob,\n../x,\nbob,\ncarl\n")
    assert said.startswith("Nobody was entered. line 3: '../x' cannot be an account's name; line 4: 'bob' stands")
    assert "line 5: has too few fields" in said
    assert [one["id"] for one in exchange.get("prof", "/courses/dl/roster")] == ["ada"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"", "line 1: must name the columns"),
        (b"name\nada\n", "line 1: must name the columns"),
        (b"id,id\nada,bob\n", "line 1: must name the columns"),
        (b"id\n", "nobody is in it"),
        (b"id\nok\n\xff\n", "line 3: is not UTF-8 text"),
        (b'id\n"never closed\n', "line 2: is no line of a CSV"),
        (b"id,email\nada,a,b\n", "line 2: has too many fields"),
        (b"id,email\nada," + b"x" * 201 + b"\n", "line 2: email is longer than 200"),
        (b"id\n" + b"!\n" * 13, "'!' cannot be an account's name; and more."),
        (b"id\n" + b"".join(b"p%d\n" % n for n in range(6000)), "line 5002: is one too many"),
    ],
)
def test_what_is_wrong_with_a_table(table: bytes, says: str) -> None:
    with pytest.raises(CampusError) as refused:
        read_roster(table)
    assert says in refused.value.message


def test_a_table_of_a_spreadsheet_is_read() -> None:
    table = "\ufeffid; first_name ;email\r\nada;Ada;ada@example.org\r\n".encode()
    assert read_roster(table) == [{"id": "ada", "first_name": "Ada", "email": "ada@example.org"}]


# ---------------------------------------------------------------- dates, rules, extensions


def test_the_policy_that_is_set_anew_has_every_key() -> None:
    assert {*POLICY, "attempts"} == set(Policy.model_fields)


def test_dates_and_rules_are_set_and_the_rest_of_the_policy_stays(home: Home, exchange: Exchange) -> None:
    fields = {"opens": "", "due": "2030-06-01T12:30", "attempts": "4", "accept_days": "1,5", "penalty": "10"}
    assert home.post("prof", "teach/dl/assignments/ps1/dates", **fields) == "The dates and rules are set."
    found = exchange.get("prof", PS1)
    assert found["due"] == "2030-06-01T12:30:00.000000Z"
    assert found["late_policy"] == {"accept_days": 1.5, "penalty_per_day": 0.1}
    assert (found["attempts_allowed"], found["points"], found["session_size"], found["weight"]) == (4, 10, "gpu1", 2)
    assert 'value="2030-06-01T12:30"' in home.get("prof", "teach/dl/assignments/ps1")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"due": "tomorrow"}, "Due must be a date with a time"),
        ({"attempts": "0"}, "Attempts must be a whole number from 1"),
        ({"penalty": "150"}, "Taken off for each day must be a number from 0 to 100"),
        ({"accept_days": "nan"}, "Days of grace must be a number"),
        ({"opens": "2031-01-01T00:00", "due": "2030-01-01T00:00"}, "must open before it is due"),
    ],
)
def test_a_mistake_in_a_form_changes_nothing(home: Home, exchange: Exchange, fields: dict[str, str], says: str) -> None:
    before = exchange.get("prof", PS1)
    assert says in home.post("prof", "teach/dl/assignments/ps1/dates", **fields)
    assert exchange.get("prof", PS1) == before


def test_an_extension_is_given_and_taken_back(home: Home, exchange: Exchange) -> None:
    path = "teach/dl/assignments/ps1/extensions"
    said = home.post("prof", path, user="ada", due="2031-01-01T00:00", attempts="", note="ill <x>")
    assert said == "The extension is given."
    assert exchange.get("ada", PS1)["my_due"] == "2031-01-01T00:00:00.000000Z"
    assert "ill &lt;x&gt;" in home.get("prof", "teach/dl/assignments/ps1")
    assert home.post("prof", f"{path}/take-back", user="ada") == "The extension is taken back."
    assert exchange.get("ada", PS1)["my_due"] != "2031-01-01T00:00:00.000000Z"
    assert "An extension must give another date, attempts or minutes." in home.post("prof", path, user="ada")
    assert "must be one of the list" in home.post("prof", path, due="2031-01-01T00:00")


@pytest.mark.parametrize("said", ["0001-01-01T00:00+14:00", "2030-13-01T00:00", "x"])
def test_a_date_that_there_is_not(said: str) -> None:
    with pytest.raises(CampusError, match="Due must be a date"):
        forms.utc(said, "Due")


# ---------------------------------------------------------------- looking


def test_the_overview_counts_the_class(home: Home, exchange: Exchange) -> None:
    exchange.ask("ada", "GET", f"{PS1}/files")
    exchange.submitted("ada", "dl", "ps1")
    page = home.get("prof", "teach/dl")
    assert "1 person in the course" in text(page)
    assert "Released" in text(page)
    assert "0 of 1" in text(page)
    grading = links(page)["Grade, in the course's session"]
    assert grading == "/hub/spawn/grader-dl?opt-size=cpu&opt-memory=4096M&next=%2Fuser%2Fgrader-dl%2Fcampus%2Fgrading"
    assert "ada" in text(home.get("prof", "teach/dl/assignments/ps1"))


def test_the_gradebook_comes_as_a_table(home: Home) -> None:
    answer = home.ask("prof", "GET", "teach/dl/gradebook.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dl-gradebook.csv"'
    assert answer.text.startswith("id,first_name,last_name,ps1")


def test_the_log_is_newest_first(home: Home, exchange: Exchange) -> None:
    home.post("prof", "teach/dl/people/add", id="zoe")
    page = home.get("prof", "teach/dl/log")
    assert "Nothing in it was changed or removed" in text(page)
    assert page.index("zoe") < page.index("course-changed")
    exchange.ask("prof", "DELETE", "/courses/dl/roster/zoe")


def test_where_the_class_struggles(home: Home, exchange: Exchange) -> None:
    receipt = exchange.submitted("ada", "dl", "ps1", {"p1.ipynb": b"{}"})
    cells = {"p1/<easy>": {"score": 2, "max_score": 2}, "p1/hard": {"score": 0, "max_score": 3}}
    exchange.put("prof", f"/submissions/{receipt['id']}/grade", {"score": 2, "max_score": 5, "cells": cells})
    page = home.get("prof", "teach/dl/struggles")
    assert "&lt;easy&gt;" in page
    assert "hard p1 0% hard" in text(page)


def test_submissions_that_are_alike_are_shown_side_by_side(home: Home, exchange: Exchange) -> None:
    same = "\n".join(f"total_{n} = sum(value * {n} for value in values if value > {n})" for n in range(30))
    for who in ("ada", "bob"):
        exchange.put("prof", f"/courses/dl/roster/{who}", {})
        cell = {"cell_type": "code", "source": same, "metadata": {}, "outputs": [], "execution_count": None}
        notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        exchange.submitted(who, "dl", "ps1", {"p1.ipynb": json.dumps(notebook).encode()})
    page = "teach/dl/assignments/ps1/similar"
    assert "The comparison has begun" in home.post("prof", page)
    wait_for("the comparison", lambda: not exchange.get("prof", f"{PS1}/similarity")["running"])
    found = home.get("prof", page)
    assert "ada and bob : 100% alike" in text(found)
    assert "if value &gt; 3" in found


# ---------------------------------------------------------------- classes


class Hub:
    """What the hub says of classes (docs/operators.md), and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        offer = {
            "gpus": 8,
            "minutes": 240,
            "ahead_minutes": 100,
            "sizes": [{"name": "g", "title": "One", "gpus_each": 1}],
        }
        booked = {
            "name": "dl-1",
            "start": at(days=1),
            "end": at(days=1, hours=2),
            "gpus": 4,
            "people": 4,
            "active": False,
        }
        self.answer: tuple[int, Any] = (200, {"offer": offer, "classes": [booked]})

    def __call__(self, method: str, path: str, name: str) -> tuple[int, Any]:
        self.asked.append((method, path))
        if method == "POST":
            return 409, {"code": "no-room", "message": "No room <then>.", "remedy": "Another day."}
        return self.answer if method == "GET" else (204, None)


def test_a_class_is_booked_and_cancelled(home: Home, exchange: Exchange) -> None:
    hub = exchange.hub.more = Hub()
    page = home.get("prof", "teach/dl/classes")
    assert "All classes together may have 8 GPUs at a time." in text(page)
    assert "Cancel the class dl-1" in page
    fields = {"start": "2030-01-01T09:00", "minutes": "90", "people": "4", "size": "g"}
    assert home.post("prof", "teach/dl/classes", **fields) == "No room <then>. Another day."
    assert "Minutes must be given" in home.post("prof", "teach/dl/classes", **{**fields, "minutes": ""})
    assert home.post("prof", "teach/dl/classes/cancel", name="dl-1") == "The class is cancelled."
    assert ("DELETE", "/hub/api/campus/classes/dl/dl-1") in hub.asked
    hub.answer = (200, {"offer": None, "classes": [], "sentence": "This site books none."})
    assert "This site books none." in text(home.get("prof", "teach/dl/classes"))


def test_a_mistake_is_told_in_the_language_of_the_page(home: Home) -> None:
    headers = {"Authorization": "token prof", "Accept-Language": "fr"}
    with requests.Session() as web:
        answer = web.post(f"{home.url}teach/dl/assignments/ps1/dates", data={"attempts": "0"}, headers=headers)
        assert "Tentatives : il faut un nombre entier de 1 à 10000. Corrigez" in text(answer.text)
        files = {"table": b"id\nada\nada\n"}
        answer = web.post(f"{home.url}teach/dl/people/upload", files=files, headers=headers)
        assert "été inscrit. ligne 3 : 'ada' figure deux fois" in text(answer.text)
