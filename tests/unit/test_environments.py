"""The Python environments: complete or made anew, never taken from under a session, and renewed with the code."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from campus_base.process import ProgramFailed, Result
from hub_config import environments
from hub_config.environments import (
    ensure_project,
    ensure_session_environment,
    is_complete,
    locked_environment,
    source_digest,
)
from hub_config.paths import Paths
from hub_config.site_file import LOCAL, read_site
from hub_config.up import Up


class Programs:
    """Makes environments of empty files, and remembers what was run. Any other program is an error."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.fails = ""

    def run_sync(self, argv: list[str], *, what: str, timeout: float) -> Result:
        self.ran.append(argv)
        if self.fails and self.fails in " ".join(argv):
            raise ProgramFailed(what, "it broke")
        if argv[1:3] == ["-m", "venv"]:
            assert argv[0] == str(Path(sys.executable).resolve()), "made by what every account can run"
            (Path(argv[3]) / "bin").mkdir(parents=True)
            (Path(argv[3]) / "bin" / "python").touch()
        else:
            assert argv[1:3] == ["-m", "pip"], f"nobody expected {argv}"
            environment = Path(argv[0]).parents[1]
            assert (environment / "bin" / "python").exists()
        return Result(0, "", "")

    def installed(self) -> list[str]:
        """What pip was told to install, without its usual options."""
        usual = {"--disable-pip-version-check", "install", "--quiet"}
        return [" ".join(a for a in argv[3:] if a not in usual) for argv in self.ran if argv[2] == "pip"]


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    found = Programs()
    monkeypatch.setattr(environments, "run_sync", found.run_sync)
    return found


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "session.txt").write_text("jupyterlab==1\n")
    (folder / "torch.txt").write_text("torch==1\n")
    monkeypatch.setattr(environments, "_SESSION_LOCKS", (folder / "session.txt", folder / "torch.txt"))
    return folder


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "prefix").mkdir()
    return Paths(tmp_path / "prefix")


# ---------------------------------------------------------------- the session environment


def test_it_is_made_once_from_its_locks(programs: Programs, locks: Path, paths: Paths) -> None:
    assert ensure_session_environment(paths, shared=False)
    environment = paths.session_env.resolve()
    assert environment.parent == paths.environments
    assert programs.installed() == [
        f"--no-deps --require-hashes -r {locks / 'session.txt'}",
        f"-r {locks / 'torch.txt'}",
    ]
    assert {argv[0] for argv in programs.ran[1:]} == {f"{environment}/bin/python"}
    assert not ensure_session_environment(paths, shared=False)
    assert len(programs.ran) == 3
    assert paths.session_env.resolve() == environment


def test_the_locks_that_come_with_campus_are_the_ones_that_count(paths: Paths) -> None:
    assert [lock.name for lock in environments._SESSION_LOCKS] == ["session.txt", "torch.txt"]
    assert all(lock.is_file() and lock.parent == environments.LOCKS for lock in environments._SESSION_LOCKS)
    environment, digest = locked_environment(paths)
    assert environment == paths.environments / f"session-{digest[:12]}"


def test_whole_is_what_was_made_to_the_end_from_these_locks(programs: Programs, locks: Path, paths: Paths) -> None:
    assert not is_complete(paths)
    programs.fails = "torch.txt"
    with pytest.raises(ProgramFailed):
        ensure_session_environment(paths, shared=False)
    assert not is_complete(paths)
    programs.fails = ""
    ensure_session_environment(paths, shared=False)
    assert is_complete(paths)
    (locks / "torch.txt").write_text("torch==2\n")
    assert not is_complete(paths)


@pytest.mark.parametrize("step", ["-m venv", "session.txt", "torch.txt"])
def test_what_is_half_made_is_made_anew(step: str, programs: Programs, locks: Path, paths: Paths) -> None:
    programs.fails = step
    with pytest.raises(ProgramFailed, match="it broke"):
        ensure_session_environment(paths, shared=False)
    assert not paths.session_env.exists(), "nobody starts on half an environment"
    for leftover in paths.environments.glob("session-*"):
        (leftover / "leftover").touch()
    programs.fails = ""
    programs.ran.clear()
    assert ensure_session_environment(paths, shared=False)
    assert len(programs.ran) == 3
    assert not list(paths.session_env.glob("leftover"))


def test_a_broken_stamp_is_no_stamp(programs: Programs, locks: Path, paths: Paths) -> None:
    ensure_session_environment(paths, shared=False)
    (paths.session_env / ".complete").write_text("another")
    (paths.session_env / "leftover").touch()
    assert ensure_session_environment(paths, shared=False)
    assert not (paths.session_env / "leftover").exists()


