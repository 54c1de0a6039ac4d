"""A session's certificate: what it says, and how it gets to the node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from campus_base.process import Secret
from spawners.slurm import Node

AUTHORITY = "notebooks-ca"
"""JupyterHub's name for the authority that signs sessions' certificates (jupyterhub/app.py, internal_authorities)."""

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


@cache
def _authority(folder: str) -> tuple[RSAPrivateKey, x509.Certificate]:
    """JupyterHub's authority for sessions, read once: its key is checked for 30 ms each time it is loaded."""
    path = Path(folder) / AUTHORITY / AUTHORITY
    key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)  # as certipy makes it
    return key, x509.load_pem_x509_certificate(path.with_suffix(".crt").read_bytes())


def make_certificate(folder: str, person: str, names: Iterable[str]) -> dict[str, str]:
    """A new key and its certificate, as PEM texts, signed by the authority below ``folder`` (JupyterHub's store).

    What certipy would make, with a key on a curve: an RSA key takes the hub's one thread for a tenth of a second.
    Raises OSError where the authority is missing.
    """
    authority_key, authority = _authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = [x509.IPAddress(ip_address(n[3:])) if n.startswith("IP:") else x509.DNSName(n[4:]) for n in names]
    certificate = (
        x509.CertificateBuilder()
        # The proxy compares it with the route's user (hub_config/proxy/pin.mjs).
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"user-{person}")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True
        )
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return {
        "keyfile": key.private_bytes(serialization.Encoding.PEM, *plain).decode(),
        "certfile": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "cafile": (Path(folder) / f"{AUTHORITY}_trust.crt").read_text(),
    }


def as_environment(texts: Mapping[str, str]) -> dict[str, str]:
    """The PEM texts as environment variables, the key as a Secret: root never writes into a person's home."""
    return {
        "CAMPUS_TLS_KEYFILE": Secret(texts["keyfile"]),
        "CAMPUS_TLS_CERTFILE": texts["certfile"],
        "CAMPUS_TLS_CAFILE": texts["cafile"],
    }
