"""What must run: the command lines, supervisord's file and supervisord itself, and whose a process or a port is."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from supervisor.options import ServerOptions

from campus_base.errors import CampusError
from hub_config import daemons as module
from hub_config import local_cluster
from hub_config.daemons import (
    Daemon,
    DaemonState,
    Supervisor,
    daemons,
    end_strays,
    log_files,
    port_owner,
    supervisor_conf,
)
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE, read_site
from tests.support.person import wait_for
from tests.support.tokens import write_tokens

TOKEN = "5ecre7" * 10
OURS = ["proxy", "exchange", "home", "hub"]
SLEEP = "import time; time.sleep(60)"
MACHINE = Machine(8192, (), 0, frozenset())
CARDS = Machine(8192, (Path("/dev/nvidia0"), Path("/dev/nvidia1")), 2, frozenset())


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    for folder in (found.run, found.log):
        folder.mkdir(parents=True)
    write_tokens(found, TOKEN)
    return found


@pytest.fixture(autouse=True)
def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether this machine lets root have a hostname of its own is not asked; see test_local_cluster."""
    monkeypatch.setattr(local_cluster, "can_unshare_hostname", lambda: False)


def site_of(certificate: str = "") -> Site:
    """The embedded site; with a certificate, one on a real cluster."""
    if not certificate:
        return read_site(LOCAL)
    text = LOCAL.with_name("example.toml").read_text()
    # A file that is there, since the exchange is told what it says.
    text = text.replace("/etc/campus/secrets/database-password", os.fspath(LOCAL))
    return SITE_FILE.parse(text.replace("/etc/campus/tls/fullchain.pem", certificate), LOCAL)


# ---------------------------------------------------------------- what must run


def test_the_daemons_of_the_embedded_site_in_their_order(paths: Paths) -> None:
    found = daemons(site_of(), MACHINE, paths)
    nodes = [f"gpu-node{n}" for n in range(1, 5)]
    assert [d.name for d in found] == ["munged", "mariadb", "slurmdbd", "slurmctld", *nodes, *OURS]
    order = {d.name: d.order for d in found}
    assert order["munged"] < order["mariadb"] < order["slurmdbd"] < order["slurmctld"] < min(order[n] for n in nodes)
    assert max(order[n] for n in nodes) < order["proxy"] < order["exchange"] < order["home"] < order["hub"]


def test_a_machine_with_gpus_is_one_node(paths: Paths) -> None:
    found = [d.name for d in daemons(site_of(), CARDS, paths)]
    assert found == ["munged", "mariadb", "slurmdbd", "slurmctld", "gpu-node1", *OURS]


def test_on_a_real_cluster_no_slurm_is_ours(paths: Paths) -> None:
    assert [d.name for d in daemons(site_of("/etc/tls.pem"), MACHINE, paths)] == OURS


def test_the_token_is_on_no_command_line(paths: Paths) -> None:
    found = daemons(site_of(), MACHINE, paths)
    assert not [d.name for d in found if TOKEN in shlex.join(d.command)]
    assert [d.name for d in found if TOKEN in dict(d.environment).values()] == ["proxy", "exchange", "home"]


def test_the_hub_takes_nothing_from_a_home_or_the_current_folder(paths: Paths) -> None:
    hub = daemons(site_of(), MACHINE, paths)[-1]
    assert hub.command[:5] == (f"{paths.prefix}/hub/bin/python", "-P", "-s", "-m", "jupyterhub")
    told = {name: value for name, value in hub.environment if not name.startswith("MALLOC_")}
    assert told == {"CAMPUS_PREFIX": str(paths.prefix), "HOME": str(paths.hub_state)}


