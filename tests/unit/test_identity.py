from __future__ import annotations

import asyncio
import os
import pwd
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from campus_base.process import Identity, ProgramFailed, run
from spawners import identity
from spawners.identity import (
    DirectorySilent,
    account_named,
    account_of_uid,
    identity_of,
    identity_of_uid,
    is_persons,
)
from tests.support.ada import ADA

NOBODY = pwd.getpwnam("nobody")


@pytest.fixture(autouse=True)
def nothing_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_DIRECTORY", identity._Directory())


def account(uid: int = 54321) -> pwd.struct_passwd:
    return pwd.struct_passwd(("ghost", "x", uid, 54322, "", "/", "/bin/sh"))


# ---------------------------------------------------------------- whose numbers


@pytest.mark.parametrize("uid", [1000, 59999, 65536, 200000, 1879048191, 2**32 - 3])
def test_numbers_of_people(uid: int) -> None:
    assert is_persons(uid)


@pytest.mark.parametrize("uid", [-1, 0, 1, 999, 60000, 64030, 61184, 65533, 65534, 65535, 2**32 - 2, 2**32 - 1])
def test_numbers_of_the_machine_and_of_nobody(uid: int) -> None:
    assert not is_persons(uid)


# ---------------------------------------------------------------- a directory that is slow


class Directory:
    """Answers when it is told to, and counts who asks it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        self.answers = threading.Event()
        self.answer: pwd.struct_passwd | None = ADA
        monkeypatch.setattr(pwd, "getpwnam", self.look)
        monkeypatch.setattr(pwd, "getpwuid", self.look)

    def look(self, whom: Any) -> pwd.struct_passwd:
        self.asked.append(whom)
        assert self.answers.wait(10)
        if self.answer is None:
            raise KeyError(whom)
        return self.answer


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    found = Directory(monkeypatch)
    yield found
    found.answers.set()


async def test_a_slow_directory_stops_nobody_else_and_is_asked_once(directory: Directory) -> None:
    waiting = [asyncio.ensure_future(account_named("ada")) for _ in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)  # the loop goes on while the directory is asked
    assert not any(task.done() for task in waiting)
    directory.answers.set()
    assert await asyncio.gather(*waiting) == [ADA] * 20
    assert directory.asked == ["ada"]


async def test_an_answer_is_kept_for_a_minute(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.answers.set()
    for _ in range(3):
        assert await account_named("ada") == ADA
    assert len(directory.asked) == 1
    later = time.monotonic() + 61
    monkeypatch.setattr(identity.time, "monotonic", lambda: later)
    await account_named("ada")
    assert len(directory.asked) == 2


async def test_an_old_answer_is_not_kept(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.answers.set()
    await asyncio.gather(*(account_of_uid(uid) for uid in range(100)))
    later = time.monotonic() + 61
    monkeypatch.setattr(identity.time, "monotonic", lambda: later)
    await account_named("ada")
    assert len(identity._DIRECTORY._asked) == 1


async def test_that_there_is_no_account_is_not_kept(directory: Directory) -> None:
    directory.answers.set()
    directory.answer = None
    assert await account_named("ada") is None
    assert await account_of_uid(54321) is None
    directory.answer = ADA
    assert await account_named("ada") == ADA
    assert await account_of_uid(54321) == ADA


async def test_a_silent_directory_is_said_and_holds_up_no_cancel(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_ANSWER_SECONDS", 0.01)
    with pytest.raises(DirectorySilent, match="directory of accounts does not answer"):
        await account_named("ada")
    assert await account_of_uid(54321) is None
    assert await identity_of_uid(54321) is None
    monkeypatch.setattr(identity, "_ANSWER_SECONDS", 10)
    directory.answers.set()
    assert await account_named("ada") == ADA


async def test_whoever_stops_waiting_takes_no_answer_from_others(directory: Directory) -> None:
    one, two = (asyncio.ensure_future(account_named("ada")) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.sleep(0)
    directory.answers.set()
    assert await two == ADA
    assert directory.asked == ["ada"]


# ---------------------------------------------------------------- what is become


async def test_another_account_is_become_with_its_own_groups_only() -> None:
    assert await identity_of(account()) == Identity(54321, 54322, (54322,), "ghost")


async def test_groups_of_the_account_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: {("ghost", 54322): [54322, 44, 27]}[name, gid])
    assert await identity_of(account()) == Identity(54321, 54322, (54322, 44, 27), "ghost")


async def test_nothing_is_become_where_the_hub_is_that_account_already() -> None:
    own = await identity_of(account(uid=os.geteuid()))
    done = await run(["id", "-g"], what="Asking", timeout=5, env={"PATH": "/bin"}, identity=own)
    assert done.stdout.strip() == str(os.getegid()) != str(own.gid)


@pytest.mark.skipif(NOBODY.pw_uid == os.geteuid(), reason="the hub is nobody already")
async def test_an_account_is_found_by_its_number() -> None:
    assert await identity_of_uid(NOBODY.pw_uid) == await identity_of(NOBODY)
    assert await identity_of_uid(NOBODY.pw_uid) is not None


async def test_an_account_that_cannot_be_looked_up_leaves_it_to_the_hub() -> None:
    with pytest.raises(KeyError):
        pwd.getpwuid(987654321)
    assert await identity_of_uid(987654321) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
async def test_a_command_runs_as_the_account() -> None:
    done = await run(["id"], what="Asking", timeout=5, env={"PATH": "/bin"}, identity=await identity_of(NOBODY))
    assert done.stdout.startswith(f"uid={NOBODY.pw_uid}(nobody) gid={NOBODY.pw_gid}")
    assert "root" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
@pytest.mark.parametrize("name", ["root", "ghost"])
def test_a_hub_that_is_neither_root_nor_the_account_fails_before_anything_runs(name: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    child = os.fork()
    if not child:
        # Whatever happens, this process must not go on as a second pytest.
        try:
            os.setgroups([])
            os.setresgid(NOBODY.pw_gid, NOBODY.pw_gid, NOBODY.pw_gid)
            os.setresuid(NOBODY.pw_uid, NOBODY.pw_uid, NOBODY.pw_uid)
            someone = pwd.getpwnam("root") if name == "root" else account()
            with pytest.raises(ProgramFailed, match="Operation not permitted"):
                asyncio.run(touch_as(someone, f"{tmp_path}/ran"))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not (tmp_path / "ran").exists()


async def touch_as(someone: pwd.struct_passwd, path: str) -> None:
    become = await identity_of(someone)
    await run(["touch", path], what="Touching", timeout=5, env={"PATH": "/bin"}, identity=become)
