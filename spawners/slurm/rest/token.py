"""The token that slurmrestd passes on to slurmctld: the site's, or one of our own making for each request.

Sources: Slurm's "JSON Web Tokens (JWT) Authentication"; scontrol(1), token; RFC 7515, RFC 7518 (HS256), RFC 7519.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from campus_base.process import Secret
from spawners.slurm.errors import ControllerSilent

LIFE = 120  # seconds: longer than any request, and than the difference of two clocks that Slurm bears with
_TOKEN = re.compile(r"(?:SLURM_JWT=)?([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2})")


class Credential(Protocol):
    """Whence a token comes. The file is read for every request, so a renewed one serves at once."""

    @property
    def path(self) -> Path: ...

    def token(self) -> Secret:
        """A token for the next request. Raises ControllerSilent where the file cannot be used."""
        ...


@dataclass(frozen=True)
class TokenFile:
    """A token that the site makes and renews, as ``scontrol token`` prints it."""

    path: Path

    def token(self) -> Secret:
        found = _TOKEN.fullmatch(_read(self.path).decode("ascii", "replace").strip())
        if not found:
            raise ControllerSilent(f"{self.path} holds no JSON Web Token")
        return Secret(found[1])


@dataclass(frozen=True)
class KeyFile:
    """slurmctld's own key (``jwt_key``), with which the hub makes an account's tokens."""

    path: Path
    account: str

    def token(self) -> Secret:
        now = int(time.time())
        claims = {"iat": now, "exp": now + LIFE, "sun": self.account}
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        # Not PyJWT: it refuses a key in PEM, which is how Slurm's documentation made them for years.
        signature = _base64url(hmac.digest(_read(self.path), signed, "sha256"))
        return Secret(b".".join((signed, signature)).decode())


def claims_of(token: Secret) -> dict[str, Any]:
    """What a token says of itself, unchecked; empty where it cannot be read."""
    part = token.reveal().split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def expiry_of(token: Secret) -> int | None:
    """When a token ends, in seconds since the epoch; None where it does not say."""
    end = claims_of(token).get("exp")
    return end if isinstance(end, int) else None


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _read(path: Path) -> bytes:
    try:
        found = path.read_bytes()
    except OSError as error:
        raise ControllerSilent(f"{path} cannot be read: {error.strerror}") from None
    if not found:
        raise ControllerSilent(f"{path} is empty")
    return found
