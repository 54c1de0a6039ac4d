"""The Site model: everything an operator may set, in one TOML file.

Each field's description is the documentation: ``docs/settings.md`` and the JSON schema are made from it.
Facts that Slurm knows (nodes, GPUs, limits) are not here; they are read from Slurm.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from campus_base.manifest import Duration, DurationOrOff, Line, Many, Name, Named, Part, duration_seconds
from hub_config import site_checks
from hub_config.site_people import AccessRule, Account, Authentication
from hub_config.site_people import DemoAuthentication as DemoAuthentication
from hub_config.site_people import OidcAuthentication as OidcAuthentication
from hub_config.site_people import PamAuthentication as PamAuthentication
from hub_config.site_types import (
    AbsolutePath,
    BelowHome,
    CourseName,
    DaemonName,
    DatabaseUrl,
    Folder,
    GitRef,
    GitUrl,
    Ipv4,
    Memory,
    Port,
    PublicUrl,
    SlurmName,
    SlurmrestdUrl,
    is_loopback,
)
from hub_config.site_types import memory_mib as memory_mib


class Tls(Part):
    """The public address's certificate. Leave the table out when another proxy ends TLS."""

    certificate: AbsolutePath
    """PEM file with the certificate and its chain, for the public address."""
    key: AbsolutePath
    """PEM file with the private key; readable by root only. When it was renewed, ./campus up puts it to use."""


class Addresses(Part):
    """Where people, nodes and the proxy find each other."""

    public_url: PublicUrl = "http://127.0.0.1:8000"
    """What people type in a browser. Its port is where the proxy listens, unless listen_port is given."""
    listen_ip: Ipv4 = ""
    """Address the proxy binds; empty takes the IP address in public_url, or all where that is a name."""
    listen_port: Port | None = None
    """Port the proxy binds, where it differs from public_url's (behind another proxy)."""
    hub_ip: Ipv4 = "127.0.0.1"
    """Address of this machine at which compute nodes reach the hub; loopback with the embedded cluster."""
    hub_port: Port = 8081
    """Port at which compute nodes reach the hub."""
    proxy_api_port: Port = 8001
    """Loopback port on which the hub tells the proxy its routes."""
    exchange_port: Port = 8002
    """Loopback port of the exchange, where courses and submissions are kept."""
    home_port: Port = 8003
    """Loopback port of Home, which serves the page that people land on, and those of courses."""
    own_domains: bool = False
    """Give each person a domain of their own, NAME below public_url's: no page of a session has a way to another's.
    Needs an entry in DNS and a certificate for all names below it (wildcards)."""
    tls: Tls | None = None
    """Certificate of the public address. Leave out when another proxy ends TLS."""

    @property
    def port(self) -> int:
        parts = urlsplit(self.public_url)
        return self.listen_port or parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def origin(self) -> str:
        """public_url without its path."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def ip(self) -> str:
        host = urlsplit(self.public_url).hostname or ""
        if self.listen_ip:
            return self.listen_ip
        try:
            return str(ip_address(host))
        except ValueError:
            return "127.0.0.1" if is_loopback(host) else "0.0.0.0"  # noqa: S104 - a public site


class Daemons(Part):
    """The accounts of Campus's own daemons. ``up`` makes those that are missing on this machine."""

    hub_account: DaemonName = "campus-hub"
    """The hub's, with transport sudo; with the others it is root."""
    proxy_account: DaemonName = "campus-proxy"
    """The public proxy's, which never runs as root. It reads copies of what it needs, in PREFIX/var/proxy."""
    exchange_account: DaemonName = "campus-exchange"
    """The exchange's, which keeps courses and submissions in PREFIX/var/exchange; nobody else reads that folder."""
    home_account: DaemonName = "campus-home"
    """Home's, which serves pages and may do nothing but ask for whoever is signed in."""
    slurmrestd_account: DaemonName = "campus-slurmrestd"
    """With transport rest, of the embedded cluster's slurmrestd. It holds no key, and reads slurm.conf only."""


