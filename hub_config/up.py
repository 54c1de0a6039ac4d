"""up: an installation from nothing to answering, in steps that can be run again."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config import __version__, first_hour
from hub_config.accounting import ensure_accounting
from hub_config.accounts import DEMO_PASSWORD, OPERATOR_PASSWORD, ensure_accounts, ensure_secret
from hub_config.associations import ensure_associations
from hub_config.courses.publish import publish
from hub_config.daemon_accounts import as_account, ensure_daemon_accounts, hub_account
from hub_config.daemons import Supervisor, daemons, end_strays
from hub_config.environments import CHECKOUT, ensure_project, ensure_session_environment
from hub_config.exchange import PUBLISHER_TOKEN, TOKEN, exchange
from hub_config.home import TOKEN as HOME_TOKEN
from hub_config.home import home
from hub_config.installed import installed_site
from hub_config.job_template import read_job_template, take_job_template
from hub_config.kits.publish import publish_of_site
from hub_config.lifecycle import WELL, Say, answers, slurm_nodes
from hub_config.local_cluster import ensure_cluster
from hub_config.machine import Machine, look
from hub_config.ownership import belongs_to, check_readable, give, share
from hub_config.packages import ensure_node_modules, ensure_packages
from hub_config.paths import Paths
from hub_config.proxy_files import ensure_proxy_files
from hub_config.site import Site
from hub_config.site_file import read_site
from hub_config.sudo_rules import ensure_rules, ensure_wrapper, remove_rules
from hub_config.up_checks import check_machine, ports

_ANSWER_SECONDS = 90


@dataclass
class Up:
    """One run of ``up``: its steps are idempotent, in order, and each says what it did."""

    paths: Paths
    say: Say
    site_file: Path | None
    """A site file to take into use; None keeps the installation's own, or the embedded default."""
    site: Site = field(init=False)
    job_template: str = field(init=False)
    machine: Machine = field(init=False)

    def run(self) -> None:
        """Bring everything up. Raises CampusError at the first step that fails; running it again goes on there."""
        self.site = read_site(self.site_file) if self.site_file else installed_site(self.paths)
        self.job_template = read_job_template(self.site, self.paths)
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
            *([("Slurm's accounts", self._associations)] if self.site.cluster else []),
            *([("Slurm's nodes", self._nodes)] if self.site.cluster else []),
            ("Answering", self._answering),
            ("Starter kits", self._kits),
            *([("Courses", self._courses)] if self.site.content.publish else []),
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
        take_job_template(self.job_template, self.paths)
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
        return "JupyterLab, nbgrader, torch and transformers installed" if made else "nothing to do"

    def _project(self) -> str:
        renewed = ensure_project(self.paths.hub_env)
        if not self.site.sessions.environment:
            ensure_project(self.paths.session_env.resolve())
        renewed = first_hour.publish(self.paths) or renewed
        return f"version {__version__} installed" if renewed else "nothing to do"

    def _accounts(self) -> str:
        made = ensure_accounts(self.site, self.paths) + len(ensure_daemon_accounts(self.site, self.paths))
        if self.site.slurm.transport == "sudo":
            ensure_wrapper(self.site, self.paths)
            ensure_rules(self.site, self.paths)
            check_readable(self.site)
        self._secrets()
        self._hand_over()
        return f"{made} accounts made" if made else "nothing to do"

    def _hand_over(self) -> None:
        """Give the hub's account what the hub writes, and let it read its secrets."""
        account = hub_account(self.site)
        if not belongs_to(self.paths.hub_state, account):
            Supervisor(self.paths).stop("hub")  # what it wrote meanwhile would be the other account's
        give(self.paths.hub_state, account)
        share(self.paths.secrets, account)

    def _secrets(self) -> None:
        self.paths.secrets.mkdir(parents=True, exist_ok=True)
        self.paths.secrets.chmod(0o700)
        for name in ("cookie-secret", "proxy-token", TOKEN, HOME_TOKEN, PUBLISHER_TOKEN):
            ensure_secret(self.paths.secret(name), lambda: secrets.token_hex(32))
        match self.site.authentication.method:
            case "oidc":
                ensure_secret(self.paths.secret("crypt-key"), lambda: secrets.token_hex(32))
            case "demo":
                ensure_secret(self.paths.secret(DEMO_PASSWORD), lambda: secrets.token_urlsafe(9))
                ensure_secret(self.paths.secret(OPERATOR_PASSWORD), lambda: secrets.token_urlsafe(24))

    def _certificates(self) -> str:
        made = self._inside_certificates()
        ensure_proxy_files(self.site, self.paths)
        exchange(self.site, self.paths).ensure_files()
        home(self.site, self.paths).ensure_files()
        return "certificates made for traffic between proxy, hub and sessions" if made else "nothing to do"

    def _inside_certificates(self) -> bool:
        if (self.paths.internal_certificates / "hub-internal" / "hub-internal.crt").exists():
            return False
        config = self.paths.site_file.parent / "jupyterhub_config.py"
        run_sync(
            [
                *as_account(hub_account(self.site)),
                *(str(self.paths.hub_env / "bin" / "python"), "-P", "-s", "-m", "jupyterhub"),
                *(f"--config={config}", "--generate-certs"),
            ],
            what="Making the certificates for traffic between proxy, hub and sessions",
            timeout=60,
            env={"CAMPUS_PREFIX": str(self.paths.prefix), "PATH": os.environ["PATH"]},
        )
        return True

    def _cluster(self) -> str:
        changed = ensure_cluster(self.site, self.machine, self.paths)
        changed |= ensure_accounting(self.site, self.paths)
        return "the settings of Slurm and its accounting written" if changed else "nothing to do"

    def _daemons(self) -> str:
        supervisor = Supervisor(self.paths)
        before = {s.name: s.pid for s in supervisor.states()}
        supervisor.apply(daemons(self.site, self.machine, self.paths))
        if self.site.slurm.transport != "sudo":
            remove_rules(self.site, self.paths)  # only now: the hub of before needed them until here
        after = {s.name: s.pid for s in supervisor.states()}
        started = [name for name, pid in after.items() if pid != before.get(name)]
        return f"started: {', '.join(started)}" if started else "all running"

    def _associations(self) -> str:
        added = ensure_associations(self.site, self.paths)
        return f"{added} people entered" if added else "nothing to do"

    def _nodes(self) -> str:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            nodes = slurm_nodes(self.site, self.paths)
            late = [n for n in nodes if n["state"] not in WELL]
            if nodes and not late:
                return f"{len(nodes)} nodes, {sum(n['gpus'] for n in nodes)} GPUs"
            if time.monotonic() > deadline:
                missing = ", ".join(f"{n['name']} is {n['state']}" for n in late) or "slurmctld does not answer"
                raise CampusError(
                    "nodes-missing",
                    f"Slurm's nodes did not all register within {_ANSWER_SECONDS} seconds: {missing}.",
                    "See ./campus logs slurmctld and ./campus logs gpu-node1, or ask ./campus doctor for the cause.",
                )
            time.sleep(0.5)

    def _courses(self) -> str:
        for name in self.site.content.publish:
            for line in publish(name, self.site, self.paths):
                self.say(f"        {line}")
        return f"published: {', '.join(self.site.content.publish)}"

    def _kits(self) -> str:
        failed: list[str] = []
        lines = list(publish_of_site(self.site, self.paths, failed))
        for line in lines:
            self.say(f"        {line}")
        return f"not published: {', '.join(failed)}" if failed else f"{len(lines)} looked at"

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
