"""The Slurm client: facts in, orders out."""

from spawners.slurm.commands import SlurmCommands
from spawners.slurm.facts import Job, JobRequest, Node, Queued
from spawners.slurm.states import JobState

__all__ = ["Job", "JobRequest", "JobState", "Node", "Queued", "SlurmCommands"]
