"""What lets a hub that is not root act for people: rules as sudo reads them, and files that only root can change."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.manifest_file import ManifestError
from campus_base.process import Result
from hub_config import cli, sudo_rules
from hub_config.daemons import daemons
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.sessions import job_name, slurm_transport
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE
from hub_config.sudo_rules import (
    check_wrapper,
    ensure_rules,
    ensure_wrapper,
    missing_rules,
    remove_rules,
    rules_file,
    sudoers,
    wrapper_settings,
)
from spawners.slurm.sudo import SudoTransport, wrapper
from tests.support.tokens import write_tokens

PATHS = Paths(Path("/opt/campus"))
SUDO = '[slurm]\ntransport = "sudo"\n'


def site_of(more: str = SUDO, embedded: bool = True) -> Site:
    text = LOCAL.read_text()
    return SITE_FILE.parse(
        text + more if embedded else text.replace("[cluster]\nnodes = 4\ngpus_per_node = 4\n", "") + more, LOCAL
    )


# ---------------------------------------------------------------- the rules


@pytest.mark.skipif(not shutil.which("visudo", path="/usr/sbin:/usr/bin"), reason="sudo is not installed")
@pytest.mark.parametrize("prefix", ["/opt/campus", "/srv/a.b_c-d/campus"])
def test_sudo_reads_the_rules(prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "rules"
    file.write_text(sudoers(site_of(), Paths(Path(prefix))))
    file.chmod(0o440)
    visudo = shutil.which("visudo", path="/usr/sbin:/usr/bin")
    done = subprocess.run(
        [visudo, "--check", "--strict", f"--file={file}"], capture_output=True, text=True, check=False
    )  # type: ignore[list-item]
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


def test_every_command_is_written_out() -> None:
    rules = [line for line in sudoers(site_of(), PATHS).splitlines() if "NOPASSWD" in line]
    assert rules == [
        "campus-hub ALL = (ALL, !#0) NOPASSWD: "
        + ", ".join(f"/opt/campus/libexec/campus-slurm {verb}" for verb in ("sbatch", "scancel", "tail")),
        "campus-hub ALL = (slurm) NOPASSWD: "
        + ", ".join(
            f"/opt/campus/libexec/campus-slurm {verb}" for verb in ("squeue", "sacctmgr", "scontrol", "scancel")
        ),
    ]
    assert not any(character in line for line in rules for character in "*?[]^$\\")


def test_the_accounts_are_the_sites() -> None:
    text = sudoers(site_of('[daemons]\nhub_account = "www-hub"\n' + SUDO + 'operator_account = "ops"\n'), PATHS)
    assert "www-hub ALL = (ops) NOPASSWD" in text
    assert "campus-hub" not in text


def test_two_installations_have_rules_of_their_own() -> None:
    others = Paths(Path("/opt/campus-test"))
    assert rules_file(PATHS) != rules_file(others)
    aliases = [
        next(line for line in sudoers(site_of(), p).splitlines() if "Cmnd_Alias" in line) for p in (PATHS, others)
    ]
    assert aliases[0].split()[1] != aliases[1].split()[1]


def test_sudo_reads_a_file_of_that_name() -> None:
    """It leaves out names with a dot, or with ~ at their end."""
    assert "." not in rules_file(Paths(Path("/srv/a.b/campus"))).name


def test_the_verb_prints_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMPUS_PREFIX", "/opt/campus")
    file = tmp_path / "site.toml"
    file.write_text(LOCAL.read_text() + SUDO)
    assert cli.main(["sudo-rules", str(file)]) == 0
    assert capsys.readouterr().out == sudoers(site_of(), PATHS)


# ---------------------------------------------------------------- the site


def test_with_sudo_the_hub_is_no_root(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    write_tokens(paths)
    machine = Machine(8192, (), 0, frozenset())
    hub = daemons(site_of(), machine, paths)[-1]
    assert hub.command[:5] == (
        "setpriv",
        "--reuid=campus-hub",
        "--regid=campus-hub",
        "--init-groups",
        f"{tmp_path}/hub/bin/python",
    )
    low = site_of("[addresses]\nhub_port = 808\n" + SUDO)
    assert "--ambient-caps=+net_bind_service" in daemons(low, machine, paths)[-1].command
    assert slurm_transport(site_of(), PATHS) == SudoTransport(
        str(PATHS.slurm_conf), 20, "/opt/campus/libexec/campus-slurm", "slurm"
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[daemons]\nhub_account = "campus-proxy"\n', "daemons.proxy_account: campus-proxy is the hub_account, too"),
        ('[daemons]\nhub_account = "trainee1"\n', "daemons.hub_account: trainee1 is a person in [[accounts]]"),
        ('[daemons]\nhub_account = "root"\n', "must be an account of its own"),
        ('[slurm]\ntransport = "sudo"\noperator_account = "root"\n', "must be an account of its own"),
        ('[slurm]\ntransport = "su"\n', "slurm.transport"),
    ],
)
def test_accounts_that_do_not_fit(more: str, says: str) -> None:
    with pytest.raises(ManifestError) as refused:
        site_of(more)
    assert says in str(refused.value)


# ---------------------------------------------------------------- the wrapper


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A prefix whose files count as root's, whoever runs the tests, and whose rules lie beside it."""
    monkeypatch.setattr(sudo_rules, "_RULES", tmp_path / "sudoers.d")
    (tmp_path / "sudoers.d").mkdir()
    owners: dict[Path, int] = {}
    real = Path.stat

    def look(self: Path, **how: Any) -> Any:
        found = real(self, **how)
        mode = found.st_mode if self.is_relative_to(tmp_path) else found.st_mode & ~0o022
        return os.stat_result((mode, *found[1:4], owners.get(self, 0), *found[5:]))

    monkeypatch.setattr(Path, "stat", look)
    monkeypatch.setattr(sudo_rules, "_owners", owners, raising=False)
    (tmp_path / "prefix").mkdir()
    return Paths(tmp_path / "prefix")


