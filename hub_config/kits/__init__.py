"""Starter kits in an installation: where they are, tried and published."""
