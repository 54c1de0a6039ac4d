"""up, down, status, uninstall: an installation from nothing to answering, and back."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config import __version__
from hub_config.accounts import (
    DEMO_PASSWORD,
    OPERATOR_PASSWORD,
    ensure_accounts,
    ensure_secret,
    password_of,
    remove_accounts,
)
from hub_config.daemons import Supervisor, daemons, end_strays
from hub_config.environments import CHECKOUT, ensure_project, ensure_session_environment
from hub_config.installed import installed_site
from hub_config.local_cluster import ensure_cluster
from hub_config.machine import Machine, look
from hub_config.packages import ensure_node_modules, ensure_packages
from hub_config.paths import Paths
from hub_config.sessions import slurm_commands
from hub_config.site import Site
from hub_config.site_file import read_site
from hub_config.up_checks import check_machine, ports
from spawners.slurm.queries import nodes_query, parse_nodes

_ANSWER_SECONDS = 90
Say = Callable[[str], None]


@dataclass
class Up:
    """One run of ``up``: its steps are idempotent, in order, and each says what it did."""

    paths: Paths
    say: Say
    site_file: Path | None
    """A site file to take into use; None keeps the installation's own, or the embedded default."""
    site: Site = field(init=False)
    machine: Machine = field(init=False)
    restart: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Bring everything up. Raises CampusError at the first step that fails; running it again goes on there."""
        self.site = read_site(self.site_file) if self.site_file else installed_site(self.paths)
        steps: list[tuple[str, Callable[[], str]]] = [
            ("Machine", self._machine),
            ("Packages", lambda: ensure_packages(self.site, self.paths)),
            ("Session environment", self._session_environment),
            ("Campus itself", self._project),
            ("Proxy", lambda: ensure_node_modules(self.paths)),
            ("Accounts and secrets", self._accounts),
            ("Certificates", self._certificates),
            *([("Slurm's settings", self._cluster)] if self.site.cluster else []),
            ("Daemons", self._daemons),
            *([("Slurm's nodes", self._nodes)] if self.site.cluster else []),
            ("Answering", self._answering),
        ]
        for number, (title, step) in enumerate(steps, 1):
            started = time.monotonic()
            self.say(f"[{number:>2}/{len(steps)}] {title} ...")
            done = step()
            self.say(f"        {done} ({time.monotonic() - started:.0f} s)")

    def _take_site(self) -> None:
        etc = self.paths.site_file.parent
        etc.mkdir(parents=True, exist_ok=True)
        if self.site_file:
            staged = etc / "site.toml.new"
            shutil.copyfile(self.site_file, staged)
            staged.replace(self.paths.site_file)
        entry = etc / "jupyterhub_config.py"
        text = (CHECKOUT / "jupyterhub_config.py").read_text()
        if not entry.exists() or entry.read_text() != text:
            entry.write_text(text)

    def _machine(self) -> str:
        self.machine = look()
        running = Supervisor(self.paths).running()
        if not running:
            end_strays(self.paths)
        taken = ports(installed_site(self.paths), self.machine) if running else {}
        check_machine(self.site, self.machine, self.paths, set(taken.values()))
        # Only now: a site that this machine can't serve must not replace one that it can.
        self._take_site()
        cards = f"{len(self.machine.nvidia)} NVIDIA GPUs" if self.machine.nvidia else "no NVIDIA GPU"
        return f"{self.machine.memory_mib // 1024} GB memory, {os.cpu_count()} cores, {cards}"

    def _session_environment(self) -> str:
        if self.site.sessions.environment:
            return f"the site's own, {self.site.sessions.environment}"
        made = ensure_session_environment(self.paths, shared=self.site.cluster is None)
        if made:
            self.restart.add("hub")  # it starts sessions on the environment that it found when it started
        return "JupyterLab, nbgrader, torch and transformers installed" if made else "nothing to do"

    def _project(self) -> str:
        renewed = ensure_project(self.paths.hub_env)
        if not self.site.sessions.environment:
            ensure_project(self.paths.session_env.resolve())
        if renewed:
            self.restart |= {"hub", "proxy"}
        return f"version {__version__} installed" if renewed else "nothing to do"

    def _accounts(self) -> str:
        self.paths.secrets.mkdir(parents=True, exist_ok=True)
        self.paths.secrets.chmod(0o700)
        self.paths.hub_state.mkdir(parents=True, exist_ok=True)
        self.paths.hub_state.chmod(0o700)
        ensure_secret(self.paths.secret("proxy-token"), lambda: secrets.token_hex(32))
        match self.site.authentication.method:
            case "oidc":
                ensure_secret(self.paths.secret("crypt-key"), lambda: secrets.token_hex(32))
            case "demo":
                ensure_secret(self.paths.secret(DEMO_PASSWORD), lambda: secrets.token_urlsafe(9))
                ensure_secret(self.paths.secret(OPERATOR_PASSWORD), lambda: secrets.token_urlsafe(24))
        made = ensure_accounts(self.site, self.paths)
        return f"{made} accounts made" if made else "nothing to do"

    def _certificates(self) -> str:
        if (self.paths.internal_certificates / "hub-internal" / "hub-internal.crt").exists():
            return "nothing to do"
        config = self.paths.site_file.parent / "jupyterhub_config.py"
        run_sync(
            [
                *(str(self.paths.hub_env / "bin" / "python"), "-P", "-s", "-m", "jupyterhub"),
                *(f"--config={config}", "--generate-certs"),
            ],
            what="Making the certificates for traffic between proxy, hub and sessions",
            timeout=60,
            env={"CAMPUS_PREFIX": str(self.paths.prefix), "PATH": os.environ["PATH"]},
        )
        return "certificates made for traffic between proxy, hub and sessions"

    def _cluster(self) -> str:
        changed = ensure_cluster(self.site, self.machine, self.paths)
        if changed:
            self.restart |= {s.name for s in Supervisor(self.paths).states()} - {"munged", "proxy", "hub"}
        return "slurm.conf, gres.conf and cgroup.conf written" if changed else "nothing to do"

    def _daemons(self) -> str:
        supervisor = Supervisor(self.paths)
        before = {s.name: s.pid for s in supervisor.states()}
        supervisor.apply(daemons(self.site, self.machine, self.paths), self.restart | self._site_changed())
        after = {s.name: s.pid for s in supervisor.states()}
        started = [name for name, pid in after.items() if pid != before.get(name)]
        return f"started: {', '.join(started)}" if started else "all running"

    def _site_changed(self) -> set[str]:
        """The hub and the proxy read the site file when they start, so a changed one restarts them."""
        seen = self.paths.hub_state / "site-in-use.json"
        text = self.site.model_dump_json()
        if seen.exists() and seen.read_text() == text:
            return set()
        seen.write_text(text)
        return {"hub", "proxy"}

    def _nodes(self) -> str:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            nodes = slurm_nodes(self.site, self.paths)
            if nodes and all(n["state"] in ("idle", "mixed", "allocated") for n in nodes):
                return f"{len(nodes)} nodes, {sum(n['gpus'] for n in nodes)} GPUs"
            if time.monotonic() > deadline:
                missing = ", ".join(f"{n['name']} is {n['state']}" for n in nodes) or "slurmctld does not answer"
                raise CampusError(
                    "nodes-missing",
                    f"Slurm's nodes did not all register within {_ANSWER_SECONDS} seconds: {missing}.",
                    "See ./campus logs slurmctld and ./campus logs gpu-node1, or ask ./campus doctor for the cause.",
                )
            time.sleep(0.5)

    def _answering(self) -> str:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while not answers(self.site):
            if time.monotonic() > deadline:
                raise CampusError(
                    "hub-silent",
                    f"JupyterHub does not answer at {self.site.addresses.public_url} after {_ANSWER_SECONDS} seconds.",
                    "See ./campus logs hub and ./campus logs proxy.",
                )
            time.sleep(0.2)
        return f"JupyterHub answers at {self.site.addresses.public_url}"


def slurm_nodes(site: Site, paths: Paths) -> list[dict[str, Any]]:
    """Nodes as (name, state, gpus); empty when Slurm does not answer."""
    slurm = slurm_commands(site, paths)
    if slurm.conf and not Path(slurm.conf).exists():
        return []  # else Slurm's commands look for a controller in DNS, for ten seconds
    try:
        done = run_sync(nodes_query(), what="Asking Slurm for its nodes", timeout=10, env=slurm.environment)
        found = parse_nodes(done.stdout)
    except CampusError:
        return []
    return [{"name": n.name, "state": n.state, "gpus": sum(n.gpus.values())} for n in found.values()]


def answers(site: Site) -> bool:
    """Whether the hub answers through the proxy, from this machine, on the address it listens on."""
    at = site.addresses
    host = "127.0.0.1" if at.ip == "0.0.0.0" else at.ip  # noqa: S104
    scheme = "https" if at.tls else "http"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the name is the public one
    try:
        url = f"{scheme}://{host}:{at.port}{urlsplit(at.public_url).path}/hub/health"
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:  # noqa: S310
            return answer.status == 200
    except OSError:
        return False


def down(paths: Paths, say: Say) -> None:
    """Stop what ``up`` started, sessions on the embedded cluster included. Raises CampusError."""
    supervisor = Supervisor(paths)
    if not supervisor.running():
        end_strays(paths)
        say("Campus is not running.")
        return
    if installed_site(paths).cluster:
        _cancel_sessions(paths)
    supervisor.shutdown()
    say("Campus has stopped.")


def _cancel_sessions(paths: Paths) -> None:
    slurm = slurm_commands(installed_site(paths), paths)
    environment = slurm.environment
    run_sync(["scancel", "--state=PENDING"], what="Cancelling jobs", timeout=20, env=environment, check=False)
    run_sync(["scancel", "--me"], what="Cancelling jobs", timeout=20, env=environment, check=False)
    done = run_sync(
        ["squeue", "--noheader", "--format=%A"],
        what="Asking for jobs",
        timeout=20,
        env=environment,
        check=False,
    )
    jobs = done.stdout.split()
    if jobs:
        run_sync(["scancel", *jobs], what="Cancelling sessions", timeout=20, env=environment, check=False)
    deadline = time.monotonic() + 30
    while jobs and time.monotonic() < deadline:
        done = run_sync(
            ["squeue", "--noheader", "--format=%A"],
            what="Asking for jobs",
            timeout=20,
            env=environment,
            check=False,
        )
        jobs = done.stdout.split()
        time.sleep(0.2)


def status(paths: Paths) -> dict[str, Any]:
    """What runs: the keys that ``status --json`` prints. Raises SiteFileError."""
    site = installed_site(paths)
    supervisor = Supervisor(paths)
    slurm = slurm_commands(site, paths)
    found: dict[str, Any] = {
        "url": site.addresses.public_url,
        "version": __version__,
        "prefix": str(paths.prefix),
        "running": supervisor.running(),
        "hub_pid": supervisor.state("hub").pid or None,
        "slurm_conf": slurm.conf or None,
        "daemons": [{"name": s.name, "state": s.state.lower(), "pid": s.pid} for s in supervisor.states()],
        "nodes": slurm_nodes(site, paths),
    }
    if site.authentication.method == "demo" and paths.secret(DEMO_PASSWORD).exists():
        found["accounts"] = [{"name": a.name, "role": a.role, "password": password_of(a, paths)} for a in site.accounts]
    return found


def uninstall(paths: Paths, say: Say, everything: bool) -> None:
    """Stop and remove the installation; homes, accounts and the hub's state stay unless ``everything``."""
    down(paths, say)
    if everything:
        remove_accounts(installed_site(paths), paths)
        shutil.rmtree(paths.prefix)
        say(f"{paths.prefix} is gone, homes and accounts included.")
        return
    for folder in ("node", "run", "log", "envs", "hub"):
        shutil.rmtree(paths.prefix / folder, ignore_errors=True)
    paths.session_env.unlink(missing_ok=True)
    say(f"Campus is uninstalled. {paths.homes}, {paths.prefix / 'var'} and {paths.prefix / 'etc'} stay:")
    say("./campus up takes them up again. To remove them and the demo accounts too: up, then uninstall --everything.")


def print_status(found: dict[str, Any], say: Say) -> None:
    say(f"Campus {found['version']} under {found['prefix']}: {'running' if found['running'] else 'not running'}")
    for daemon in found["daemons"]:
        say(f"  {daemon['name']:<12} {daemon['state']:<10} {daemon['pid'] or ''}")
    for node in found["nodes"]:
        say(f"  {node['name']:<12} {node['state']:<10} {node['gpus']} GPUs")
    if found["running"]:
        say(f"\nOpen  {found['url']}")
    for account in found.get("accounts", ()):
        say(f"  {account['name']:<12} {account['role']:<11} {account['password']}")


def as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2)
