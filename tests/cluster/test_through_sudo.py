"""A hub that is not root: whose what is, and that who takes over its account gets no further."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from hub_config.sudo_rules import rules_file
from spawners.slurm.logs import end_of
from spawners.slurm.sudo.wrapper import LARGEST, REFUSED
from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.through_sudo]


@pytest.fixture(autouse=True)
def through_sudo(campus: Campus) -> None:
    if campus.site.slurm.transport != "sudo":
        pytest.skip("for the transport sudo; this one is of another")


def owners(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in (folder, *folder.rglob("*"))}


def hub(campus: Campus) -> int:
    return campus.account(campus.site.daemons.hub_account).pw_uid


def as_hub(campus: Campus, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """What somebody who has taken over the hub's account runs."""
    return campus.as_account(campus.site.daemons.hub_account, *argv, stdin=stdin)


def by_sudo(campus: Campus, whom: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return as_hub(campus, "sudo", "-n", "-u", whom, "--", str(campus.paths.slurm_wrapper), *words, stdin=stdin)


def request(*arguments: str, script: str = "") -> str:
    return json.dumps({"arguments": arguments, "environment": {}, "input": script})


# ---------------------------------------------------------------- whose what is


def test_hub_and_proxy_are_accounts_of_their_own_and_doctor_agrees(campus: Campus) -> None:
    process = psutil.Process(campus.pid("hub"))
    assert process.uids() == (hub(campus),) * 3
    assert all(child.uids().real == hub(campus) for child in process.children(recursive=True))
    assert psutil.Process(campus.pid("proxy")).uids().real not in (0, hub(campus))
    assert owners(campus.paths.hub_state) == {hub(campus)}
    assert campus.paths.hub_state.stat().st_mode & 0o077 == 0
    assert owners(campus.paths.secrets) == {0}
    assert all(path.stat().st_mode & 0o027 == 0 for path in (campus.paths.secrets, *campus.paths.secrets.iterdir()))
    done = campus.command("doctor", check=False)
    assert done.returncode == 0, done.stdout
    assert "ok    sudo: lets " in done.stdout


def test_back_and_forth_sessions_and_state_stay(calm: Campus) -> None:
    person = calm.person("trainee1")
    session = person.start(size="cpu")
    kernel = session.kernel()
    kernel.run("kept = 41")
    jobs = calm.jobs()
    with calm.reaching_slurm_by("cli"):
        assert psutil.Process(calm.pid("hub")).uids().real == 0
        assert owners(calm.paths.hub_state) == {0}
        assert not rules_file(calm.paths).exists()
        assert not calm.paths.slurm_wrapper.exists()
        wait_for("the session", lambda: (person.server() or {}).get("ready"))
        assert kernel.run("print(kept + 1)").strip() == "42"
    wait_for("the session", lambda: (person.server() or {}).get("ready"))
    assert kernel.run("print(kept + 1)").strip() == "42"
    assert calm.jobs() == jobs
    person.stop()
    assert not calm.jobs()


# ---------------------------------------------------------------- who has taken over the hub's account


@pytest.mark.parametrize("whom", ["root", "#0", "munge", "nobody", "daemon", "#-1", "#4294967295"])
def test_nobody_but_people_is_become(whom: str, campus: Campus) -> None:
    assert by_sudo(campus, whom, "sbatch", stdin=request()).returncode != 0
    assert by_sudo(campus, whom, "tail", stdin=request(*end_of("/etc/shadow")[1:])).stdout == ""


@pytest.mark.parametrize(
    "argv",
    [
        *(
            ["id"],
            ["sh"],
            ["{wrapper}"],
            ["{wrapper}", "sh"],
            ["{wrapper}", "sbatch", "--wrap=id"],
            ["{wrapper}", "squeue"],
        ),
        *(["/usr/bin/sbatch"], ["{wrapper}", "sbatch; id"], ["/usr/bin/python3", "{wrapper}", "sbatch"]),
    ],
    ids=" ".join,
)
def test_no_other_words_are_run(argv: list[str], campus: Campus) -> None:
    words = [word.format(wrapper=campus.paths.slurm_wrapper) for word in argv]
    done = as_hub(campus, "sudo", "-n", "-u", campus.name("trainee1"), "--", *words, stdin=request())
    assert done.returncode == 1
    assert "sudo: " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "option", ["-E", "-s", "-i", "-g root", "-D /tmp", "-R /tmp", "LD_PRELOAD=/tmp/x.so", "SLURM_CONF=/tmp/x"]
)
def test_no_option_of_sudos_widens_them(option: str, campus: Campus) -> None:
    whom = campus.name("trainee1")
    done = as_hub(
        campus, "sudo", "-n", "-u", whom, *option.split(), str(campus.paths.slurm_wrapper), "tail", stdin=request()
    )
    assert done.returncode == 1
    assert "sudo: " in done.stderr


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("sbatch", ["--parsable", "--uid=0"]),
        ("sbatch", ["--parsable", "--output=/tmp/campus-test-owned"]),
        ("sbatch", ["--parsable", "--job-name=$(touch /tmp/campus-test-owned)"]),
        ("sbatch", ["/etc/passwd"]),
        ("scancel", ["--user=root"]),
        ("scancel", ["1; touch /tmp/campus-test-owned"]),
    ],
)
def test_the_wrapper_refuses_what_is_not_the_hubs(command: str, arguments: list[str], campus: Campus) -> None:
    done = by_sudo(campus, campus.name("trainee1"), command, stdin=request(*arguments, script="#!/bin/sh\nid\n"))
    assert done.returncode == REFUSED
    assert not Path("/tmp/campus-test-owned").exists()
    assert not campus.jobs()


