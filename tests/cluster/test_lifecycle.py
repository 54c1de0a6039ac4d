"""up, status, doctor, logs, down on a Campus that runs."""

from __future__ import annotations

import json
import socket
import urllib.request
from pathlib import Path

import psutil
import pytest

from hub_config.environments import source_digest
from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = pytest.mark.cluster


def test_status_says_what_runs(campus: Campus) -> None:
    status = campus.read_status()
    assert {"url", "version", "prefix", "hub_pid", "slurm_conf", "nodes", "accounts"} <= status.keys()
    assert status["prefix"] == str(campus.paths.prefix)
    assert psutil.Process(status["hub_pid"]).is_running()
    assert Path(status["slurm_conf"]).is_file()
    assert [sorted(node) for node in status["nodes"]] == [["gpus", "name", "state"]] * 4
    assert {a["role"] for a in status["accounts"]} == {"trainee", "instructor", "startup", "operator"}
    text = campus.command("status").stdout
    assert status["url"] in text
    assert all(a["password"] in text for a in status["accounts"])


def test_a_second_up_changes_nothing(campus: Campus) -> None:
    before = campus.read_status()
    files = {p: p.stat().st_mtime_ns for p in campus.paths.slurm_conf.parent.iterdir()}
    said = campus.command("up").stdout
    assert campus.read_status() == before
    assert {p: p.stat().st_mtime_ns for p in campus.paths.slurm_conf.parent.iterdir()} == files
    assert "all running" in said
    assert before["url"] in said


def test_doctor_finds_nothing_wrong(campus: Campus) -> None:
    done = campus.command("doctor", check=False)
    assert done.returncode == 0, done.stdout
    for part in (
        *("munge", "slurmctld", "nodes", "gres", "hub", "proxy", "certificates", "disk", "accounts"),
        *("interpreter", "security of munge", "security of slurmctld", "cgroups", "clock"),
    ):
        assert f"  {part}: " in done.stdout


@pytest.mark.parametrize(("daemon", "part"), [("slurmctld", "slurmctld"), ("munged", "munge"), ("proxy", "proxy")])
def test_doctor_names_what_is_down_and_what_to_do(daemon: str, part: str, calm: Campus) -> None:
    with calm.stopped(daemon):
        done = calm.command("doctor", check=False)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"FAIL  {part}: "))
    assert lines[at + 1].strip().startswith("-> ")
    wait_for("everything to be well again", lambda: calm.command("doctor", check=False).returncode == 0)


def test_logs_show_the_right_log(campus: Campus) -> None:
    assert "JupyterHub" in campus.command("logs").stdout
    assert "slurmctld" in campus.command("logs", "slurmctld", "-n", "200").stdout
    missing = campus.command("logs", "nothing", check=False)
    assert missing.returncode == 1
    assert "The logs are:" in missing.stderr


def test_everything_listens_on_loopback_only(campus: Campus) -> None:
    pids = {d["pid"] for d in campus.read_status()["daemons"]}
    processes = [q for pid in pids for q in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
    found = [c for q in processes for c in q.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(found) >= 8
    assert {c.laddr.ip for c in found} == {"127.0.0.1"}


def test_a_broken_site_file_changes_nothing(campus: Campus, tmp_path: Path) -> None:
    before = campus.read_status()
    broken = tmp_path / "site.toml"
    broken.write_text(campus.paths.site_file.read_text().replace('memory = "2G"', 'memory = "lots"'))
    done = campus.command("up", "--site", str(broken), check=False)
    assert done.returncode == 1
    assert 'sizes[1].memory = "lots"' in done.stderr
    assert campus.read_status() == before


def test_a_port_that_is_taken_is_named_with_its_owner(campus: Campus, tmp_path: Path) -> None:
    before = campus.read_status()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site = tmp_path / "site.toml"
        text = campus.paths.site_file.read_text()
        site.write_text(text.replace(str(campus.site.addresses.hub_port), str(port)))
        done = campus.command("up", "--site", str(site), check=False)
    assert done.returncode == 1
    assert f"Port {port}, for the hub, is taken by python" in done.stderr
    assert campus.read_status() == before
    assert campus.paths.site_file.read_text() == text


def test_an_account_of_somebody_else_is_left_alone(campus: Campus, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(campus.paths.site_file.read_text().replace(campus.name("startup1"), "nobody"))
    done = campus.command("up", "--site", str(site), check=False)
    assert done.returncode == 1
    assert "The account nobody exists already" in done.stderr
    assert not (campus.paths.homes / "nobody").exists()


def test_a_half_finished_up_is_finished_by_the_next(campus: Campus) -> None:
    stamp = campus.paths.hub_env / ".source"
    assert stamp.read_text() == source_digest()
    stamp.write_text("half")
    said = campus.command("up").stdout
    assert "installed" in said
    assert stamp.read_text() == source_digest()
    campus.wait_until_answering()


def test_down_stops_what_up_started_and_up_finds_everything_again(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu").kernel().run("open('kept.txt', 'w').write('kept')")
    daemons = [d["pid"] for d in calm.read_status()["daemons"]]
    calm.command("down")
    assert not any(psutil.pid_exists(pid) for pid in daemons)
    # Slurm's daemons have its slurm.conf on their command line, sessions their environment's interpreter.
    ours = (str(calm.paths.slurm_conf), f"{calm.paths.environments}/")
    assert not [p for p in psutil.process_iter() if any(a.startswith(ours) for a in _cmdline(p))]
    assert json.loads(calm.command("status", "--json", check=False).stdout)["hub_pid"] is None
    assert "not running" in calm.command("down").stdout
    calm.command("up")
    calm.wait_until_answering()
    assert person.server() is None
    assert person.start(size="cpu").kernel().run("print(open('kept.txt').read())").strip() == "kept"
    with urllib.request.urlopen(f"{calm.url}/hub/health") as health:
        assert health.status == 200


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
