from __future__ import annotations

import asyncio
import os
import pwd
import traceback
from pathlib import Path

import pytest

from campus_base.process import Identity, ProgramFailed, run
from spawners.identity import identity_of, identity_of_uid

NOBODY = pwd.getpwnam("nobody")


def account(name: str = "ghost", uid: int = 54321, gid: int = 54322) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, gid, "", "/", "/bin/sh"))


def test_another_account_is_become_with_its_own_groups_only() -> None:
    assert identity_of(account()) == Identity(54321, 54322, (54322,))


def test_groups_of_the_account_go_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getgrouplist", lambda name, gid: {("ghost", 54322): [54322, 44, 27]}[name, gid])
    assert identity_of(account()) == Identity(54321, 54322, (54322, 44, 27))


def test_nothing_is_become_where_the_hub_is_that_account_already() -> None:
    assert identity_of(account(uid=os.geteuid())) is None


@pytest.mark.skipif(NOBODY.pw_uid == os.geteuid(), reason="the hub is nobody already")
def test_an_account_is_found_by_its_number() -> None:
    assert identity_of_uid(NOBODY.pw_uid) == identity_of(NOBODY)
    assert identity_of_uid(NOBODY.pw_uid) is not None


def test_an_account_that_cannot_be_looked_up_leaves_it_to_the_hub() -> None:
    with pytest.raises(KeyError):
        pwd.getpwuid(987654321)
    assert identity_of_uid(987654321) is None


def test_the_hubs_own_number_becomes_nobody_else() -> None:
    assert identity_of_uid(os.geteuid()) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
async def test_a_command_runs_as_the_account() -> None:
    done = await run(["id"], what="Asking", timeout=5, env={"PATH": "/bin"}, identity=identity_of(NOBODY))
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
            become = identity_of(someone)
            touch = run(["touch", f"{tmp_path}/ran"], what="Touching", timeout=5, env={"PATH": "/bin"}, identity=become)
            with pytest.raises(ProgramFailed, match="Operation not permitted"):
                asyncio.run(touch)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not (tmp_path / "ran").exists()
