"""Whatever is killed, sessions stay, and what waits goes on waiting."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psutil
import pytest
import requests

from tests.support.campus import Campus
from tests.support.person import Kernel, wait_for

pytestmark = pytest.mark.cluster

COUNT = """
import threading, time
count = 0
def tick():
    global count
    while True:
        count += 1
        time.sleep(0.05)
threading.Thread(target=tick, daemon=True).start()
"""


class Counter:
    """A kernel that counts; ``goes_on`` fails when it was started anew, or stopped."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        kernel.run(COUNT)
        self.seen = 0

    def goes_on(self) -> None:
        before = self.seen

        def more() -> bool:
            try:
                self.seen = int(self.kernel.run("print(count)"))
            except OSError:
                return False
            return self.seen > before

        wait_for("the kernel to count on", more)


@pytest.mark.through_sudo
def test_a_killed_hub_finds_the_session_again(calm: Campus) -> None:
    person = calm.person("trainee1")
    session = person.start(size="gpu1")
    counter = Counter(session.kernel())
    jobs = calm.jobs()
    calm.kill("hub")
    counter.goes_on()
    calm.wait_until_answering()
    assert session.state()["ready"]
    assert calm.jobs() == jobs
    counter.goes_on()
    person.stop()
    assert not calm.jobs()


@pytest.mark.every_transport
@pytest.mark.through_sudo
def test_a_hub_killed_while_a_session_waits_serves_it_afterwards(full: Campus) -> None:
    person = full.person("trainee1")
    person.ask_without_waiting(size="gpu1")
    ours = wait_for("the job to wait", lambda: full.jobs(name=full.job_name))
    assert full.job_state(ours[0]) == "PENDING"
    full.kill("hub")
    full.wait_until_answering()
    assert full.jobs(name=full.job_name) == ours
    assert '"message": "Your session is in the queue.' in person.progress()
    full.free_gpus()
    wait_for("the session", lambda: (person.server() or {}).get("ready"))
    assert full.jobs() == ours
    assert person.session().kernel().run("print(6 * 7)").strip() == "42"


def test_a_waiting_session_can_be_called_off(full: Campus) -> None:
    person = full.person("trainee1")
    person.ask_without_waiting(size="gpu1")
    wait_for("the job to wait", lambda: full.jobs(name=full.job_name))
    person.stop()
    wait_for("the job to be gone", lambda: not full.jobs(name=full.job_name))


def test_a_session_that_waited_when_the_hub_was_killed_can_be_called_off(full: Campus) -> None:
    person = full.person("trainee1")
    person.ask_without_waiting(size="gpu1")
    wait_for("the job to wait", lambda: full.jobs(name=full.job_name))
    full.kill("hub")
    full.wait_until_answering()
    wait_for("the hub to find it", lambda: (person.server() or {}).get("pending") == "spawn")
    person.stop()
    wait_for("the job to be gone", lambda: not full.jobs(name=full.job_name))
    full.free_gpus()
    assert person.start(size="gpu1").state()["ready"]