class Database(Part):
    """Where the hub and the exchange keep their state: SQLite under the prefix, unless this names a PostgreSQL."""

    url: DatabaseUrl = ""
    """SQLAlchemy address without password, like postgresql+psycopg://campus@db.example.org/campus."""
    password_file: AbsolutePath | None = None
    """File that holds the database password, so that it stands in no settings; readable by root only."""


class SlurmAccounting(Part):
    """What slurm.conf says of accounts, and slurmrestd does not. Leave the table out where nobody is held to one."""

    cluster: SlurmName
    """ClusterName: whose accounts count, where slurmdbd serves several clusters."""
    enforced: Many[Literal["associations", "limits", "qos", "safe", "nojobs", "nosteps", "wckeys"]] = ()
    """AccountingStorageEnforce: what people are held to."""


class Slurmrestd(Part):
    """Which slurmrestd to use with transport rest. Leave the table out with the embedded cluster, which has its own."""

    url: SlurmrestdUrl
    """Where it listens: unix:/PATH of its socket, or an https address; http serves this machine alone."""
    account: SlurmName = "slurm"
    """Whose token it is: SlurmUser, or root. Slurm lets nobody else act for the people whose sessions these are."""
    token_file: AbsolutePath | None = None
    """File with a token that the site makes and renews (scontrol token); readable by the hub's account only."""
    key_file: AbsolutePath | None = None
    """In place of token_file: slurmctld's key (jwt_key), to make tokens with; readable by the hub's account only."""
    accounting: SlurmAccounting | None = None
    """The cluster's accounts, where people are held to them."""

    @model_validator(mode="after")
    def _one_credential(self) -> Slurmrestd:
        if (self.token_file is None) == (self.key_file is None):
            raise ValueError("must name a token_file or a key_file, one of the two")
        return self


class Slurm(Part):
    """How to reach Slurm."""

    transport: Literal["cli", "sudo", "rest"] = "cli"
    """How the hub reaches Slurm: by its commands, as root (cli) or by sudo (sudo), or through slurmrestd (rest)."""
    operator_account: DaemonName = "slurm"
    """With transport sudo: an account that Slurm lets see and lengthen everybody's jobs: SlurmUser, or an operator."""
    rest: Slurmrestd | None = None
    """Which slurmrestd to use with transport rest."""
    conf: AbsolutePath | None = None
    """slurm.conf that its commands use, where it is not at their default place; not with the embedded cluster."""
    poll_seconds: float = Field(default=5.0, ge=0.5, le=300, allow_inf_nan=False)
    """How often the one watch asks Slurm for everybody's jobs."""
    command_seconds: float = Field(default=20.0, ge=1, le=300, allow_inf_nan=False)
    """How long one Slurm command, or one request to slurmrestd, may take."""
    queue_limit: Duration = "1d"
    """How long a session may wait in the queue before it is given up."""


class LocalCluster(Part):
    """The embedded Slurm that ``up`` starts on this machine. Leave the table out on a real cluster."""

    nodes: int = Field(default=4, ge=1, le=16)
    """Emulated nodes (one slurmd each). On a machine with NVIDIA GPUs there is one node, with those."""
    gpus_per_node: int = Field(default=4, ge=0, le=16)
    """Emulated GPUs on each node."""
    shards_per_gpu: int = Field(default=4, ge=0, le=32)
    """Slices of each GPU, for sizes with shards; 0 for none. Slurm counts them; nothing keeps them apart on the GPU."""
    cpus_per_node: int = Field(default=32, ge=1, le=1024)
    """CPUs that each node offers to Slurm; may be more than the machine has."""
    controller_port: Port = 16817
    """slurmctld's port; the nodes take the ports after it, one each, and slurmdbd the one after those."""


class Partition(Part):
    """What the site adds to one of Slurm's partitions; the embedded cluster has those that stand here."""

    name: SlurmName
    """The partition's name in Slurm."""
    title: Line = Field(default="", max_length=60)
    """What people read instead of the name."""


