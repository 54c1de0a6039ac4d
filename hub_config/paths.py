"""Where an installation keeps its things: one prefix, readable by every account except where noted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders of one installation; everything derives from ``prefix`` (absolute)."""

    prefix: Path

    @property
    def site_file(self) -> Path:
        """The operator's site file; where it is missing, the embedded default serves."""
        return self.prefix / "etc" / "site.toml"

    @property
    def job_template(self) -> Path:
        """The site's own template of the job script, as it was checked; missing where the site names none."""
        return self.prefix / "etc" / "job_script.sh.j2"

    @property
    def announcements(self) -> Path:
        """What the operator tells everybody on Home; missing where there is nothing to tell."""
        return self.prefix / "etc" / "announcements.toml"

    @property
    def kits(self) -> Path:
        """Starter kits, as they are published: everybody reads them."""
        return self.prefix / "kits"

    @property
    def kit_catalogue(self) -> Path:
        """What Home shows of each kit, a folder for each; missing where none is published."""
        return self.kits / "catalogue"

    @property
    def kit_repositories(self) -> Path:
        """Bare git repositories, one a kit, from which sessions bring kits into homes; everybody reads them."""
        return self.kits / "repositories"

    @property
    def secrets(self) -> Path:
        """Root's, and the hub may read it (0750): cookie secret, proxy token, demo passwords."""
        return self.prefix / "etc" / "secrets"

    @property
    def hub_env(self) -> Path:
        return self.prefix / "hub"

    @property
    def environments(self) -> Path:
        """The session environments, one folder for each lock."""
        return self.prefix / "envs"

    @property
    def session_env(self) -> Path:
        """Link to the session environment in use."""
        return self.prefix / "session"

    @property
    def node(self) -> Path:
        """Node.js, where the machine has none that serves, and the proxy's packages."""
        return self.prefix / "node"

    @property
    def node_modules(self) -> Path:
        return self.node / "node_modules"

    @property
    def slurm_wrapper(self) -> Path:
        """Root's, read by all: what sudo runs as people, with transport sudo; its settings lie beside it."""
        return self.prefix / "libexec" / "campus-slurm"

    @property
    def run(self) -> Path:
        """Sockets and pid files; nothing here outlives a reboot."""
        return self.prefix / "run"

    @property
    def log(self) -> Path:
        return self.prefix / "log"

    @property
    def hub_state(self) -> Path:
        """The hub's only (0700): its database and the internal certificates."""
        return self.prefix / "var" / "hub"

    @property
    def proxy_state(self) -> Path:
        """Root's and the proxy's (0750): the proxy's keys and certificates, and those of the public address."""
        return self.prefix / "var" / "proxy"

    def service_state(self, service: str) -> Path:
        """A service's own (0700), the exchange's for example: submissions, its database, the key of its receipts."""
        return self.prefix / "var" / service

    def service_tls(self, service: str) -> Path:
        """Root's and that service's (0750): its key and certificate."""
        return self.prefix / "var" / f"{service}-tls"

    @property
    def publishing(self) -> Path:
        """Root's: a course while it is published, solutions included; its grader may read it."""
        return self.prefix / "var" / "publishing"

    @property
    def slurm_state(self) -> Path:
        return self.prefix / "var" / "slurm"

    @property
    def homes(self) -> Path:
        return self.prefix / "home"

    @property
    def slurm_conf(self) -> Path:
        """The embedded cluster's slurm.conf."""
        return self.prefix / "etc" / "slurm" / "slurm.conf"

    @property
    def slurmrestd_socket(self) -> Path:
        """Where the embedded cluster's slurmrestd listens; its folder lets in that daemon and root."""
        return self.run / "slurmrestd" / "slurmrestd.socket"

    @property
    def jwt_key(self) -> Path:
        """The embedded cluster's key of tokens, Slurm's alone (0600)."""
        return self.slurm_state / "jwt_hs256.key"

    @property
    def munge_socket(self) -> Path:
        return self.run / "munge" / "munge.socket"

    @property
    def internal_certificates(self) -> Path:
        return self.hub_state / "certificates"

    def secret(self, name: str) -> Path:
        return self.secrets / name
