"""The Site model: everything an operator may set, in one TOML file.

Each field's description is the documentation: ``docs/settings.md`` and the JSON schema are made from it.
Facts that Slurm knows (nodes, GPUs, limits) are not here; they are read from Slurm.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

ROLES = ("trainee", "instructor", "startup", "operator")


def duration_seconds(text: str) -> int:
    """Seconds in ``90s``, ``45m``, ``2h`` or ``1d``. Raises ValueError on anything else."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if not (text[:-1].isascii() and text[:-1].isdigit() and text[-1:] in units):
        raise ValueError(
            f"{text!r} is not a duration; write a number and s, m, h or d, like 45m or 2h"
        )
    return int(text[:-1]) * units[text[-1]]


def memory_mib(text: str) -> int:
    """Mebibytes in ``512M``, ``4G`` or ``1T`` (Slurm's ``--mem`` units). Raises ValueError on anything else."""
    units = {"M": 1, "G": 1024, "T": 1024 * 1024}
    if not (text[:-1].isascii() and text[:-1].isdigit() and text[-1:] in units):
        raise ValueError(
            f"{text!r} is not an amount of memory; write a number and M, G or T, like 4G"
        )
    return int(text[:-1]) * units[text[-1]]


def _positive(parse):
    def check(text: str) -> str:
        if parse(text) <= 0:
            raise ValueError(f"{text!r} must be more than zero")
        return text

    return AfterValidator(check)


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is not an address like https://campus.example.org")
    return text.rstrip("/")


Duration = Annotated[str, _positive(duration_seconds)]
Memory = Annotated[str, _positive(memory_mib)]
Url = Annotated[str, AfterValidator(_http_url)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
SlurmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
UnixName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]


class Part(BaseModel):
    """A table of the site file: unknown keys are mistakes, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Tls(Part):
    certificate: Path
    """PEM file with the certificate and its chain, for the public address."""
    key: Path
    """PEM file with the private key; readable by root only."""


class Addresses(Part):
    public_url: Url = "http://127.0.0.1:8000"
    """What people type in a browser. Its port is where the proxy listens."""
    listen_ip: str = ""
    """Address the proxy binds; empty takes it from public_url when that is an IP address, else all addresses."""
    listen_port: Port | None = None
    """Port the proxy binds, where it differs from public_url's (behind another proxy)."""
    hub_ip: str = "127.0.0.1"
    """Address at which compute nodes reach the hub."""
    hub_port: Port = 8081
    """Port at which compute nodes reach the hub."""
    proxy_api_port: Port = 8001
    """Loopback port on which the hub tells the proxy its routes."""
    tls: Tls | None = None
    """Certificate of the public address. Leave out when another proxy ends TLS."""

    @property
    def port(self) -> int:
        parts = urlsplit(self.public_url)
        return self.listen_port or parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def ip(self) -> str:
        host = urlsplit(self.public_url).hostname or ""
        if self.listen_ip:
            return self.listen_ip
        try:
            return str(ip_address(host))
        except ValueError:
            return "127.0.0.1" if host == "localhost" else "0.0.0.0"

    @property
    def loopback_only(self) -> bool:
        return ip_address(self.ip).is_loopback


class Database(Part):
    url: str = ""
    """SQLAlchemy address, like postgresql+psycopg://campus@db.example.org/campus; empty means SQLite under the prefix."""
    password_file: Path | None = None
    """File that holds the database password, so that it stands in no settings."""


class DemoAuthentication(Part):
    method: Literal["demo"]
    """Local accounts with passwords made at the first start. Refuses to serve on a public address."""


class PamAuthentication(Part):
    method: Literal["pam"]
    """The machine's own accounts and passwords."""
    service: str = "login"
    """PAM service, a file in /etc/pam.d."""