def test_it_is_installed_with_its_settings_and_again_only_where_they_differ(paths: Paths) -> None:
    old = os.umask(0)
    try:
        ensure_wrapper(site_of(), paths)
    finally:
        os.umask(old)
    program, settings = paths.slurm_wrapper, paths.slurm_wrapper.with_suffix(".json")
    first, _, rest = program.read_text().partition("\n")
    assert first.startswith("#!/")
    assert first.endswith(" -IS")
    assert rest == Path(wrapper.__file__).read_text()
    assert json.loads(settings.read_text()) == json.loads(json.dumps(wrapper_settings(site_of(), paths)))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (program, settings)] == [0o755, 0o644]
    before = [path.stat().st_mtime_ns for path in (program, settings)]
    ensure_wrapper(site_of(), paths)
    assert [path.stat().st_mtime_ns for path in (program, settings)] == before
    program.chmod(0o777)
    ensure_wrapper(site_of(), paths)
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert {path.name for path in program.parent.iterdir()} == {program.name, settings.name}


def test_its_settings_are_the_sites(paths: Paths) -> None:
    site = site_of(SUDO + 'command_seconds = 8\noperator_account = "ops"\n[sessions]\nlog_folder = "logs/campus"\n')
    settings = wrapper_settings(site, paths)
    assert settings["longest_minutes"] == 480
    assert (settings["operator"], settings["log_folder"], settings["seconds"]) == ("ops", "logs/campus", 13)
    assert settings["job_name"] == job_name(site)
    assert settings["environment"]["SLURM_CONF"] == str(paths.slurm_conf)


@pytest.mark.parametrize("what", ["program", "settings", "folder", "prefix"])
def test_what_others_could_change_is_named(what: str, paths: Paths) -> None:
    ensure_wrapper(site_of(), paths)
    program = paths.slurm_wrapper
    path = {
        "program": program,
        "settings": program.with_suffix(".json"),
        "folder": program.parent,
        "prefix": paths.prefix,
    }[what]
    mode = path.stat().st_mode
    for bits in (0o002, 0o020):
        path.chmod(stat.S_IMODE(mode) | bits)
        with pytest.raises(CampusError, match="can be changed by others than root") as refused:
            check_wrapper(paths)
        assert str(path) in refused.value.message
    path.chmod(stat.S_IMODE(mode))
    check_wrapper(paths)
    sudo_rules._owners[path] = 1000  # type: ignore[attr-defined]
    with pytest.raises(CampusError, match="can be changed by others than root"):
        check_wrapper(paths)


# ---------------------------------------------------------------- putting the rules in force


class Sudo:
    """visudo and sudo, which answer as they are told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.valid = True
        self.says: str | None = None
        self.ran: list[list[str]] = []
        monkeypatch.setattr(sudo_rules, "run_sync", self.run)

    def run(self, argv: list[str], **_: Any) -> Result:
        self.ran.append(argv)
        if argv[0] == "visudo":
            if not self.valid:
                raise CampusError("program-failed", "Checking failed.", "Try again.")
            return Result(0, "", "")
        assert argv[:4] == ["setpriv", "--reuid=campus-hub", "--regid=campus-hub", "--init-groups"]
        assert {"--non-interactive", "--list", "--user=slurm"} <= set(argv)
        return Result(0, "", "") if self.says is None else Result(1, "", self.says)


@pytest.fixture
def sudo(monkeypatch: pytest.MonkeyPatch) -> Sudo:
    return Sudo(monkeypatch)


def test_on_the_embedded_cluster_they_are_put_in_force(paths: Paths, sudo: Sudo) -> None:
    file = rules_file(paths)
    assert ensure_rules(site_of(), paths) is True
    assert file.read_text() == sudoers(site_of(), paths)
    assert stat.S_IMODE(file.stat().st_mode) == 0o440
    assert ensure_rules(site_of(), paths) is False
    assert [argv[0] for argv in sudo.ran] == ["visudo", "setpriv", "setpriv"]
    remove_rules(site_of(), paths)
    assert list(file.parent.iterdir()) == []


def test_rules_that_are_not_valid_change_nothing(paths: Paths, sudo: Sudo) -> None:
    """sudo serves nobody any more while one of its files is wrong."""
    sudo.valid = False
    with pytest.raises(CampusError, match="Checking failed"):
        ensure_rules(site_of(), paths)
    assert not rules_file(paths).exists()
    assert all("." in file.name for file in rules_file(paths).parent.iterdir()), "sudo would read it"


def test_elsewhere_they_are_looked_for_only(paths: Paths, sudo: Sudo) -> None:
    real = site_of(embedded=False)
    assert ensure_rules(real, paths) is False
    rules_file(paths).write_text("the operator's own")
    sudo.says = "sudo: a password is required\n"
    with pytest.raises(
        CampusError, match=r"campus-hub may not run .* as slurm: sudo: a password is required"
    ) as refused:
        ensure_rules(real, paths)
    assert "./campus sudo-rules" in refused.value.remedy
    assert str(rules_file(paths)) in refused.value.remedy
    remove_rules(real, paths)
    assert rules_file(paths).read_text() == "the operator's own"


def test_a_rule_that_is_missing_without_a_word_is_said(paths: Paths, sudo: Sudo) -> None:
    sudo.says = ""
    ((says, remedy),) = missing_rules(site_of(), paths)
    assert says.endswith("as slurm: sudo has no rule for it.")
    assert remedy == "Run ./campus up."
