"""Receipts: what is signed, and how; hashes of JSON for that and for the log."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def canonical(value: Any) -> bytes:
    """JSON that is the same for everybody: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _signed_part(receipt: dict[str, Any]) -> bytes:
    return canonical({key: value for key, value in receipt.items() if key != "signature"})


class Signer:
    """The exchange's signing key (Ed25519, RFC 8032)."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.public = base64.b64encode(public).decode()
        self.key = hashlib.sha256(public).hexdigest()

    def sign(self, receipt: dict[str, Any]) -> dict[str, Any]:
        """The receipt with the key's name and the signature."""
        named = receipt | {"key": self.key}
        return named | {"signature": base64.b64encode(self._private.sign(_signed_part(named))).decode()}

    def token(self, claims: dict[str, Any], kid: str) -> str:
        """The claims as a JSON Web Token (RFC 7519); ``kid`` is the address of the public key."""
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": kid})


def is_signed(receipt: dict[str, Any], public: str) -> bool:
    """Whether the receipt bears the signature of this public key (base64)."""
    try:
        signature = base64.b64decode(receipt["signature"], validate=True)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(signature, _signed_part(receipt))
    except (KeyError, TypeError, ValueError, binascii.Error, InvalidSignature):
        return False
    return True


def secret_file(path: Path, length: int = 32) -> bytes:
    """A file (0600) with so many random bytes, made whole or not at all when it is missing. Raises OSError."""
    if not path.exists():
        staged = path.with_suffix(".new")
        staged.unlink(missing_ok=True)
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(os.urandom(length))
            file.flush()
            os.fsync(file.fileno())
        staged.rename(path)
    return path.read_bytes()
