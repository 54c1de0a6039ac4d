"""``/overview`` says of everything what the course's own addresses say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.exchange import Exchange, running, tar
from tests.unit.test_home import at


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("overview") / "exchange") as found:
        found.hub.groups |= {"prof": ["instructor-dl"], "eve": ["trainee-dl", "trainee-unpublished"]}
        for course, enrolment in (("dl", "listed"), ("db", "open"), ("secret", "listed")):
            card = {"summary": course}
            found.put(f"grader-{course}", f"/courses/{course}", {"title": course, "enrolment": enrolment, "card": card})
        found.put("grader-dl", "/courses/dl/roster/ada", {})
        found.release("dl", "ps1", due=at(days=2))
        found.release("dl", "ps2", due=at(days=2), minutes=30)
        found.release("dl", "ps3", opens=at(days=5))
        found.put("grader-dl", "/courses/dl/assignments/ps4", {"title": "Announced"})
        found.release("db", "one")
        found.put("grader-dl", "/courses/dl/assignments/ps1/extensions/ada", {"due": at(days=9)})
        found.ask("ada", "GET", "/courses/dl/assignments/ps2/files")
        found.submitted("ada", "dl", "ps1")
        receipt = found.submitted("ada", "dl", "ps1")
        found.put("grader-dl", f"/submissions/{receipt['id']}/grade", {"score": 1, "max_score": 2})
        found.send("grader-dl", "PUT", f"/submissions/{receipt['id']}/feedback", tar({"p.html": b"well"}))
        found.submitted("eve", "dl", "ps1")
        yield found


@pytest.mark.parametrize("who", ["ada", "eve", "prof", "grader-dl", "grader-db", "nobody-yet", "publisher"])
def test_it_agrees_with_the_courses_own_addresses(exchange: Exchange, who: str) -> None:
    found = exchange.get(who, "/overview")
    assert [{k: v for k, v in course.items() if k != "assignments"} for course in found] == exchange.get(
        who, "/courses"
    )
    for course in found:
        assert course == exchange.get(who, f"/courses/{course['id']}") | {"assignments": course["assignments"]}
        known = exchange.get(who, f"/courses/{course['id']}/assignments")
        assert [one["name"] for one in course["assignments"]] == [one["name"] for one in known]
        for short, whole in zip(course["assignments"], known, strict=True):
            assert short == {key: whole[key] for key in short}
            assert ("submissions" in short) == (course["role"] == "instructor")


def test_who_is_in_what(exchange: Exchange) -> None:
    def of(who: str) -> dict[str, str]:
        return {course["id"]: course["role"] for course in exchange.get(who, "/overview")}

    assert of("ada") == {"dl": "trainee", "db": "trainee"}
    assert of("eve") == {"dl": "trainee", "db": "trainee", "unpublished": "trainee"}
    assert of("prof") == {"dl": "instructor", "db": "trainee"}
    assert of("nobody-yet") == {"db": "trainee"}
    assert of("publisher") == {"dl": "instructor", "db": "instructor", "secret": "instructor"}
    assert of("other") == {}  # a service that is not the publisher


def test_whoever_signs_in_there_goes_on_to_where_people_land(exchange: Exchange) -> None:
    sign_in = exchange.url.removesuffix("api/v1")
    answer = exchange.web.get(sign_in, headers={"Authorization": "token ada"}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/")
