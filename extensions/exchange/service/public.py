"""What everybody may ask, signed in or not: who issues certificates, with which keys, and whether one stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import Connection
from tornado.escape import xhtml_escape
from tornado.web import RequestHandler

from extensions.exchange.service.badge import jwk
from extensions.exchange.service.certificates import Certificate, certificate
from extensions.exchange.service.clock import moment
from extensions.exchange.service.handler import Exchange
from extensions.exchange.service.verify import keys
from extensions.exchange.service.visit import Asker, Visit
from extensions.exchange.service.words import words

T = TypeVar("T")
_NOBODY = Asker("")
_UNKNOWN = "There is no such certificate. Compare the address with the one that is printed on it."
_PAGE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{heading}</title><style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733 }}
.yes, .no {{ padding: .8rem 1rem; border-left: .4rem solid }}
.yes {{ border-color: #2e7d32; background: #edf7ed }} .no {{ border-color: #b3261e; background: #fbeaea }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14181d; color: #e6e9ec }}
.yes {{ background: #16301a }} .no {{ background: #3a1715 }} }}
</style></head><body><p>{site}</p><h1>{heading}</h1><p class="{verdict}">{sentence}</p>{body}</body></html>
"""


class Public(RequestHandler):
    """Base: asks the database as nobody."""

    @property
    def exchange(self) -> Exchange:
        return self.settings["exchange"]

    async def ask(self, do: Callable[..., T], *arguments: Any) -> T:
        def visit(connection: Connection) -> T:
            return do(Visit(connection, _NOBODY, self.exchange.clock), *arguments)

        return await self.exchange.database.run(visit)

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        # Wallets and verifiers are pages of other sites; nothing here depends on who asks.
        self.set_header("Access-Control-Allow-Origin", "*")

    def answer(self, value: Any, kind: str = "application/json", status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", kind)
        self.finish(json.dumps(value))


class IssuerProfile(Public):
    def get(self) -> None:
        issuer = self.exchange.issuer
        self.answer({"@context": "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json", **issuer.profile()})


class KeySet(Public):
    async def get(self) -> None:
        found = await self.ask(keys)
        issuer = self.exchange.issuer
        self.answer({"keys": [jwk(issuer, *one) for one in sorted(found.items())]}, "application/jwk-set+json")


class OneKey(Public):
    async def get(self, key: str) -> None:
        found = await self.ask(keys)
        if key in found:
            self.answer(jwk(self.exchange.issuer, key, found[key]), "application/jwk+json")
        else:
            self.answer({}, status=404)


def told(found: Certificate) -> dict[str, Any]:
    """What whoever has its address is told of a certificate."""
    said = words(found.language)
    own = {key: value for key, value in asdict(found).items() if key not in ("person", "summary")}
    return {**own, "sentence": said.stands if found.stands else said.stands_no_more}


class Verification(Public):
    """For programs."""

    async def get(self, number: str) -> None:
        found = await self.ask(certificate, number)
        if found:
            self.answer(told(found))
        else:
            self.answer({"stands": False, "sentence": _UNKNOWN}, status=404)


class VerificationPage(Public):
    """For people."""

    async def get(self, number: str) -> None:
        found = await self.ask(certificate, number)
        said = words(found.language if found else "en")
        self.set_status(200 if found else 404)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header(
            "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        )
        self.set_header("Referrer-Policy", "no-referrer")
        stands = found is not None and found.stands
        self.finish(
            _PAGE.format(
                language=said.language,
                heading=xhtml_escape(said.certificate),
                site=xhtml_escape(self.exchange.issuer.name),
                verdict="yes" if stands else "no",
                sentence=xhtml_escape(told(found)["sentence"] if found else _UNKNOWN),
                body=self._body(found) if found else "",
            )
        )

    @staticmethod
    def _body(found: Certificate) -> str:
        said = words(found.language)
        lines = [said.date.format(said.written(moment(found.issued)))]
        lines += [said.passed_from.format(said.share(found.pass_mark))] if found.pass_mark is not None else []
        lines += [said.hours.format(said.number(found.hours))] if found.hours else []
        facts = "".join(f"<p>{xhtml_escape(line)}</p>" for line in lines)
        learnt = "".join(f"<li>{xhtml_escape(line)}</li>" for line in found.learn)
        listed = f"<h3>{xhtml_escape(said.learnt)}</h3><ul>{learnt}</ul>" if learnt else ""
        head = f"<h2>{xhtml_escape(found.name)}</h2><p>{xhtml_escape(said.has_passed)}</p>"
        return f"{head}<h2>{xhtml_escape(found.title)}</h2>{facts}{listed}"
