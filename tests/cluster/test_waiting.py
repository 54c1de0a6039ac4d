"""What people see before a session starts and while it waits, from the real Slurm."""

from __future__ import annotations

import pytest

from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.every_transport]


def outlook(campus: Campus, name: str) -> dict[str, dict[str, object]]:
    person = campus.person(name)
    answer = person.api("GET", f"/users/{person.name}/campus/sizes")
    assert answer.status_code == 200, answer.text
    return {size["name"]: size for size in answer.json()["sizes"]}


def says(campus: Campus, tested: str, untested: str) -> str:
    """slurmrestd has no test of a job, so it knows what is free, and not when something will be."""
    return untested if campus.site.slurm.transport == "rest" else tested


def test_an_empty_cluster_starts_everything_now(calm: Campus) -> None:
    # Somebody who has not looked for a while: answers are kept for some seconds.
    wait_for("room for all", lambda: outlook(calm, "instructor1")["gpu1"]["fits_now"] == 16)
    found = outlook(calm, "instructor1")
    assert {name: size["fits_now"] for name, size in found.items() if name.startswith("gpu")} == {"gpu1": 16, "gpu4": 4}
    assert {size["sentence"] for size in found.values()} == {says(calm, "Starts now", "There is room now")}


def test_a_full_cluster_says_when(full: Campus) -> None:
    # Somebody who has not looked for a while: answers are kept for a minute.
    wait_for("the cards to know", lambda: outlook(full, "startup1")["gpu1"]["fits_now"] == 0)
    found = outlook(full, "startup1")
    assert found["cpu"]["sentence"] == says(full, "Starts now", "There is room now")
    assert found["gpu1"]["sentence"] == says(full, "Starts in about 10 minutes", "Waits in the queue")


def test_places_in_the_queue_are_true(full: Campus) -> None:
    people = [full.person(name) for name in ("trainee1", "trainee2", "startup1")]
    for count, person in enumerate(people, 1):
        person.ask_without_waiting(size="gpu1")
        wait_for("the job to be queued", lambda count=count: len(full.jobs(full.job_name)) == count)
    for place, person in enumerate(people, 1):
        path = f"/users/{person.name}/campus/waiting"

        def told(person=person, path=path, place=place) -> dict[str, object] | None:
            answer = person.api("GET", path).json()
            return answer if answer.get("place") == place and answer["sentence"] != "Slurm is looking at it." else None

        answer = wait_for(f"place {place}", told)
        assert answer["instead"] == "cpu"
        assert answer["sentence"] in (
            "It is next, and waits until enough is free.",
            "Sessions and jobs before it go first.",
        )
    people[0].stop()
    second = people[1]
    path = f"/users/{second.name}/campus/waiting"
    wait_for("the second to be first", lambda: second.api("GET", path).json().get("place") == 1)
    for person in people[1:]:
        person.stop()


def test_nobody_sees_what_another_waits_for(calm: Campus) -> None:
    one, two = calm.person("trainee1"), calm.person("trainee2")
    for what in ("sizes", "waiting"):
        assert two.api("GET", f"/users/{one.name}/campus/{what}").status_code in (403, 404)
        assert two.api("GET", f"/users/nobody-at-all/campus/{what}").status_code in (403, 404)
    assert one.api("GET", f"/users/{one.name}/campus/waiting?server=none").status_code == 404
    assert one.api("GET", f"/users/{one.name}/campus/waiting").json() == {}


def test_what_ended_a_session_is_kept_until_the_next(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu")
    calm.slurm("scancel", *calm.jobs())
    wait_for("the hub to notice", lambda: person.server() is None)
    page = f"{calm.url}/hub/spawn"
    assert "cancelled outside Campus" in person.web.get(page).text
    calm.kill("hub")
    calm.wait_until_answering()
    assert "cancelled outside Campus" in person.web.get(page).text
    person.start(size="cpu")
    person.stop()
    assert "cancelled outside Campus" not in person.web.get(page).text
