"""The account that grades a course: of this machine, and of the embedded cluster's Slurm."""

from __future__ import annotations

import pwd
import shlex

from campus_base.errors import CampusError
from extensions.courses.names import grader_of
from hub_config.accounts import ensure_account
from hub_config.associations import ensure_grader_association
from hub_config.paths import Paths
from hub_config.site import Site
from spawners.identity import is_persons


def ensure_grader(course: str, site: Site, paths: Paths) -> pwd.struct_passwd:
    """The grader's account. Made with the embedded cluster; elsewhere it has to be there.

    Raises CampusError where it is missing, is somebody else's, or has a number that no session may have.
    """
    name = grader_of(course)
    if site.cluster:
        ensure_account(name, paths.homes / name)
        ensure_grader_association(name, site, paths)
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        command = ["useradd", "--create-home", "--shell=/bin/bash", "--user-group", name]
        raise CampusError(
            "no-grader",
            f"There is no account {name} on this machine, and the course {course} is graded as it.",
            f"Make it where this site makes accounts, for every node: in a directory, or with {shlex.join(command)}; "
            f"enter it in Slurm where people are held to accounts: sacctmgr add user {name} account=ACCOUNT. "
            "Nobody needs its password. Then run this again.",
        ) from None
    if not is_persons(account.pw_uid):
        raise CampusError(
            "grader-number",
            f"The account {name} has the uid {account.pw_uid}, and such an account may have no session.",
            "Give it a number from 1000 on (usermod --uid).",
        )
    return account
