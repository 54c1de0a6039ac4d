"""The verbs of ./campus, and the shell script that hands over to them: exit codes and sentences."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import Result
from hub_config import __version__, cli, lifecycle, testing, up
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.site_file import LOCAL

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = LOCAL.with_name("example.toml")
NOBODY = 65534
Captured = pytest.CaptureFixture[str]
Monkey = pytest.MonkeyPatch


def verbs() -> dict[str, argparse.ArgumentParser]:
    """Every verb's parser, as the command line has them."""
    return next(a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction)).choices


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: Monkey) -> Path:
    """An installation's prefix at which nothing is installed, and no Slurm that would be asked."""
    found = tmp_path / "prefix"
    monkeypatch.setenv("CAMPUS_PREFIX", str(found))

    def run_sync(argv: list[str], **_: Any) -> Result:
        assert argv[0] == "sinfo", f"nobody expected {argv}"
        raise CampusError("program-failed", "Slurm is not there.", "")

    monkeypatch.setattr(lifecycle, "run_sync", run_sync)
    monkeypatch.setattr(up, "look", lambda: Machine(4096, (), 0, frozenset()))
    return found


# ---------------------------------------------------------------- help and mistakes on the command line


@pytest.mark.parametrize("argv", [[], ["help"]])
def test_help_names_every_verb(argv: list[str], prefix: Path, capsys: Captured) -> None:
    assert cli.main(argv) == 0
    out = capsys.readouterr().out
    assert verbs()
    for verb in verbs():
        assert f"\n    {verb}" in out
    assert "CAMPUS_PREFIX" in out


def test_every_verb_has_a_function_and_a_line_of_help() -> None:
    helped = next(a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction))._choices_actions
    assert {a.dest: bool(a.help) for a in helped} == {verb: True for verb in verbs()}
    last = [inner for parser in verbs().values() for inner in (nested(parser) or [parser])]
    assert all(callable(parser.get_default("run")) for parser in last)


