"""WHO and WHAT: one site file in, a configured JupyterHub out."""

__version__ = "0.1.0"
