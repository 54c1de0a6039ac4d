"""git as kits are brought with: of no settings but these, and trusting the one repository that it is told of."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

# git asks whether a repository's owner may be trusted, as root's is here, and looks for the answer in settings that a
# repository cannot bring along (git-config(1), safe.directory). The program that it starts to read the repository has
# the variables GIT_CONFIG_COUNT and -c taken from it, so the answer stands in a file.
_SETTINGS = """\
[safe]
	directory = {repository}
[user]
	name = Campus
	email = campus@localhost
[core]
	quotePath = false
	autocrlf = false
	hooksPath = /dev/null
[diff]
	renames = false
[commit]
	gpgSign = false
[gc]
	auto = 0
"""


def environment(outer: Mapping[str, str], settings: Path, repository: Path) -> dict[str, str]:
    """Variables for git, of which ``settings`` is written; a person's own settings of git do not come in."""
    settings.write_text(_SETTINGS.format(repository=repository))
    kept = {name: value for name, value in outer.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def git(folder: Path, *arguments: str) -> str:
    """What git prints. Raises CalledProcessError, with both of its outputs."""
    argv = ["git", *arguments]
    done = subprocess.run(argv, cwd=folder, env=os.environ, capture_output=True, text=True, errors="surrogateescape")
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
    return done.stdout


def names(folder: Path, *arguments: str) -> list[str]:
    """Paths that git prints with ``-z``."""
    return [name for name in git(folder, *arguments, "-z").split("\0") if name]


def blob(folder: Path, commit: str, path: str) -> bytes | None:
    """The content of a file in a commit; None where it is none there."""
    argv = ["git", "cat-file", "blob", f"{commit}:{path}"]
    done = subprocess.run(argv, cwd=folder, env=os.environ, capture_output=True)
    return done.stdout if done.returncode == 0 else None