def nested(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The verbs below a verb, like check below course."""
    return [p for a in parser._actions if isinstance(a, argparse._SubParsersAction) for p in a.choices.values()]


def test_the_version(prefix: Path, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"campus {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["fly"], "invalid choice: 'fly' (choose from 'up', 'down'"),
        (["up", "--sight", "x"], "unrecognized arguments: --sight"),
        (["up", "--site"], "--site: expected one argument"),
        (["logs", "--lines", "many"], "invalid int value: 'many'"),
        (["test", "everything"], "invalid choice: 'everything' (choose from 'all', 'unit'"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(argv: list[str], says: str, prefix: Path, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
    assert not prefix.exists()


# ---------------------------------------------------------------- check


@pytest.mark.parametrize("path", [LOCAL, EXAMPLE])
def test_a_good_site_file(path: Path, prefix: Path, capsys: Captured) -> None:
    assert cli.main(["check", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{path} is good: Campus, ")
    assert "session sizes" in out
    assert err == ""


def test_the_embedded_site_is_what_check_takes_by_itself(prefix: Path, capsys: Captured) -> None:
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().out.startswith(str(LOCAL))


def test_every_mistake_in_a_site_file_is_listed(prefix: Path, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "our site.toml"
    broken = LOCAL.read_text().replace("[cluster]", "[cluster]\nracks = 2").replace('memory = "4G"', 'memory = "4GB"')
    path.write_text(broken.replace('role = "startup"', 'role = "boss"'))
    assert cli.main(["check", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    for mistake in ("cluster.racks: is no setting", 'sizes[3].memory = "4GB"', 'accounts[4].role = "boss"'):
        assert mistake in err
    assert f"run ./campus check '{path}'" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("name", "says"), [("none.toml", "there is no such file"), (".", "it is not a file")])
def test_a_site_file_that_is_none(name: str, says: str, prefix: Path, tmp_path: Path, capsys: Captured) -> None:
    assert cli.main(["check", str(tmp_path / name)]) == 1
    assert says in capsys.readouterr().err


# ---------------------------------------------------------------- logs


def test_the_end_of_a_log(prefix: Path, capfd: Any) -> None:
    log = Paths(prefix).log
    log.mkdir(parents=True)
    (log / "hub.log").write_text("one\ntwo\nthree\n")
    (log / "gpu-node1.log").write_text("a\nb\n")
    assert cli.main(["logs", "-n", "2"]) == 0
    assert cli.main(["logs", "gpu-node1"]) == 0
    assert capfd.readouterr().out == "two\nthree\na\nb\n"


@pytest.mark.parametrize("name", ["nope", "../../etc/passwd", "/etc/passwd", "", "hub.log"])
def test_a_log_that_is_not_there_names_those_that_are(name: str, prefix: Path, capsys: Captured) -> None:
    log = Paths(prefix).log
    log.mkdir(parents=True)
    for daemon in ("hub", "proxy"):
        (log / f"{daemon}.log").touch()
    assert cli.main(["logs", name]) == 1
    err = capsys.readouterr().err
    assert f"There is no log {name!r} under {log}. The logs are: hub, proxy." in err


def test_before_up_there_are_no_logs(prefix: Path, capsys: Captured) -> None:
    assert cli.main(["logs"]) == 1
    assert "none yet; run ./campus up" in capsys.readouterr().err


def test_leaving_a_log_is_no_mistake(prefix: Path, monkeypatch: Monkey) -> None:
    log = Paths(prefix).log
    log.mkdir(parents=True)
    (log / "hub.log").touch()

    def leave(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.subprocess, "run", leave)
    assert cli.main(["logs", "--follow"]) == 130


# ---------------------------------------------------------------- status, down, uninstall, up


def test_the_status_of_nothing(prefix: Path, capsys: Captured) -> None:
    assert cli.main(["status"]) == 3
    assert capsys.readouterr().out == f"Campus {__version__} under {prefix}: not running\n"
    assert not prefix.exists()


def test_the_status_for_programs(prefix: Path, capsys: Captured) -> None:
    secrets = Paths(prefix).secrets
    secrets.mkdir(parents=True)
    (secrets / "demo-password").write_text("for-all\n")
    (secrets / "operator-password").write_text("for-operators\n")
    assert cli.main(["status", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["running"] is False
    assert found["prefix"] == str(prefix)
    assert found["url"] == "http://127.0.0.1:8000"
    assert found["nodes"] == found["daemons"] == []
    passwords = {a["name"]: a["password"] for a in found["accounts"]}
    assert passwords["trainee1"] == passwords["instructor1"] == "for-all"
    assert passwords["operator1"] == "for-operators"


def test_down_when_nothing_runs(prefix: Path, capsys: Captured) -> None:
    assert cli.main(["down"]) == 0
    assert capsys.readouterr().out == "Campus is not running.\n"
    assert not prefix.exists()


KEPT = ("etc", "home", "kits", "var")
REMOVED = ("envs", "hub", "log", "node", "run")


@pytest.fixture
def installed(prefix: Path) -> Path:
    for name in (*KEPT, *REMOVED):
        (prefix / name).mkdir(parents=True)
        (prefix / name / "file").touch()
    (prefix / "session").symlink_to(prefix / "envs")
    return prefix


def test_uninstall_keeps_what_is_peoples(installed: Path, capsys: Captured) -> None:
    assert cli.main(["uninstall"]) == 0
    assert sorted(p.name for p in installed.iterdir()) == sorted(KEPT)
    assert all((installed / name / "file").exists() for name in KEPT)
    assert "./campus up takes them up again" in capsys.readouterr().out


def test_uninstall_everything(installed: Path, capsys: Captured) -> None:
    (installed / "etc" / "site.toml").write_text(EXAMPLE.read_text())  # without accounts, so none is removed
    assert cli.main(["uninstall", "--everything"]) == 0
    assert not installed.exists()
    assert "homes and accounts included" in capsys.readouterr().out


def test_uninstall_leaves_what_is_not_its_own(installed: Path) -> None:
    (installed / "etc" / "site.toml").write_text(EXAMPLE.read_text())
    (installed / "somebody's").write_text("kept")
    assert cli.main(["uninstall", "--everything"]) == 0
    assert [p.name for p in installed.iterdir()] == ["somebody's"]


def test_up_takes_no_broken_site_file_into_use(prefix: Path, tmp_path: Path, capsys: Captured) -> None:
    Paths(prefix).site_file.parent.mkdir(parents=True)
    Paths(prefix).site_file.write_text(LOCAL.read_text())
    broken = tmp_path / "site.toml"
    broken.write_text("name = 7\n")
    assert cli.main(["up", "--site", str(broken)]) == 1
    assert "name = 7: must be text, in quotes" in capsys.readouterr().err
    assert Paths(prefix).site_file.read_text() == LOCAL.read_text()


def test_a_site_that_this_machine_cannot_serve_replaces_none(prefix: Path, monkeypatch: Monkey) -> None:
    Paths(prefix).site_file.parent.mkdir(parents=True)
    Paths(prefix).site_file.write_text(LOCAL.read_text())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(["up", "--site", str(EXAMPLE)]) == 1
    assert Paths(prefix).site_file.read_text() == LOCAL.read_text()


def test_a_site_that_it_can_serve_is_taken_into_use(prefix: Path, monkeypatch: Monkey, capsys: Captured) -> None:
    def no_apt(*_: Any) -> None:
        raise CampusError("no-apt", "There is no apt-get.", "Install it.")

    monkeypatch.setattr(up, "check_machine", lambda *_: None)
    monkeypatch.setattr(up, "ensure_packages", no_apt)
    assert cli.main(["up", "--site", str(EXAMPLE)]) == 1
    assert "There is no apt-get. Install it." in capsys.readouterr().err
    assert Paths(prefix).site_file.read_text() == EXAMPLE.read_text()
    entry = prefix / "etc" / "jupyterhub_config.py"
    assert entry.read_text() == (CHECKOUT / "jupyterhub_config.py").read_text()
    # The next one needs not name it again.
    assert cli.main(["up"]) == 1
    assert Paths(prefix).site_file.read_text() == EXAMPLE.read_text()


def test_up_stops_at_the_first_step_that_fails(prefix: Path, monkeypatch: Monkey, capsys: Captured) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cli.main(["up"]) == 1
    out, err = capsys.readouterr()
    assert out == "[ 1/14] Machine ...\n"
    assert "Run ./campus up as root." in err
    assert not prefix.exists()


def test_doctor_fails_when_something_does(prefix: Path, monkeypatch: Monkey, capsys: Captured) -> None:
    from hub_config import doctor

    monkeypatch.setattr(doctor, "look", lambda: None)
    monkeypatch.setattr(doctor, "CHECKS", (lambda _: iter([doctor.Finding("hub", False, "is ill", "a remedy")]),))
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out == "FAIL  hub: is ill\n      -> a remedy\n\n1 failed\n"
    monkeypatch.setattr(doctor, "CHECKS", (lambda _: iter([doctor.Finding("hub", None, "is old")]),))
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out == "note  hub: is old\n\nAll is well.\n"


# ---------------------------------------------------------------- test


@pytest.fixture
def tools(monkeypatch: Monkey) -> list[list[str]]:
    """The programs that ./campus test runs, without running them; those named "ill" fail."""
    ran: list[list[str]] = []

    def run(argv: list[str], **_: Any) -> Any:
        known = {"ruff", "mypy", "lint-imports", Path(sys.executable).name}
        assert Path(argv[0]).name in known, f"nobody expected {argv}"
        ran.append(argv)
        return subprocess.CompletedProcess(argv, 5 if "ill" in argv else 0)

    monkeypatch.setattr(testing.subprocess, "run", run)
    return ran


def test_the_unit_tests_alone(prefix: Path, tools: list[list[str]]) -> None:
    assert cli.main(["test", "unit", "-k", "a b", "-x"]) == 0
    assert tools == [[sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/unit", "-k", "a b", "-x"]]
    assert cli.main(["test", "unit", "-k", "ill"]) == 5


def test_a_check_that_fails_ends_all_tests(prefix: Path, tools: list[list[str]], monkeypatch: Monkey) -> None:
    monkeypatch.setattr(testing, "_CHECKS", (("ruff", "check"), ("mypy", "ill"), ("lint-imports",)))
    assert cli.main(["test"]) == 5
    assert [Path(argv[0]).name for argv in tools] == ["ruff", "mypy"]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([0, 0, 0], 0),
        ([0, 5, 5], 0),  # what was chosen is of the first way to Slurm alone
        ([5, 0, 5], 0),
        ([5, 5, 5], 5),
        ([1], 1),
        ([0, 1], 1),
        ([5, 0, 2], 2),
    ],
)
def test_every_way_to_slurm_has_its_turn_until_one_fails(
    statuses: list[int], status: int, prefix: Path, monkeypatch: Monkey
) -> None:
    left, ways = list(statuses), ["cli"]
    monkeypatch.setattr(testing, "_campus", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(testing, "_up", lambda _, transport: ways.append(transport))
    monkeypatch.setattr(testing, "_pytest", lambda *_: left.pop(0))
    assert cli.main(["test", "cluster"]) == status
    assert not left
    assert ways == ["cli", *testing._OTHER_TRANSPORTS][: len(statuses)]


# ---------------------------------------------------------------- errors are sentences


def failing(monkeypatch: Monkey, error: BaseException) -> None:
    def read_site(path: Path) -> None:
        raise error

    monkeypatch.setattr("hub_config.site_file.read_site", read_site)


@pytest.mark.parametrize(
    ("detail", "printed"),
    [
        ("", ""),
        ("the program's own words", "\nDetails:\nthe program's own words\n"),
        ("x" * 3000, f"\nDetails:\n{'x' * 2000}\n"),
        ("a thing", ""),
    ],
)
def test_an_error_is_a_sentence_and_a_remedy(
    detail: str, printed: str, prefix: Path, monkeypatch: Monkey, capsys: Captured
) -> None:
    failing(monkeypatch, CampusError("broken", "This is a thing that broke.", "Mend it.", detail))
    assert cli.main(["check"]) == 1
    assert capsys.readouterr() == ("", f"\ncampus: This is a thing that broke. Mend it.\n{printed}")


def test_a_full_disk_is_a_sentence(prefix: Path, monkeypatch: Monkey, capsys: Captured) -> None:
    failing(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/opt/campus/etc/site.toml"))
    assert cli.main(["check"]) == 1
    err = capsys.readouterr().err
    assert "campus: No space left on device (/opt/campus/etc/site.toml). Free space on the disk" in err


def test_a_disk_that_fills_while_writing_is_a_sentence(prefix: Path, monkeypatch: Monkey, capsys: Captured) -> None:
    with monkeypatch.context() as full:
        full.setattr(sys, "stdout", open("/dev/full", "w"))  # noqa: SIM115
        assert cli.main(["check"]) == 1
    err = capsys.readouterr().err
    assert "campus: No space left on device. Free space on the disk" in err


def test_a_read_only_disk_has_a_remedy_of_its_own(prefix: Path, monkeypatch: Monkey, capsys: Captured) -> None:
    failing(monkeypatch, OSError(errno.EROFS, os.strerror(errno.EROFS), "/opt/campus/etc"))
    assert cli.main(["check"]) == 1
    err = capsys.readouterr().err
    assert "Read-only file system (/opt/campus/etc)" in err
    assert "Free space" not in err
    assert "mount it writable" in err


def test_a_reader_who_goes_away_is_no_mistake() -> None:
    """./campus check | head -0"""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "hub_config.cli", "check"],
            env={**os.environ, "CAMPUS_PREFIX": "/nonexistent"},
            cwd=CHECKOUT,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_nobody_foresaw_keeps_its_traceback(prefix: Path, monkeypatch: Monkey) -> None:
    failing(monkeypatch, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output"):
        cli.main(["check"])


# ---------------------------------------------------------------- the script


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """The script and what it needs where every account can read it, which pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="campus-test-"))
    folder.chmod(0o755)
    shutil.copy(CHECKOUT / "campus", folder)
    for name in ("images/locks", "campus_base", "hub_config"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    yield folder
    shutil.rmtree(folder)


Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def campus(checkout: Path) -> Script:
    """Run the script, with this environment and no other; as nobody, where root runs the tests and asks for it."""

    def run(*arguments: str, nobody: bool = False, **env: str) -> subprocess.CompletedProcess[str]:
        become: dict[str, Any] = {}
        if nobody and os.geteuid() == 0:
            become = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **env}
        argv = [str(checkout / "campus"), *arguments]
        return subprocess.run(argv, env=env, cwd="/", capture_output=True, text=True, timeout=30, **become)

    return run


