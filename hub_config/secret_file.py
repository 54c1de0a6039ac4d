"""Secrets that are files of their own."""

from __future__ import annotations

from pathlib import Path

from campus_base.errors import CampusError


def read_secret(path: Path, remedy: str, least: int = 1) -> str:
    """A file's text, without white space around it. Raises CampusError for none, or a shorter one."""
    try:
        secret = path.read_text().strip()
    except (OSError, ValueError) as error:
        raise CampusError("secret-missing", f"The secret in {path} can't be read.", remedy, str(error)) from error
    if len(secret) < least:
        raise CampusError("secret-short", f"The secret in {path} is shorter than {least} characters.", remedy)
    return secret
