"""The demo site's people as Unix accounts of this machine."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from extensions.courses.names import is_grader
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
            f"Give the course another name, unless nobody uses that account (then userdel {name})."
            if is_grader(name)
            else f"Rename the account in the site file's [[accounts]], or remove it (userdel {name}).",
        )
    return True


def _uid_option(name: str, home: Path) -> list[str]:
    """useradd's option that gives a home which was kept (by uninstall, from a backup) its owner back.

    Raises CampusError when the home is an account's already.
    """
    if not home.exists():
        return []
    uid = home.stat().st_uid
    with contextlib.suppress(KeyError):
        raise CampusError(
            "home-taken",
            f"The home {home} belongs to the account {pwd.getpwuid(uid).pw_name}, and {name} is to have it.",
            f"Move it away (mv {home} {home}.before), or give it to {name} afterwards.",
        )
    return [f"--uid={uid}"]


def ensure_accounts(site: Site, paths: Paths) -> int:
    """Make the demo accounts that are missing; returns how many. Raises CampusError, before making any."""
    homes = {a.name: paths.homes / a.name for a in site.accounts}
    missing = {n: _uid_option(n, home) for n, home in homes.items() if not check_account(n, home)}
    paths.homes.mkdir(parents=True, exist_ok=True)
    for name, home in homes.items():
        if name in missing:
            _make(name, home, missing[name])
        else:
            _ensure_home(name, home)
    return len(missing)


def ensure_account(name: str, home: Path) -> None:
    """Make one account, unless it is there. Raises CampusError."""
    home.parent.mkdir(parents=True, exist_ok=True)
    if check_account(name, home):
        _ensure_home(name, home)
    else:
        _make(name, home, _uid_option(name, home))


def _ensure_home(name: str, home: Path) -> None:
    """An empty home for an account that has lost its own: no session of its could start."""
    if home.exists():
        return
    entry = pwd.getpwnam(name)
    staged = home.with_name(f".{home.name}.new")
    staged.mkdir(mode=0o700, exist_ok=True)
    os.chown(staged, entry.pw_uid, entry.pw_gid)
    staged.rename(home)


def _make(name: str, home: Path, uid: list[str]) -> None:
    run_sync(
        # No password: the account can be signed in to through Campus only.
        ["useradd", "--create-home", f"--home-dir={home}", "--shell=/bin/bash", "--user-group", *uid, name],
        what=f"Making the account {name}",
        timeout=30,
    )
    home.chmod(0o700)


def remove_accounts(site: Site, paths: Paths) -> None:
    """Remove the accounts that are ours, of people and of graders, and leave their homes. Raises ProgramFailed."""
    graders = [home.name for home in paths.homes.glob("*") if is_grader(home.name)] if site.cluster else []
    for name in (*(account.name for account in site.accounts), *graders):
        try:
            ours = check_account(name, paths.homes / name)
        except CampusError:
            continue
        if ours:
            run_sync(["userdel", name], what=f"Removing the account {name}", timeout=30)


def password_of(account: Account, paths: Paths) -> str:
    """The demo password of an account; operators have another than everybody else."""
    name = OPERATOR_PASSWORD if account.role == "operator" else DEMO_PASSWORD
    return paths.secret(name).read_text().strip()
