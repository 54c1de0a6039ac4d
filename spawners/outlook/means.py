"""What one person may use now: what Slurm says, put together for who asks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from fractions import Fraction

from campus_base.errors import CampusError
from spawners.allowed.entitlements import Person, choices
from spawners.allowed.limits import Standing, how_many, reached, standing
from spawners.allowed.offer import SessionSize
from spawners.allowed.request import SessionRequest
from spawners.allowed.ways import Means
from spawners.cluster.watch import ClusterWatch
from spawners.identity import account_named, group_names
from spawners.slurm import Node
from spawners.slurm.reasons import limited_resource
from spawners.slurm.rules import Tres


async def person_named(name: str) -> Person | None:
    """Who that is to Slurm; None where there is no such account, or no directory answers."""
    try:
        account = await account_named(name)
        return account and Person(name, account.pw_uid, await group_names(account))
    except CampusError:
        return None


async def means_of(name: str, watch: ClusterWatch, sizes: Sequence[SessionSize]) -> Means | None:
    """What somebody may use; None while nobody knows. Raises nothing."""
    await watch.know()
    person = await person_named(name)
    if person is None or not watch.rulebook.rules.partitions:
        return None
    now = time.time()
    if not choices(person, watch.rulebook.rules, now):
        # Whoever was entered in Slurm since the last look would be told for a minute that nothing is theirs.
        watch.rulebook.doubt()
        await watch.rulebook.freshen()
    rules, nodes = watch.rulebook.rules, watch.picture.nodes
    ways = choices(person, rules, now)
    return Means(now, ways, partitions_for(sizes, nodes), slices_for(sizes, nodes), person, rules, watch.picture.use)


def partitions_for(sizes: Sequence[SessionSize], nodes: Mapping[str, Node]) -> dict[str, frozenset[str]]:
    """Partitions that have a node with the GPUs or slices of a size, by its name; nothing while no node is known."""
    if not nodes:
        return {}
    return {
        size.name: frozenset(
            partition
            for node in nodes.values()
            if (not size.gpus or node.gpus_of(size.gpu_type) >= size.gpus) and node.shards_per_gpu >= size.shards
            for partition in node.partitions
        )
        for size in sizes
    }


def slices_for(sizes: Sequence[SessionSize], nodes: Mapping[str, Node]) -> dict[str, Fraction]:
    """How much of a GPU a size is that has slices of one, by its name."""
    found = {}
    for size in sizes:
        whole = max((node.shards_per_gpu for node in nodes.values() if size.partition in node.partitions), default=0)
        if size.shards and whole:
            found[size.name] = Fraction(size.shards, whole)
    return found


def standing_of(request: SessionRequest, means: Means) -> tuple[Standing, int | None]:
    """What the person's limits in Slurm say about one more session like this, and how many more they allow."""
    about = (_asked(request), means.person, request.way, means.rules, means.use)
    return standing(*about), how_many(*about)


def limit_of(reason: str, request: SessionRequest, means: Means) -> str:
    """The limit, with its numbers, that Slurm's reason means for a session that waits; empty where it is not known."""
    resource = limited_resource(reason)
    if not resource:
        return ""
    limit = reached(resource, _asked(request), means.person, request.way, means.rules, means.use)
    return limit.sentence if limit else ""


def _asked(request: SessionRequest) -> Tres:
    """What a session would have, by Slurm's names."""
    size = request.size
    asked = {
        "cpu": size.cpus,
        "mem": request.memory_mib,
        "node": 1,
        "gres/gpu": size.gpus,
        "gres/shard": size.shards,
    }
    return asked | ({f"gres/gpu:{size.gpu_type}": size.gpus} if size.gpu_type else {})
