"""What a daemon reads: files that are there whole or not at all, and copies of what it may read nowhere else."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account


def put_file(path: Path, text: str, mode: int, owner: str | None = None) -> bool:
    """A file with this text, mode and owner (ours by default), at once or not at all. True when it was another."""
    account = pwd.getpwnam(owner) if owner else pwd.getpwuid(os.geteuid())
    if path.exists():
        found = path.stat()
        if (found.st_uid, stat.S_IMODE(found.st_mode)) == (account.pw_uid, mode) and path.read_text() == text:
            return False
    staged = path.with_name(f".{path.name}.new")
    staged.unlink(missing_ok=True)
    staged.touch(mode=0o600)
    staged.write_text(text)
    os.chown(staged, account.pw_uid, account.pw_gid)
    staged.chmod(mode)
    staged.replace(path)
    return True


def put_copies(folder: Path, wanted: Mapping[str, str], account: str) -> None:
    """Files by name, root's and readable by the account; others in the folder go. Made anew where they differ."""
    group = grp.getgrnam(account).gr_gid
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, 0, group)
    folder.chmod(0o750)
    for name, text in wanted.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            file.touch(mode=0o600)
            file.write_text(text)
        os.chown(file, 0, group)
        file.chmod(0o640)
    for file in folder.iterdir():
        if file.name not in wanted:
            file.unlink()


def read_as(account: str, path: Path, reader: str) -> str:
    """What an account reads in a file. Raises CampusError naming the file, and who needs it ("the proxy")."""
    done = run_sync([*as_account(account), "cat", "--", str(path)], what=f"Reading {path}", timeout=10, check=False)
    if done.status:
        says = done.stderr.strip().rpartition(": ")[2]
        raise CampusError(
            "daemon-file",
            f"{path}, which {reader} needs, cannot be read: {says}.",
            "Put it there, or correct the site file; then run ./campus up again.",
        )
    return done.stdout
