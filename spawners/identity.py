"""Which Unix account a Slurm command runs as."""

from __future__ import annotations

import os
import pwd

from campus_base.process import Identity


def identity_of_uid(uid: int) -> Identity | None:
    """What to become to cancel an account's jobs; the hub itself where the account is gone, or no directory answers."""
    try:
        return identity_of(pwd.getpwuid(uid))
    except KeyError:
        return None


def identity_of(account: pwd.struct_passwd) -> Identity | None:
    """What to become for this account; None when the hub runs as it already.

    A hub that is neither root nor this account fails in the kernel, with EPERM, before anything runs.
    """
    if account.pw_uid == os.geteuid():
        return None
    groups = tuple(os.getgrouplist(account.pw_name, account.pw_gid))
    return Identity(account.pw_uid, account.pw_gid, groups)
