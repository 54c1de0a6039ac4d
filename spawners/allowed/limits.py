"""What a person's limits in Slurm still allow, with numbers, in words.

Source: "Resource Limits" of Slurm's manual: a limit is looked for in the partition's quality of service, the job's,
the person's association and the accounts above it; of the same limit in several, the first one counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from spawners.allowed.entitlements import Choice, Person, qos_in_order
from spawners.slurm.facts import Claim
from spawners.slurm.rules import Association, Cap, Rules, Tres

RUNNING, SUBMITTED = "jobs", "submitted"


class Use:
    """What runs and waits on the cluster, counted by whose it is."""

    class Key(NamedTuple):
        uid: int
        account: str
        qos: str
        partition: str

    def __init__(self, claims: Iterable[Claim] = ()) -> None:
        self._counted: dict[Use.Key, Counter[str]] = defaultdict(Counter)
        for claim in claims:
            counted = self._counted[Use.Key(claim.uid, claim.account, claim.qos, claim.partition)]
            counted[SUBMITTED] += 1
            if claim.runs:
                counted[RUNNING] += 1
                counted.update(claim.tres)

    def keys(self) -> Iterable[Key]:
        return self._counted.keys()

    def of(self, keys: Iterable[Key], what: str) -> int:
        """How much of a resource, or how many jobs, these have together."""
        return sum(self._counted[key][what] for key in keys)


@dataclass(frozen=True)
class Limit:
    """One limit that holds for a choice. ``scope`` is who shares it, ``of`` the name of the account or QOS."""

    scope: str
    """``job``, ``user`` (per person), ``account`` (per account), ``qos`` (all with it), ``project`` (an account)."""
    of: str
    what: str
    """Slurm's name of a resource, or RUNNING, or SUBMITTED."""
    most: int
    used: int

    def exceeded_by(self, asked: int) -> bool:
        return self.used + asked > self.most

    @property
    def sentence(self) -> str:
        """The limit and what is used of it, without a full stop."""
        most, used = amount(self.what, self.most), amount(self.what, self.used, short=True)
        match self.scope:
            case "job":
                return f"A session may have at most {most} here"
            case "user" if self.what == RUNNING:
                return f"You may have {most} running at once, and you have {used}"
            case "user" if self.what == SUBMITTED:
                return f"You may have {most} in the queue at once, and you have {used}"
            case "user":
                return f"Your limit is {most} at once, and you use {used}"
            case "qos":
                return f"Everybody with {self.of} together uses {used} of {most}"
            case _:
                return f"Your project {self.of} uses {used} of its {most}"


_NAMES = {"gres/gpu": "GPU", "gres/shard": "GPU slice", "cpu": "core", "node": "node"}


def amount(what: str, number: int, short: bool = False) -> str:
    """A number with its resource's name, as people say it; ``short`` leaves the name out."""
    if what == "mem":
        return f"{number / 1024:g} GB" + ("" if short else " of memory")
    if short:
        return str(number)
    plural = "" if number == 1 else "s"
    if what in (RUNNING, SUBMITTED):
        return f"{number} session{plural} and job{plural}"
    if what.startswith("gres/gpu:"):
        return f"{number} {what.removeprefix('gres/gpu:')} GPU{plural}"
    return f"{number} {_NAMES.get(what, what)}{plural if what in _NAMES else ''}"


@dataclass(frozen=True)
class Standing:
    """What the limits say about one more session. Sentences; empty where they say nothing."""

    refused: str = ""
    """Why Slurm would not take it, or never start it."""
    waits: str = ""
    """What it would wait for."""


def standing(asked: Tres, person: Person, choice: Choice, rules: Rules, use: Use) -> Standing:
    """What the limits on a choice say about a session with so much."""
    wanted = {**asked, RUNNING: 1, SUBMITTED: 1}
    waits = ""
    for limit in limits_on(person, choice, rules, use):
        need = wanted.get(limit.what, 0)
        if not need or not limit.exceeded_by(need):
            continue
        if limit.what == SUBMITTED:
            return Standing(refused=f"{limit.sentence}. End one of them first.")
        if need > limit.most:
            needs = f"this needs {amount(limit.what, need)}"
            says = f"{limit.sentence}, and {needs}" if limit.scope == "job" else f"{limit.sentence}; {needs}"
            return Standing(refused=f"{says}. Choose a smaller one.")
        whose = "one of your sessions or jobs" if limit.scope == "user" else "something of that"
        waits = waits or f"{limit.sentence}; it would wait until {whose} ends."
    return Standing(waits=waits)


