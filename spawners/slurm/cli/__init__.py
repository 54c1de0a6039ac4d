"""Slurm through its own commands: the transport ``cli``."""

from spawners.slurm.cli.transport import CliTransport

__all__ = ["CliTransport"]
