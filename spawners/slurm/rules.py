"""What Slurm lets people use, as it says itself: partitions, associations, qualities of service, reservations.

Times are seconds since the epoch, lengths are seconds; None, or a missing key, is no limit.
Sources: scontrol(1), show partition and show reservation; sacctmgr(1), list association and list qos.
"""

from __future__ import annotations

from functools import cached_property

from pydantic import Field

from spawners.slurm.facts import Fact

Tres = dict[str, int]
"""Amounts by Slurm's name of the resource: ``cpu``, ``node``, ``gres/gpu``, ``gres/gpu:a100``; ``mem`` in MiB."""


class Cap(Fact):
    """How much at once: resources and jobs that run, and jobs that wait or run."""

    tres: Tres = Field(default_factory=dict)
    jobs: int | None = None
    submitted: int | None = None


class Partition(Fact):
    """One partition. An allowed set of None allows everybody; Slurm then heeds the denied ones."""

    name: str
    state: str
    """``UP``; ``DOWN`` takes jobs and starts none, ``DRAIN`` starts those it has, ``INACTIVE`` neither."""
    default: bool = False
    """Where jobs go that name no partition."""
    hidden: bool = False
    root_only: bool = False
    needs_reservation: bool = False
    nodes: frozenset[str] = frozenset()
    max_seconds: int | None = None
    default_seconds: int | None = None
    allowed_accounts: frozenset[str] | None = None
    denied_accounts: frozenset[str] = frozenset()
    allowed_qos: frozenset[str] | None = None
    denied_qos: frozenset[str] = frozenset()
    allowed_groups: frozenset[str] | None = None
    qos: str = ""
    """The quality of service whose limits hold for every job in it; empty for none."""


class Association(Fact):
    """An account, or a person in an account; what the parent gives is filled in, but for ``group``."""

    account: str
    user: str = ""
    """Empty for the account itself."""
    partition: str = ""
    """The one partition that it is for; empty for all."""
    parent: str = ""
    """The account above; empty for a person's, and for the root account's."""
    default: bool = False
    """Whether it is the account that this person's jobs go to when they name none."""
    qos: tuple[str, ...] = ()
    default_qos: str = ""
    per_job: Tres = Field(default_factory=dict)
    wall: int | None = None
    """The longest job."""
    own: Cap = Cap()
    """Jobs of the person in the account (``MaxJobs``, ``MaxSubmitJobs``)."""
    group: Cap = Cap()
    """All below it together (``Grp...``)."""


class Qos(Fact):
    """One quality of service."""

    name: str
    flags: frozenset[str] = frozenset()
    per_job: Tres = Field(default_factory=dict)
    wall: int | None = None
    """The longest job."""
    per_user: Cap = Cap()
    per_account: Cap = Cap()
    group: Cap = Cap()
    """All jobs with it together (``Grp...``)."""


class Reservation(Fact):
    """One reservation. Users and accounts are both to fit where both are named; none named is nobody's."""

    name: str
    start: int
    end: int
    users: frozenset[str] = frozenset()
    denied_users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    denied_accounts: frozenset[str] = frozenset()
    partition: str = ""
    """The one partition that it is for; empty for any that has its nodes."""
    nodes: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    active: bool = False


class Rules(Fact):
    """All of it. ``associations`` and ``qos`` are None where there are none, or while slurmdbd has not answered."""

    partitions: dict[str, Partition] = Field(default_factory=dict)
    reservations: dict[str, Reservation] = Field(default_factory=dict)
    accounting: bool = False
    """Whether this Slurm has accounts at all (slurmdbd)."""
    associations: tuple[Association, ...] | None = None
    qos: dict[str, Qos] | None = None
    enforced: frozenset[str] = frozenset()
    """What Slurm holds people to (``AccountingStorageEnforce``): ``associations``, ``limits``, ``qos``, ..."""

    @cached_property
    def associations_of(self) -> dict[str, tuple[Association, ...]]:
        """Each person's associations, by account name; the accounts' own under the empty name."""
        found: dict[str, list[Association]] = {}
        for association in self.associations or ():
            found.setdefault(association.user, []).append(association)
        return {user: tuple(associations) for user, associations in found.items()}

    @cached_property
    def accounts(self) -> dict[str, Association]:
        """The accounts' own associations, by account."""
        return {a.account: a for a in self.associations_of.get("", ())}

    def lineage(self, account: str | None) -> list[str]:
        """An account and those above it, the nearest first."""
        found: list[str] = []
        while account and account not in found:
            found.append(account)
            account = self.accounts[account].parent if account in self.accounts else None
        return found

    @cached_property
    def below(self) -> dict[str, frozenset[str]]:
        """Each account with those below it, itself included."""
        found: dict[str, set[str]] = {account: {account} for account in self.accounts}
        for account in self.accounts:
            for above in self.lineage(account):
                found.setdefault(above, set()).add(account)
        return {account: frozenset(accounts) for account, accounts in found.items()}
