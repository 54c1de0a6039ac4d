"""Click to usable JupyterLab: Campus, beside a stock batchspawner and a bare sbatch, on the same Slurm.

The clock starts with the request that starts a session. It stops when, with the person's own token, the page /lab,
/api/status and a list of kernels that is not empty have all been answered with 200: through the proxy, as a browser
gets them. The floor is sbatch by hand with jupyterhub-singleuser in the same environment, asked on its own port.

slurmctld looks once a second for batch jobs to start, whenever they were submitted: starts of one round begin at the
same part of a second, and the rounds' parts are spread evenly over it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

import requests

from hub_config.testing import free_ports
from tests.benchmarks.support.bench import bench_campus
from tests.benchmarks.support.figures import spread, verdict
from tests.benchmarks.support.stock import Stock, stock_hub
from tests.support.campus import Campus
from tests.support.person import Person, wait_for

PAUSE = 0.02  # seconds between two looks
REST = 20  # seconds between two rounds: people who start one session after the other are a crowd to the hub
LONGEST = 60  # seconds


def wait_for_part(part: float) -> None:
    """Until the clock is at this part of a second (0 to 1)."""
    time.sleep((part - time.time()) % 1)


def usable(url: str, token: str) -> bool:
    """Whether a person could work at this JupyterLab now."""
    with requests.Session() as web:
        web.headers["Authorization"] = f"token {token}"
        try:
            page, status, kernels = (web.get(f"{url}{path}") for path in ("/lab", "/api/status", "/api/kernelspecs"))
        except requests.ConnectionError:
            return False
        return page.ok and "jupyter-config-data" in page.text and status.ok and bool(kernels.json()["kernelspecs"])


def until_usable(url: str, token: str) -> None:
    deadline = time.monotonic() + LONGEST
    while not usable(url, token):
        assert time.monotonic() < deadline, f"{url} is not usable after {LONGEST} seconds"
        time.sleep(PAUSE)


def until_ready(person: Person) -> None:
    """Until the hub says so on the stream that its pages follow, where it has not answered with the session already."""
    path = f"/users/{person.name}/server/progress"
    with person.api("GET", path, stream=True) as stream:
        assert any(line.startswith(b"data:") and json.loads(line[5:]).get("ready") for line in stream.iter_lines())


def through_a_hub(person: Person, jobs: Callable[[], list[str]], **options: str) -> float:
    """Seconds from the click; the session is gone afterwards."""
    begin = time.monotonic()
    answer = person.ask(**options)
    assert answer.status_code in (201, 202), answer.text
    if answer.status_code == 202:
        until_ready(person)
    until_usable(f"{person.url}/user/{person.name}", person.token)
    seconds = time.monotonic() - begin
    person.stop()
    wait_for("the job to end", lambda: not jobs())
    return seconds


def floor(stock: Stock, person: Person) -> float:
    """Seconds from a bare sbatch; the peer's hub is what the server asks whose token it is given."""
    campus, (port,) = stock.campus, free_ports(1)
    account = campus.account(person.name)
    script = f"#!/bin/sh\nexec {campus.paths.session_env}/bin/jupyterhub-singleuser\n"
    environment = {
        "HOME": account.pw_dir,
        "PATH": f"{campus.paths.session_env}/bin:/usr/local/bin:/usr/bin:/bin",
        "JUPYTERHUB_API_URL": f"{stock.hub_url}/hub/api",
        "JUPYTERHUB_API_TOKEN": person.token,
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{person.name}",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": f'["access:servers!user={person.name}"]',
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"/user/{person.name}/oauth_callback",
        "JUPYTERHUB_SERVICE_PREFIX": f"/user/{person.name}/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}/user/{person.name}/",
        "JUPYTERHUB_USER": person.name,
    }
    options = ("--partition=gpu", "--cpus-per-task=1", "--mem=2G", "--output=/dev/null", f"--chdir={account.pw_dir}")
    begin = time.monotonic()
    job = campus.as_account(person.name, "sbatch", "--parsable", *options, stdin=script, env=environment).stdout.strip()
    until_usable(f"http://127.0.0.1:{port}/user/{person.name}", person.token)
    seconds = time.monotonic() - begin
    campus.slurm("scancel", job)
    wait_for("the job to end", lambda: not campus.jobs())
    return seconds


def measure(campus: Campus, rounds: int) -> dict[str, list[float]]:
    """Seconds of each kind of start, taken in turns after one of each that does not count."""
    with stock_hub(campus) as stock:
        ours, theirs = campus.person("trainee1"), stock.person(campus.name("trainee2"))
        kinds: dict[str, Callable[[], float]] = {
            "Campus": lambda: through_a_hub(ours, campus.jobs, size="cpu"),
            "stock": lambda: through_a_hub(theirs, campus.jobs),
            "floor": lambda: floor(stock, theirs),
        }
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for number in range(rounds + 1):
            time.sleep(REST)
            for kind, start in kinds.items():
                wait_for_part(number / rounds)
                seconds = start()
                print(f"{number:>3} {kind:<7} {seconds:6.2f} s", flush=True)
                if number:
                    found[kind].append(seconds)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="starts of each kind (default 6)")
    options = parser.parse_args()
    with bench_campus() as campus:
        found = measure(campus, options.rounds)
    for kind, seconds in found.items():
        print(f"{kind:<7} {spread(seconds, 's')}")
    middle = {kind: median(seconds) for kind, seconds in found.items()}
    print(verdict("Campus / stock", middle["Campus"] / middle["stock"], 0.4))
    print(verdict("Campus / floor", middle["Campus"] / middle["floor"], 1.15))


if __name__ == "__main__":
    main()
