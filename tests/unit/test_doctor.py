"""The doctor: what it finds on a machine on which all is well but one thing, and that it always says what to do."""

from __future__ import annotations

import datetime
import gzip
import io
import os
import pwd
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from campus_base.errors import CampusError
from campus_base.manifest_file import ManifestError
from hub_config import doctor, security
from hub_config.daemons import Supervisor
from hub_config.doctor import Finding, examine, findings
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.site_file import LOCAL
from tests.unit.test_queries import A_NODE, sinfo

DAEMONS = ("munged", "mariadb", "slurmdbd", "slurmctld", "gpu-node1", "gpu-node2", "proxy", "exchange", "home", "hub")
KEY = ec.generate_private_key(ec.SECP256R1())
DAY = datetime.timedelta(days=1)


class Patient:
    """An installation on which all is well. What a test changes here is what is broken."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder)
        self.machine = Machine(8192, (), 1, frozenset({"memory", "devices"}))
        self.daemons = dict.fromkeys(DAEMONS, "RUNNING")
        self.owners = dict.fromkeys(DAEMONS, "root")
        self.owners |= {name: f"campus-{name}" for name in ("proxy", "exchange", "home")}
        self.answers = True
        self.silent = ""
        self.free = 100 * 2**30
        self.accounts = {f"{a}": self.paths.homes / a for a in ("trainee1", "operator1")}
        self.nodes = {"gpu-node1": ("idle", 4), "gpu-node2": ("mixed", 4)}
        self.slurm_seconds = 0.0
        self.programs: dict[str, tuple[int, str, str]] = {
            "munge": (0, "", ""),
            "sacctmgr": (0, "root|\nroot|root\ntraining|\ntraining|trainee1\ntraining|operator1\nlong\n", ""),
            "unshare": (0, "", ""),
            "setpriv --reuid=65534": (0, "Student code can be run here.\n", ""),
            "dpkg-query": (0, "25.05.0-1", ""),
        }
        self.write_site()
        self.certificate("hub-internal/hub-internal.crt")
        self.certificate("user-trainee1/user-trainee1.crt")
        environment = self.paths.environments / "session-1" / "bin"
        environment.mkdir(parents=True)
        (environment / "python").symlink_to(folder / "python3")
        (folder / "python3").touch()
        (folder / "python3").chmod(0o755)
        self.paths.session_env.symlink_to(environment.parent)

    def write_site(self, **changes: str) -> None:
        text = LOCAL.read_text()
        for name in ("trainee2", "startup1"):
            text = text.replace(f'[[accounts]]\nname = "{name}"\nrole = "{name[:-1]}"\n', "")
        text = text.replace('[[accounts]]\nname = "instructor1"\nrole = "instructor"\ncourse = "first-steps"\n', "")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new, 1)
        self.paths.site_file.parent.mkdir(parents=True, exist_ok=True)
        self.paths.site_file.write_text(text)
        self.paths.slurm_conf.parent.mkdir(parents=True, exist_ok=True)
        self.paths.slurm_conf.touch()

    def certificate(self, name: str, start: float = -1, end: float = 3650) -> Path:
        """A certificate that is valid from so many days from now to so many days from now."""
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(KEY.public_key())
        builder = builder.serial_number(1).not_valid_before(now + start * DAY).not_valid_after(now + end * DAY)
        path = self.paths.internal_certificates / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    # -- the outermost edge: programs, supervisord's socket, HTTP, the machine --

    def run(self, argv: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        words = " ".join(argv)
        if argv[0] == "sinfo":
            rows = [
                {**A_NODE, "NodeList": name, "StateLong": state, "Gres": f"gpu:{gpus}(S:0)"}
                for name, (state, gpus) in self.nodes.items()
            ]
            return subprocess.CompletedProcess(argv, 0, sinfo(*rows).encode(), b"")
        if argv == ["scontrol", "show", "config"] and not {"scontrol", "scontrol show"} & self.programs.keys():
            said = f"Configuration data as of {time.time() + self.slurm_seconds:.0f}\n"
            return subprocess.CompletedProcess(argv, 0, said.encode(), b"")
        known = [name for name in self.programs if words.startswith(name)]
        assert known, f"nobody expected {argv}"
        status, out, err = self.programs[known[0]]
        if status == 127:
            raise FileNotFoundError(2, "No such file or directory", argv[0])
        return subprocess.CompletedProcess(argv, status, out.encode(), err.encode())

    async def start(self, *argv: str, **_: Any) -> Any:
        """A program that is waited for without blocking."""
        done = self.run(list(argv))

        async def communicate(stdin: bytes) -> tuple[bytes, bytes]:
            return done.stdout, done.stderr

        return SimpleNamespace(communicate=communicate, returncode=done.returncode)

    def call(self, supervisor: Supervisor, method: str, *_: Any) -> Any:
        assert method == "getAllProcessInfo"
        if not self.daemons:
            raise ConnectionRefusedError
        return [
            {"name": name, "statename": state, "pid": pid if state == "RUNNING" else 0}
            for pid, (name, state) in enumerate(self.daemons.items(), 1)
        ]

    def process(self, pid: int) -> Any:
        name = list(self.daemons)[pid - 1]
        return SimpleNamespace(username=lambda: self.owners[name])

    def urlopen(self, request: urllib.request.Request, **_: Any) -> Any:
        asked = re.fullmatch(
            r"https?://127\.0\.0\.1:\d+/(hub|services/exchange|services/home)/health", request.full_url
        )
        assert asked
        if not self.answers or asked[1] in self.silent:
            raise urllib.error.URLError("refused")
        answer: Any = io.BytesIO()
        answer.status = 200
        return answer

    def getpwnam(self, name: str) -> Any:
        return pwd.struct_passwd((name, "x", 1000, 1000, "", str(self.accounts[name]), "/bin/bash"))

    def findings(self) -> list[Finding]:
        return list(findings(self.paths))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Patient]:
    # Not pytest's own folder: only root may enter that.
    folder = Path(tempfile.mkdtemp(prefix="campus-test-"))
    folder.chmod(0o755)
    found = Patient(folder)
    monkeypatch.setattr("campus_base.process.subprocess.run", found.run)
    monkeypatch.setattr("campus_base.process.asyncio.create_subprocess_exec", found.start)
    monkeypatch.setattr(Supervisor, "_call", lambda *arguments: found.call(*arguments))
    monkeypatch.setattr(doctor.psutil, "Process", found.process)
    monkeypatch.setattr(urllib.request, "urlopen", found.urlopen)
    # The machine's own takes a while, for the authorities that nobody asks here.
    monkeypatch.setattr(ssl, "create_default_context", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=found.free))
    monkeypatch.setattr(pwd, "getpwnam", found.getpwnam)
    monkeypatch.setattr(doctor, "look", lambda: found.machine)
    monkeypatch.setattr(doctor, "RELEASED", datetime.date(2000, 1, 1))
    monkeypatch.setattr(security, "_DOC", tmp_path)
    yield found
    shutil.rmtree(folder)


def failures(found: list[Finding]) -> dict[str, list[Finding]]:
    parts: dict[str, list[Finding]] = {}
    for finding in found:
        if finding.well is False:
            parts.setdefault(finding.part, []).append(finding)
    return parts


def test_where_all_is_well_every_part_says_so(patient: Patient) -> None:
    found = patient.findings()
    assert [f for f in found if f.well is not True] == []
    assert list(dict.fromkeys(f.part for f in found)) == [
        "munge",
        "slurmctld",
        "nodes",
        "gres",
        "slurmdbd",
        "cgroups",
        "sandbox",
        "daemons",
        "hub",
        "proxy",
        "exchange",
        "home",
        "certificates",
        "disk",
        "accounts",
        "interpreter",
        "clock",
        "security of munge",
        "security of slurmctld",
    ]


# ---------------------------------------------------------------- one thing broken

Break = Callable[[Patient], Any]


def program(name: str, status: int, out: str = "", err: str = "") -> Break:
    return lambda p: p.programs.update({name: (status, out, err)})


def private_interpreter(p: Patient) -> None:
    (p.paths.prefix / "python3").chmod(0o700)


def private_environment(p: Patient) -> None:
    p.paths.session_env.resolve().chmod(0o750)


def old_munge(p: Patient) -> None:
    program("dpkg-query", 0, "0.5.15-1")(p)
    for package in ("munge", "slurmctld"):
        (security._DOC / package).mkdir()
        (security._DOC / package / "changelog.Debian.gz").write_bytes(gzip.compress(b"old"))


# What is broken: how, the part that fails, what it says, and a word of the remedy.
BROKEN: dict[str, tuple[Break, str, str, str]] = {
    "munged is silent": (program("munge", 1, err="munge: Error: no socket\n"), "munge", "no socket", "logs munged"),
    "munged says nothing": (program("munge", 1), "munge", "does not answer", "./campus up"),
    "no munge": (program("munge", 127), "munge", "munge cannot be started", "see the message"),
    "slurmctld is down": (
        program("scontrol show", 1, err="slurm_load_ctl_conf error: Unable to contact slurm controller\n"),
        "slurmctld",
        "Unable to contact slurm controller",
        "./campus logs slurmctld",
    ),
    "slurmctld says nonsense": (
        program("scontrol show", 0, "<html>\n"),
        "slurmctld",
        "<html>",
        "./campus logs slurmctld",
    ),
    "a node is down": (
        lambda p: p.nodes.update({"gpu-node2": ("down*", 4)}),
        "nodes",
        "gpu-node2 is down",
        "./campus logs gpu-node2; scontrol show node gpu-node2",
    ),
    "a node is drained": (
        lambda p: p.nodes.update({"gpu-node1": ("drained", 4)}),
        "nodes",
        "gpu-node1 is drained",
        "scontrol show node gpu-node1",
    ),
    "slurmdbd is down": (
        program("sacctmgr", 1, err="sacctmgr: error: Connection refused\n"),
        "slurmdbd",
        "Connection refused",
        "./campus logs slurmdbd",
    ),
    "a person without an account": (
        program("sacctmgr", 0, "root|\ntraining|\ntraining|trainee1\nlong\n"),
        "slurmdbd",
        "does not know: user operator1",
        "./campus up",
    ),
    "no nodes": (lambda p: p.nodes.clear(), "nodes", "Slurm names none", "slurmctld"),
    "nothing runs": (lambda p: (p.daemons.clear(), setattr(p, "answers", False)), "daemons", "supervisord", "up"),
    "a daemon keeps dying": (
        lambda p: p.daemons.update({"gpu-node2": "BACKOFF"}),
        "daemons",
        "gpu-node2 is backoff",
        "./campus logs gpu-node2",
    ),
    "the proxy is root": (
        lambda p: p.owners.update({"proxy": "root"}),
        "daemons",
        "proxy runs as root, not as campus-proxy",
        "./campus up",
    ),
    "the hub is dead": (
        lambda p: (p.daemons.update({"hub": "FATAL"}), setattr(p, "answers", False)),
        "hub",
        "is not run by supervisord",
        "./campus logs hub",
    ),
    "the proxy is dead": (
        lambda p: (p.daemons.update({"proxy": "FATAL"}), setattr(p, "answers", False)),
        "proxy",
        "is not run by supervisord",
        "./campus logs proxy",
    ),
    "the hub is silent": (
        lambda p: setattr(p, "answers", False),
        "hub",
        "runs, but http://127.0.0.1:8000 does not answer",
        "./campus logs hub",
    ),
    "the exchange is silent": (
        lambda p: setattr(p, "silent", "services/exchange"),
        "exchange",
        "runs, but http://127.0.0.1:8000/services/exchange/health does not answer",
        "./campus logs exchange",
    ),
    "home is silent": (
        lambda p: setattr(p, "silent", "services/home"),
        "home",
        "runs, but http://127.0.0.1:8000/services/home/health does not answer",
        "./campus logs home",
    ),
    "the exchange is root": (
        lambda p: p.owners.update({"exchange": "root"}),
        "daemons",
        "exchange runs as root, not as campus-exchange",
        "./campus up",
    ),
    "another hub answers": (
        lambda p: p.daemons.update({"hub": "FATAL"}),
        "hub",
        "is not run by supervisord",
        "./campus up",
    ),
    "no certificates": (
        lambda p: shutil.rmtree(p.paths.internal_certificates),
        "certificates",
        "none in ",
        "./campus up",
    ),
    "a certificate has ended": (
        lambda p: p.certificate("hub-internal/hub-internal.crt", -20, -3),
        "certificates",
        "hub-internal.crt ends in -",
        "remove ",
    ),
    "a certificate is of the future": (
        lambda p: p.certificate("user-trainee1/user-trainee1.crt", 1, 20),
        "certificates",
        "user-trainee1.crt is not valid yet",
        "set the clock",
    ),
    "a certificate is none": (
        lambda p: (p.paths.internal_certificates / "hub-internal/hub-internal.crt").write_text("x"),
        "certificates",
        "could not be examined",
        "see the message",
    ),
    "there is no bubblewrap": (
        program(
            "setpriv --reuid=65534",
            1,
            "",
            "Student code cannot be run here: bwrap is not installed. Ask an operator to install it.\n",
        ),
        "sandbox",
        "Student code cannot be run here: bwrap is not installed",
        "Ask an operator to install it.",
    ),
    "the disk is full": (lambda p: setattr(p, "free", 2**30), "disk", "1 GB free under ", "free some space"),
    "accounts are missing": (lambda p: p.accounts.clear(), "accounts", "missing: trainee1, operator1", "./campus up"),
    "an account is another's": (
        lambda p: p.accounts.update({"trainee1": Path("/home/trainee1")}),
        "accounts",
        "trainee1 exists already, with the home /home/trainee1",
        "userdel trainee1",
    ),
    "no session environment": (
        lambda p: p.paths.session_env.unlink(),
        "interpreter",
        "session/bin/python is missing",
        "./campus up",
    ),
    "a private interpreter": (private_interpreter, "interpreter", "python3 cannot be run by other", "python3"),
    "a private environment": (private_environment, "interpreter", "cannot be run by other accounts", "./campus up"),
    "the clock is behind": (lambda p: None, "clock", str(datetime.date.today()), "timedatectl"),
    "slurmctld's clock is ahead": (
        lambda p: setattr(p, "slurm_seconds", 120),
        "clock",
        "s away from slurmctld's",
        "same time server",
    ),
    "slurmctld's clock is behind": (
        lambda p: setattr(p, "slurm_seconds", -120),
        "clock",
        "s away from slurmctld's",
        "same time server",
    ),
    "munge lacks a fix": (old_munge, "security of munge", "0.5.15-1 lacks the fix of CVE-", "apt-get install munge"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_with_a_remedy(name: str, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, part, says, remedy = BROKEN[name]
    broken(patient)
    if name == "the clock is behind":
        monkeypatch.setattr(doctor, "RELEASED", datetime.date.max)
    found = failures(patient.findings())
    assert part in found
    assert any(says in f.says and remedy in f.remedy for f in found[part]), found[part]
    for finding in (f for fs in found.values() for f in fs):
        assert finding.says, f"{finding.part} fails and says nothing"
        assert finding.remedy, f"{finding.part} fails and has no remedy"


@pytest.mark.parametrize("name", ["a node is down", "a daemon keeps dying", "the disk is full", "munge lacks a fix"])
def test_one_thing_broken_is_one_part_that_fails(name: str, patient: Patient) -> None:
    broken, part, _, _ = BROKEN[name]
    broken(patient)
    parts = {p.removesuffix("slurmctld").removesuffix("munge") for p in failures(patient.findings())}
    assert parts == {part.removesuffix("munge")}


def test_a_part_that_fails_is_not_well_too(patient: Patient) -> None:
    patient.accounts["trainee1"] = Path("/home/trainee1")
    assert [f.well for f in patient.findings() if f.part == "accounts"] == [False]


def test_a_slurm_that_is_not_set_up_is_not_asked_for_its_nodes(patient: Patient) -> None:
    """Its programs look for their slurm.conf for a minute."""
    patient.paths.slurm_conf.unlink()
    (found,) = failures(patient.findings())["nodes"]
    assert found.says == "Slurm names none"


def test_a_machine_on_which_nothing_is_left(patient: Patient) -> None:
    """No program, no daemon, no file: still every check has its say, and every failure a remedy."""
    patient.programs = dict.fromkeys(
        ("munge", "scontrol", "sacctmgr", "unshare", "setpriv", "dpkg-query"), (127, "", "")
    )
    patient.nodes.clear()
    patient.daemons.clear()
    patient.answers = False
    patient.accounts.clear()
    for folder in ("var", "envs"):
        shutil.rmtree(patient.paths.prefix / folder)
    found = failures(patient.findings())
    parts = {"munge", "slurmctld", "nodes", "daemons", "hub", "proxy", "certificates", "accounts", "interpreter"}
    assert parts <= found.keys()
    assert all(f.remedy for fs in found.values() for f in fs)


# ---------------------------------------------------------------- notes


def notes(patient: Patient) -> dict[str, Finding]:
    return {f.part: f for f in patient.findings() if f.well is None}


def test_a_machine_without_cgroups_is_a_note(patient: Patient) -> None:
    patient.machine = Machine(8192, (), 0, frozenset())
    assert "a session's memory is not limited" in notes(patient)["cgroups"].says
    assert failures(patient.findings()) == {}


def test_a_hostname_that_cannot_be_unshared_is_a_note(patient: Patient) -> None:
    program("unshare", 1)(patient)
    assert "SYS_ADMIN" in notes(patient)["loopback"].remedy
    assert failures(patient.findings()) == {}


def test_too_few_gpus_are_a_note(patient: Patient) -> None:
    patient.nodes = {"gpu-node1": ("idle", 2), "gpu-node2": ("idle", 3)}
    note = notes(patient)["gres"]
    assert note.says == "no node has the 4 GPUs of the largest session size"
    assert note.remedy.startswith("make the size smaller")
    assert failures(patient.findings()) == {}


def test_a_certificate_that_ends_soon_is_a_note(patient: Patient) -> None:
    patient.certificate("hub-internal/hub-internal.crt", -20, 10)
    note = notes(patient)["certificates"]
    assert "hub-internal.crt ends in 9 days" in note.says
    assert "./campus up" in note.remedy


def test_a_sessions_certificate_ends_with_the_session(patient: Patient) -> None:
    patient.certificate("user-trainee1/user-trainee1.crt", -20, 10)
    assert notes(patient) == {}


def test_the_sites_own_certificate_is_renewed_elsewhere(patient: Patient) -> None:
    own = patient.certificate("../own.crt", -20, 10)
    tls = f'[addresses]\npublic_url = "https://127.0.0.1:8000"\n[addresses.tls]\ncertificate = "{own}"\nkey = "/k"\n'
    patient.write_site(**{"[authentication]": f"{tls}[authentication]"})
    finding = notes(patient)["certificates"]
    assert "own.crt ends in 9 days" in finding.says
    assert str(patient.paths.internal_certificates) not in finding.remedy


def test_a_renewed_certificate_that_is_not_in_use_is_said(patient: Patient) -> None:
    own = patient.certificate("../own.crt")
    tls = f'[addresses]\npublic_url = "https://127.0.0.1:8000"\n[addresses.tls]\ncertificate = "{own}"\nkey = "/k"\n'
    patient.write_site(**{"[authentication]": f"{tls}[authentication]"})
    patient.paths.proxy_state.mkdir()
    copy = patient.paths.proxy_state / "public.crt"
    copy.write_bytes(own.read_bytes())
    assert failures(patient.findings()) == {}
    patient.certificate("../own.crt")
    (finding,) = failures(patient.findings())["certificates"]
    assert (finding.says, finding.remedy) == (f"the proxy serves another than {own}", "./campus up")


@pytest.fixture
def unprivileged(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """A hub that is not root, for which all is well."""
    patient.write_site(**{"[authentication]": '[slurm]\ntransport = "sudo"\n[authentication]'})
    patient.owners["hub"] = "campus-hub"
    patient.programs["setpriv"] = (0, "", "")
    monkeypatch.setattr(doctor, "check_wrapper", lambda _: None)
    return patient


def test_a_hub_that_is_not_root_is_well(unprivileged: Patient) -> None:
    assert failures(unprivileged.findings()) == {}
    assert [f.well for f in unprivileged.findings() if f.part == "sudo"] == [True]


def test_a_hub_that_is_root_and_should_not_be_is_said(unprivileged: Patient) -> None:
    unprivileged.owners["hub"] = "root"
    (finding,) = failures(unprivileged.findings())["daemons"]
    assert (finding.says, finding.remedy) == ("hub runs as root, not as campus-hub", "./campus up")


def test_rules_that_sudo_lacks_are_said(unprivileged: Patient) -> None:
    unprivileged.programs["setpriv"] = (1, "", "sudo: a password is required\n")
    (finding,) = failures(unprivileged.findings())["sudo"]
    assert finding.says.endswith("sudo: a password is required.")
    assert finding.remedy == "Run ./campus up."


def test_a_wrapper_that_others_could_change_is_said(unprivileged: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def changeable(paths: Paths) -> None:
        raise CampusError("not-roots", "/opt can be changed by others than root.", "Run chmod go-w /opt.")

    monkeypatch.setattr(doctor, "check_wrapper", changeable)
    found = [f for f in unprivileged.findings() if f.part == "sudo"]
    assert [f.well for f in found] == [False]
    assert "/opt can be changed" in found[0].says


def test_a_real_cluster_is_not_asked_for_what_is_not_ours(patient: Patient) -> None:
    example = LOCAL.with_name("example.toml").read_text()
    own = patient.certificate("../own.crt")
    patient.paths.site_file.write_text(
        example.replace("/etc/campus/tls/fullchain.pem", str(own)).replace(
            '"/project/campus/session"', f'"{patient.paths.session_env}"'
        )
    )
    patient.nodes["gpu-node2"] = ("drained", 4)
    found = patient.findings()
    assert [(f.well, f.says) for f in found if f.part == "nodes"] == [(None, "gpu-node2 is drained")]
    assert not any("./campus logs gpu-" in f.remedy for f in found), "the nodes' logs are not here"
    parts = {f.part for f in found}
    assert not parts & {"munge", "cgroups", "loopback", "accounts", "security of slurmctld"}
    assert {"slurmctld", "nodes", "hub", "interpreter", "security of munge"} <= parts


# ---------------------------------------------------------------- checks that break, and what is printed


@pytest.mark.parametrize(
    "error",
    [
        CampusError("a", "It broke.", "Mend it."),
        OSError(13, "Permission denied"),
        FileNotFoundError(2, "No such file"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "what?"),
        ValueError("what?"),
    ],
)
def test_a_check_that_breaks_is_a_finding(error: Exception, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def _ill(p: doctor.Patient) -> Iterator[Finding]:
        yield Finding("before", True, "is well")
        raise error

    def _next(p: doctor.Patient) -> Iterator[Finding]:
        yield Finding("next", True, "is well")

    monkeypatch.setattr(doctor, "CHECKS", (_ill, _next))
    found = patient.findings()
    assert [(f.part, f.well) for f in found] == [("before", True), ("ill", False), ("next", True)]
    assert found[1].says == f"could not be examined: {error}"
    assert found[1].remedy


def test_a_site_file_that_cannot_be_used_is_told_at_once(patient: Patient) -> None:
    patient.paths.site_file.write_text("name = 7")
    with pytest.raises(ManifestError):
        patient.findings()


def test_what_is_printed_counts_failures_and_not_notes(patient: Patient) -> None:
    printed: list[str] = []
    patient.machine = Machine(8192, (), 0, frozenset())
    assert examine(patient.paths, printed.append) == 0
    assert "ok    munge: gives credentials" in printed
    assert [line for line in printed if line.startswith("note")] == [
        "note  cgroups: not usable here: a session's memory is not limited, and its stray processes are not tracked"
    ]
    assert printed[-1] == "\nAll is well."

    printed.clear()
    patient.nodes = {"gpu-node1": ("down", 4), "gpu-node2": ("down", 4)}
    assert examine(patient.paths, printed.append) == 1
    at = printed.index("FAIL  nodes: gpu-node1 is down")
    assert printed[at + 1].startswith("      -> ./campus logs gpu-node1")
    assert printed[-1] == "\n2 failed"


def test_looking_changes_nothing(patient: Patient) -> None:
    def everything() -> list[tuple[str, int]]:
        return sorted((str(p), os.lstat(p).st_mtime_ns) for p in patient.paths.prefix.rglob("*"))

    before = everything()
    patient.findings()
    assert everything() == before