def test_what_a_daemon_reads_starts_it_anew(paths: Paths) -> None:
    def revisions(site: Site) -> dict[str, str]:
        return {d.name: d.revision for d in daemons(site, MACHINE, paths)}

    def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
        return {name for name in before if before[name] != after[name]}

    site = site_of()
    first = revisions(site)
    assert changed(first, revisions(site)) == set()
    assert changed(first, revisions(site.model_copy(update={"name": "Another"}))) == set(OURS)
    paths.hub_env.mkdir()
    (paths.hub_env / ".source").write_text("other code")
    code = revisions(site)
    assert changed(first, code) == set(OURS)
    paths.proxy_state.mkdir(parents=True)
    (paths.proxy_state / "public.crt").write_text("renewed")
    certificate = revisions(site)
    assert changed(code, certificate) == {"proxy"}
    code = certificate
    paths.session_env.symlink_to(paths.environments / "session-2")
    environment = revisions(site)
    assert changed(code, environment) == {"hub"}, "it starts sessions on what it finds when it starts"
    paths.slurm_conf.parent.mkdir(parents=True)
    paths.slurm_conf.write_text("ClusterName=another")
    assert changed(environment, revisions(site)) == {
        "slurmdbd",
        "slurmctld",
        *(f"gpu-node{n}" for n in range(1, 5)),
    }


def test_an_up_that_failed_on_its_way_forgets_no_restart(paths: Paths) -> None:
    """What differs is told from what supervisord was given last, and not from what this run has done."""
    first = daemons(site_of(), MACHINE, paths)
    paths.hub_env.mkdir()
    (paths.hub_env / ".source").write_text("installed by an up that failed afterwards")
    again = daemons(site_of(), MACHINE, paths)
    assert supervisor_conf(first, paths) != supervisor_conf(again, paths)


# ---------------------------------------------------------------- supervisord's file


def read_back(found: list[Daemon], paths: Paths) -> dict[str, Any]:
    """The programs as supervisord itself reads the file, in its order."""
    conf = paths.run / "supervisord.conf"
    conf.write_text(supervisor_conf(found, paths))
    options = ServerOptions()
    options.realize(["-c", str(conf)], doc="")
    groups = sorted(options.configroot.supervisord.process_group_configs, key=lambda g: g.priority)
    programs = [p for g in groups for p in g.process_configs]
    assert options.configroot.supervisord.umask == 0o022
    return {p.name: p for p in programs}


@pytest.mark.parametrize("certificate", ["", "/etc/tls/ü % (1)s.pem"])
@pytest.mark.parametrize("machine", [MACHINE, CARDS])
def test_supervisord_reads_the_same_commands_and_environment(certificate: str, machine: Machine, paths: Paths) -> None:
    found = daemons(site_of(certificate), machine, paths)
    read = read_back(found, paths)
    assert list(read) == [d.name for d in found]
    for daemon in found:
        program = read[daemon.name]
        assert shlex.split(program.command) == list(daemon.command)
        revision = {"CAMPUS_REVISION": daemon.revision} if daemon.revision else {}
        assert program.environment == dict(daemon.environment) | revision
        assert program.stdout_logfile == str(paths.log / f"{daemon.name}.log")
        assert program.autostart
        assert program.redirect_stderr
        assert program.directory == "/"
        assert program.stopsignal == signal.SIGTERM


@pytest.mark.parametrize(
    "odd",
    [
        "100%",
        "%(here)s",
        "%%",
        "a b",
        "a'b",
        'a"b',
        "a\\b",
        "$HOME",
        "$(id)",
        "`id`",
        "*",
        "ü",
        ";",
        "#",
        "a;b",
        "a,b=c",
        "",
        "a ;b",
        "a #b",
        "a ; # b 'c ;d\" ",
        " ;",
        "100% ;",
    ],
)
def test_odd_characters_reach_a_daemon(odd: str, paths: Paths) -> None:
    read = read_back([Daemon("one", ("program", f"--x={odd}", odd, "last"), 1)], paths)
    assert shlex.split(read["one"].command) == ["program", f"--x={odd}", odd, "last"]


@pytest.mark.parametrize("value", ["100%", "%(here)s", "a b", "a,b=c", "a;b", "/opt/campus_1.2-x", "ü"])
def test_odd_characters_reach_the_environment(value: str, paths: Paths) -> None:
    daemon = Daemon("one", ("program",), 1, (("A", value), ("B", "2")))
    assert read_back([daemon], paths)["one"].environment == {"A": value, "B": "2"}


# ---------------------------------------------------------------- supervisord itself


@pytest.fixture
def supervisor(paths: Paths) -> Iterator[Supervisor]:
    """A supervisord that does not run yet, and does not run any more afterwards."""
    paths.hub_env.mkdir()
    (paths.hub_env / "bin").symlink_to(Path(sys.executable).parent)
    found = Supervisor(paths)
    yield found
    found.shutdown()


