"""The demo site's people as Unix accounts of this machine."""

from __future__ import annotations

import pwd
from collections.abc import Callable
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.paths import Paths
from hub_config.site import Account, Site

DEMO_PASSWORD = "demo-password"  # noqa: S105 - a file's name
OPERATOR_PASSWORD = "operator-password"  # noqa: S105


def ensure_secret(path: Path, new: Callable[[], str]) -> None:
    """A file (0600) with a secret, made once by ``new``."""
    if not (path.exists() and path.stat().st_size):
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(new() + "\n")


def check_account(name: str, home: Path) -> bool:
    """Whether the account exists, and is ours. Raises CampusError when it is somebody else's."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return False
    if entry.pw_uid == 0 or Path(entry.pw_dir) != home:
        raise CampusError(
            "account-taken",
            f"The account {name} exists already, with the home {entry.pw_dir} instead of {home}.",
            f"Rename the account in the site file's [[accounts]], or remove it (userdel {name}).",
        )
    return True


def ensure_accounts(site: Site, paths: Paths) -> int:
    """Make the demo accounts that are missing; returns how many. Raises CampusError, before making any."""
    missing = [a for a in site.accounts if not check_account(a.name, paths.homes / a.name)]
    paths.homes.mkdir(parents=True, exist_ok=True)
    for account in missing:
        home = paths.homes / account.name
        run_sync(
            # No password: the account can be signed in to through Campus only.
            [
                "useradd",
                "--create-home",
                f"--home-dir={home}",
                "--shell=/bin/bash",
                "--user-group",
                account.name,
            ],
            what=f"Making the account {account.name}",
            timeout=30,
        )
        home.chmod(0o700)
    return len(missing)


def remove_accounts(site: Site, paths: Paths) -> None:
    """Remove the demo accounts that are ours, and leave their homes. Raises ProgramFailed."""
    for account in site.accounts:
        try:
            ours = check_account(account.name, paths.homes / account.name)
        except CampusError:
            continue
        if ours:
            run_sync(["userdel", account.name], what=f"Removing the account {account.name}", timeout=30)


def password_of(account: Account, paths: Paths) -> str:
    """The demo password of an account; operators have another than everybody else."""
    name = OPERATOR_PASSWORD if account.role == "operator" else DEMO_PASSWORD
    return paths.secret(name).read_text().strip()