@pytest.mark.parametrize("lock", ["session.txt", "torch.txt"])
def test_another_lock_is_another_folder(lock: str, programs: Programs, locks: Path, paths: Paths) -> None:
    ensure_session_environment(paths, shared=False)
    first = paths.session_env.resolve()
    (locks / lock).write_text("something==2\n")
    assert ensure_session_environment(paths, shared=False)
    assert paths.session_env.resolve() != first


def test_while_a_new_one_cannot_be_made_the_old_one_serves(programs: Programs, locks: Path, paths: Paths) -> None:
    ensure_session_environment(paths, shared=False)
    first = paths.session_env.resolve()
    (locks / "session.txt").write_text("something==2\n")
    programs.fails = "torch.txt"
    with pytest.raises(ProgramFailed):
        ensure_session_environment(paths, shared=False)
    assert paths.session_env.resolve() == first
    assert (first / "bin" / "python").exists()


def test_a_link_that_was_left_half_way_is_no_obstacle(programs: Programs, locks: Path, paths: Paths) -> None:
    (paths.prefix / "session.new").symlink_to("/nowhere")
    ensure_session_environment(paths, shared=False)
    assert (paths.session_env / "bin" / "python").exists()
    assert not os.path.lexists(paths.prefix / "session.new")


@contextmanager
def running_on(environment: Path) -> Iterator[None]:
    """A process on an environment, as a session is one; it is ended, by its pid."""
    argv = [f"{environment}/bin/python", "-I", "-S", "-c", "import time; time.sleep(60)"]
    process = subprocess.Popen(argv, executable=os.path.realpath(sys.executable))
    try:
        while psutil.Process(process.pid).cmdline() != argv:  # it has begun before the kernel can tell its arguments
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()


def older(paths: Paths, name: str) -> Path:
    environment = paths.environments / name
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").touch()
    return environment


def test_older_ones_stay_while_a_session_runs_on_them(programs: Programs, locks: Path, paths: Paths) -> None:
    used, unused, longer = (older(paths, f"session-{name}") for name in ("aaaa", "bbbb", "aa"))
    other = paths.environments / "notes"
    other.mkdir()
    with running_on(used):
        ensure_session_environment(paths, shared=False)
    assert (used / "bin" / "python").exists()
    assert not unused.exists()
    assert not longer.exists(), "a name that the used one's begins with is not the used one"
    assert other.exists()
    assert paths.session_env.exists()


def upgrade(locks: Path, paths: Paths, version: int, shared: bool = False) -> Path:
    """The environment of this version of the locks, which the link names from now on."""
    (locks / "session.txt").write_text(f"jupyterlab=={version}\n")
    assert ensure_session_environment(paths, shared=shared)
    return paths.session_env.resolve()


def test_the_one_before_stays_for_sessions_that_wait_in_the_queue(
    programs: Programs, locks: Path, paths: Paths
) -> None:
    first, second = upgrade(locks, paths, 1), upgrade(locks, paths, 2)
    assert (first / "bin" / "python").exists(), "no process runs on it, but one may start any time"
    assert not ensure_session_environment(paths, shared=False)
    assert first.exists()
    third = upgrade(locks, paths, 3)
    assert not first.exists()
    assert sorted(paths.environments.iterdir()) == sorted([second, third])


def test_one_on_which_sessions_run_stays_however_old_and_goes_after_them(
    programs: Programs, locks: Path, paths: Paths
) -> None:
    first = upgrade(locks, paths, 1)
    with running_on(first):
        second, third = upgrade(locks, paths, 2), upgrade(locks, paths, 3)
        assert sorted(paths.environments.iterdir()) == sorted([first, second, third])
    fourth = upgrade(locks, paths, 4)
    assert sorted(paths.environments.iterdir()) == sorted([third, fourth])


def test_an_upgrade_that_is_taken_back_installs_nothing(programs: Programs, locks: Path, paths: Paths) -> None:
    first, second = upgrade(locks, paths, 1), upgrade(locks, paths, 2)
    programs.ran.clear()
    assert upgrade(locks, paths, 1) == first, "and says that it is another"
    assert programs.ran == []
    assert second.exists()


def test_on_a_cluster_none_is_removed(programs: Programs, locks: Path, paths: Paths) -> None:
    """Sessions run on other machines, where nobody looks."""
    made = [older(paths, "session-aaaa"), *(upgrade(locks, paths, version, shared=True) for version in (1, 2, 3))]
    assert sorted(paths.environments.iterdir()) == sorted(made)