def sleeper(name: str, seconds: int = 60) -> Daemon:
    return Daemon(name, (sys.executable, "-S", "-c", f"import time; time.sleep({seconds})"), 1, (("TOKEN", TOKEN),))


def pids(supervisor: Supervisor) -> dict[str, int]:
    return {s.name: s.pid for s in supervisor.states()}


def all_run(supervisor: Supervisor) -> None:
    wait_for("the daemons", lambda: (found := supervisor.states()) and all(s.running for s in found))


def test_supervisord_is_started_and_changes_only_what_differs(supervisor: Supervisor, paths: Paths) -> None:
    names = ("changed", "kept", "removed", "restarted", "stopped")
    supervisor.apply([sleeper(name) for name in names])
    all_run(supervisor)
    assert supervisor.running()
    assert supervisor.conf.stat().st_mode & 0o777 == 0o600
    assert paths.log.stat().st_mode & 0o777 == 0o700, "who did what, and when"
    before = pids(supervisor)
    assert sorted(before) == sorted(names)
    assert all(psutil.Process(pid).is_running() for pid in before.values())

    # One that was stopped by hand runs again after the next up.
    supervisor.stop("stopped")
    assert supervisor.state("stopped") == DaemonState("stopped", "STOPPED", 0)
    same = [sleeper(name) for name in ("kept", "stopped")]
    another = replace(sleeper("restarted"), revision="what it reads has changed")
    supervisor.apply([*same, another, sleeper("changed", 61), sleeper("added")])
    all_run(supervisor)
    after = pids(supervisor)
    assert sorted(after) == ["added", "changed", "kept", "restarted", "stopped"]
    assert after["kept"] == before["kept"]
    assert after["changed"] != before["changed"]
    assert after["restarted"] != before["restarted"]
    assert not psutil.pid_exists(before["removed"])
    assert supervisor.state("kept") == DaemonState("kept", "RUNNING", before["kept"])

    supervisor.shutdown()
    assert supervisor.states() == []
    assert not supervisor.running()
    assert not [pid for pid in after.values() if psutil.pid_exists(pid)]


def test_without_supervisord_nothing_runs(paths: Paths) -> None:
    supervisor = Supervisor(paths)
    assert not supervisor.running()
    assert supervisor.states() == []
    assert supervisor.state("hub") == DaemonState("hub", "ABSENT", 0)
    supervisor.shutdown()


def test_a_socket_that_a_killed_supervisord_left_is_removed(paths: Paths) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(paths.run / "supervisor.sock"))
    Supervisor(paths).shutdown()
    assert not (paths.run / "supervisor.sock").exists()


def test_a_supervisord_that_does_not_stop_is_an_error(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 50))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _: None))
    monkeypatch.setattr(Supervisor, "_call", lambda *_: {"statename": "RUNNING"})
    monkeypatch.setattr(Supervisor, "_process_alive", lambda _: True)
    with pytest.raises(CampusError, match="does not stop") as failed:
        Supervisor(paths).shutdown()
    assert failed.value.code == "will-not-stop"


