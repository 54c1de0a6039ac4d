"""Slurm through slurmrestd: the transport ``rest``."""

from spawners.slurm.rest.answers import Diagnosis
from spawners.slurm.rest.client import SlurmrestdClient
from spawners.slurm.rest.token import KeyFile, TokenFile, expiry_of
from spawners.slurm.rest.transport import RestTransport

__all__ = ["Diagnosis", "KeyFile", "RestTransport", "SlurmrestdClient", "TokenFile", "expiry_of"]
