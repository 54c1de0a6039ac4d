"""A session's certificate: which addresses it names, and how it gets to the node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path

from campus_base.process import Secret
from spawners.slurm import Node

# Names of the files in the session's private folder; spawners.session writes them there.
FILES = {"keyfile": "key.pem", "certfile": "certificate.pem", "cafile": "authorities.pem"}


def alternative_names(nodes: Iterable[Node]) -> list[str]:
    """Subject alternative names for the addresses of these nodes, since the node is not known beforehand."""

    def name(address: str) -> str:
        try:
            return f"IP:{ip_address(address)}"
        except ValueError:
            return f"DNS:{address}"

    return sorted({name(node.address) for node in nodes if node.address})


def as_environment(paths: Mapping[str, str]) -> dict[str, str]:
    """The PEM files as environment variables, the key as a Secret: root never writes into a person's home.

    Raises OSError when a file is missing.
    """
    text = {key: Path(paths[key]).read_text() for key in FILES}
    return {
        "CAMPUS_TLS_KEYFILE": Secret(text["keyfile"]),
        "CAMPUS_TLS_CERTFILE": text["certfile"],
        "CAMPUS_TLS_CAFILE": text["cafile"],
    }