# ---------------------------------------------------------------- whose a process is

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a sleeping process with this command line; those started are ended, by their pid."""
    started: list[subprocess.Popen[bytes]] = []

    def run(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        argv = [program, "-I", "-S", "-c", SLEEP, *arguments]
        started.append(subprocess.Popen(argv, executable=os.path.realpath(sys.executable)))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("program", "argument", "ours"),
    [
        ("slurmctld", "{prefix}/etc/slurm/slurm.conf", True),
        ("/usr/sbin/slurmd", "-f={prefix}/etc/slurm/slurm.conf", True),
        ("munged", "--key-file={prefix}/var/munge/munge.key", True),
        ("{prefix}/hub/bin/python", "{prefix}/hub/bin/supervisord", True),
        ("python3", "jupyterhub --config={prefix}/etc/jupyterhub_config.py", True),
        ("node", "{prefix}/node/node_modules/configurable-http-proxy/bin/configurable-http-proxy", True),
        # Another installation's, a cluster's, a person's.
        ("slurmctld", "{prefix}-2/etc/slurm/slurm.conf", False),
        ("slurmctld", "{prefix}2/etc/slurm/slurm.conf", False),
        ("slurmctld", "/etc/slurm/slurm.conf", False),
        ("munged", "", False),
        ("{prefix}/envs/session-1/bin/python", "-m spawners.session", False),
        ("sleep", "{prefix}/log", False),
        ("vim", "{prefix}/etc/jupyterhub_config.py", False),
        ("tail", "--follow {prefix}/log/slurmctld.log", False),
        ("sqlite3", "{prefix}/var/hub/jupyterhub.sqlite", False),
        ("slurmctld", "/mnt{prefix}/etc/slurm/slurm.conf", False),
        # Another verb of ours, which may be the one that looks.
        ("{prefix}/hub/bin/python", "-m hub_config.cli logs jupyterhub", False),
    ],
)
def test_a_process_is_ours_by_its_program_and_its_prefix(
    program: str, argument: str, ours: bool, start: Start, paths: Paths
) -> None:
    words = argument.format(prefix=paths.prefix).split(" ")
    process = start(program.format(prefix=paths.prefix), *words)
    assert (process.pid in {p.pid for p in module._ours(paths)}) is ours


def test_slurmdbd_is_ours_by_its_environment(paths: Paths) -> None:
    """Its command line names no file (slurmdbd(8))."""
    argv = ["slurmdbd", "-I", "-S", "-c", SLEEP]
    for prefix, ours in ((str(paths.prefix), True), (f"{paths.prefix}2", False)):
        environment = {"SLURM_CONF": f"{prefix}/etc/slurm/slurm.conf"}
        with subprocess.Popen(argv, executable=os.path.realpath(sys.executable), env=environment) as process:
            found = {p.pid for p in module._ours(paths)}
            process.kill()
        assert (process.pid in found) is ours


def test_only_strays_of_this_installation_are_ended(
    start: Start, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = psutil.wait_procs
    monkeypatch.setattr(module.psutil, "wait_procs", lambda found, timeout: wait(found, timeout=min(timeout, 0.2)))
    stray = start("slurmctld", f"{paths.prefix}/etc/slurm/slurm.conf")
    others = [start("slurmctld", f"{paths.prefix}2/etc/slurm/slurm.conf"), start("python3", f"{paths.prefix}/notes")]
    end_strays(paths)
    assert not psutil.pid_exists(stray.pid)
    assert [other.poll() for other in others] == [None, None]


def test_this_very_process_is_never_a_stray(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    own = SimpleNamespace(pid=os.getpid(), info={"cmdline": ["supervisord", f"{paths.prefix}/x"]})
    gone = SimpleNamespace(pid=1, info={"cmdline": None})
    monkeypatch.setattr(module.psutil, "process_iter", lambda _: [own, gone])
    assert list(module._ours(paths)) == []


# ---------------------------------------------------------------- whose a port is


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
def test_a_port_has_an_owner_while_somebody_listens(address: str) -> None:
    try:
        listener = socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError:
        pytest.skip(f"{address} is no address of this machine")
    port = listener.getsockname()[1]
    with listener:
        assert port_owner(port) == f"{psutil.Process().name()}, process {os.getpid()}"
    assert port_owner(port) is None


def test_a_connection_owns_no_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            assert port_owner(client.getsockname()[1]) is None


@pytest.mark.parametrize("pid", [None, 2**22 + 1])
def test_an_owner_that_cannot_be_named_is_another_program(pid: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = SimpleNamespace(status=psutil.CONN_LISTEN, laddr=SimpleNamespace(port=80), pid=pid)
    monkeypatch.setattr(module.psutil, "net_connections", lambda kind: [listening])
    assert port_owner(80) == "another program"
    assert port_owner(81) is None


def test_logs_are_found_by_daemon(paths: Paths) -> None:
    for name in ("hub.log", "hub.log.1", "gpu-node1.log", "notes.txt"):
        (paths.log / name).touch()
    assert log_files(paths) == {"gpu-node1": paths.log / "gpu-node1.log", "hub": paths.log / "hub.log"}
    assert log_files(Paths(Path("/nonexistent"))) == {}