# check and help need no root, so these tests do not either.

# Ways around what is refused, and around what is asked of the folders above a prefix.
NOT_PLAIN = [
    "//root/campus",
    "/opt//campus",
    "/opt/../root/c",
    "/opt/..",
    "/..",
    "/opt/./campus",
    "/./root",
    "/../root",
]


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("opt/campus", "CAMPUS_PREFIX must be an absolute path, not opt/campus"),
        ("./campus", "must be an absolute path"),
        ("~/campus", "must be an absolute path"),
        ("{tmp}/a b", "may hold letters, digits, / . _ and - only"),
        ("{tmp}/$(id)", "may hold letters, digits, / . _ and - only"),
        ("{tmp}/a'b", "may hold letters, digits, / . _ and - only"),
        ("{tmp}/a\nb", "may hold letters, digits, / . _ and - only"),
        ("{tmp}/%h", "may hold letters, digits, / . _ and - only"),
        ("/root", "must be a folder of its own, such as /opt/campus, not /root"),
        ("/", "must be a plain path"),
        ("/usr", "must be a folder of its own"),
        ("/opt/campus/.", "must be a plain path"),
        ("/root/campus", "/root/campus cannot be read by others"),
        *((odd, "must be a plain path without //, . and .., not") for odd in NOT_PLAIN),
    ],
)
def test_a_prefix_that_does_not_serve(prefix: str, says: str, campus: Script, tmp_path: Path) -> None:
    # Not as root: one that passed by mistake would be made.
    done = campus("check", nobody=True, CAMPUS_PREFIX=prefix.format(tmp=tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("campus: ")
    assert says.format(tmp=tmp_path) in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["help"], ["-h"], ["--help"], ["--version"]])
