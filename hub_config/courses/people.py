"""Who takes part in a course, as the exchange knows it: asked by the hub without waiting in everybody's way."""

from __future__ import annotations

import json

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from campus_base.errors import CampusError
from campus_base.pinned import pinned_context

_SECONDS = 20


async def people_of(course: str, url: str, token: str, certificate: tuple[str, str], pinned: str) -> set[str]:
    """Accounts of the roster, and of those seen in the course. Raises CampusError where the exchange does not answer.

    ``certificate`` is the hub's, ``pinned`` the file of the exchange's: nobody else hears the token.
    """
    try:
        context = pinned_context(pinned)
        context.load_cert_chain(*certificate)
        request = HTTPRequest(
            f"{url}/courses/{course}/roster",
            headers={"Authorization": f"token {token}"},
            request_timeout=_SECONDS,
            ssl_options=context,
            follow_redirects=False,
        )
        answer = await AsyncHTTPClient().fetch(request)
        return {person["id"] for person in json.loads(answer.body)}
    except (HTTPClientError, OSError, ValueError) as error:
        raise CampusError(
            "exchange-silent",
            f"The exchange does not say who takes part in {course}.",
            "Try again in a minute.",
            str(error),
        ) from error