def reached(resource: str, asked: Tres, person: Person, choice: Choice, rules: Rules, use: Use) -> Limit | None:
    """The limit that a waiting session with so much waits for, on what begins with this name; None where none is."""
    wanted = {**asked, RUNNING: 1}
    for limit in limits_on(person, choice, rules, use):
        need = wanted.get(limit.what, 0)
        if need and limit.what.startswith(resource) and limit.exceeded_by(need):
            return limit
    return None


def how_many(asked: Tres, person: Person, choice: Choice, rules: Rules, use: Use) -> int | None:
    """How many more sessions with so much each the limits on a choice allow at once; None for any number."""
    wanted = {**asked, RUNNING: 1, SUBMITTED: 1}
    limits = [
        limit for limit in limits_on(person, choice, rules, use) if limit.scope != "job" and wanted.get(limit.what)
    ]
    return min((max(0, limit.most - limit.used) // wanted[limit.what] for limit in limits), default=None)


@dataclass
class _Found:
    """Limits in the order of Slurm's search: one of a kind that was met before does not count."""

    use: Use
    met: set[tuple[str, str]] = field(default_factory=set)

    def left_to_people(self, cap: Cap) -> Cap:
        """A person's limit of jobs in an account, where no quality of service limits people or accounts."""
        met = {what for kind, what in self.met if kind in ("user", "account")}
        left = {"jobs": None if RUNNING in met else cap.jobs, "submitted": None if SUBMITTED in met else cap.submitted}
        return cap.model_copy(update=left)

    def limits(
        self, kind: str, scope: str, of: str, cap: Cap, keys: list[Use.Key], stays: bool = False
    ) -> Iterator[Limit]:
        amounts: dict[str, int | None] = {**cap.tres, RUNNING: cap.jobs, SUBMITTED: cap.submitted}
        for what, most in amounts.items():
            if most is None or (kind, what) in self.met:
                continue
            if not stays:
                self.met.add((kind, what))
            yield Limit(scope, of, what, most, self.use.of(keys, what))


def limits_on(person: Person, choice: Choice, rules: Rules, use: Use) -> Iterator[Limit]:
    """Every limit that holds for a choice, with what is used of it; none where Slurm does not hold people to them."""
    if "limits" not in rules.enforced:
        return
    found = _Found(use)
    keys = list(use.keys())
    with_qos_of = {name: partition.qos for name, partition in rules.partitions.items()}
    for qos in qos_in_order(rules.partitions.get(choice.partition), choice.qos, rules):
        all_with = [k for k in keys if qos.name in (k.qos, with_qos_of.get(k.partition))]
        mine = [k for k in all_with if k.uid == person.uid]
        ours = [k for k in all_with if k.account == choice.account]
        yield from found.limits("job", "job", qos.name, Cap(tres=qos.per_job), [])
        yield from found.limits("user", "user", qos.name, qos.per_user, mine)
        yield from found.limits("account", "project", choice.account or "", qos.per_account, ours)
        yield from found.limits("group", "qos", qos.name, qos.group, all_with)
    for association in _line(person, choice, rules):
        name = association.account
        if association.user:
            mine = [k for k in keys if (k.uid, k.account) == (person.uid, name)]
            if association.partition:
                mine = [k for k in mine if k.partition == association.partition]
            yield from found.limits("job", "job", name, Cap(tres=association.per_job), [])
            yield from found.limits("user", "user", name, found.left_to_people(association.own), mine)
            yield from found.limits("group", "user", name, association.group, mine, stays=True)
        else:
            below = [k for k in keys if k.account in rules.below[name]]
            yield from found.limits("group", "project", name, association.group, below, stays=True)


def _line(person: Person, choice: Choice, rules: Rules) -> list[Association]:
    """The person's association, then those of its account and the accounts above."""
    own = [
        a
        for a in rules.associations_of.get(person.name, ())
        if a.account == choice.account and a.partition in ("", choice.partition)
    ]
    above = [rules.accounts[name] for name in rules.lineage(choice.account) if name in rules.accounts]
    return [*sorted(own, key=lambda a: not a.partition)[:1], *above]