def test_a_huge_request_is_refused(campus: Campus) -> None:
    done = by_sudo(campus, campus.name("trainee1"), "sbatch", stdin=request(script="x" * LARGEST))
    assert done.returncode == REFUSED
    assert "longer than" in done.stderr


def test_the_operators_words_are_of_this_hubs_jobs_only(campus: Campus) -> None:
    other = campus.slurm(
        "sbatch", "--parsable", "--job-name=other", "--time=10", "--output=/dev/null", "--wrap=sleep 600"
    )
    job = other.stdout.strip()
    operator = campus.site.slurm.operator_account
    try:
        done = by_sudo(campus, operator, "scontrol", stdin=request("update", f"JobId={job}", "TimeLimit=20"))
        assert done.returncode == REFUSED
        by_sudo(campus, operator, "scancel", stdin=request(job))
        assert campus.job_state(job) in ("PENDING", "RUNNING")
        assert by_sudo(campus, operator, "squeue", stdin=request("--format=%k")).returncode == REFUSED
        assert by_sudo(campus, operator, "sbatch", stdin=request()).returncode == REFUSED
    finally:
        campus.slurm("scancel", job)


def test_logs_of_sessions_are_all_that_is_read_of_a_home(campus: Campus) -> None:
    name = campus.name("trainee2")
    account = campus.account(name)
    logs = Path(account.pw_dir) / campus.site.sessions.log_folder
    campus.as_account(
        name,
        "sh",
        "-c",
        f"umask 077; mkdir -p {logs}; echo private > {account.pw_dir}/diary; echo the end > {logs}/session-7.log",
    )
    campus.as_account(name, "ln", "-sf", f"{account.pw_dir}/diary", f"{logs}/session-8.log")

    def read(path: str, whom: str = name) -> subprocess.CompletedProcess[str]:
        return by_sudo(campus, whom, "tail", stdin=request(*end_of(path)[1:]))

    try:
        assert read(f"{logs}/session-7.log").stdout == "the end\n"
        assert read(f"{logs}/session-7.log", campus.name("trainee1")).returncode == REFUSED
        for path in (
            f"{logs}/session-8.log",
            f"{account.pw_dir}/diary",
            f"{logs}/../../diary",
            "/etc/shadow",
            "/etc/passwd",
        ):
            done = read(path)
            assert (done.returncode, done.stdout) == (REFUSED, ""), path
    finally:
        for file in (logs / "session-7.log", logs / "session-8.log", Path(account.pw_dir) / "diary"):
            file.unlink(missing_ok=True)


def test_what_is_roots_or_a_persons_stays_out_of_reach(campus: Campus) -> None:
    paths = campus.paths
    for path in (
        *(
            paths.prefix / "etc" / "supervisord.conf",
            paths.log / "hub.log",
            paths.prefix / "var" / "munge" / "munge.key",
        ),
        *(
            paths.proxy_state / "proxy-api.key",
            "/etc/shadow",
            rules_file(paths),
            Path(campus.account(campus.name("trainee1")).pw_dir),
        ),
    ):
        assert Path(path).exists()
        assert as_hub(campus, "test", "-r", str(path)).returncode == 1, path
    changeable: list[Any] = [paths.slurm_wrapper, paths.slurm_wrapper.with_suffix(".json"), paths.slurm_wrapper.parent]
    changeable += [paths.site_file, paths.secret("cookie-secret"), paths.hub_env, paths.session_env, paths.prefix]
    for path in changeable:
        assert as_hub(campus, "test", "-r", str(path)).returncode == 0, path
        assert as_hub(campus, "test", "-w", str(path)).returncode == 1, path
    assert as_hub(campus, "test", "-w", str(paths.hub_state)).returncode == 0
