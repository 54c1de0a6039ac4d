"""The one program that the hub may run as others: sudo starts it as a person, or as Slurm's operator.

Whoever calls may be a hub that was taken over, so nothing it sends is believed. The word on the command line is the
command; standard input is ``{"arguments": [...], "environment": {...}, "input": "..."}``. Each argument has to fit a
pattern that stands here. ``environment`` and ``input``, the job's environment and script, are for its node: here they
are data, and sbatch passes them on. Exit status 77 is a refusal; any other is the command's own.

``up`` installs it with its settings beside it, root's both. It needs the standard library only, and no other file of
Campus, so that it can be read in one sitting and started in isolation (python -I -S).
"""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import stat
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

REFUSED = 77  # EX_NOPERM of sysexits.h
LARGEST = 1024 * 1024  # bytes of standard input
LOG_BYTES = 16384

_NUMBER = r"[1-9][0-9]{0,9}"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}"
_CLASS = r"class-[a-z][a-z0-9-]{0,22}-[0-9]{8}-[0-9]{4}"
_USERS = f"Users={_NAME}(,{_NAME}){{0,999}}"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def refuse(why: str) -> NoReturn:
    print(f"campus-slurm: {why}", file=sys.stderr)
    raise SystemExit(REFUSED)


def sbatch_options(settings: dict[str, Any], account: pwd.struct_passwd) -> list[str]:
    """Patterns of sbatch's options, of which each may be there once."""
    return [
        *("--parsable", "--export=ALL", "--test-only"),
        f"--job-name={re.escape(settings['job_name'])}",
        r"--comment=[^\x00-\x1f\x7f]{1,300}",
        f"--partition={_NAME}",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={_NUMBER}",
        f"--mem={_NUMBER}M",
        f"--time={_NUMBER}",
        f"--chdir={re.escape(account.pw_dir)}",
        "--output=/dev/null",
        "--no-requeue",
        f"--gres=(gpu(:{_NAME})?|shard):{_NUMBER}",
        f"--account={_NAME}",
        f"--qos={_NAME}",
        f"--reservation={_NAME}",
    ]


def orders(settings: dict[str, Any], account: pwd.struct_passwd) -> list[list[str]]:
    """Patterns of the other commands that do something, word for word."""
    log = f"{re.escape(account.pw_dir)}/{re.escape(settings['log_folder'])}/session-{_NUMBER}[.]log"
    return [
        ["scancel", _NUMBER],
        ["scontrol", "update", f"JobId={_NUMBER}", f"TimeLimit={_NUMBER}"],
        ["tail", f"--bytes={LOG_BYTES}", "--", log],
        [
            *("scontrol", "create", "reservation", f"ReservationName={_CLASS}", f"StartTime=uts{_NUMBER}"),
            *(f"Duration={_NUMBER}", f"PartitionName={_NAME}", f"NodeCnt={_NUMBER}", _USERS),
            "Flags=PURGE_COMP=00:30:00",
        ],
        ["scontrol", "update", f"ReservationName={_CLASS}", _USERS],
        ["scontrol", "delete", f"ReservationName={_CLASS}"],
    ]


AS_PERSON = ("sbatch", "scancel", "tail")
AS_OPERATOR = ("squeue", "sacctmgr", "scontrol", "scancel")


def commands_for(account: pwd.struct_passwd, settings: dict[str, Any]) -> tuple[str, ...]:
    """What may be run as this account."""
    if account.pw_name == settings["operator"]:
        return AS_OPERATOR
    if any(first <= account.pw_uid < end for first, end in settings["people"]):
        return AS_PERSON
    refuse(f"{account.pw_name} (uid {account.pw_uid}) is no person")


def check_words(words: list[Any], settings: dict[str, Any], account: pwd.struct_passwd) -> None:
    """Whether a command and its arguments are one of ours."""
    if not all(isinstance(word, str) for word in words):
        refuse("an argument is text")
    if words[0] == "sbatch":
        left = sbatch_options(settings, account)
        for word in words[1:]:
            fits = next((pattern for pattern in left if re.fullmatch(pattern, word)), None)
            if fits is None:
                refuse(f"sbatch may not have the argument {word[:100]!r}")
            left.remove(fits)
        return
    for patterns in (*orders(settings, account), *settings["questions"]):
        if len(patterns) == len(words) and all(map(re.fullmatch, patterns, words)):
            return
    refuse(f"{words[0]} may not have the arguments {' '.join(words[1:])[:100]!r}")


