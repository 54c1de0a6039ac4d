"""More time for a session, and more than one session."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.every_transport]


def extend(person: Person, minutes: Any, of: str | None = None) -> tuple[int, dict[str, Any]]:
    path = f"/users/{of or person.name}/servers//campus/extend"
    answer = person.api("POST", path, json={"minutes": minutes})
    return answer.status_code, answer.json()


def limit(campus: Campus) -> str:
    return campus.slurm("squeue", "--noheader", "--format=%l").stdout.strip()


@pytest.mark.through_sudo
def test_a_session_gets_more_time_within_what_its_size_allows(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu", minutes=10)
    status, answer = extend(person, 30)
    assert status == 200, answer
    assert 35 * 60 < answer["end"] - time.time() < 41 * 60
    assert limit(calm) == "40:00"
    status, answer = extend(person, 480)
    assert status == 409
    assert answer["message"] == "A session of this size runs for at most 480 minutes in all."
    assert answer["remedy"]
    assert limit(calm) == "40:00"


def test_the_sessions_own_token_is_enough_and_for_itself_only(calm: Campus) -> None:
    one, two = calm.person("trainee1"), calm.person("trainee2")
    code = """
import json, os, ssl, urllib.request
context = ssl.create_default_context(cafile=os.environ["JUPYTERHUB_SSL_CLIENT_CA"])
context.load_cert_chain(os.environ["JUPYTERHUB_SSL_CERTFILE"], os.environ["JUPYTERHUB_SSL_KEYFILE"])
def ask(name, what, wish):
    return to(f"users/{name}/servers//campus/{what}", json.dumps(wish).encode())
def to(path, body=None):
    url = f"{os.environ['JUPYTERHUB_API_URL']}/{path}"
    headers = {"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"], "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)
    try:
        return urllib.request.urlopen(request, context=context).status
    except urllib.error.HTTPError as error:
        return error.code
me, use = os.environ["JUPYTERHUB_USER"], {"idle": 3.5, "gpu_idle": None}
print(json.dumps([ask(me, "extend", {"minutes": 5}), ask(me, "use", use)]))
wishes = {"extend": {"minutes": 5}, "use": use, "stop": {}}
print(json.dumps([ask("ANOTHER", what, wish) for what, wish in wishes.items()]))
print(json.dumps([ask(me, "use", odd) for odd in ({}, [], use | {"idle": -1}, use | {"idle": "3"}, use | {"more": 1})]))
print(json.dumps([ask(me, "idle", {}), ask("ANOTHER", "idle", {}), to("campus/idle")]))  # what the culler asks
"""
    two.start(size="cpu", minutes=10)
    printed = one.start(size="cpu", minutes=10).kernel().run(code.replace("ANOTHER", two.name))
    own, anothers, odd, of_the_culler = (json.loads(line) for line in printed.splitlines())
    assert own == [200, 200]
    assert set(anothers) <= {403, 404}
    assert set(odd) == {400}
    assert set(of_the_culler) <= {403, 404}
    assert two.server()
    assert sorted(limit(calm).split()) == ["10:00", "15:00"]


@pytest.mark.parametrize("minutes", [0, -1, 1.5, True, "5", None, [], 10**9])
def test_odd_wishes_are_refused(minutes: Any, calm: Campus) -> None:
    assert extend(calm.person("trainee1"), minutes)[0] == 400


def test_what_does_not_run_gets_no_more_time(calm: Campus) -> None:
    status, answer = extend(calm.person("trainee1"), 5)
    assert status == 409
    assert answer["code"] == "not-running"
    assert extend(calm.person("trainee2"), 5, of=calm.person("trainee1").name)[0] in (403, 404)


def test_several_sessions_at_once_within_the_limit(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu")
    names = [f"session-{n}" for n in range(calm.site.sessions.named)]
    for name in names:
        made = person.api("POST", f"/users/{person.name}/servers/{name}", json={"user_options": {"size": "cpu"}})
        assert made.status_code in (201, 202), made.text
    wait_for("all of them", lambda: all(s["ready"] for s in person.servers().values()))
    assert len(calm.jobs()) == len(names) + 1
    one_more = person.api("POST", f"/users/{person.name}/servers/one-too-many", json={"user_options": {"size": "cpu"}})
    assert one_more.status_code == 400
    calm.kill("hub")
    calm.wait_until_answering()
    wait_for(
        "all to be found again", lambda: [s["ready"] for s in person.servers().values()] == [True] * (len(names) + 1)
    )
    for name in names:
        person.api("DELETE", f"/users/{person.name}/servers/{name}", json={"remove": True})
    wait_for("the first alone", lambda: list(person.servers()) == [""])
    assert len(calm.jobs()) == 1
