"""Examining an installation: each part, whether it is well, and what to do when it is not."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from cryptography import x509

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.accounts import check_account
from hub_config.associations import known_associations, missing_associations
from hub_config.daemon_accounts import hub_account
from hub_config.daemons import Supervisor
from hub_config.exchange import exchange
from hub_config.home import home
from hub_config.installed import installed_site
from hub_config.lifecycle import WELL, answers, slurm_nodes
from hub_config.local_cluster import can_unshare_hostname
from hub_config.machine import Machine, look
from hub_config.ownership import check_readable
from hub_config.paths import Paths
from hub_config.security import security_findings
from hub_config.sessions import slurm_conf, slurm_transport
from hub_config.site import Site
from hub_config.slurmrestd import check_credential, rest_transport
from hub_config.sudo_rules import check_wrapper, missing_rules
from hub_config.up_checks import RELEASED, readable_by_others
from spawners.slurm.rest import Diagnosis, SlurmrestdClient


@dataclass(frozen=True)
class Finding:
    """``well`` is True, False (a failure), or None (works, but worth knowing)."""

    part: str
    well: bool | None
    says: str
    remedy: str = ""


@dataclass(frozen=True)
class Patient:
    site: Site
    paths: Paths
    machine: Machine


def _munge(p: Patient) -> Iterator[Finding]:
    if not p.site.cluster:
        return
    done = run_sync(
        ["munge", f"--socket={p.paths.munge_socket}", "--no-input", "--output=/dev/null"],
        what="Asking munged for a credential",
        timeout=10,
        check=False,
    )
    if done.status == 0:
        yield Finding("munge", True, "gives credentials")
    else:
        yield Finding(
            "munge", False, done.stderr.strip() or "does not answer", "./campus up, then ./campus logs munged"
        )


def _slurmctld(p: Patient) -> Iterator[Finding]:
    conf = slurm_conf(p.site, p.paths)
    if conf and not conf.exists():
        yield Finding("slurmctld", False, f"{conf} is missing", "./campus up")
        return
    try:
        theirs = asyncio.run(slurm_transport(p.site, p.paths, root=True).clock())
    except CampusError as error:
        remedy = "./campus logs slurmctld" if p.site.cluster else "ask whoever runs Slurm"
        yield Finding("slurmctld", False, error.detail.partition("\n")[0] or error.message, remedy)
        return
    yield Finding("slurmctld", True, "answers")
    off = abs(theirs - time.time())
    if off > 60:
        yield Finding("clock", False, f"{off:.0f} s away from slurmctld's", "let both follow the same time server")


def _slurmrestd(p: Patient) -> Iterator[Finding]:
    if p.site.slurm.transport != "rest":
        return
    client = rest_transport(p.site, p.paths).rest
    try:
        yield Finding("token", True, check_credential(client))
    except CampusError as error:
        yield Finding("token", False, error.message, error.remedy)
        return
    remedy = "./campus logs slurmrestd" if p.site.cluster else f"see that slurmrestd listens at {client.url}"
    try:
        yield Finding("slurmrestd", True, f"answers, {asyncio.run(client.version())}")
    except CampusError as error:
        yield Finding("slurmrestd", False, error.detail, remedy)
        return
    with contextlib.suppress(CampusError):  # what is wrong before that, the next check says
        asyncio.run(client.ask(Diagnosis, "GET", "slurm/*/diag"))
        yield from _acts_for_others(client)


def _acts_for_others(client: SlurmrestdClient) -> Iterator[Finding]:
    try:
        asyncio.run(client.ask(Diagnosis, "GET", "slurm/*/diag", person="nobody"))
    except CampusError as error:
        yield Finding(
            "token",
            False,
            f"does not let the hub act for the people: {error.detail}",
            f"slurm.rest.account ({client.account}) must be SlurmUser or root; see docs/operators.md",
        )


def _nodes(p: Patient) -> Iterator[Finding]:
    nodes = slurm_nodes(p.site, p.paths)
    bad = [n for n in nodes if n["state"] not in WELL]
    embedded = p.site.cluster is not None
    for node in bad:
        yield Finding(
            "nodes",
            # On a real cluster some nodes are always drained or down; here there are but these.
            False if embedded else None,
            f"{node['name']} is {node['state']}",
            (f"./campus logs {node['name']}; " if embedded else "")
            + f"scontrol show node {node['name']} tells Slurm's reason",
        )
    if not nodes:
        yield Finding("nodes", False, "Slurm names none", "look at slurmctld first")
    elif not bad:
        yield Finding("nodes", True, f"{len(nodes)} ready")
    gpus = sum(n["gpus"] for n in nodes)
    needed = max(size.gpus for size in p.site.sizes)
    if nodes:
        enough = max(n["gpus"] for n in nodes) >= needed
        yield Finding(
            "gres",
            enough or None,
            f"{gpus} GPUs" if enough else f"no node has the {needed} GPUs of the largest session size",
            "" if enough else "make the size smaller in the site file, or see gres.conf(5) if there are more GPUs",
        )


def _accounting(p: Patient) -> Iterator[Finding]:
    if not p.site.cluster:
        return
    try:
        missing = list(missing_associations(p.site, known_associations(p.paths)))
    except CampusError as error:
        yield Finding(
            "slurmdbd", False, error.detail.partition("\n")[0], "./campus logs slurmdbd, ./campus logs mariadb"
        )
        return
    if missing:
        words = ", ".join(" ".join(command[1:3]) for command in missing)
        yield Finding("slurmdbd", False, f"answers, and does not know: {words}", "./campus up")
    else:
        yield Finding("slurmdbd", True, "answers")


def _containment(p: Patient) -> Iterator[Finding]:
    if not p.site.cluster:
        return
    if p.machine.contains_memory:
        yield Finding("cgroups", True, f"version {p.machine.cgroup_version}; sessions are held to their memory")
    else:
        yield Finding(
            "cgroups",
            None,
            "not usable here: a session's memory is not limited, and its stray processes are not tracked",
            "mount /sys/fs/cgroup writable with the memory controller to have them contained",
        )
    if not can_unshare_hostname():
        yield Finding(
            "loopback",
            None,
            "Slurm's daemons listen on the machine's hostname: root may not give them one of their own",
            "give the container the SYS_ADMIN capability, or let a firewall close the ports from 16817 on",
        )


_AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def _sandbox(p: Patient) -> Iterator[Finding]:
    """Whether an ordinary account can run student code here; on a real cluster that is a question to its nodes."""
    if not p.site.cluster:
        return
    python = str(p.paths.session_env / "bin" / "python")
    done = run_sync(
        [*_AS_NOBODY, python, "-I", "-m", "extensions.grading.sandbox"],
        what="Trying a sandbox",
        timeout=120,
        check=False,
    )
    says, _, remedy = done.stderr.strip().partition("\n")[0].partition(". ")
    if done.status == 0:
        yield Finding("sandbox", True, "student code can be run")
    else:
        yield Finding("sandbox", False, says or "cannot be tried", remedy or "./campus up")


def _daemons(p: Patient) -> Iterator[Finding]:
    states = Supervisor(p.paths).states()
    if not states:
        yield Finding("daemons", False, "supervisord does not run", "./campus up")
    for state in states:
        if not state.running:
            yield Finding("daemons", False, f"{state.name} is {state.state.lower()}", f"./campus logs {state.name}")
    if states and all(s.running for s in states):
        yield Finding("daemons", True, f"{len(states)} running")
    for state in states:
        own = p.site.daemons
        accounts = {"proxy": own.proxy_account, "hub": hub_account(p.site)}
        accounts |= {service.name: service.account for service in (exchange(p.site, p.paths), home(p.site, p.paths))}
        wanted = accounts.get(state.name)
        if state.running and wanted and (runs_as := psutil.Process(state.pid).username()) != wanted:
            yield Finding("daemons", False, f"{state.name} runs as {runs_as}, not as {wanted}", "./campus up")


def _hub(p: Patient) -> Iterator[Finding]:
    hub = answers(p.site)
    own = (exchange(p.site, p.paths), home(p.site, p.paths))
    public = p.site.addresses.public_url
    parts = {"hub": (public, hub), "proxy": (public, hub)}
    parts |= {one.name: (one.health_url, answers(p.site, one.health_url)) for one in own}
    for part, (address, well) in parts.items():
        remedy = f"./campus logs {part}"
        if not Supervisor(p.paths).state(part).running:
            yield Finding(part, False, "is not run by supervisord", f"./campus up, then {remedy}")
        elif well:
            yield Finding(part, True, "answers")
        else:
            yield Finding(part, False, f"runs, but {address} does not answer", remedy)


def _certificates(p: Patient) -> Iterator[Finding]:
    folder = p.paths.internal_certificates
    now = datetime.datetime.now(datetime.UTC)
    public = [p.site.addresses.tls.certificate] if p.site.addresses.tls else []
    found = sorted(folder.glob("*/*.crt")) + public
    if not found:
        yield Finding("certificates", False, f"none in {folder}", "./campus up")
    bad = 0
    for path in found:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        left = certificate.not_valid_after_utc - now
        if certificate.not_valid_before_utc > now:
            bad += 1
            yield Finding("certificates", False, f"{path} is not valid yet: the clock went back", "set the clock")
        elif left < datetime.timedelta(days=30) and not path.name.startswith("user-"):
            bad += 1
            yield Finding(
                "certificates",
                left > datetime.timedelta(0) and None,
                f"{path} ends in {left.days} days",
                "renew it where it comes from, then ./campus up"
                if path in public
                else f"./campus down, remove {folder}, ./campus up (running sessions end)",
            )
    for path in public:
        if path.read_bytes() != (p.paths.proxy_state / "public.crt").read_bytes():
            bad += 1
            yield Finding("certificates", False, f"the proxy serves another than {path}", "./campus up")
    if found and not bad:
        yield Finding("certificates", True, f"{len(found)} valid")


def _disk(p: Patient) -> Iterator[Finding]:
    for path in {p.paths.prefix, Path("/tmp")}:  # noqa: S108 - where sessions keep their sockets
        free = shutil.disk_usage(path).free / 2**30
        yield Finding("disk", free > 1, f"{free:.0f} GB free under {path}", "" if free > 1 else "free some space there")


def _accounts(p: Patient) -> Iterator[Finding]:
    missing = []
    taken = False
    for account in p.site.accounts:
        try:
            if not check_account(account.name, p.paths.homes / account.name):
                missing.append(account.name)
        except CampusError as error:
            taken = True
            yield Finding("accounts", False, error.message, error.remedy)
    if missing:
        yield Finding("accounts", False, f"missing: {', '.join(missing)}", "./campus up")
    elif p.site.accounts and not taken:
        yield Finding("accounts", True, f"{len(p.site.accounts)} demo accounts")


def _interpreter(p: Patient) -> Iterator[Finding]:
    environment = p.site.sessions.environment or p.paths.session_env
    python = environment / "bin" / "python"
    if not python.exists():
        yield Finding("interpreter", False, f"{python} is missing", "./campus up")
        return
    real = python.resolve()
    well = readable_by_others(real) and all(q.stat().st_mode & 0o1 for q in python.parents)
    yield Finding(
        "interpreter",
        well,
        f"{python} ({real})" if well else f"{real} cannot be run by other accounts",
        "" if well else "remove the session folder under the prefix, install Debian's python3, ./campus up",
    )


def _clock(p: Patient) -> Iterator[Finding]:
    today = datetime.date.today()
    well = today >= RELEASED
    yield Finding("clock", well, str(today), "" if well else "timedatectl set-ntp true")


def _security(p: Patient) -> Iterator[Finding]:
    for package, well, says, remedy in security_findings(bool(p.site.cluster)):
        yield Finding(f"security of {package}", well, says, remedy)


def _sudo(p: Patient) -> Iterator[Finding]:
    if p.site.slurm.transport != "sudo":
        return
    missing = list(missing_rules(p.site, p.paths))
    for says, remedy in missing:
        yield Finding("sudo", False, says, remedy)
    check_wrapper(p.paths)
    check_readable(p.site)
    if not missing:
        yield Finding("sudo", True, f"lets {hub_account(p.site)} run {p.paths.slurm_wrapper} for people")


CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    _munge,
    _slurmrestd,
    _slurmctld,
    _nodes,
    _accounting,
    _containment,
    _sandbox,
    _daemons,
    _hub,
    _sudo,
    _certificates,
    _disk,
    _accounts,
    _interpreter,
    _clock,
    _security,
)


def findings(paths: Paths) -> Iterator[Finding]:
    """Every check's findings; a check that breaks is itself a finding. Raises ManifestError."""
    patient = Patient(installed_site(paths), paths, look())
    for check in CHECKS:
        try:
            yield from check(patient)
        except (CampusError, OSError, ValueError) as error:
            yield Finding(check.__name__.strip("_"), False, f"could not be examined: {error}", "see the message")


def examine(paths: Paths, say: Callable[[str], None]) -> int:
    """Print every finding; 0 when nothing fails, else 1."""
    signs = {True: "ok  ", False: "FAIL", None: "note"}
    failed = 0
    for finding in findings(paths):
        failed += finding.well is False
        say(f"{signs[finding.well]}  {finding.part}: {finding.says}")
        if finding.remedy:
            say(f"      -> {finding.remedy}")
    say(f"\n{failed} failed" if failed else "\nAll is well.")
    return 1 if failed else 0
