"""An account that no machine has, for tests of code that looks one up."""

from __future__ import annotations

import pwd

import pytest

ADA = pwd.struct_passwd(("ada", "x", 54321, 54322, "", "/home/ada", "/bin/sh"))


def ada_has_an_account(monkeypatch: pytest.MonkeyPatch, account: pwd.struct_passwd = ADA) -> None:
    """Let the machine know this account besides those that it has."""
    named, numbered = pwd.getpwnam, pwd.getpwuid
    monkeypatch.setattr(pwd, "getpwnam", lambda name: account if name == account.pw_name else named(name))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: account if uid == account.pw_uid else numbered(uid))
