"""TLS with one peer alone: its own certificate is accepted, and no other, whoever signed it."""

from __future__ import annotations

import ssl
from typing import Any

from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError


def pinned_context(certificate: str | None = None) -> ssl.SSLContext:
    """Accepts the certificate in this file only; without one, nothing before a certificate is loaded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # else only an authority's may end a chain
    if certificate:
        context.load_verify_locations(certificate)
    return context


class PinnedAdapter(HTTPAdapter):
    """For a session of requests whose ``verify`` names the file of the certificate: it is read at each connection."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named, ssl_context=pinned_context())

    def cert_verify(self, *arguments: Any, **named: Any) -> None:
        try:
            super().cert_verify(*arguments, **named)
        except OSError as error:  # a file is missing: what it belongs to was never started
            raise SSLError(error) from error
