"""What a person chooses beside a size, on the real Slurm: account, quality of service, partition, reservation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = pytest.mark.cluster

MESSY = "x'\"\n$(touch /tmp/owned)`id`;--wrap=id<script>é学"


def job(campus: Campus, job_id: str) -> dict[str, str]:
    shown = campus.slurm("scontrol", "show", "job", job_id).stdout
    return dict(word.partition("=")[::2] for word in shown.split() if "=" in word)


def message_of(page: str) -> str:
    found = re.search(r'class="spawn-error-msg[^>]*>\s*Error: (.*?)</p>', page, re.DOTALL)
    return found[1].replace("&#39;", "'") if found else ""


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"account": "training"}, "The account 'training' is not yours to use. Choose one of startups, seminar."),
        ({"account": "root"}, "The account 'root' is not yours to use."),
        ({"partition": "admin"}, "The partition 'admin' is not yours to use. Choose one of gpu, short."),
        ({"qos": "nobodys"}, "The quality of service 'nobodys' is not yours to use."),
        ({"reservation": "exam"}, "The reservation 'exam' is not yours to use. Choose one of course."),
        ({"reservation": "course", "account": "startups"}, "'startups' does not go with the reservation 'course'"),
        ({"reservation": "course", "minutes": 91}, "A session in the reservation course runs for 1 to"),
        (
            {"partition": "short", "minutes": "31"},
            "Slurm lets you run a session like this for 1 to 30 minutes, not '31'",
        ),
        ({"memory": "999G"}, "A session of size cpu has 0.5 to 4 GB memory, not '999G'"),
        ({"environment": "newest"}, "There is no environment 'newest'. Choose one of standard, second."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_way_of_asking_meets_the_same_check(options: dict[str, Any], says: str, choices: Campus) -> None:
    person = choices.person("startup1")
    options = {"size": "cpu", **options}
    answer = person.ask(**options)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["message"]
    assert says in message_of(person.submit_form(**{key: str(value) for key, value in options.items()}).text)
    address = person.web.get(f"{person.url}/hub/spawn", params={f"opt-{key}": str(v) for key, v in options.items()})
    assert says in message_of(address.text)
    assert person.server() is None
    assert not choices.jobs()


@pytest.mark.parametrize("option", ["reservation", "account", "partition", "qos", "memory", "environment", "minutes"])
def test_nothing_that_is_sent_reaches_a_shell(option: str, choices: Campus) -> None:
    person = choices.person("startup1")
    for value in (MESSY, MESSY * 100_000, "--uid=0", ["team"], {"a": 1}, True):
        answer = person.ask(size="cpu", **{option: value})
        assert answer.status_code in (400, 413), (value, answer.text[:300])
        assert len(answer.json()["message"]) < 300
    assert not choices.as_account(None, "ls", "/tmp/owned").stdout
    page = person.web.get(f"{person.url}/hub/spawn").text
    assert "touch" not in page, "what was refused is not remembered"
    assert not choices.jobs()


def test_somebody_with_one_of_everything_is_offered_none(choices: Campus) -> None:
    person = choices.person("trainee1")
    found = offered(person)
    assert {name for name, values in found.items() if values} == {"partition", "environment"}
    assert "is not yours to use" in person.refusal(size="cpu", account="seminar")
    assert "is not yours to use" in person.refusal(size="cpu", reservation="course")


# ------------------------------------------------------------------------------------------------ what is had


def offered(person: Person, **options: str) -> dict[str, list[str]]:
    answer = person.api("GET", f"/users/{person.name}/campus/sizes", params=options)
    assert answer.status_code == 200, answer.text
    return {field["name"]: [option["value"] for option in field["options"]] for field in answer.json()["fields"]}


def test_choices_depend_on_each_other(choices: Campus) -> None:
    person = choices.person("startup1")
    assert offered(person) == {
        "reservation": ["", "course"],
        "account": ["", "seminar"],
        "partition": ["", "short"],
        "qos": ["", "long"],
        "environment": ["", "second"],
    }
    within = offered(person, reservation="course")
    assert (within["account"], within["qos"]) == ([], ["", "long"])
    answer = person.api(
        "GET", f"/users/{person.name}/campus/sizes", params={"size": "gpu4", "reservation": "course"}
    ).json()
    longest = {size["name"]: size["longest"] for size in answer["sizes"]}
    assert {one["because"] for one in longest.values()} == {"reservation"}
    assert all(80 * 60 < one["seconds"] <= 90 * 60 for one in longest.values())
    assert {size["name"]: size["fits_now"] for size in answer["sizes"]}["gpu4"] == 1, "its one node"


def test_a_session_has_what_was_chosen_and_it_is_remembered(choices: Campus) -> None:
    person = choices.person("startup1")
    asked = {"account": "seminar", "qos": "long", "memory": "5G", "environment": "second"}
    printed = person.start(size="gpu1", minutes=20, **asked).kernel().run("import sys; print(sys.prefix)")
    assert printed.strip() == str(choices.paths.prefix / "second")
    (job_id,) = choices.jobs()
    found = job(choices, job_id)
    assert (found["Account"], found["QOS"], found["MinMemoryNode"]) == ("seminar", "long", "5G")
    assert (found["TimeLimit"], found["Partition"]) == ("00:20:00", "gpu")
    person.stop()
    page = person.web.get(f"{person.url}/hub/spawn").text
    selected = re.findall(r'<option value="([^"]*)" selected', page)
    assert selected == ["", "seminar", "", "long", "second"]
    assert re.search(r'name="memory"[^>]*value="5.0"', page)
    assert re.search(r'name="minutes"[^>]*value="20"', page)


def test_a_session_in_a_reservation_ends_with_it(choices: Campus) -> None:
    person = choices.person("startup1")
    person.start(size="cpu", reservation="course")
    (job_id,) = choices.jobs()
    found = job(choices, job_id)
    assert (found["Reservation"], found["Account"], found["NodeList"]) == ("course", "seminar", "gpu-node2")
    hours, minutes, _ = found["TimeLimit"].split(":")
    assert 80 < int(hours) * 60 + int(minutes) <= 90, "cut to what is left, since no time was asked for"
    answer = person.api("POST", f"/users/{person.name}/servers//campus/extend", json={"minutes": 30})
    assert answer.status_code == 409
    assert "The reservation of this session ends; it runs for at most" in answer.json()["message"]


def test_a_named_session_is_checked_and_placed_the_same_way(choices: Campus) -> None:
    person = choices.person("startup1")
    path = f"/users/{person.name}/servers/side"
    wrong = person.api("POST", path, json={"user_options": {"size": "cpu", "account": "training"}})
    assert "The account 'training' is not yours to use." in wrong.json()["message"]
    assert person.api("POST", path, json={"user_options": {"size": "cpu", "partition": "short"}}).status_code < 300
    wait_for("the session", lambda: person.servers()["side"]["ready"])
    (job_id,) = choices.jobs()
    found = job(choices, job_id)
    assert (found["Partition"], found["TimeLimit"], found["Account"]) == ("short", "00:30:00", "startups")


@pytest.fixture
def choices(calm: Campus, slurm_with_choices: None) -> Iterator[Campus]:
    return calm