class Size(Part):
    """A session size: what a person picks on the spawn page."""

    name: Name
    """Short name, used in addresses and the API."""
    title: Line = Field(min_length=1, max_length=60)
    """What people read on the card."""
    description: Line = Field(default="", max_length=200)
    """One line on what it is good for."""
    partition: SlurmName
    """Slurm partition it runs in."""
    gpus: int = Field(default=0, ge=0, le=64)
    """GPUs, for the session alone."""
    shards: int = Field(default=0, ge=0, le=1024)
    """Slices of one GPU (gres "shard") in place of whole ones: others share it."""
    gpu_type: SlurmName | None = None
    """GPU type, as Slurm's gres names it; empty takes any."""
    cpus: int = Field(default=1, ge=1, le=1024)
    """CPU cores."""
    memory: Memory
    """Memory, unless the person asks for another amount; more than this kills the kernel that took it."""
    max_memory: Memory | None = None
    """The most memory a person may ask for; without it, memory is fixed."""
    time: Duration = "2h"
    """How long it runs unless the person asks for another time."""
    max_time: Duration = "8h"
    """The longest a person may ask for."""
    account: SlurmName | None = None
    """Slurm account to charge; empty means the person's default."""

    @model_validator(mode="after")
    def _fits(self) -> Size:
        if duration_seconds(self.time) < 60:
            raise ValueError("must have a time of 1m or more, because Slurm counts in minutes")
        if duration_seconds(self.time) > duration_seconds(self.max_time):
            raise ValueError(f"must not have a time ({self.time}) longer than its max_time ({self.max_time})")
        if self.max_memory and memory_mib(self.memory) > memory_mib(self.max_memory):
            raise ValueError(f"must not have a memory ({self.memory}) larger than its max_memory ({self.max_memory})")
        if self.gpus and self.shards:
            raise ValueError("must have gpus or shards, one of the two: Slurm hands a GPU out whole or in slices")
        if self.gpu_type and not self.gpus:
            raise ValueError("must have gpus = 1 or more to have a gpu_type; add gpus or remove gpu_type")
        return self


SlurmChoice = Literal["reservation", "account", "partition", "qos"]


class Environment(Part):
    """Software that people may choose for a session; the first serves whoever chooses none."""

    name: Name
    """Short name, used in addresses and the API."""
    title: Line = Field(min_length=1, max_length=60)
    """What people read in the list."""
    description: Line = Field(default="", max_length=200)
    """One line on what it is good for."""
    python: AbsolutePath | None = None
    """Python environment with Campus in it, readable on every node, or inside image; empty means the installed one."""
    image: AbsolutePath | None = None
    """Apptainer image that sessions run in, readable on every node. Without python, its own python3 serves."""


class Sessions(Part):
    """What runs inside a session, and what people may choose about it."""

    environment: AbsolutePath | None = None
    """Python environment of sessions, readable on every node; empty means PREFIX/session."""
    folder: Folder = "~"
    """Folder in which JupyterLab opens."""
    named: int = Field(default=3, ge=0, le=20)
    """How many sessions with a name of their own a person may have beside the first; 0 for none."""
    choices: Many[SlurmChoice] = ("reservation", "account", "partition", "qos")
    """What a person may choose otherwise than the size, of what Slurm lets them use. GPUs and cores are the size's."""
    log_folder: BelowHome = ".campus/logs"
    """Folder for session logs, relative to the person's home."""
    job_template: AbsolutePath | None = None
    """Template that extends the job script: sbatch directives, modules, a container (docs/operators.md)."""


class CourseRepository(Part):
    """A course that is kept in a git repository, with course.toml at its top."""

    name: CourseName
    """The course's name; its grader is the account grader-NAME, which clones it."""
    url: GitUrl
    """Where it is cloned from: https://..., ssh://..., file:///... or a path."""
    ref: GitRef | None = None
    """Branch or tag to publish; the repository's own choice where left out."""


class Content(Part):
    """Courses and starter kits."""

    courses: AbsolutePath | None = None
    """Folder of courses, one folder each; empty means the courses that come with Campus."""
    course_repositories: Named[CourseRepository] = ()
    """Courses that are kept in git repositories, beside those in the folder."""
    publish: Many[CourseName] = ()
    """Courses that ./campus up publishes; ./campus course publish does it for any."""
    starter_kits: AbsolutePath | None = None
    """Folder of starter kits, one folder each; empty means the kits that come with Campus."""


