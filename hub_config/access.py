"""Who may come in, and as what: the access rules, applied to what the provider or the machine says."""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Iterable
from typing import Any

from tornado.web import HTTPError

from extensions.courses.names import is_grader
from hub_config.site import AccessRule

_UNIX_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_NO_ACCOUNT_NAME = "You are signed in under a name that is no account name here. Ask an operator for one."


def group_of(rule: AccessRule) -> str:
    """The Campus group of a rule: its role, with ``-COURSE`` where it names one."""
    return f"{rule.role}-{rule.course}" if rule.course else rule.role


def campus_groups(rules: Iterable[AccessRule], user: str, provider_groups: Iterable[str]) -> set[str]:
    """Campus groups of a person, none where no rule lets them in. Provider groups never come through."""
    theirs = set(provider_groups)
    return {group_of(r) for r in rules if r.user == user or (r.group is not None and r.group in theirs)}


def unix_name(name: Any) -> str:
    """The name, where it can be a person's Unix account. Raises HTTPError 403 for anything else."""
    # JupyterHub gives what it starts as a service the certificate user-service (Spawner.create_certs), and to the
    # exchange grader-COURSE is an instructor: whoever a provider calls so must not become it.
    if not (isinstance(name, str) and _UNIX_NAME.fullmatch(name)) or name == "service" or is_grader(name):
        raise HTTPError(403, _NO_ACCOUNT_NAME)
    return name


def unix_groups(name: str) -> list[str]:
    """Names of an account's groups; a group without a name is left out, and no account has none."""
    try:
        numbers = os.getgrouplist(name, pwd.getpwnam(name).pw_gid)
    except KeyError:
        return []
    found = []
    for number in numbers:
        try:
            # One by one: a directory service seldom lists all of its groups (getgrall).
            found.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return found


def claim_values(claim: Any) -> list[str]:
    """The strings of a claim; some providers write a single one without a list."""
    values = claim if isinstance(claim, list) else [claim]
    return [value for value in values if isinstance(value, str)]
