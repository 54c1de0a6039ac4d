"""What sudo runs as people: everything the hub asks for passes, and nothing else does."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spawners.identity import PEOPLE
from spawners.slurm import Booking
from spawners.slurm.cli.accounts import associations_query
from spawners.slurm.cli.queries import everybody_query, exit_code_query, jobs_query
from spawners.slurm.cli.questions import questions
from spawners.slurm.cli.reservations import book_command, book_for_command, unbook_command
from spawners.slurm.cli.rules import config_query, partitions_query
from spawners.slurm.cli.transport import sbatch_options, submit_command
from spawners.slurm.logs import end_of
from spawners.slurm.sudo import wrapper
from spawners.slurm.sudo.wrapper import AS_OPERATOR, AS_PERSON, LARGEST, REFUSED, check_words, commands_for
from tests.support.ada import ADA
from tests.unit.test_commands import job

SETTINGS: dict[str, Any] = {
    "operator": "slurm",
    "people": [[numbers.start, numbers.stop] for numbers in PEOPLE],
    "job_name": "campus",
    "log_folder": ".campus/logs",
    "longest_minutes": 480,
    "class_minutes": 240,
    "class_gpus": 16,
    "questions": questions("campus"),
    "environment": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    "seconds": 20,
}
CLASS = Booking(
    name="class-dl-20261201-0900", start=1796000000, minutes=240, partition="gpu", nodes=16, users=("ada", "b.ee")
)
LOG = "/home/ada/.campus/logs/session-7.log"


def allowed(words: list[Any]) -> bool:
    """Whether ada may be asked for these words."""
    try:
        check_words(words, SETTINGS, ADA)
    except SystemExit:
        return False
    return True


# ---------------------------------------------------------------- whom it serves


@pytest.mark.parametrize(
    ("name", "uid", "commands"),
    [
        ("ada", 1000, AS_PERSON),
        ("ada", 200000, AS_PERSON),
        ("slurm", 64030, AS_OPERATOR),
        # An operator with a person's number is no person: nothing is started as it.
        ("slurm", 1000, AS_OPERATOR),
        *((name, uid, None) for name, uid in (("root", 0), ("daemon", 1), ("munge", 102), ("nobody", 65534))),
        *((name, uid, None) for name, uid in (("campus-hub", 990), ("sys", 64030), ("toor", 0), ("x", 2**32 - 1))),
    ],
)
def test_people_and_the_operator_and_nobody_else(name: str, uid: int, commands: tuple[str, ...] | None) -> None:
    account = pwd.struct_passwd((name, "x", uid, uid, "", "/", "/bin/sh"))
    if commands is None:
        with pytest.raises(SystemExit) as refused:
            commands_for(account, SETTINGS)
        assert refused.value.code == REFUSED
    else:
        assert commands_for(account, SETTINGS) == commands


# ---------------------------------------------------------------- which words


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"gpus": 2},
        {"gpus": 1, "gpu_type": "a100-sxm4.40gb"},
        {"account": "p200001", "qos": "short_gpu", "reservation": "course-2026.1"},
        {"gpus": 0, "shards": 2},
        {"mark": "ada/second-one", "partition": "gpu", "cpus": 128, "memory_mib": 4 * 2**20, "seconds": 366 * 86400},
    ],
)
def test_every_job_of_the_hubs_may_be_tested_and_submitted(change: dict[str, Any]) -> None:
    asked = job(folder="/home/ada", **change)
    assert allowed(submit_command(asked))
    assert allowed(["sbatch", "--test-only", *sbatch_options(asked)])


@pytest.mark.parametrize(
    "words",
    [
        *(jobs_query("campus"), everybody_query(claims=True), everybody_query(claims=False), exit_code_query(7)),
        *(config_query(), partitions_query()),
        associations_query("meluxina"),
        ["scancel", "7"],
        ["scontrol", "update", "JobId=7", "TimeLimit=480"],
        book_command(CLASS),
        book_for_command(CLASS.name, ["ada", "eve"]),
        unbook_command(CLASS.name),
        end_of(LOG),
    ],
    ids=lambda words: " ".join(words)[:50],
)
def test_every_question_and_order_of_the_hubs_may_be_put(words: list[str]) -> None:
    assert allowed(words)


@pytest.mark.parametrize(
    "option",
    [
        *("--wrap=id", "--uid=0", "--uid=root", "--gid=0", "-o/tmp/x", "--output=/home/ada/.bashrc", "--error=x"),
        *("--input=/etc/shadow", "--export=NONE", "--export=ALL,LD_PRELOAD=/x", "--export-file=/home/ada/x"),
        *("--job-name=other", "--job-name=campus2", "--chdir=/root", "--chdir=/home/ada/../eve", "--chdir=/home/ada "),
        *("--nodes=2", "--ntasks=64", "--array=1-1000", "--get-user-env=10L", "--prolog=x", "--bb=x", "--wait"),
        *("--comment=a\nb", "--comment=", "--comment=" + "x" * 301, "--partition=a b", "--partition=$(id)"),
        *("--account=`id`", "--account=a;b", "--qos=-x", "--reservation=a,b\n", "--gres=gpu:0", "--gres=fpga:1"),
        *(
            "--time=0",
            "--time=-1",
            "--time=٤",
            "--time=1\n",
            "--mem=1",
            "--mem=1G",
            "--cpus-per-task=1e9",
            "--time=" + "9" * 11,
        ),
        *("script.sh", "/etc/passwd", "--", "-", "", "id", "--parsable=1", "--test-only=", "--no-requeue=yes"),
    ],
)
def test_an_option_that_is_not_ours_is_refused(option: str) -> None:
    assert not allowed([*submit_command(job(folder="/home/ada")), option])


def test_an_option_serves_once() -> None:
    assert not allowed([*submit_command(job(folder="/home/ada")), "--time=9999"])


@pytest.mark.parametrize(
    "words",
    [
        *(
            ["scancel"],
            ["scancel", "0"],
            ["scancel", "-1"],
            ["scancel", "7", "8"],
            ["scancel", "--user=ada"],
            ["scancel", "7\n"],
        ),
        *(["scancel", "7_1"], ["scancel", "--signal=KILL", "7"], ["scancel", "all"]),
        *(["scontrol", "update", "JobId=7"], ["scontrol", "update", "TimeLimit=5", "JobId=7"]),
        ["scontrol", "update", "JobId=7", "TimeLimit=5", "UserId=0"],
        ["scontrol", "update", "JobId=7,8", "TimeLimit=5"],
        ["scontrol", "update", "JobId=7", "TimeLimit=UNLIMITED"],
        ["scontrol", "update", "NodeName=gpu-node1", "State=DOWN"],
        *(["scontrol", "show", "job", "7"], ["scontrol", "show", "hostnames"], ["scontrol", "shutdown"], ["scontrol"]),
        ["scontrol", "write", "batch_script", "7", "-"],
        *(
            ["squeue"],
            ["squeue", "--noheader"],
            ["squeue", "--noheader", "--states=all", "--jobs=7", "--Format=comment"],
        ),
        ["squeue", "--noheader", "--states=all", "--name=other", "--format=%k"],
        [*jobs_query("campus"), "--user=ada"],
        *(["sacctmgr", "add", "user", "eve"], [*associations_query("meluxina"), "-i"], associations_query("a b")),
        ["sacctmgr", "--parsable2", "--noheader", "modify", "user", "eve", "set", "adminlevel=admin"],
        *(
            ["tail", LOG],
            [*end_of(LOG), "/etc/shadow"],
            end_of("/etc/shadow"),
            end_of("/home/eve/.campus/logs/session-7.log"),
        ),
        *(end_of(LOG + ".1"), end_of(LOG.replace("7", "../7")), end_of("/home/ada/.campus/logs/../../session-7.log")),
        *(
            ["tail", "--bytes=16384", "--follow", LOG],
            ["tail", "--bytes=1", "--", LOG],
            end_of(LOG.replace("7", "7\n")),
        ),
        *(["sh", "-c", "id"], ["id"], [""], ["/usr/bin/sbatch"]),
    ],
    ids=lambda words: " ".join(words)[:60],
)
def test_words_that_are_not_ours_are_refused(words: list[str]) -> None:
    assert not allowed(words)


@pytest.mark.parametrize("odd", [None, 7, True, ["--nodes=1"], {"a": "b"}])
def test_what_is_no_text_is_refused(odd: Any) -> None:
    assert not allowed(["scancel", odd])
    assert not allowed(["sbatch", odd])


# ---------------------------------------------------------------- the program itself


class Installed:
    """The wrapper as it is installed, for whoever runs the tests; Slurm's commands say what they were given."""

    def __init__(self, folder: Path) -> None:
        self.account = pwd.getpwuid(os.getuid())
        self.path = folder / "campus-slurm"
        self.path.write_text(f"#!{sys.executable} -IS\n{Path(wrapper.__file__).read_text()}")
        self.path.chmod(0o755)
        programs = folder / "bin"
        programs.mkdir()
        self.settings = {
            **SETTINGS,
            "operator": "",
            "people": [[self.account.pw_uid, self.account.pw_uid + 1]],
            "environment": {"PATH": str(programs), "SLURM_CONF": "/etc/slurm.conf"},
        }
        for name in ("sbatch", "scancel", "tail", "scontrol", "squeue"):
            (programs / name).write_text(
                f"#!{sys.executable} -IS\nimport json, os, sys\n"
                "file = next((a.partition('=')[2] for a in sys.argv if a.startswith('--export-file=')), '')\n"
                "variables = os.read(int(file), 100000).decode() if file else ''\n"
                "print(json.dumps([sys.argv, dict(os.environ), sys.stdin.read(), variables, os.getcwd()]))\n"
            )
            (programs / name).chmod(0o755)

    def run(self, *words: str, stdin: str | bytes, **env: str) -> subprocess.CompletedProcess[bytes]:
        self.path.with_suffix(".json").write_text(json.dumps(self.settings))
        text = stdin if isinstance(stdin, bytes) else stdin.encode()
        return subprocess.run([str(self.path), *words], input=text, capture_output=True, check=False, env=env)

    def ask(self, command: str, *arguments: Any, script: str = "", **environment: Any) -> Any:
        """What the command was given, or the refusal."""
        request = {"arguments": arguments, "environment": environment, "input": script}
        done = self.run(
            command, stdin=json.dumps(request), LD_LIBRARY_PATH="/evil", PYTHONPATH="/evil", SLURM_CONF="/evil"
        )
        if done.returncode == REFUSED:
            return done.stderr.decode().strip()
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def test_a_job_gets_its_script_and_its_whole_environment_and_sbatch_gets_neither(installed: Installed) -> None:
    asked = job(folder=installed.account.pw_dir)
    script = "#!/bin/sh\n#SBATCH --constraint=a100\nécho $(id) `id` \"'\\\n"
    given = {
        "PATH": "/opt/env/bin:/bin",
        "HOME": "/evil",
        "USER": "eve",
        "TOKEN": "s3cret",
        "MULTI": "a\nb=c",
        "LD_PRELOAD": "/x",
    }
    argv, environment, stdin, variables, folder = installed.ask(
        "sbatch", *submit_command(asked)[1:], script=script, **given
    )
    assert argv[1:-1] == submit_command(asked)[1:]
    assert re.fullmatch(r"--export-file=\d+", argv[-1])
    assert stdin == script
    # Nothing of the job's reaches what runs here.
    assert environment.keys() - {"LC_CTYPE"} == {"PATH", "SLURM_CONF"}
    assert environment["SLURM_CONF"] == "/etc/slurm.conf"
    assert dict(entry.split("=", 1) for entry in variables.split("\0")[:-1]) == {
        **{"PATH": "/opt/env/bin:/bin", "TOKEN": "s3cret", "MULTI": "a\nb=c", "LD_PRELOAD": "/x"},
        **{"HOME": installed.account.pw_dir, "USER": installed.account.pw_name, "LOGNAME": installed.account.pw_name},
        **{"SHELL": installed.account.pw_shell, "SLURM_CONF": "/etc/slurm.conf"},
    }
    assert folder == "/"


