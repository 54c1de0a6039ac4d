"""What Prometheus is told by a real hub, and whom else it tells nothing."""

from __future__ import annotations

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = pytest.mark.cluster


def scrape(campus: Campus) -> dict[str, float]:
    """Every sample of ours by name and labels, as ``name{label="value"}``."""
    answer = campus.person("operator1").request("GET", "/hub/metrics")
    assert answer.status_code == 200, answer.text
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


class Gained:
    """What samples have gained since this was made."""

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        self.before = scrape(campus)

    def __call__(self, name: str) -> float:
        return scrape(self.campus)[name] - self.before.get(name, 0)


def command(name: str) -> str:
    return f'campus_slurm_requests_total{{command="{name}"}}'


def test_only_who_may_read_metrics_can(campus: Campus) -> None:
    for path in ("/hub/metrics", "/hub/api/metrics"):
        assert campus.person("operator1").request("GET", path).status_code == 200
        for name in ("trainee1", "instructor1", "startup1"):
            assert campus.person(name).request("GET", path).status_code == 403
        assert requests.get(f"{campus.url}{path}", timeout=30).status_code == 403


def test_a_token_that_can_read_nothing_but_metrics(campus: Campus) -> None:
    operator = campus.person("operator1")
    asked = {"note": "prometheus", "scopes": ["read:metrics"], "expires_in": 300}
    token = operator.api("POST", f"/users/{operator.name}/tokens", json=asked).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{campus.url}/hub/metrics", headers=headers, timeout=30).status_code == 200
    assert requests.get(f"{campus.url}/hub/api/users", headers=headers, timeout=30).status_code == 403
    trainee = campus.person("trainee1")
    assert trainee.api("POST", f"/users/{trainee.name}/tokens", json=asked).status_code == 400


def test_a_session_is_counted_and_timed(calm: Campus) -> None:
    person = calm.person("trainee1")
    running = 'campus_sessions{size="gpu1",state="running"}'
    gained = Gained(calm)
    person.start(size="gpu1")
    assert scrape(calm)[running] == 1
    assert gained("campus_spawn_seconds_count") == gained("campus_queue_wait_seconds_count") == 1
    assert 0 < gained("campus_spawn_seconds_sum") < 60
    assert [gained(command(name)) for name in ("sbatch-test", "sbatch", "scancel")] == [1, 1, 0]
    assert gained(command("squeue")) >= 1
    assert scrape(calm)["campus_watch_age_seconds"] < 30
    calm.kill("hub")
    calm.wait_until_answering()
    wait_for("the hub to count it again", lambda: scrape(calm).get(running) == 1)
    gained = Gained(calm)
    person.stop()
    assert scrape(calm)[running] == 0
    assert gained(command("scancel")) == 1


def test_a_refusal_is_counted_by_its_cause(calm: Campus) -> None:
    gained = Gained(calm)
    calm.person("trainee1").refusal(size="gpu64")
    assert gained('campus_spawn_failures_total{cause="request-refused"}') == 1
    assert gained(command("sbatch")) == 0
    assert gained("campus_spawn_seconds_count") == 0


def test_a_waiting_session_that_is_cancelled_from_a_shell_is_a_failed_start(full: Campus) -> None:
    person = full.person("trainee1")
    gained = Gained(full)
    person.ask_without_waiting(size="gpu1")
    waiting = 'campus_sessions{size="gpu1",state="pending"}'
    wait_for("the hub to see it wait", lambda: scrape(full)[waiting] == 1)
    full.slurm("scancel", *full.jobs(full.job_name))
    wait_for("the start to fail", lambda: person.server() is None)
    assert gained('campus_spawn_failures_total{cause="cancelled"}') == 1
    assert gained("campus_queue_wait_seconds_count") == 0
    assert scrape(full)[waiting] == 0


def test_a_start_that_its_owner_stops_is_no_failure(full: Campus) -> None:
    person = full.person("trainee1")
    failures = [name for name in scrape(full) if name.startswith("campus_spawn_failures_total")]
    gained = Gained(full)
    person.ask_without_waiting(size="gpu1")
    wait_for("the job to be queued", lambda: full.jobs(full.job_name))
    person.stop()
    wait_for("the queue to be empty", lambda: not full.jobs(full.job_name))
    assert [gained(name) for name in failures] == [0] * len(failures)


def test_a_cancelled_orphan_is_counted(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu")  # the hub looks at Slurm as long as somebody is there
    gained = Gained(calm)
    orphan = ("sbatch", "--parsable", "--hold", f"--job-name={calm.job_name}", "--output=/dev/null", "--wrap=true")
    calm.slurm(*orphan, account=person.name)
    wait_for("it to be cancelled", lambda: gained("campus_orphans_cancelled_total") == 1)


def test_no_sample_names_a_person(calm: Campus) -> None:
    calm.person("trainee1").start(size="cpu")
    names = {account.name for account in calm.site.accounts}
    assert not [sample for sample in scrape(calm) if any(name in sample for name in names)]
