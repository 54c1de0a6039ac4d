"""Slurm through slurmrestd: the transport ``rest``."""

from spawners.slurm.rest.token import KeyFile, TokenFile
from spawners.slurm.rest.transport import RestTransport

__all__ = ["KeyFile", "RestTransport", "TokenFile"]
