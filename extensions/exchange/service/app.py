"""The application: which address is answered by what."""

from __future__ import annotations

from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.web import RequestHandler

from extensions.courses.names import COURSE
from extensions.daemon import Health, Service
from extensions.exchange.names import ID, PERSON
from extensions.exchange.service import (
    analytics,
    assignments,
    audit,
    certificates,
    courses,
    extensions,
    feedback,
    gradebook,
    grades,
    lateness,
    overview,
    pending,
    progress,
    public,
    release,
    roster,
    similarity,
    submissions,
    submit,
    verify,
)
from extensions.exchange.service.handler import Exchange, NothingHere

_COURSE = f"/courses/({COURSE})"
_ASSIGNMENT = f"{_COURSE}/assignments/({ID})"
_CERTIFICATE = "/certificates/([0-9a-f]{32})"
_SUBMISSION = "/submissions/([0-9a-f]{32})"

# Below api/v1. A path is matched whole.
ADDRESSES: tuple[tuple[str, type[RequestHandler]], ...] = (
    ("/courses", courses.Courses),
    ("/overview", overview.Overview),
    ("/pending", pending.Counts),
    (_COURSE, courses.Course),
    (f"{_COURSE}/roster", roster.Roster),
    (f"{_COURSE}/roster/({PERSON})", roster.OnePerson),
    (f"{_COURSE}/gradebook", gradebook.Gradebook),
    (rf"{_COURSE}/gradebook\.csv", gradebook.GradebookTable),
    (f"{_COURSE}/audit", audit.Audit),
    (f"{_COURSE}/analytics", analytics.Analytics),
    (f"{_COURSE}/certificate", certificates.State),
    (rf"{_COURSE}/certificate\.pdf", certificates.Pdf),
    (rf"{_COURSE}/certificate\.json", certificates.Badge),
    (f"{_COURSE}/pending", pending.Pending),
    (f"{_COURSE}/progress", progress.OwnProgress),
    (f"{_COURSE}/assignments", assignments.Assignments),
    (_ASSIGNMENT, assignments.Assignment),
    (f"{_ASSIGNMENT}/files", release.Release),
    (f"{_ASSIGNMENT}/submissions", submit.Submissions),
    (f"{_ASSIGNMENT}/similarity", similarity.Similarity),
    (f"{_ASSIGNMENT}/lateness", lateness.Lateness),
    (f"{_ASSIGNMENT}/extensions", extensions.Extensions),
    (f"{_ASSIGNMENT}/extensions/({PERSON})", extensions.OneExtension),
    (_SUBMISSION, submissions.Submission),
    (f"{_SUBMISSION}/files", submissions.Files),
    (f"{_SUBMISSION}/grade", grades.Grade),
    (f"{_SUBMISSION}/feedback", feedback.Feedback),
    (_CERTIFICATE, public.Verification),
    ("/receipts/verify", verify.Verify),
    ("/receipts/keys", verify.Keys),
)


class SignIn(HubOAuthenticated, RequestHandler):
    """Where a browser gets its cookie; it goes on to where people land."""

    async def get(self) -> None:
        signed_in = await self.hub_auth.get_user(self, sync=False)
        landing = f"{self.hub_auth.hub_host}{self.hub_auth.hub_prefix}"
        self.redirect(landing if signed_in else self.get_login_url())


def make_app(exchange: Exchange, prefix: str, cookie_secret: bytes) -> Service:
    """``prefix`` is the service's own, ``…/services/exchange/``."""
    handlers: list[Any] = [(f"{prefix}api/v1{path}", handler) for path, handler in ADDRESSES]
    handlers += [
        (prefix, SignIn),
        (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
        (f"{prefix}health", Health),
        (f"{prefix}issuer", public.IssuerProfile),
        (f"{prefix}keys", public.KeySet),
        (f"{prefix}keys/([0-9a-f]{{64}})", public.OneKey),
        (f"{prefix}{_CERTIFICATE[1:]}", public.VerificationPage),
    ]
    return Service(handlers, exchange=exchange, cookie_secret=cookie_secret, default_handler_class=NothingHere)
