"""People's Unix accounts, and which one a Slurm command runs as.

Accounts may lie in a directory service that is slow, and everybody's pages wait on the hub's event loop: it is asked in
threads of its own, once for all who ask at the same time, and its answer is kept for a minute. That there is no such
account is not kept: one made just now serves at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from campus_base.errors import CampusError
from campus_base.process import Identity

# The numbers of people's accounts. Below are the machine's own; Debian gives 60000 to 64999 to packages (Slurm's is
# 64030) and keeps what follows, nobody's 65534 included; the last two numbers are no account's.
# Sources: Debian policy 9.2.2; systemd's "Users, Groups, UIDs and GIDs".
PEOPLE = (range(1000, 60000), range(65536, 2**32 - 2))

_KEPT_SECONDS = 60.0
_ANSWER_SECONDS = 20.0

Answer = TypeVar("Answer")


class DirectorySilent(CampusError):
    """Whoever knows the accounts (LDAP, for example) did not answer."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "directory-silent",
            "The directory of accounts does not answer at the moment.",
            "Running sessions go on; try again in a few minutes.",
            detail,
        )


def is_persons(uid: int) -> bool:
    """Whether an account of this number is a person's, who may have sessions."""
    return any(uid in numbers for numbers in PEOPLE)


class _Directory:
    """Questions to the directory that are being answered, or were answered within the last minute."""

    def __init__(self) -> None:
        # Not the loop's own threads: a directory that hangs would take them from everything else.
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="accounts")
        # The loop's futures: the threads' own keep every callback of whoever waited.
        self._asked: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def ask(self, question: Callable[..., Answer], *about: Hashable) -> Answer:
        """Its answer. Raises what the question raises, or DirectorySilent."""
        key = (question, about)
        asked, answer = self._asked.get(key, (0.0, None))
        if answer is None or _stale(asked, answer):
            answer = asyncio.get_running_loop().run_in_executor(self._threads, question, *about)
            self._asked = {key: kept for key, kept in self._asked.items() if not _stale(*kept)}
            self._asked[key] = time.monotonic(), answer
        try:
            # Shielded: whoever stops waiting must not take the answer from the others.
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await asyncio.shield(answer)
        except TimeoutError:
            raise DirectorySilent(f"no answer about {about} within {_ANSWER_SECONDS:g} seconds") from None


def _stale(asked: float, answer: asyncio.Future[Any]) -> bool:
    return answer.done() and (answer.exception() is not None or time.monotonic() - asked > _KEPT_SECONDS)


_DIRECTORY = _Directory()


async def account_named(name: str) -> pwd.struct_passwd | None:
    """The account of that name, None where there is none. Raises DirectorySilent."""
    try:
        return await _DIRECTORY.ask(pwd.getpwnam, name)
    except KeyError:
        return None


async def account_of_uid(uid: int) -> pwd.struct_passwd | None:
    """The account of that number; None where there is none, or no directory answers."""
    try:
        return await _DIRECTORY.ask(pwd.getpwuid, uid)
    except (KeyError, DirectorySilent):
        return None


async def identity_of_uid(uid: int) -> Identity | None:
    """What to become to cancel an account's jobs; the hub itself where the account is gone, or no directory answers."""
    account = await account_of_uid(uid)
    try:
        return await identity_of(account) if account else None
    except DirectorySilent:
        return None


async def identity_of(account: pwd.struct_passwd) -> Identity:
    """Who this account is to Slurm, and to the kernel. Raises DirectorySilent.

    A hub that is neither root nor this account fails in the kernel, with EPERM, before anything runs.
    """
    groups = await _DIRECTORY.ask(os.getgrouplist, account.pw_name, account.pw_gid)
    return Identity(account.pw_uid, account.pw_gid, tuple(groups), account.pw_name)


async def group_names(account: pwd.struct_passwd) -> frozenset[str]:
    """Names of the account's groups; one without a name is left out. Raises DirectorySilent."""
    return await _DIRECTORY.ask(_group_names, account.pw_name, account.pw_gid)


def _group_names(name: str, gid: int) -> frozenset[str]:
    found = set()
    for number in os.getgrouplist(name, gid):
        with contextlib.suppress(KeyError):
            found.add(grp.getgrgid(number).gr_name)
    return frozenset(found)
