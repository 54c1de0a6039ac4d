"""What only the transport rest can get wrong, on the real slurmrestd."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from campus_base.process import Identity, Secret
from hub_config.slurmrestd import rest_transport
from spawners.slurm import ControllerSilent, JobRequest, Refused
from spawners.slurm.cli import CliTransport
from spawners.slurm.rest import RestTransport, TokenFile
from tests.cluster.test_metrics import command, scrape
from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.every_transport]


@pytest.fixture(autouse=True)
def through_slurmrestd(campus: Campus) -> None:
    if campus.site.slurm.transport != "rest":
        pytest.skip("for the transport rest; this one is of another")


@pytest.fixture
def slurm(calm: Campus) -> RestTransport:
    return rest_transport(calm.site, calm.paths)


def test_no_slurm_command_is_run(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu")
    person.stop()
    found = scrape(calm)
    for name in ("squeue", "sinfo", "sbatch", "sbatch-test", "scancel", "scontrol", "sacctmgr", "other"):
        assert found.get(command(name), 0) == 0, name
    for name in ("GET jobs", "GET nodes", "GET partitions", "GET associations", "POST job", "DELETE job"):
        assert found[command(name)] > 0, name


def test_its_facts_are_those_of_the_commands(full: Campus) -> None:
    """A cluster that is full, with one that waits: the two transports see the same."""
    person = full.person("trainee1")
    person.ask_without_waiting(size="gpu1")
    wait_for("the job to wait", lambda: full.jobs(name=full.job_name))
    rest, commands = rest_transport(full.site, full.paths), CliTransport(str(full.paths.slurm_conf))

    async def seen(what: str) -> tuple[Any, Any]:
        ask: Any = {"jobs": (full.job_name,), "everybody": (range(1, 1_000_000), True)}.get(what, ())
        return await getattr(rest, what)(*ask), await getattr(commands, what)(*ask)

    for what in ("jobs", "nodes", "everybody", "rules"):

        def same(what: str = what) -> bool:
            one, other = asyncio.run(seen(what))
            if what == "rules":  # slurmdbd has an order of its own for each
                one, other = (
                    found.model_copy(update={"associations": frozenset(map(repr, found.associations))})
                    for found in (one, other)
                )
            if what == "everybody":
                one, other = (replace(found, claims=frozenset(map(repr, found.claims))) for found in (one, other))
                assert all((one.jobs, one.queue, one.claims))
            return bool(one) and one == other

        wait_for(f"{what} to be the same", same)
    person.stop()


def test_a_killed_slurmrestd_is_back_by_itself(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    calm.kill("slurmrestd")
    # At once: who starts while slurmrestd restarts is not turned away.
    assert calm.person("trainee2").start(size="cpu").state()["ready"]
    assert session.state()["ready"]


def test_without_slurmrestd_sessions_go_on_and_new_ones_are_refused_in_words(calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    kernel = session.kernel()
    jobs = calm.jobs()
    with calm.stopped("slurmrestd"):
        assert "scheduler does not answer" in calm.person("trainee2").refusal(size="cpu")
        assert kernel.run("print(6 * 7)").strip() == "42"
        assert session.state()["ready"]
    assert calm.jobs() == jobs
    assert calm.person("trainee2").start(size="cpu").state()["ready"]


def with_token(slurm: RestTransport, file: Path) -> RestTransport:
    return replace(slurm, rest=replace(slurm.rest, credential=TokenFile(file)))


def make_token(campus: Campus, file: Path, seconds: int, account: str = "slurm") -> None:
    made = campus.slurm("scontrol", "token", f"username={account}", f"lifespan={seconds}").stdout
    assert made.startswith("SLURM_JWT=")
    file.touch(mode=0o600)
    file.write_text(made)


def test_a_token_that_has_ended_is_silence_until_the_site_renews_it(
    slurm: RestTransport, calm: Campus, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    other = with_token(slurm, file)
    make_token(calm, file, 600)
    assert asyncio.run(other.nodes())
    make_token(calm, file, 1)

    def refused() -> str:
        try:
            asyncio.run(other.nodes())
        except ControllerSilent as error:
            return error.detail
        return ""

    detail = wait_for("the token to end", refused)
    assert f"the token in {file} ended" in detail
    assert file.read_text().strip().removeprefix("SLURM_JWT=") not in detail
    make_token(calm, file, 600)
    assert asyncio.run(other.nodes())


def test_anothers_token_acts_for_nobody_else(slurm: RestTransport, calm: Campus, tmp_path: Path) -> None:
    file = tmp_path / "token"
    make_token(calm, file, 600, calm.name("trainee2"))
    with pytest.raises(ControllerSilent):
        asyncio.run(with_token(slurm, file).submit(*job_of(calm.name("trainee1"))))
    assert not calm.jobs()


def job_of(name: str) -> tuple[JobRequest, dict[str, str], Identity]:
    account = pwd.getpwnam(name)
    job = JobRequest(
        name="other",
        mark="x/",
        partition="gpu",
        gpus=0,
        gpu_type=None,
        cpus=1,
        memory_mib=100,
        seconds=600,
        account=None,
        folder="/tmp",
        script="#!/bin/sh\nsleep 600\n",
    )
    return job, {"PATH": "/bin", "TOKEN": Secret("hush-hush")}, Identity(account.pw_uid, account.pw_gid, (), name)


def test_a_job_that_would_become_somebody_elses_is_cancelled(slurm: RestTransport, calm: Campus) -> None:
    job, environment, identity = job_of(calm.name("startup1"))
    with pytest.raises(Refused, match="does not know the account"):
        asyncio.run(slurm.submit(job, environment, replace(identity, uid=identity.uid + 1)))
    wait_for("it to be gone", lambda: not calm.jobs())


def test_what_a_job_is_given_is_shown_to_nobody(slurm: RestTransport, calm: Campus) -> None:
    number = str(asyncio.run(slurm.submit(*job_of(calm.name("startup1")))))
    wait_for("it to run", lambda: calm.job_state(number) == "RUNNING")
    shown = calm.slurm("scontrol", "show", "job", "--details", number).stdout
    assert f"JobId={number}" in shown
    assert "Requeue=0" in shown
    script = calm.slurm("scontrol", "write", "batch_script", number, "-").stdout
    assert "sleep 600" in script
    assert "hush-hush" not in shown + script
    asyncio.run(slurm.cancel(int(number), None))


@pytest.mark.parametrize("written", [b'\xff\xfe\x1b[31m\n"},{"job_id":1,\xed\xa0\x80\\u0000', b"\x1f\x1e\n\n"])
def test_what_a_person_writes_blinds_nobody(written: bytes, calm: Campus) -> None:
    """slurmrestd passes bytes on as they are, and JSON that is no UTF-8 is no JSON."""
    account = pwd.getpwnam(calm.name("trainee2"))
    done = subprocess.run(
        [
            *(b"sbatch", b"--hold", b"--output=/dev/null", b"--chdir=/tmp", b"--wrap=true"),
            *(b"--comment=x" + written, b"--job-name=x" + written),
        ],
        env={"PATH": "/usr/bin:/bin", "SLURM_CONF": str(calm.paths.slurm_conf)},
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        capture_output=True,
        check=True,
    )
    assert b"Submitted" in done.stdout
    assert calm.person("trainee1").start(size="cpu").state()["ready"]


def test_the_socket_and_the_key_are_out_of_others_reach(calm: Campus) -> None:
    daemon = Path(f"/proc/{calm.pid('slurmrestd')}")
    assert daemon.stat().st_uid == pwd.getpwnam(calm.site.daemons.slurmrestd_account).pw_uid
    assert os.stat(calm.paths.slurmrestd_socket.parent).st_mode & 0o777 == 0o700
    assert (calm.paths.jwt_key.stat().st_mode & 0o777, calm.paths.jwt_key.owner()) == (0o600, "slurm")
    for path in (calm.paths.jwt_key, calm.paths.slurmrestd_socket.parent):
        done = calm.as_account(calm.name("trainee2"), "test", "-r", str(path))
        assert done.returncode == 1, path


def test_no_log_holds_a_token(calm: Campus) -> None:
    calm.person("trainee1").start(size="cpu")
    for log in calm.paths.log.glob("*.log*"):
        # Every token of ours begins with the same header.
        assert b"eyJhbGciOiAiSFMyNTYi" not in log.read_bytes(), log
