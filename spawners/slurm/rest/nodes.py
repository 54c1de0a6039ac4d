"""Nodes, as slurmrestd answers them."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from spawners.slurm.facts import Node
from spawners.slurm.gres import node_gpus
from spawners.slurm.rest.answers import Answer, Part, Text, Words


class NodePart(Part):
    name: str
    address: str
    state: Words
    state_flags: list[str] = Field(default=[])
    partitions: list[str]
    gres: Text
    gres_used: Text
    cpus_free: int = Field(validation_alias=AliasChoices("alloc_idle_cpus", "idle_cpus"))
    real_memory: int
    alloc_memory: int

    @property
    def word(self) -> str:
        """The state as sinfo says it (``StateLong``)."""
        state, *more = (word.upper() for word in (*self.state, *self.state_flags))
        if "DRAIN" in more:
            return "draining" if state in ("ALLOCATED", "MIXED") or "COMPLETING" in more else "drained"
        if "FAIL" in more:
            return "failing" if state in ("ALLOCATED", "MIXED") or "COMPLETING" in more else "fail"
        flag = next((flag for flag in _IDLE_FLAGS if flag in more), state) if state == "IDLE" else state
        return _IDLE_FLAGS.get(flag, flag.lower())

    def fact(self) -> Node:
        return Node(
            name=self.name,
            address=self.address,
            state=self.word,
            partitions=frozenset(self.partitions),
            cpus_free=self.cpus_free,
            memory_free_mib=max(0, self.real_memory - self.alloc_memory),
            **node_gpus(self.gres, self.gres_used),
        )


# Flags of an idle node that sinfo names in the state's place.
_IDLE_FLAGS = {
    "COMPLETING": "completing",
    "MAINTENANCE": "maint",
    "RESERVED": "reserved",
    "PLANNED": "planned",
}


class Nodes(Answer):
    nodes: list[NodePart]

    def facts(self) -> dict[str, Node]:
        return {part.name: part.fact() for part in self.nodes}