def test_help_needs_nothing(arguments: list[str], campus: Script, tmp_path: Path) -> None:
    done = campus(*arguments, nobody=True, CAMPUS_PREFIX=str(tmp_path / "prefix"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("campus " if arguments == ["--version"] else "usage: ./campus")
    assert list(tmp_path.iterdir()) == []


def test_nothing_from_the_current_folder_gets_in(checkout: Path, stub: Path) -> None:
    """Root runs it, perhaps in somebody's folder."""
    for name in ("argparse", "campus_base", "hub_config"):
        (stub.parent / f"{name}.py").write_text("raise SystemExit('got in')")
    done = subprocess.run(
        [str(checkout / "campus"), "help"],
        env={"PATH": "/usr/bin:/bin", "CAMPUS_PREFIX": str(stub)},
        cwd=stub.parent,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["status"], ["down"], ["doctor"], ["logs"], ["uninstall"], ["fly"]])
@pytest.mark.skipif(os.geteuid() != 0, reason="most verbs ask for root first")
def test_a_verb_before_up_says_what_to_do(arguments: list[str], campus: Script, tmp_path: Path) -> None:
    done = campus(*arguments, CAMPUS_PREFIX=str(tmp_path / "prefix"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("run ./campus up first.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["up", "down", "status", "doctor", "logs", "uninstall", "test"])
def test_without_root_and_sudo_one_sentence_says_so(verb: str, campus: Script, checkout: Path) -> None:
    programs = checkout / "without-sudo"
    programs.mkdir(exist_ok=True)
    for name in ("dirname", "id"):
        if not (programs / name).exists():
            (programs / name).symlink_to(shutil.which(name) or "")
    done = campus(verb, nobody=True, PATH=str(programs))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"campus: {verb} needs root, and there is no sudo here: run it as root.\n"


def test_without_root_sudo_is_asked(campus: Script, checkout: Path) -> None:
    programs = checkout / "with-sudo"
    programs.mkdir()
    sudo = programs / "sudo"
    sudo.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    sudo.chmod(0o755)
    path = f"{programs}:/usr/bin:/bin"
    done = campus("logs", "a b", "$(id)", nobody=True, PATH=path, CAMPUS_PREFIX="/opt/a b")
    assert done.stdout == f"<--><env><CAMPUS_PREFIX=/opt/a b><{checkout}/campus><logs><a b><$(id)>"
    assert campus("down", nobody=True, PATH=path).stdout == f"<--><env><{checkout}/campus><down>"


@pytest.fixture
def stub(checkout: Path, tmp_path: Path) -> Path:
    """A prefix whose environment is complete, and whose Python tells what it was called with."""
    prefix = tmp_path / "prefix"
    for environment in ("hub", "test"):
        lock = checkout / "images" / "locks" / f"{environment}.txt"
        python = prefix / environment / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(
            '#!/bin/sh\nprintf "<%s>" "$@"\nprintf "\\n%s %s %s\\n" "$PYTHONPATH" "$CAMPUS_PREFIX" "$(umask)"\nexit 7\n'
        )
        python.chmod(0o755)
        wanted = subprocess.run(["sha256sum"], stdin=lock.open(), capture_output=True, text=True, check=True).stdout
        (prefix / environment / ".complete").write_text(wanted)
    return prefix


def test_the_script_hands_over_word_for_word(campus: Script, checkout: Path, stub: Path) -> None:
    done = campus("check", "a b", "*", "$(id)", "", CAMPUS_PREFIX=str(stub), PYTHONPATH="/elsewhere")
    words, where = done.stdout.splitlines()
    assert words == "<-P><-s><-m><hub_config.cli><check><a b><*><$(id)><>"
    assert where.split()[:2] == [str(checkout), str(stub)]
    assert (done.returncode, done.stderr) == (7, "")


def test_the_script_is_found_through_a_link_to_its_folder(campus: Script, checkout: Path, stub: Path) -> None:
    link = stub.parent / "link"
    link.symlink_to(checkout)
    env = {"PATH": "/usr/bin:/bin", "CAMPUS_PREFIX": str(stub), "CDPATH": "/usr"}
    for program, folder in (("./campus", link), (str(link / "campus"), Path("/")), ("link/campus", stub.parent)):
        done = subprocess.run([program, "check"], cwd=folder, env=env, capture_output=True, text=True)
        assert f"\n{checkout} " in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="down asks for root first")
def test_what_is_made_can_be_read_whatever_roots_umask(campus: Script, stub: Path) -> None:
    old = os.umask(0o077)
    try:
        done = campus("down", CAMPUS_PREFIX=str(stub))
    finally:
        os.umask(old)
    assert done.stdout.splitlines()[1].split()[2] == "0022"


@pytest.mark.skipif(os.geteuid() != 0, reason="down asks for root first")
def test_an_environment_of_an_older_version_is_not_used(campus: Script, stub: Path) -> None:
    (stub / "hub" / ".complete").write_text("another")
    done = campus("down", CAMPUS_PREFIX=str(stub))
    assert (done.returncode, done.stdout) == (1, "")
    assert "(or an older version is): run ./campus up first" in done.stderr
    assert (stub / "hub" / "bin" / "python").exists()


def test_the_unit_tests_need_no_root(campus: Script, stub: Path) -> None:
    done = campus("test", "unit", "-x", nobody=os.geteuid() != 0, CAMPUS_PREFIX=str(stub))
    assert done.stdout.startswith("<-P><-s><-m><hub_config.cli><test><unit><-x>")


# ---------------------------------------------------------------- check before the first up


@pytest.fixture
def ordinary(checkout: Path) -> Iterator[tuple[Path, Path]]:
    """An ordinary user's checkout and home. Its environment needs no package; nothing is installed on the machine."""
    folder = Path(tempfile.mkdtemp(prefix="campus-test-"))
    folder.chmod(0o755)
    mine, home = folder / "checkout", folder / "home"
    (mine / "hub_config").mkdir(parents=True)
    (mine / "images" / "locks").mkdir(parents=True)
    (mine / "images" / "locks" / "hub.txt").touch()
    script = (CHECKOUT / "campus").read_text()
    assert "/opt/campus" in script
    script = script.replace("/opt/campus", f"{folder}/opt")
    (mine / "campus").write_text(script)
    (mine / "campus").chmod(0o755)
    (mine / "hub_config" / "__init__.py").touch()
    (mine / "hub_config" / "cli.py").write_text(
        "import os, sys\nprint(sys.prefix, os.environ['CAMPUS_PREFIX'], *sys.argv[1:])\n"
    )
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    yield mine, home
    shutil.rmtree(folder)


def run_as_ordinary(mine: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    become: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    env = {"PATH": "/usr/bin:/bin", **env}
    return subprocess.run(
        [str(mine / "campus"), *arguments], env=env, cwd="/", capture_output=True, text=True, timeout=300, **become
    )


@pytest.mark.skipif(
    subprocess.run(["/usr/bin/python3", "-c", "import ensurepip, venv"], capture_output=True).returncode != 0,
    reason="needs Debian's python3-venv",
)
def test_an_ordinary_user_can_check_a_site_file_before_the_first_up(ordinary: tuple[Path, Path]) -> None:
    mine, home = ordinary
    prefix = home / ".cache" / "campus"
    says = f"{prefix}/hub {home.parent}/opt check site.toml\n"
    # One that an older version left there is made anew.
    (prefix / "hub" / "bin").mkdir(parents=True)
    (prefix / "hub" / "leftover").touch()
    (prefix / "hub" / ".complete").write_text("another")
    if os.geteuid() == 0:
        for path in (home / ".cache", *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    done = run_as_ordinary(mine, "check", "site.toml", HOME=str(home))
    assert (done.returncode, done.stdout) == (0, says)
    assert done.stderr == f"Making the Python environment {prefix}/hub, for the hub (about half a minute).\n"
    assert not (prefix / "hub" / "leftover").exists()
    # The second time it is there, also for who names that folder, or has no home.
    for env in (
        {"HOME": str(home)},
        {"HOME": "/nonexistent", "XDG_CACHE_HOME": str(home / ".cache")},
    ):
        done = run_as_ordinary(mine, "check", "site.toml", **env)
        assert (done.returncode, done.stdout, done.stderr) == (0, says, "")
    done = run_as_ordinary(mine, "check", "site.toml")
    assert (done.returncode, done.stderr[:22]) == (1, "campus: HOME is not se")


def test_check_never_touches_an_installation_of_another_version(ordinary: tuple[Path, Path]) -> None:
    """A running hub may live there."""
    mine, home = ordinary
    hub = home.parent / "opt" / "hub"
    hub.mkdir(parents=True)
    (hub / ".complete").write_text("another version")
    assert run_as_ordinary(mine, "check", HOME=str(home)).returncode == 0
    assert (hub / ".complete").read_text() == "another version"


def test_what_is_installed_on_the_machine_serves_ordinary_users_too(ordinary: tuple[Path, Path]) -> None:
    mine, home = ordinary
    prefix = home.parent / "opt"
    python = prefix / "hub" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s " "$0" "$CAMPUS_PREFIX" "$@"\n')
    python.chmod(0o755)
    lock = (mine / "images" / "locks" / "hub.txt").read_bytes()
    wanted = subprocess.run(["sha256sum"], input=lock, capture_output=True, check=True).stdout.decode()
    (prefix / "hub" / ".complete").write_text(wanted)
    done = run_as_ordinary(mine, "check", HOME=str(home))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{python} {prefix} -P -s -m hub_config.cli check "
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("arguments", [["help"], ["--version"], ["check"]])
def test_a_service_without_home_can_run_it(arguments: list[str], checkout: Path, stub: Path) -> None:
    """cron, and systemd where it starts a system's service, set no HOME."""
    done = subprocess.run(
        [str(checkout / "campus"), *arguments],
        env={"PATH": "/usr/bin:/bin", "CAMPUS_PREFIX": str(stub)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.returncode == (7 if arguments == ["check"] else 0)
