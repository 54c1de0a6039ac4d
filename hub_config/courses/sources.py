"""Where a site's courses are: folders of the operator's, and git repositories that their graders clone."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, run_sync
from extensions.courses.check import courses_in
from extensions.exchange.archive import read_tar
from extensions.exchange.names import Limits
from extensions.exchange.refusals import Refused
from hub_config.courses.account import ensure_grader
from hub_config.daemon_accounts import as_account
from hub_config.environments import CHECKOUT
from hub_config.paths import Paths
from hub_config.site import CourseRepository, Site

_CLONE_SECONDS = 600
# A repository on this machine may be another account's: only its content is taken. Other ways than these run programs.
_GIT_SETTINGS = """\
[include]
    path = /etc/gitconfig
[safe]
    directory = *
[protocol]
    allow = never
[protocol "https"]
    allow = always
[protocol "ssh"]
    allow = always
[protocol "file"]
    allow = always
"""
_LARGEST = Limits(upload=2**31, file=2**31, files=100_000)


def folder_of_courses(site: Site) -> Path:
    return site.content.courses or CHECKOUT / "courses"


def course_names(site: Site) -> list[str]:
    """Of all courses of the site. Raises CampusError where two have the same name."""
    here = [folder.name for folder in courses_in(folder_of_courses(site))]
    cloned = [repository.name for repository in site.content.course_repositories]
    for name in sorted(set(here) & set(cloned)):
        raise CampusError(
            "course-twice",
            f"The course {name} is in {folder_of_courses(site)} and in content.course_repositories.",
            "Remove one of the two.",
        )
    return sorted((*here, *cloned))


@contextmanager
def course_folder(name: str, site: Site, paths: Paths) -> Iterator[Path]:
    """The folder of a course, for as long as this lasts; a repository's is made for it. Raises CampusError."""
    if name not in (names := course_names(site)):
        raise CampusError(
            "no-course",
            f"There is no course {name} here.",
            f"The courses of {folder_of_courses(site)} and content.course_repositories are: "
            f"{', '.join(names) or 'none'}.",
        )
    repository = next((r for r in site.content.course_repositories if r.name == name), None)
    if repository is None:
        yield (folder_of_courses(site) / name).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="campus-course-") as top:
        folder = Path(top) / name
        folder.mkdir()
        _fetch(repository, folder, ensure_grader(name, site, paths))
        yield folder


def _fetch(repository: CourseRepository, folder: Path, grader: pwd.struct_passwd) -> None:
    """Put a repository's files into a folder. Raises CampusError.

    git runs as the course's grader: what comes from elsewhere is not to be read by a program of root's.
    """
    with tempfile.TemporaryFile() as archive:
        with tempfile.TemporaryDirectory(prefix="campus-clone-") as top:
            settings = Path(top) / "gitconfig"
            settings.write_text(_GIT_SETTINGS)
            settings.chmod(0o644)
            os.chown(top, grader.pw_uid, grader.pw_gid)
            clone = f"{top}/course"
            git = [*as_account(grader.pw_name, "--no-new-privs"), "git"]
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": grader.pw_dir,
                "USER": grader.pw_name,
                "LANG": "C.UTF-8",
                "GIT_TERMINAL_PROMPT": "0",
                # Not -c: what git starts to read a repository on this machine would not know of it.
                "GIT_CONFIG_SYSTEM": str(settings),
            }
            named = ["--branch", repository.ref] if repository.ref else []
            _git([*git, "clone", "--quiet", "--depth=1", *named, "--", repository.url, clone], repository, environment)
            _git([*git, f"--git-dir={clone}/.git", "archive", "--format=tar", "HEAD"], repository, environment, archive)
        try:
            for path, _, content in read_tar(archive, _LARGEST):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
        except Refused as error:
            raise CampusError("course-repository", f"{repository.url}: {error}", "Correct the repository.") from error


def _git(
    argv: list[str], repository: CourseRepository, environment: dict[str, str], output: BinaryIO | None = None
) -> None:
    """Raises CampusError with git's own words."""
    try:
        run_sync(argv, what="git", timeout=_CLONE_SECONDS, env=environment, output=output)
    except ProgramFailed as error:
        says = next((line for line in error.detail.splitlines() if line.startswith("fatal: ")), error.detail)
        raise CampusError(
            "course-repository",
            f"The repository {repository.url} of {repository.name} cannot be cloned as its grader: "
            f"{says.removeprefix('fatal: ')}.",
            "Correct content.course_repositories, or let that account read it.",
            error.detail,
        ) from error