def stepped(paths: Paths, text: str) -> Up:
    """An up on this site that has taken its step for the session environment."""
    path = paths.prefix / "site.toml"
    path.write_text(text)
    up = Up(paths, print, None)
    up.site = read_site(path)
    up._session_environment()
    return up


def test_environments_go_only_where_all_sessions_are_on_this_machine(
    programs: Programs, locks: Path, paths: Paths
) -> None:
    real = LOCAL.with_name("example.toml").read_text().replace('environment = "/project/campus/session"', "")
    for text, stays in ((real, True), (LOCAL.read_text(), False)):
        unused = older(paths, f"session-{stays}")
        (locks / "torch.txt").write_text(f"torch=={stays}\n")
        stepped(paths, text)
        assert unused.exists() is stays


def test_a_site_with_an_environment_of_its_own_gets_no_other(programs: Programs, locks: Path, paths: Paths) -> None:
    stepped(paths, LOCAL.with_name("example.toml").read_text())
    assert programs.ran == []
    assert not paths.environments.exists()


# ---------------------------------------------------------------- the code


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    for name in ("campus_base", "hub_config", "spawners", "extensions"):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "deep" / "module.py").write_text("a = 1\n")
    for name in ("pyproject.toml", "jupyterhub_config.py", "README.md"):
        (folder / name).write_text("text\n")
    monkeypatch.setattr(environments, "CHECKOUT", folder)
    return folder


def write(name: str, text: str = "changed\n") -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)

    return change


CHANGES: dict[str, Callable[[Path], Any]] = {
    "a source file": write("spawners/deep/module.py"),
    "a new file": write("extensions/new.py"),
    "an empty new file": write("extensions/new.py", ""),
    "a template": write("hub_config/templates/page.html"),
    "a file of the lowest layer": write("campus_base/deep/module.py"),
    "the project": write("pyproject.toml"),
    "the hub's entry": write("jupyterhub_config.py"),
    "a file that is gone": lambda c: (c / "hub_config/deep/module.py").unlink(),
    "a file of another name": lambda c: (c / "spawners/deep/module.py").rename(c / "spawners/deep/b.py"),
    "a file in another folder": lambda c: (c / "spawners/deep/module.py").rename(c / "spawners/module.py"),
}
NO_CHANGES: dict[str, Callable[[Path], Any]] = {
    "compiled code": write("spawners/deep/__pycache__/module.cpython-311.pyc"),
    "node modules": write("hub_config/proxy/node_modules/a/b.py"),
    "an empty folder": lambda c: (c / "spawners/empty").mkdir(),
    "a test": write("tests/unit/test_a.py"),
    "a page": write("README.md"),
    "a time": lambda c: os.utime(c / "spawners/deep/module.py", (1, 1)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_the_digest_changes_with(change: Callable[[Path], None], checkout: Path) -> None:
    before = source_digest()
    change(checkout)
    assert source_digest() != before


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=list(NO_CHANGES))
def test_the_digest_stays_with(change: Callable[[Path], None], checkout: Path) -> None:
    before = source_digest()
    change(checkout)
    assert source_digest() == before


def test_the_digest_of_this_checkout_covers_its_code() -> None:
    assert len(source_digest()) == 64
    for name in environments._PACKAGES:
        assert (environments.CHECKOUT / name / "__init__.py").is_file()


def test_the_code_is_installed_when_it_changed(programs: Programs, checkout: Path, paths: Paths) -> None:
    environment = older(paths, "session-1")
    assert ensure_project(environment)
    assert programs.installed() == [f"--no-deps --no-build-isolation --no-index --force-reinstall {checkout}"]
    assert not ensure_project(environment)
    write("spawners/deep/module.py")(checkout)
    assert ensure_project(environment)
    assert not ensure_project(environment)
    assert len(programs.ran) == 2


def test_code_that_could_not_be_installed_is_tried_again(programs: Programs, checkout: Path, paths: Paths) -> None:
    environment = older(paths, "session-1")
    programs.fails = "pip"
    with pytest.raises(ProgramFailed, match="Installing Campus into"):
        ensure_project(environment)
    programs.fails = ""
    assert ensure_project(environment)


def test_an_upgrade_that_failed_and_was_taken_back(programs: Programs, checkout: Path, paths: Paths) -> None:
    environment = older(paths, "session-1")
    ensure_project(environment)
    write("spawners/deep/module.py")(checkout)
    programs.fails = "pip"
    with pytest.raises(ProgramFailed):
        ensure_project(environment)
    programs.fails = ""
    write("spawners/deep/module.py", "a = 1\n")(checkout)
    assert ensure_project(environment), "pip may have removed the code before it failed"
