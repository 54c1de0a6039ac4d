"""A certificate as an Open Badges 3.0 credential, signed as a JSON Web Token.

Source: 1EdTech, Open Badges Specification 3.0, "JSON Web Token Proof Format"; RFC 8037 for the key and the algorithm.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extensions.exchange.receipts import Signer
from extensions.exchange.service.clock import moment
from extensions.exchange.service.words import words

if TYPE_CHECKING:
    from extensions.exchange.service.certificates import Certificate

CONTEXT = ("https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json")


@dataclass(frozen=True)
class Issuer:
    """Who issues: the site. ``base`` is the exchange's public address, with a slash at its end."""

    base: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.base}issuer"

    def key(self, key: str) -> str:
        """Where a public key is."""
        return f"{self.base}keys/{key}"

    def certificate(self, number: str) -> str:
        """Where a certificate is verified."""
        return f"{self.base}certificates/{number}"

    def profile(self) -> dict[str, Any]:
        return {"id": self.id, "type": ["Profile"], "name": self.name, "url": self.base}


def jwk(issuer: Issuer, key: str, public: str) -> dict[str, str]:
    """A public key (base64) as a JSON Web Key."""
    x = base64.urlsafe_b64encode(base64.b64decode(public)).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": issuer.key(key), "alg": "EdDSA", "use": "sig"}


def _narrative(found: Certificate) -> str:
    mark = f" {words('en').share(found.pass_mark)} or more" if found.pass_mark is not None else " enough"
    hours = f" It takes about {found.hours:g} hours." if found.hours else ""
    learnt = "".join(f"\n- {line}" for line in found.learn)
    return f"Earned{mark} of the points of the course's assignments.{hours}" + (f"\n{learnt}" if learnt else "")


def credential(found: Certificate, issuer: Issuer) -> dict[str, Any]:
    """The credential, without its signature. Its subject is named, and told from others by an id that says nothing."""
    at = moment(found.issued)
    return {
        "@context": list(CONTEXT),
        "id": issuer.certificate(found.id),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": found.title,
        "issuer": issuer.profile(),
        "validFrom": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "credentialSubject": {
            "id": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{issuer.id}#{found.person}')}",
            "type": ["AchievementSubject"],
            "identifier": [
                {"type": "IdentityObject", "hashed": False, "identityHash": found.name, "identityType": "name"}
            ],
            "achievement": {
                "id": f"{issuer.base}achievements/{found.course}",
                "type": ["Achievement"],
                "achievementType": "Course",
                "creator": issuer.profile(),
                "name": found.title,
                "description": found.summary,
                "inLanguage": found.language,
                "criteria": {"narrative": _narrative(found)},
            },
        },
    }


def signed(found: dict[str, Any], issuer: Issuer, signer: Signer) -> str:
    """The credential as a compact JWS."""
    at = int(moment(found["validFrom"].replace("Z", ".000000Z")).timestamp())
    claims = {"iss": found["issuer"]["id"], "jti": found["id"], "nbf": at, "sub": found["credentialSubject"]["id"]}
    return signer.token({**found, **claims}, issuer.key(signer.key))