@pytest.mark.parametrize(
    "variables",
    [
        {"A=B": "x"},
        {"": "x"},
        {"A B": "x"},
        {"1A": "x"},
        {"A\n": "x"},
        {"A": "x\0y"},
        {"A": 1},
        {"A": None},
        {"Ä": "x"},
    ],
)
def test_a_variable_that_could_be_two_is_refused(variables: dict[str, Any], installed: Installed) -> None:
    options = submit_command(job(folder=installed.account.pw_dir))[1:]
    assert "a job may not have the variable" in installed.ask("sbatch", *options, **variables)


def test_a_cancel_is_of_this_hubs_jobs_only(installed: Installed) -> None:
    argv, environment, stdin, _, _ = installed.ask("scancel", "7", TOKEN="x")
    assert argv[1:] == ["--name=campus", "7"]
    assert stdin == ""
    assert "TOKEN" not in environment


def test_the_operators_verbs_are_not_a_persons(installed: Installed) -> None:
    for command, arguments in (
        ("squeue", jobs_query("campus")[1:]),
        ("scontrol", ["update", "JobId=7", "TimeLimit=5"]),
    ):
        assert "may not be asked for" in installed.ask(command, *arguments)
    installed.settings["operator"] = installed.account.pw_name
    assert installed.ask("squeue", *jobs_query("campus")[1:])[0][1:] == jobs_query("campus")[1:]
    for command in ("sbatch", "tail"):
        assert "may not be asked for" in installed.ask(command)