def test_a_session_that_ended_while_the_hub_was_away_is_gone(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu")
    with calm.stopped("hub"):
        calm.slurm("scancel", *calm.jobs())
    calm.wait_until_answering()
    wait_for("the hub to see it", lambda: person.server() is None)


def test_a_killed_proxy_comes_back_with_every_route(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    counter = Counter(session.kernel())
    calm.kill("proxy")
    calm.wait_until_answering()
    counter.goes_on()


@pytest.mark.every_transport
def test_a_silent_controller_ends_no_session_and_refuses_new_ones_in_words(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    counter = Counter(session.kernel())
    with calm.stopped("slurmctld"):
        assert "scheduler does not answer" in calm.person("trainee2").refusal(size="cpu")
        counter.goes_on()
        assert session.state()["ready"]
    calm.wait_until_slurm_is_ready()
    assert calm.person("trainee2").start(size="cpu").state()["ready"]
    assert session.state()["ready"]
    counter.goes_on()


@contextlib.contextmanager
def hangs(campus: Campus) -> Iterator[None]:
    """A controller that takes connections and never answers."""
    pid = campus.pid("slurmctld")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def talks_nonsense(campus: Campus) -> Iterator[None]:
    """A controller that answers with bytes that are none of Slurm's."""
    assert campus.site.cluster
    address = ("127.0.0.1", campus.site.cluster.controller_port)
    with campus.stopped("slurmctld"), socket.create_server(address) as listener:

        def babble() -> None:
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    with listener.accept()[0] as connection, contextlib.suppress(OSError):
                        connection.sendall(b"\x00\x00\x10\x00" + b"<html>502 Bad Gateway</html>" * 200)

        thread = threading.Thread(target=babble)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("gone_mad", [hangs, talks_nonsense])
def test_a_controller_gone_mad_ends_no_session_and_refuses_new_ones_in_words(
    gone_mad: Callable[[Campus], AbstractContextManager[None]], calm: Campus
) -> None:
    session = calm.person("trainee1").start(size="cpu")
    counter = Counter(session.kernel())
    with gone_mad(calm):
        assert "scheduler does not answer" in calm.person("trainee2").refusal(size="cpu")
        counter.goes_on()
        assert session.state()["ready"]
    calm.wait_until_slurm_is_ready()
    assert calm.person("trainee2").start(size="cpu").state()["ready"]
    counter.goes_on()


def test_a_killed_controller_is_back_by_itself(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    jobs = calm.jobs()
    calm.wait_until_slurm_has_saved()
    calm.kill("slurmctld")
    calm.wait_until_slurm_is_ready()
    assert calm.jobs() == jobs
    assert session.state()["ready"]


def test_killed_nodes_are_back_with_their_sessions(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    counter = Counter(session.kernel())
    for node in calm.status["nodes"]:
        calm.kill(node["name"])
    calm.wait_until_slurm_is_ready()
    counter.goes_on()
    assert session.state()["ready"]


@pytest.mark.every_transport
@pytest.mark.through_sudo
def test_a_job_with_our_mark_and_no_server_is_cancelled(calm: Campus) -> None:
    calm.kill("hub")  # nobody is there after it, and still it looks
    calm.wait_until_answering()
    stray = calm.slurm(
        *(
            "sbatch",
            "--parsable",
            f"--job-name={calm.job_name}",
            f"--comment={calm.name('trainee1')}/",
            "--output=/dev/null",
        ),
        *("--chdir=/tmp", "--wrap=sleep 600"),
        account=calm.name("trainee1"),
    ).stdout.strip()
    another = calm.slurm("sbatch", "--parsable", "--job-name=other", "--output=/dev/null", "--wrap=sleep 600")
    wait_for("the stray to be cancelled", lambda: calm.job_state(stray) == "CANCELLED")
    assert calm.job_state(another.stdout.strip()) == "RUNNING"
    calm.slurm("scancel", another.stdout.strip())


def test_everything_killed_at_once_is_brought_up_with_sessions_and_state(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    counter = Counter(session.kernel())
    jobs = calm.jobs()
    calm.wait_until_slurm_has_saved()
    supervisord = int((calm.paths.run / "supervisord.pid").read_text())
    daemons = [supervisord, *(d["pid"] for d in calm.read_status()["daemons"])]
    for pid in daemons:
        os.kill(pid, signal.SIGKILL)
    wait_for("them to be gone", lambda: not any(psutil.pid_exists(pid) for pid in daemons))
    assert calm.command("status", check=False).returncode == 3
    calm.command("up")
    assert calm.jobs() == jobs
    wait_for("the session to be served", lambda: session.state()["ready"])
    counter.goes_on()


def test_what_strangers_send_is_not_kept(calm: Campus) -> None:
    """JupyterHub's own handlers hold the last 128 requests, with their bodies (hub_config.memory)."""
    hub = psutil.Process(calm.pid("hub"))
    before = hub.memory_full_info().uss
    for _ in range(30):
        answer = requests.post(f"{calm.url}/hub/api/users", data=b"x" * 10_000_000, timeout=30)
        assert answer.status_code == 403
    assert hub.memory_full_info().uss - before < 100_000_000