class Exchange(Part):
    """What may be handed in."""

    upload: Memory = "100M"
    """How large one submission, release or feedback may be."""
    person: Memory = "2G"
    """How much one person may hand in to one course, all submissions together."""


class Classes(Part):
    """GPUs that instructors book for a live class, as reservations of Slurm's."""

    enabled: bool = False
    """Whether instructors may book at all. Slurm then keeps whole nodes free for a class."""
    gpus: int = Field(default=16, ge=1, le=4096)
    """The most GPUs that all classes may have at the same time, of all courses together."""
    longest: Duration = "4h"
    """The longest class."""
    ahead: Duration = "60d"
    """How far ahead a class may begin."""
    each: int = Field(default=8, ge=1, le=100)
    """How many classes a course may have booked, the one that is on included."""


class Culling(Part):
    """Stopping idle sessions. What counts as use is in the operators' guide, under Idle sessions."""

    enabled: bool = True
    """Whether idle sessions are stopped at all."""
    idle: DurationOrOff = "1h"
    """Stop a session in which nothing has been done for this long; off for never."""
    gpu_idle: DurationOrOff = "30m"
    """Stop a session with GPUs in which nothing has run, and whose GPUs were not busy, for this long; off for never."""
    gpu_busy_percent: int = Field(default=5, ge=1, le=100)
    """A GPU counts as busy when nvidia-smi reports at least this utilisation, in per cent."""
    notice: Duration = "5m"
    """How long before JupyterLab says that the session will end, and lets its person keep it."""
    keeps: int = Field(default=2, ge=0, le=100)
    """How often in a row a person may keep an idle session, each time as if it had been used; 0 for never."""
    every: Duration = "1m"
    """How often to look for sessions that have been idle for too long."""


class Site(Part):
    """A Campus: who may come in, what they may start, and where it runs."""

    name: Line = Field(default="Campus", min_length=1, max_length=60)
    """Shown in page titles."""
    addresses: Addresses = Addresses()
    """Where people, nodes and the proxy find each other."""
    daemons: Daemons = Daemons()
    """The accounts of Campus's own daemons."""
    database: Database = Database()
    """Where the hub and the exchange keep their state."""
    authentication: Authentication
    """How people sign in."""
    access: Many[AccessRule] = ()
    """Who may come in, and as what."""
    accounts: Named[Account] = ()
    """Demo accounts; only with demo authentication."""
    slurm: Slurm = Slurm()
    """How to reach Slurm."""
    cluster: LocalCluster | None = None
    """The embedded cluster; leave out on a real one."""
    partitions: Named[Partition] = ()
    """What the site adds to Slurm's partitions."""
    sizes: Named[Size] = Field(min_length=1)
    """Session sizes, in the order in which people see them."""
    environments: Named[Environment] = ()
    """Software to choose from, the usual one first; empty means the installed one only."""
    sessions: Sessions = Sessions()
    """What runs inside a session, and what people may choose about it."""
    content: Content = Content()
    """Courses and starter kits."""
    exchange: Exchange = Exchange()
    """What may be handed in."""
    classes: Classes = Classes()
    """GPUs that instructors book for a live class."""
    culling: Culling = Culling()
    """Stopping idle sessions."""

    @field_validator("*")
    @classmethod
    def _note_sound_part(cls, value: Any, info: ValidationInfo) -> Any:
        """Tell the caller which parts are sound, so that these are checked even when others are not."""
        if info.context is not None:
            info.context[info.field_name] = value
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Site:
        if problems := site_checks.problems({name: getattr(self, name) for name in Site.model_fields}):
            raise ValueError("\n".join(problems))
        return self

    def size(self, name: str) -> Size | None:
        """The size of that name, None where there is none."""
        return next((s for s in self.sizes if s.name == name), None)

    def rules(self) -> tuple[AccessRule, ...]:
        """The access rules, demo accounts included (each is a rule for one user)."""
        own = tuple(AccessRule(role=a.role, user=a.name, course=a.course) for a in self.accounts)
        return self.access + own
