"""Slurm through its own commands, run by sudo: the transport ``sudo``, for a hub that is not root."""

from spawners.slurm.sudo.transport import SudoTransport

__all__ = ["SudoTransport"]
