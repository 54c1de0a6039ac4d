"""The Campus under test: its status, its Slurm, its daemons."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub_config.daemons import Supervisor
from hub_config.installed import installed_site
from hub_config.lifecycle import answers, slurm_nodes
from hub_config.machine import look
from hub_config.paths import Paths
from hub_config.sessions import job_name
from tests.support.person import Person, wait_for

CHECKOUT = Path(__file__).resolve().parents[2]


class Campus:
    """What ``./campus up`` made under ``prefix``."""

    def __init__(self, prefix: Path) -> None:
        self.paths = Paths(prefix)
        self.site = installed_site(self.paths)
        self.status = self.read_status()
        self.url: str = self.status["url"]
        self.passwords = {a["name"]: a["password"] for a in self.status["accounts"]}
        self.machine = look()
        self.job_name = job_name(self.site)
        self._people: dict[str, Person] = {}

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``./campus`` on this installation."""
        return subprocess.run(
            [str(CHECKOUT / "campus"), *arguments],
            env={**os.environ, "CAMPUS_PREFIX": str(self.paths.prefix)},
            capture_output=True,
            text=True,
            check=check,
        )

    def read_status(self) -> dict[str, Any]:
        return json.loads(self.command("status", "--json").stdout)

    def name(self, name: str) -> str:
        """The account that stands for the demo site's ``name`` here."""
        return next(account for account in self.passwords if account.endswith(f"-{name}"))

    def person(self, name: str) -> Person:
        """Somebody signed in, once for the whole run."""
        name = self.name(name)
        if name not in self._people:
            self._people[name] = Person(self.url, name, self.passwords[name])
        return self._people[name]

    def slurm(self, *argv: str, account: str | None = None) -> subprocess.CompletedProcess[str]:
        """One of Slurm's commands on the embedded cluster, as root or as an account."""
        return self.as_account(account, *argv)

    def as_account(
        self, account: str | None, *argv: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        become: dict[str, Any] = {}
        if account:
            entry = pwd.getpwnam(account)
            become = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return subprocess.run(
            argv,
            input=stdin,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SLURM_CONF": str(self.paths.slurm_conf), **(env or {})},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **become,
        )

    @staticmethod
    def account(name: str) -> pwd.struct_passwd:
        return pwd.getpwnam(name)

    def jobs(self, name: str = "") -> list[str]:
        """Ids of jobs that are not over, of one name or of all."""
        named = [f"--name={name}"] if name else []
        return self.slurm("squeue", "--noheader", "--format=%A", "--states=PD,R,CF,S", *named).stdout.split()

    def job_state(self, job: str) -> str:
        return self.slurm("squeue", "--noheader", "--format=%T", "--states=all", f"--jobs={job}").stdout.strip()

    def wait_until_slurm_has_saved(self) -> None:
        """Until slurmctld has on disk what it knows now: it writes some seconds after a change (slurmctld(8))."""
        held = self.slurm("sbatch", "--parsable", "--hold", "--output=/dev/null", "--wrap=true").stdout.strip()
        self.slurm("scancel", held)
        now = time.time()
        saved = self.paths.slurm_state / "controller" / "job_state"
        wait_for("slurmctld to save its state", lambda: saved.stat().st_mtime > now)

    def wait_until_slurm_is_ready(self) -> None:
        wait_for("the nodes", lambda: all(n["state"] in ("idle", "mixed") for n in self.nodes()))

    def nodes(self) -> list[dict[str, Any]]:
        return slurm_nodes(self.site, self.paths) or [{"state": "unknown"}]

    def free_gpus(self) -> None:
        """Cancel every job that is not a session."""
        if foreign := set(self.jobs()) - set(self.jobs(self.job_name)):
            self.slurm("scancel", *foreign)

    def pid(self, daemon: str) -> int:
        return Supervisor(self.paths).state(daemon).pid

    def kill(self, daemon: str) -> None:
        """kill -9 a daemon, and wait until it is gone or another has taken its place."""
        pid = self.pid(daemon)
        assert pid, f"{daemon} does not run"
        os.kill(pid, signal.SIGKILL)
        wait_for(f"{daemon} to be gone", lambda: self.pid(daemon) != pid)

    @contextmanager
    def stopped(self, daemon: str) -> Iterator[None]:
        """While the daemon is stopped, and not restarted either."""
        supervisor = Supervisor(self.paths)
        supervisor.stop(daemon)
        try:
            yield
        finally:
            supervisor.restart(daemon)

    @contextmanager
    def reaching_slurm_by(self, transport: str) -> Iterator[None]:
        """While the hub reaches Slurm in another way; sessions go on meanwhile."""
        before = self.paths.site_file.read_text()
        other = re.sub(r"^transport = .*\n", "", before, flags=re.MULTILINE)
        self._take(other.replace("[slurm]\n", f'[slurm]\ntransport = "{transport}"\n', 1))
        try:
            yield
        finally:
            self._take(before)

    def _take(self, site: str) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(site)
            file.flush()
            self.command("up", "--site", file.name)
        self.site = installed_site(self.paths)

    def wait_until_answering(self) -> None:
        wait_for("the hub to answer", lambda: answers(self.site))