def job_environment(given: dict[str, Any], settings: dict[str, Any], account: pwd.struct_passwd) -> bytes:
    """A job's whole environment, as sbatch reads it from a file (sbatch(1), ``--export-file``)."""
    own = {
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": account.pw_shell or "/bin/sh",
    }
    ours = settings["environment"]
    whole = {**given, **ours, "PATH": given.get("PATH", ours["PATH"]), **own}
    for name, value in whole.items():
        if not _VARIABLE.fullmatch(name) or not isinstance(value, str) or "\0" in value:
            refuse(f"a job may not have the variable {name[:100]!r}")
    return "".join(f"{name}={value}\0" for name, value in whole.items()).encode()


def request() -> dict[str, Any]:
    text = sys.stdin.buffer.read(LARGEST + 1)
    if len(text) > LARGEST:
        refuse(f"the request is longer than {LARGEST} bytes")
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        refuse("the request is not JSON")
    match asked:
        case {"arguments": list(), "environment": dict(), "input": str(), **rest} if not rest:
            return asked
    refuse("the request is not one of ours")


def in_memory(content: bytes) -> int:
    """A file that only this process and what it becomes can read."""
    file = os.memfd_create("campus-slurm", 0)
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def feed_log(path: str) -> None:
    """Let the command read a log from its standard input; a link, a pipe or somebody else's file is none."""
    try:
        log = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        refuse(f"the log cannot be opened: {error.strerror}")
    found = os.fstat(log)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
        refuse("the log is not a file of its owner's")
    os.dup2(log, 0)


def check_time(given: Sequence[str], settings: dict[str, Any]) -> None:
    """A job may run as long as the site's longest session, and only one that carries this hub's name."""
    import subprocess  # takes longer to load than all else here, and nobody else needs it

    values = dict(word.partition("=")[::2] for word in given)
    if int(values["TimeLimit"]) > settings["longest_minutes"]:
        refuse(f"no session runs for more than {settings['longest_minutes']} minutes")
    named = [f"--name={settings['job_name']}", f"--jobs={values['JobId']}"]
    look = [program("squeue", settings), "--noheader", *named, "--format=%A"]
    done = subprocess.run(look, env=settings["environment"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.stdout.decode().split() != [values["JobId"]]:
        refuse(f"job {values['JobId']} is not one of this hub's")


def check_class(given: Sequence[str], settings: dict[str, Any]) -> None:
    """A class lasts as long as the site lets it, and has no more nodes than it may have GPUs."""
    values = dict(word.partition("=")[::2] for word in given)
    if int(values["Duration"]) > settings["class_minutes"] or int(values["NodeCnt"]) > settings["class_gpus"]:
        refuse(f"no class has {values['NodeCnt']} nodes for {values['Duration']} minutes")


def program(command: str, settings: dict[str, Any]) -> str:
    for folder in settings["environment"]["PATH"].split(":"):
        if os.access(f"{folder}/{command}", os.X_OK):
            return f"{folder}/{command}"
    refuse(f"there is no {command} in {settings['environment']['PATH']}")


def main(argv: Sequence[str], settings: dict[str, Any]) -> NoReturn:
    account = pwd.getpwuid(os.getuid())
    if len(argv) != 1 or argv[0] not in commands_for(account, settings):
        refuse(f"{account.pw_name} may not be asked for {' '.join(argv)[:100]!r}")
    command, asked = argv[0], request()
    given = asked["arguments"]
    check_words([command, *given], settings, account)
    match command:
        case "sbatch":
            variables = in_memory(job_environment(asked["environment"], settings, account))
            given = [*given, f"--export-file={variables}"]
            os.dup2(in_memory(asked["input"].encode()), 0)
        case "tail":
            feed_log(given.pop())
        case "scancel":
            given = [f"--name={settings['job_name']}", *given]
        case "scontrol" if given[0] == "update" and given[1].startswith("JobId="):
            check_time(given, settings)
        case "scontrol" if given[0] == "create":
            check_class(given, settings)
    os.chdir("/")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # The hub may not end what runs as somebody else, so the command has to end by itself.
    signal.alarm(settings["seconds"])
    os.execve(program(command, settings), [command, *given], settings["environment"])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    try:
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "campus-slurm.json")) as file:
            SETTINGS = json.load(file)
        main(sys.argv[1:], SETTINGS)
    except (OSError, ValueError, KeyError) as error:
        refuse(f"{type(error).__name__}: {error}")
