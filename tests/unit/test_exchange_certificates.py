"""Certificates: who gets one, what it says, and that anybody can verify it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import jwt
import pytest
import requests

from extensions.exchange.service.badge import Issuer
from extensions.exchange.service.certificate_pdf import drawn
from extensions.exchange.service.certificates import Certificate
from extensions.exchange.service.words import words
from tests.support.exchange import PREFIX, Exchange, running

CARD = {
    **{"certificate": True, "pass_mark": 0.6, "hours": 7.5, "language": "fr"},
    **{"summary": "Réseaux de neurones <b>", "learn": ["train a network", "read <i>its</i> curves"]},
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("exchange") / "state") as found:
        found.hub.groups = {"ivo": ["instructor-dl"]}
        found.put("ivo", "/courses/dl", {"title": "Apprentissage & profond", "card": CARD})
        people = [{"id": "ada", "first_name": "Ada", "last_name": "Lovelace <script>"}, {"id": "bob"}]
        found.put("ivo", "/courses/dl/roster", people)
        found.release("dl", "ps1")
        yield found


def graded(exchange: Exchange, who: str, score: float) -> str:
    number = exchange.submitted(who, "dl", "ps1")["id"]
    exchange.put("ivo", f"/submissions/{number}/grade", {"score": score, "max_score": 10, "released": True})
    return number


def public(exchange: Exchange, path: str) -> requests.Response:
    """As somebody who is not signed in."""
    return requests.get(f"http://127.0.0.1:{exchange.port}{PREFIX}{path}", timeout=20)


def test_whoever_has_not_passed_is_told_why(exchange: Exchange) -> None:
    graded(exchange, "bob", 5)
    found = exchange.get("bob", "/courses/dl/certificate")
    assert (found["available"], found["id"], found["url"]) == (False, None, None)
    assert found["reason"]["code"] == "not-passed"
    assert "50%" in found["reason"]["message"]
    assert "60%" in found["reason"]["message"]
    for kind in ("pdf", "json"):
        assert exchange.ask("bob", "GET", f"/courses/dl/certificate.{kind}").json()["code"] == "not-passed"
        assert exchange.ask("eve", "GET", f"/courses/dl/certificate.{kind}").status_code == 404
    exchange.put("ivo", "/courses/dl", {"title": "x", "card": {**CARD, "certificate": False}})
    assert exchange.get("bob", "/courses/dl/certificate")["reason"]["code"] == "no-certificate"
    exchange.put("ivo", "/courses/dl", {"title": "Apprentissage & profond", "card": CARD})


def test_a_certificate_is_verified_by_anybody_and_stands_while_the_grade_does(exchange: Exchange) -> None:
    number = graded(exchange, "ada", 9)
    assert exchange.get("ada", "/courses/dl/certificate")["available"]
    answer = exchange.ask("ada", "GET", "/courses/dl/certificate.pdf")
    assert (answer.headers["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    own = exchange.get("ada", "/courses/dl/certificate")
    assert exchange.ask("ada", "GET", "/courses/dl/certificate.pdf").ok
    assert exchange.get("ada", "/courses/dl/certificate") == own, "there is one, however often it is asked for"
    entries = exchange.get("ivo", "/courses/dl/audit")["entries"]
    assert [entry["what"] for entry in entries].count("certificate-issued") == 1
    assert own["url"].startswith("http://127.0.0.1")

    told = public(exchange, f"api/v1/certificates/{own['id']}").json()
    assert (told["stands"], told["name"], told["hours"]) == (True, "Ada Lovelace <script>", 7.5)
    assert "person" not in told, "an account's name is nobody's business"
    page = requests.get(own["url"], timeout=20)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "Ada Lovelace &lt;script&gt;" in page.text
    assert "Apprentissage &amp; profond" in page.text
    assert "<i>its" not in page.text
    assert words("fr").stands in page.text

    exchange.put("ivo", f"/submissions/{number}/grade", {"score": 2, "max_score": 10, "released": True})
    assert not public(exchange, f"api/v1/certificates/{own['id']}").json()["stands"]
    assert 'class="no"' in requests.get(own["url"], timeout=20).text
    assert exchange.ask("ada", "GET", "/courses/dl/certificate.pdf").status_code == 409
    exchange.put("ivo", f"/submissions/{number}/grade", {"score": 9, "max_score": 10, "released": True})
    assert exchange.get("ada", "/courses/dl/certificate") == own


def test_a_certificate_that_was_never_given_is_none(exchange: Exchange) -> None:
    for path in ("api/v1/certificates/", "certificates/"):
        assert public(exchange, path + "0" * 32).status_code == 404


def test_the_badge_is_signed_and_says_what_open_badges_want(exchange: Exchange) -> None:
    graded(exchange, "ada", 9)
    answer = exchange.get("ada", "/courses/dl/certificate.json")
    # As a wallet does it: the header names the key, whose address answers it; nothing of ours is used.
    key = requests.get(jwt.get_unverified_header(answer["jwt"])["kid"], timeout=20).json()
    claims = jwt.decode(answer["jwt"], jwt.PyJWK(key).key, algorithms=["EdDSA"])
    issuer = requests.get(claims["iss"], timeout=20).json()
    assert (issuer["id"], issuer["name"], issuer["type"]) == (claims["iss"], 'Campus "under" test', ["Profile"])
    assert key in public(exchange, "keys").json()["keys"]
    assert "d" not in key
    credential = answer["credential"]
    assert {name: claims[name] for name in credential} == credential
    assert (claims["jti"], claims["sub"]) == (credential["id"], credential["credentialSubject"]["id"])
    assert claims["nbf"] == datetime.fromisoformat(credential["validFrom"]).timestamp()
    assert credential["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert credential["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    subject = credential["credentialSubject"]
    achievement = subject["achievement"]
    assert subject["identifier"][0]["identityHash"] == "Ada Lovelace <script>"
    assert all(achievement[name] for name in ("id", "type", "name", "description", "criteria", "creator"))
    assert "7.5 hours" in achievement["criteria"]["narrative"]
    assert "read <i>its</i> curves" in achievement["criteria"]["narrative"]
    rest = json.dumps({**claims, "name": "", "credentialSubject": {**subject, "identifier": []}})
    assert not re.search("(?<![0-9a-f])ada(?![0-9a-f])", rest), "but for a number in hexadecimal, where it may stand"
    header, _, signature = answer["jwt"].split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "name": "Other"}).encode()).decode().rstrip("=")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(f"{header}.{forged}.{signature}", jwt.PyJWK(key).key, algorithms=["EdDSA"])


@pytest.mark.parametrize("language", ["en", "fr", "de", "xx"])
def test_a_pdf_is_one_page_whatever_it_has_to_say(language: str) -> None:
    more: dict[str, Any] = {"hours": None, "learn": (), "pass_mark": None}
    for own in ({}, more, {"name": "Ω" * 150, "title": "long " * 40, "learn": ("much to learn " * 20,) * 40}):
        found: dict[str, Any] = {
            **{"id": "a" * 32, "person": "ada", "name": "Ada Łukasiewicz-Žižek", "course": "dl", "title": "Deep"},
            **{"summary": "", "language": language, "hours": 2.5, "learn": ("one", "two"), "pass_mark": 0.5},
            **{"issued": "2026-11-02T23:59:00.000000Z", "stands": True},
        }
        pdf = drawn(Certificate(**{**found, **own}), Issuer("https://campus.example/services/exchange/", "Campus"))
        assert pdf.count(b"/Type /Page\n") == 1
        assert pdf.rstrip().endswith(b"%%EOF")