class OidcAuthentication(Part):
    method: Literal["oidc"]
    """An OpenID Connect provider, such as Keycloak, MyAccessID or LuxTrust."""
    client_id: str
    """Client identifier that the provider gave for this Campus."""
    client_secret_file: Path
    """File that holds the client secret; readable by root only."""
    authorize_url: Url
    """The provider's authorization endpoint."""
    token_url: Url
    """The provider's token endpoint."""
    userinfo_url: Url
    """The provider's userinfo endpoint."""
    scopes: tuple[str, ...] = ("openid", "profile", "email", "groups")
    """Scopes to ask the provider for."""
    username_claim: str = "preferred_username"
    """Claim that holds the person's Unix account name."""
    groups_claim: str = "groups"
    """Claim that lists the person's groups."""
    login_service: str = "your organisation"
    """Named on the sign-in button."""
    ca_file: Path | None = None
    """Certificate authority to trust for the provider, where it is not a public one."""


Authentication = Annotated[
    DemoAuthentication | PamAuthentication | OidcAuthentication, Field(discriminator="method")
]


class AccessRule(Part):
    """One line of who may come in, and as what. Nobody comes in whom no rule names."""

    role: Literal["trainee", "instructor", "startup", "operator"]
    """What these people are: trainee, instructor (of a course), startup or operator."""
    group: str | None = None
    """Everyone whom the provider (or, with PAM, the machine) puts in this group."""
    user: UnixName | None = None
    """One person, by account name."""
    course: Name | None = None
    """With role instructor: the course they teach."""

    @model_validator(mode="after")
    def _one_subject(self) -> AccessRule:
        if (self.group is None) == (self.user is None):
            raise ValueError("names neither a group nor a user, or both; name exactly one")
        if (self.role == "instructor") != (self.course is not None):
            raise ValueError("an instructor rule names its course, and only an instructor rule does")
        return self


class Account(Part):
    """A demo account: made as a Unix account of this machine by ``up``."""

    name: UnixName
    """Account name, of Unix and of Campus."""
    role: Literal["trainee", "instructor", "startup", "operator"]
    """What this person is."""
    course: Name | None = None
    """With role instructor: the course they teach."""


class Slurm(Part):
    transport: Literal["cli"] = "cli"
    """How the hub talks to Slurm: its commands."""
    conf: Path | None = None
    """slurm.conf to use; empty means Slurm's own default, or the embedded cluster's."""
    poll_seconds: float = Field(default=5.0, ge=0.5, le=300)
    """How often the one watch asks Slurm for everybody's jobs."""
    command_seconds: float = Field(default=20.0, ge=1, le=300)
    """How long one Slurm command may take."""
    queue_limit: Duration = "1d"
    """How long a session may wait in the queue before it is given up."""


class LocalCluster(Part):
    """The embedded Slurm that ``up`` starts on this machine."""

    nodes: int = Field(default=4, ge=1, le=16)
    """Emulated nodes (one slurmd each). On a machine with NVIDIA GPUs there is one node, with those."""
    gpus_per_node: int = Field(default=4, ge=0, le=16)
    """Emulated GPUs on each node."""
    cpus_per_node: int = Field(default=32, ge=1, le=1024)
    """CPUs that each node offers to Slurm; may be more than the machine has."""
    controller_port: Port = 16817
    """slurmctld's port; the nodes take the ports after it."""


class Partition(Part):
    """What the site adds to one of Slurm's partitions."""

    name: SlurmName
    """The partition's name in Slurm."""
    title: str = ""
    """What people read instead of the name."""


class Size(Part):
    """A session size: what a person picks on the spawn page."""

    name: Name
    """Short name, used in addresses and the API."""
    title: str = Field(min_length=1, max_length=60)
    """What people read on the card."""
    description: str = Field(default="", max_length=200)
    """One line on what it is good for."""
    partition: SlurmName
    """Slurm partition it runs in."""
    gpus: int = Field(default=0, ge=0, le=64)
    """GPUs."""
    gpu_type: SlurmName | None = None
    """GPU type, as Slurm's gres names it; empty takes any."""
    cpus: int = Field(default=1, ge=1, le=1024)
    """CPU cores."""
    memory: Memory
    """Memory; more than this kills the kernel that took it."""
    time: Duration = "2h"
    """How long it runs unless the person asks for another time."""
    max_time: Duration = "8h"
    """The longest a person may ask for."""
    account: SlurmName | None = None
    """Slurm account to charge; empty means the person's default."""

    @model_validator(mode="after")
    def _time_fits(self) -> Size:
        if duration_seconds(self.time) > duration_seconds(self.max_time):
            raise ValueError(f"time {self.time} is longer than max_time {self.max_time}")
        return self


