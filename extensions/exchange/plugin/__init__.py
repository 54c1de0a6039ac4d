"""nbgrader's plug-in for the exchange: its commands and pages work unchanged. Runs in sessions."""

from extensions.exchange.plugin.auth import CourseMembers
from extensions.exchange.plugin.collect import ExchangeCollect
from extensions.exchange.plugin.fetch_assignment import ExchangeFetchAssignment
from extensions.exchange.plugin.fetch_feedback import ExchangeFetchFeedback
from extensions.exchange.plugin.listing import ExchangeList
from extensions.exchange.plugin.over_http import Exchange
from extensions.exchange.plugin.release_assignment import ExchangeReleaseAssignment
from extensions.exchange.plugin.release_feedback import ExchangeReleaseFeedback
from extensions.exchange.plugin.submit import ExchangeSubmit

__all__ = [
    "CourseMembers",
    "Exchange",
    "ExchangeCollect",
    "ExchangeFetchAssignment",
    "ExchangeFetchFeedback",
    "ExchangeList",
    "ExchangeReleaseAssignment",
    "ExchangeReleaseFeedback",
    "ExchangeSubmit",
]
