"""The daemons of an installation, run by supervisord: restarted when they die, stopped in order, logs kept.

Source: supervisord's configuration file and XML-RPC reference.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shlex
import time
import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.accounting import mariadb_command, slurmdbd_command, slurmdbd_environment
from hub_config.daemon_accounts import as_account, hub_account, may_bind
from hub_config.environments import installed_source
from hub_config.exchange import exchange, exchange_environment
from hub_config.home import home, home_environment
from hub_config.local_cluster import munged_command, node_names, on_loopback, slurmctld_command, slurmd_command
from hub_config.local_slurmrestd import slurmrestd_command
from hub_config.machine import Machine
from hub_config.network import proxy_command
from hub_config.own_service import OwnService
from hub_config.paths import Paths
from hub_config.site import Site


@dataclass(frozen=True)
class Daemon:
    """A program to keep running. ``order`` is when it starts; stopping goes the other way."""

    name: str
    command: tuple[str, ...]
    order: int
    environment: tuple[tuple[str, str], ...] = ()
    revision: str = ""
    """What it reads when it starts (code, settings); supervisord starts it anew when that is another."""


# What is large, as a connection's buffers are, goes back to the system (mallopt(3)): by default the first alone does,
# and others leave holes between what stays. The hub's threads wait for others, and need no heaps of their own.
_MALLOC = (("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "65536"), ("MALLOC_TRIM_THRESHOLD_", "131072"))


def _revision(*read: str) -> str:
    return hashlib.sha256("\0".join(read).encode()).hexdigest()[:16]


def daemons(site: Site, machine: Machine, paths: Paths) -> list[Daemon]:
    """What must run for this site."""
    found = []
    if site.cluster:
        settings = _revision(*(file.read_text() for file in sorted(paths.slurm_conf.parent.glob("*.conf"))))
        found = [
            Daemon("munged", tuple(munged_command(paths)), 10),
            Daemon("mariadb", tuple(mariadb_command(paths)), 12),
            Daemon("slurmdbd", tuple(on_loopback(slurmdbd_command(paths))), 15, slurmdbd_environment(paths), settings),
            Daemon("slurmctld", tuple(slurmctld_command(paths)), 20, revision=settings),
            *(
                Daemon(node, tuple(slurmd_command(node, paths)), 30, revision=settings)
                for node in node_names(site.cluster, machine)
            ),
            *([_slurmrestd(site, paths, settings)] if site.slurm.transport == "rest" else []),
        ]
    read = (installed_source(paths.hub_env), site.model_dump_json())
    template = paths.job_template.read_text() if paths.job_template.exists() else ""
    token = paths.secret("proxy-token").read_text().strip()
    config = paths.prefix / "etc" / "jupyterhub_config.py"
    account = hub_account(site)
    run_as = [] if account == "root" else as_account(account, *may_bind(site.addresses.hub_port))
    return [
        *found,
        Daemon(
            "proxy",
            tuple(proxy_command(site, paths)),
            40,
            (("CONFIGPROXY_AUTH_TOKEN", token),),
            _revision(*read, *(file.read_text() for file in sorted(paths.proxy_state.glob("*")))),
        ),
        _own_service(exchange(site, paths), 45, exchange_environment(site, paths), *read),
        _own_service(home(site, paths), 46, home_environment(site, paths), *read),
        Daemon(
            "hub",
            (*run_as, str(paths.hub_env / "bin" / "python"), "-P", "-s", "-m", "jupyterhub", f"--config={config}"),
            50,
            (("CAMPUS_PREFIX", str(paths.prefix)), ("HOME", str(paths.hub_state)), *_MALLOC),
            # It starts sessions on the environment, and with the template, that it finds when it starts.
            _revision(*read, str(paths.session_env.resolve()), template),
        ),
    ]


def _own_service(service: OwnService, order: int, environment: dict[str, str], *read: str) -> Daemon:
    own = (file.read_text() for file in sorted(service.tls.glob("*")))
    return Daemon(service.name, tuple(service.command()), order, tuple(environment.items()), _revision(*read, *own))


def _slurmrestd(site: Site, paths: Paths, settings: str) -> Daemon:
    # SLURM_JWT: it has no munge to speak to slurmctld with, and passes on the tokens that it is given (slurmrestd(8)).
    return Daemon("slurmrestd", tuple(slurmrestd_command(site, paths)), 35, (("SLURM_JWT", "daemon"),), settings)


def _quoted(text: str) -> str:
    return text.replace("%", "%%")


def _command(argv: tuple[str, ...]) -> str:
    # A space and ; or # begin a comment, also inside quotes (configparser): end the quotes between the two.
    return re.sub(r" ([;#])", r" ''\1", _quoted(shlex.join(argv)))


def supervisor_conf(found: list[Daemon], paths: Paths) -> str:
    """The text of supervisord.conf. It holds tokens, so the file is root's (0600)."""
    parts = [
        "[supervisord]",
        f"logfile={paths.log / 'supervisord.log'}",
        "logfile_maxbytes=5MB",
        "logfile_backups=2",
        f"pidfile={paths.run / 'supervisord.pid'}",
        "umask=022",
        "minfds=65536" if _open_files() >= 65536 else f"minfds={_open_files()}",
        "[unix_http_server]",
        f"file={paths.run / 'supervisor.sock'}",
        "chmod=0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for daemon in found:
        variables = (*daemon.environment, *((("CAMPUS_REVISION", daemon.revision),) if daemon.revision else ()))
        environment = ",".join(f'{key}="{_quoted(value)}"' for key, value in variables)
        parts += [
            f"[program:{daemon.name}]",
            f"command={_command(daemon.command)}",
            f"priority={daemon.order}",
            "autorestart=true",
            "startsecs=1",
            # A daemon that keeps dying is started again for minutes, not for ever: then `up` says so.
            "startretries=20",
            "stopwaitsecs=20",
            "directory=/",
            "redirect_stderr=true",
            f"stdout_logfile={paths.log / daemon.name}.log",
            "stdout_logfile_maxbytes=20MB",
            "stdout_logfile_backups=3",
            *([f"environment={environment}"] if environment else []),
        ]
    return "\n".join(parts) + "\n"


def _open_files() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@dataclass(frozen=True)
class DaemonState:
    """A daemon as supervisord sees it; ``pid`` is 0 when it does not run."""

    name: str
    state: str
    pid: int

    @property
    def running(self) -> bool:
        return self.state == "RUNNING"


class Supervisor:
    """supervisord of one installation."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.conf = paths.prefix / "etc" / "supervisord.conf"

    def _call(self, method: str, *arguments: Any) -> Any:
        socket = f"unix://{self.paths.run / 'supervisor.sock'}"
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=SupervisorTransport(None, None, socket))
        return getattr(proxy.supervisor, method)(*arguments)

    def running(self) -> bool:
        try:
            return self._call("getState")["statename"] == "RUNNING"
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False

    def states(self) -> list[DaemonState]:
        """Every daemon, in starting order; empty when supervisord does not run."""
        try:
            found = self._call("getAllProcessInfo")
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return []
        return [DaemonState(p["name"], p["statename"], p["pid"]) for p in found]

    def state(self, name: str) -> DaemonState:
        return next((s for s in self.states() if s.name == name), DaemonState(name, "ABSENT", 0))

    def apply(self, found: list[Daemon]) -> None:
        """Make these daemons run: start supervisord, or stop and start only what differs."""
        self.paths.run.mkdir(parents=True, exist_ok=True)
        self.paths.log.mkdir(parents=True, exist_ok=True)
        self.paths.log.chmod(0o700)  # who did what, and when, is for operators
        self.conf.touch(mode=0o600)
        self.conf.write_text(supervisor_conf(found, self.paths))
        if not self.running():
            end_strays(self.paths)
            run_sync(
                [str(self.paths.hub_env / "bin" / "supervisord"), "-c", str(self.conf)],
                what="Starting supervisord",
                timeout=20,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": "/root"},
            )
            return
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*changed, *removed]:
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        orders = {daemon.name: daemon.order for daemon in found}
        for name in sorted([*added, *changed], key=orders.__getitem__):
            self._call("addProcessGroup", name)
        for state in self.states():
            if state.state in ("STOPPED", "EXITED", "FATAL"):
                self._call("startProcess", state.name, False)

    def stop(self, name: str) -> None:
        """Stop a daemon; it stays so until it is started again."""
        if self.state(name).running:
            self._call("stopProcess", name)

    def restart(self, name: str) -> None:
        self.stop(name)
        if self.state(name).state in ("STOPPED", "EXITED", "FATAL"):
            self._call("startProcess", name, False)

    def shutdown(self) -> None:
        """Stop every daemon and supervisord, and wait until they are gone. Raises CampusError when one stays."""
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
            self._call("shutdown")
        deadline = time.monotonic() + 60
        while self.running() or (self.paths.run / "supervisor.sock").exists():
            if time.monotonic() > deadline:
                raise CampusError(
                    "will-not-stop",
                    "supervisord does not stop.",
                    f"See {self.paths.log / 'supervisord.log'}; then run ./campus down again.",
                )
            if not self._process_alive():
                (self.paths.run / "supervisor.sock").unlink(missing_ok=True)
                break
            time.sleep(0.2)
        end_strays(self.paths)

    def _process_alive(self) -> bool:
        return any("supervisord" in " ".join(p.info["cmdline"]) for p in _ours(self.paths))


_PROGRAMS = frozenset(
    {"munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd", "slurmrestd", "supervisord"}
    | {"jupyterhub", "configurable-http-proxy", "extensions.exchange.service", "extensions.home"}
    | {"hub_config.culler", "hub_config.courses.on_submit"}
)
_INTERPRETER = re.compile(r"(python[\d.]*|node)")


def _belongs(command: list[str], prefix: str) -> bool:
    """Whether a command line is one of our programs, and of the installation under this prefix."""
    words = command if _INTERPRETER.fullmatch(Path(command[0]).name) else command[:1]
    return (
        any(Path(word).name in _PROGRAMS for word in words)
        and any(f"{word}/".startswith(f"{prefix}/") for a in command for word in (a, a.partition("=")[2]))
        and "hub_config.cli" not in command
    )


def _ours(paths: Paths) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"]
        if command and Path(command[0]).name == "slurmdbd":
            with contextlib.suppress(psutil.Error):  # it is told by its environment where it belongs
                command = [*command, process.environ().get("SLURM_CONF", "")]
        if command and process.pid != os.getpid() and _belongs(command, str(paths.prefix)):
            yield process


def end_strays(paths: Paths) -> None:
    """End daemons of this installation that a killed supervisord left behind, and wait for them.

    They end by themselves when it dies (setpriv --pdeathsig), so this mostly waits.
    """
    _, alive = psutil.wait_procs(list(_ours(paths)), timeout=10)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def port_owner(port: int) -> str | None:
    """Who listens on a TCP port of this machine ("python3, process 4711"), None when nobody does."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
            with contextlib.suppress(psutil.NoSuchProcess):
                if connection.pid:
                    return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
            return "another program"
    return None


def log_files(paths: Paths) -> dict[str, Path]:
    """The logs there are, by daemon."""
    return {p.stem: p for p in sorted(paths.log.glob("*.log"))}