@pytest.mark.parametrize(
    ("minutes", "printed", "says"),
    [(480, "7\n", ""), (481, "7\n", "for more than 480"), (5, "", "not one of this hub's"), (5, "77\n", "not one of")],
)
def test_only_this_hubs_jobs_are_lengthened_and_to_the_longest_session(
    minutes: int, printed: str, says: str, installed: Installed
) -> None:
    installed.settings["operator"] = installed.account.pw_name
    queue = Path(installed.settings["environment"]["PATH"]) / "squeue"
    queue.write_text(f"#!/bin/sh\n[ \"$*\" = '--noheader --name=campus --jobs=7 --format=%A' ] && printf '{printed}'\n")
    answer = installed.ask("scontrol", "update", "JobId=7", f"TimeLimit={minutes}")
    if says:
        assert says in answer
    else:
        assert answer[0][1:] == ["update", "JobId=7", "TimeLimit=480"]


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"arguments": []}', b"7" * 100_000),
        b'{"arguments": [], "environment": {}, "input": "", "more": 1}',
        b'{"arguments": {}, "environment": {}, "input": ""}',
        b'{"arguments": [], "environment": [], "input": ""}',
        b'{"arguments": [], "environment": {}, "input": null}',
        b'{"arguments": ["\\ud800"], "environment": {}, "input": ""}',
        b'{"arguments": ["7"], "environment": {}, "input": ""}' + b" " * LARGEST,
    ],
    ids=lambda text: str(text[:40]),
)
def test_a_request_that_is_none_is_refused(text: bytes, installed: Installed) -> None:
    done = installed.run("scancel", stdin=text)
    assert done.returncode == REFUSED
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("scancel", "7"), ("sh",), ("",), ("--help",), ("../scancel",), ("squeue",)])
def test_a_verb_that_is_none_is_refused_before_anything_is_read(words: tuple[str, ...], installed: Installed) -> None:
    done = installed.run(*words, stdin=b"")
    assert done.returncode == REFUSED
    assert b"may not be asked for" in done.stderr