class Sessions(Part):
    environment: Path | None = None
    """Python environment of sessions, readable on every node; empty means PREFIX/session."""
    folder: str = "~"
    """Folder in which JupyterLab opens."""
    log_folder: str = ".campus/logs"
    """Folder in the person's home for session logs."""


class Content(Part):
    courses: Path | None = None
    """Folder of courses, one folder each; empty means the courses that come with Campus."""
    starter_kits: Path | None = None
    """Folder of starter kits, one folder each; empty means the kits that come with Campus."""


class Culling(Part):
    idle: Duration | None = "1h"
    """Stop a session that nobody has used for this long; leave out by writing enabled = false."""
    enabled: bool = True
    """Whether idle sessions are stopped at all."""
    every: Duration = "5m"
    """How often to look."""


class Site(Part):
    """A Campus: who may come in, what they may start, and where it runs."""

    name: str = Field(default="Campus", min_length=1, max_length=60)
    """Shown in page titles."""
    addresses: Addresses = Addresses()
    """Where people, nodes and the proxy find each other."""
    database: Database = Database()
    """Where the hub keeps its state."""
    authentication: Authentication
    """How people sign in."""
    access: tuple[AccessRule, ...] = ()
    """Who may come in, and as what."""
    accounts: tuple[Account, ...] = ()
    """Demo accounts; only with demo authentication."""
    slurm: Slurm = Slurm()
    """How to reach Slurm."""
    cluster: LocalCluster | None = None
    """The embedded cluster; leave out on a real one."""
    partitions: tuple[Partition, ...] = ()
    """What the site adds to Slurm's partitions."""
    sizes: tuple[Size, ...] = Field(min_length=1)
    """Session sizes, in the order in which people see them."""
    sessions: Sessions = Sessions()
    """What runs inside a session."""
    content: Content = Content()
    """Courses and starter kits."""
    culling: Culling = Culling()
    """Stopping idle sessions."""

    @model_validator(mode="after")
    def _fits_together(self) -> Site:
        problems: list[str] = []
        for key, names in (
            ("sizes", [s.name for s in self.sizes]),
            ("accounts", [a.name for a in self.accounts]),
            ("partitions", [p.name for p in self.partitions]),
        ):
            for name in sorted({n for n in names if names.count(n) > 1}):
                problems.append(f"{key}: {name!r} stands there twice; names must differ")
        problems += self._authentication_problems()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _authentication_problems(self) -> list[str]:
        found = []
        if self.authentication.method == "demo":
            if not self.addresses.loopback_only:
                found.append(
                    f"authentication: demo passwords may not serve on the public address {self.addresses.ip}; "
                    "bind a loopback address, or use method oidc or pam"
                )
            if not self.accounts:
                found.append("accounts: demo authentication needs at least one account")
        else:
            if self.accounts:
                found.append("accounts: demo accounts need authentication method demo; remove them")
            if not self.access:
                found.append("access: no rule lets anyone in; add [[access]] with a role and a group or user")
            if self.authentication.method == "oidc" and not self.addresses.public_url.startswith("https:"):
                if not self.addresses.loopback_only:
                    found.append(
                        "addresses.public_url: sign-in tokens would travel unencrypted; use an https address"
                    )
        return found

    def size(self, name: str) -> Size | None:
        return next((s for s in self.sizes if s.name == name), None)

    def rules(self) -> tuple[AccessRule, ...]:
        """The access rules, demo accounts included (each is a rule for one user)."""
        own = tuple(AccessRule(role=a.role, user=a.name, course=a.course) for a in self.accounts)
        return self.access + own
