"""The inner wall: namespaces, files and limits of one submission. Runs inside the outer one, which has no host files.

The outer wall (``outer.py``) is bubblewrap's: it holds the programs, read-only, and no submission. Each submission gets
namespaces of its own within it, so that it reaches neither the fork server nor another submission.
"""

from __future__ import annotations

import contextlib
import os
import socket

from extensions.grading.sandbox import linux, seccomp
from extensions.grading.sandbox.limits import Limits

HOME = "/home/student"
SOCKETS = "/run/kernel"
_TMP = "/tmp"  # noqa: S108 - the submission's own
_STAGE = _TMP  # the outer wall's, empty; the new root is built on it
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_FILES = {
    "passwd": f"student:x:{{uid}}:{{gid}}::{HOME}:/bin/sh\n",
    "group": "student:x:{gid}:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
}
_SMALL = "size=256k,nr_inodes=256,mode=0755"
_PLAIN = linux.MS_NOSUID | linux.MS_NODEV


def separate() -> None:
    """Namespaces of one's own; the next child is the first process of the new ones. Raises OSError."""
    uid, gid = os.getuid(), os.getgid()
    linux.unshare(
        linux.CLONE_NEWUSER
        | linux.CLONE_NEWNS
        | linux.CLONE_NEWPID
        | linux.CLONE_NEWNET
        | linux.CLONE_NEWIPC
        | linux.CLONE_NEWUTS
        | linux.CLONE_NEWCGROUP
    )
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def furnish(limits: Limits) -> None:
    """Make the submission's own root, and enter it. Raises OSError."""
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", _STAGE, "tmpfs", _PLAIN, _SMALL)
    for entry in os.scandir("/"):
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), f"{_STAGE}/{entry.name}")
        elif entry.name not in ("dev", "etc", "home", "proc", "run", "tmp", "var"):
            _bind(entry.path, f"{_STAGE}/{entry.name}")
    _make_etc()
    _make_room(limits)
    _make_devices()
    os.mkdir(f"{_STAGE}/proc")
    linux.mount("proc", f"{_STAGE}/proc", "proc", _PLAIN | linux.MS_NOEXEC)
    os.makedirs(f"{_STAGE}{SOCKETS}")
    linux.mount("tmpfs", f"{_STAGE}{SOCKETS}", "tmpfs", _PLAIN | linux.MS_NOEXEC, "size=64k,nr_inodes=32,mode=0700")
    linux.mount("none", _STAGE, flags=linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | _PLAIN)
    linux.pivot_root(_STAGE)
    linux.loopback_up()
    socket.sethostname("sandbox")


def seal() -> None:
    """The kernel's sockets are there: from now on nothing in their folder can be replaced. Raises OSError."""
    flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | _PLAIN | linux.MS_NOEXEC
    linux.mount("none", SOCKETS, flags=flags)


def shut() -> None:
    """Give up all rights within the namespaces, for good. Raises OSError."""
    linux.drop_capabilities()
    seccomp.install()


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    linux.mount(source, target, flags=linux.MS_BIND | linux.MS_REC)


def _make_etc() -> None:
    os.mkdir(f"{_STAGE}/etc")
    for entry in os.scandir("/etc"):
        _bind(entry.path, f"{_STAGE}/etc/{entry.name}")
    for name, text in _FILES.items():
        with open(f"{_STAGE}/etc/{name}", "w") as file:
            file.write(text.format(uid=os.getuid(), gid=os.getgid()))


def _make_room(limits: Limits) -> None:
    """One file system for all that it may write, so that one limit holds for all."""
    os.mkdir(f"{_STAGE}/home")
    size = f"size={limits.disk_mib}m,nr_inodes={limits.files},mode=0755"
    linux.mount("tmpfs", f"{_STAGE}/home", "tmpfs", _PLAIN, size)
    os.mkdir(f"{_STAGE}{HOME}")
    for name in (".tmp", ".shm"):
        os.mkdir(f"{_STAGE}/home/{name}")
    os.mkdir(f"{_STAGE}{_TMP}")
    linux.mount(f"{_STAGE}/home/.tmp", f"{_STAGE}{_TMP}", flags=linux.MS_BIND)
    os.mkdir(f"{_STAGE}/var")
    os.symlink(_TMP, f"{_STAGE}/var{_TMP}")


def _make_devices() -> None:
    dev = f"{_STAGE}/dev"
    os.mkdir(dev)
    for name in _DEVICES:
        _bind(f"/dev/{name}", f"{dev}/{name}")
    for name, target in (("fd", "/proc/self/fd"), ("ptmx", "pts/ptmx")):
        os.symlink(target, f"{dev}/{name}")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{dev}/{name}")
    os.mkdir(f"{dev}/pts")
    options = "newinstance,ptmxmode=0666,mode=620"
    linux.mount("devpts", f"{dev}/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, options)
    os.mkdir(f"{dev}/shm")
    linux.mount(f"{_STAGE}/home/.shm", f"{dev}/shm", flags=linux.MS_BIND)


def die_first() -> None:
    """Where memory runs out, the submission is to be killed, never its grader (proc(5), oom_score_adj)."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
