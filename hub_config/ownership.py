"""Whose the hub's state and secrets are: the account's that the hub runs as, whichever it was before."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account, hub_account
from hub_config.site import OidcAuthentication, Site


def belongs_to(folder: Path, account: str) -> bool:
    return folder.exists() and folder.stat().st_uid == pwd.getpwnam(account).pw_uid


def give(folder: Path, account: str) -> None:
    """Make all in a folder, and last the folder, an account's own (0700); what was half done is finished.

    Another account may have been able to write there: a link is left alone, and so is a file that has a second name,
    since root must not give away what lies elsewhere.
    """
    entry = pwd.getpwnam(account)
    folder.mkdir(parents=True, exist_ok=True)
    for _, folders, names, fd in os.fwalk(folder, topdown=False):
        for name in (*folders, *names):
            _give(name, entry, fd)
    _give(str(folder), entry, None)
    folder.chmod(0o700)


def _give(name: str, entry: pwd.struct_passwd, folder: int | None) -> None:
    # Held open while it is looked at and given away, so that nothing else can take its place in between.
    held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        found = os.fstat(held)
        single = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if found.st_uid != entry.pw_uid and (single or stat.S_ISDIR(found.st_mode)):
            os.chown(f"/proc/self/fd/{held}", entry.pw_uid, entry.pw_gid)
    finally:
        os.close(held)


def share(folder: Path, account: str) -> None:
    """Let an account read the secrets in a folder, and nobody else but root, whose they stay."""
    group = pwd.getpwnam(account).pw_gid
    for path in (folder, *folder.iterdir()):
        os.chown(path, 0, group)
        path.chmod((0o750 if path.is_dir() else 0o640) if group else (0o700 if path.is_dir() else 0o600))


def check_readable(site: Site) -> None:
    """Raises CampusError naming a file of the site's that the hub's account cannot read."""
    account = hub_account(site)
    wanted = [site.database.password_file]
    if isinstance(site.authentication, OidcAuthentication):
        wanted += [site.authentication.client_secret_file, site.authentication.ca_file]
    for path in filter(None, wanted):
        test = [*as_account(account), "test", "-r", str(path)]
        if run_sync(test, what=f"Looking at {path}", timeout=10, check=False).status:
            raise CampusError(
                "hub-cannot-read",
                f"The hub's account {account} cannot read {path}.",
                f"Run chgrp {account} {path} and chmod g+r {path}, and let {account} enter the folders above it.",
            )