def test_what_takes_too_long_ends_by_itself(installed: Installed) -> None:
    """The hub may not kill it: it is somebody else's process."""
    installed.settings["seconds"] = 1
    slow = Path(installed.settings["environment"]["PATH"]) / "scancel"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    done = installed.run("scancel", stdin=json.dumps({"arguments": ["7"], "environment": {}, "input": ""}))
    assert done.returncode == -14


def test_settings_that_are_not_there_refuse_everything(installed: Installed) -> None:
    installed.run("scancel", stdin=b"")
    for text in (None, "", "{}"):
        settings = installed.path.with_suffix(".json")
        settings.unlink(missing_ok=True)
        if text is not None:
            settings.write_text(text)
        done = subprocess.run([installed.path, "scancel"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert done.returncode == REFUSED


# ---------------------------------------------------------------- logs


@pytest.fixture
def log(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the log of job 7 has to lie; it is not there yet."""
    installed.settings["log_folder"] = os.path.relpath(installed.path.parent / "logs", installed.account.pw_dir)
    path = Path(f"{installed.account.pw_dir}/{installed.settings['log_folder']}/session-7.log")
    path.parent.mkdir()
    return path


def test_the_end_of_a_log_is_read(installed: Installed, log: Path) -> None:
    log.write_text("the end")
    argv, _, stdin, _, _ = installed.ask("tail", *end_of(str(log))[1:])
    assert (argv[1:], stdin) == (["--bytes=16384", "--"], "the end")


def test_a_log_that_is_none_is_not_read(installed: Installed, log: Path) -> None:
    other = log.with_name("other")
    other.write_text("what somebody else wants to be read")
    argv = end_of(str(log))[1:]
    assert "cannot be opened: No such file" in installed.ask("tail", *argv)
    log.symlink_to(other)
    assert "cannot be opened: Too many levels of symbolic links" in installed.ask("tail", *argv)
    log.unlink()
    os.mkfifo(log)
    assert "not a file of its owner's" in installed.ask("tail", *argv)
    log.unlink()
    log.mkdir()
    assert "not a file of its owner's" in installed.ask("tail", *argv)
    if os.geteuid() == 0:
        log.rmdir()
        log.write_text("another's")
        os.chown(log, 54321, 54321)
        assert "not a file of its owner's" in installed.ask("tail", *argv)


@pytest.mark.parametrize(
    "change",
    [
        *({"name": name} for name in ("maintenance", "class-dl", "class-DL-20261201-0900", "class-dl-20261201-0900 x")),
        *({"users": users} for users in ((), ("",), ("ada\n",), ("-ada",), ("ada", "ALL;x"))),
        {"partition": "gpu,other"},
    ],
)
def test_only_classes_are_booked(change: dict[str, Any]) -> None:
    other = CLASS.model_copy(update=change)
    assert not allowed(book_command(other))
    if "partition" not in change:
        assert not allowed(book_for_command(other.name, other.users))
    assert not allowed([*book_command(CLASS), "Flags=MAINT"])
    assert not allowed(["scontrol", "delete", "ReservationName=maintenance"])
    assert not allowed(["scontrol", "update", f"ReservationName={CLASS.name}", "Duration=99999"])


@pytest.mark.parametrize(("key", "value"), [("minutes", 241), ("nodes", 17)])
def test_no_class_is_longer_or_larger_than_the_site_lets_it(key: str, value: int) -> None:
    wrapper.check_class(book_command(CLASS)[3:], SETTINGS)
    with pytest.raises(SystemExit) as refused:
        wrapper.check_class(book_command(CLASS.model_copy(update={key: value}))[3:], SETTINGS)
    assert refused.value.code == REFUSED
