"""Where a site's courses are: folders of the operator's, and git repositories that their graders clone."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
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
        with tempfile.TemporaryDirectory(prefix="campus-clone-") as clone:
            os.chown(clone, grader.pw_uid, grader.pw_gid)
            git = [
                *as_account(grader.pw_name, "--no-new-privs"),
                *("git", "-c", "safe.directory=*", "-c", "protocol.allow=never"),
                *(word for kind in ("https", "ssh", "file") for word in ("-c", f"protocol.{kind}.allow=always")),
            ]
            named = ["--branch", repository.ref] if repository.ref else []
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": grader.pw_dir,
                "USER": grader.pw_name,
                "LANG": "C.UTF-8",
                "GIT_TERMINAL_PROMPT": "0",
            }
            what = f"Cloning {repository.name}"
            options = {"timeout": _CLONE_SECONDS, "env": environment}
            run_sync(
                [*git, "clone", "--quiet", "--depth=1", *named, "--", repository.url, f"{clone}/it"],
                what=what,
                **options,  # type: ignore[arg-type]
            )
            run_sync(
                [*git, f"--git-dir={clone}/it/.git", "archive", "--format=tar", "HEAD"],
                what=what,
                output=archive,
                **options,  # type: ignore[arg-type]
            )
        try:
            for path, _, content in read_tar(archive, _LARGEST):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
        except Refused as error:
            raise CampusError("course-repository", f"{repository.url}: {error}", "Correct the repository.") from error
