"""A request is forgotten once it is answered, and so are permissions that were not asked for lately.

Each request here is a handler of JupyterHub's own, without its connection.
"""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import scopes
from jupyterhub.apihandlers import APIHandler
from jupyterhub.handlers import BaseHandler

from hub_config.memory import keep_on_the_request, remember_fewer_permissions


class Request(APIHandler):
    """Counts how often its header is read."""

    def __init__(self, accepts: str = "") -> None:
        self.read = 0
        self.parsed_scopes: dict[str, Any] = {}
        self.request = SimpleNamespace(headers={"Accept": accepts})

    def get_auth_token(self) -> None:
        self.read += 1


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in (
        (BaseHandler, "get_token"),
        (BaseHandler, "get_scope_filter"),
        (APIHandler, "accepts_pagination"),
    ):
        monkeypatch.setattr(owner, name, vars(owner)[name])
    keep_on_the_request()


def asked(request: Request) -> list[Any]:
    return [request.get_token(), request.get_scope_filter("read:users"), request.accepts_pagination]


def test_nothing_holds_a_request_that_is_over() -> None:
    request = Request()
    asked(request)
    gone = weakref.ref(request)
    del request
    assert gone() is None


def test_it_is_worked_out_once_for_each_request() -> None:
    request = Request("application/jupyterhub-pagination+json")
    assert asked(request) == asked(request)
    assert request.read == 1
    assert asked(request)[2] is True
    assert asked(Request())[2] is False
    assert request.get_scope_filter("read:users") is not request.get_scope_filter("servers")


def test_it_may_be_set_twice() -> None:
    keep_on_the_request()
    assert asked(Request())[0] is None


def test_permissions_that_were_not_asked_for_lately_are_forgotten() -> None:
    caches = remember_fewer_permissions()
    for number in range(300):
        scopes.has_scope("read:users!user=ada", scopes.parse_scopes({f"read:users!user={number}"}))
    assert max(len(cache._cache) for cache in caches) == 256
    assert not scopes.has_scope("read:users!user=ada", scopes.parse_scopes({"read:users!user=0"}))
    assert scopes.has_scope("read:users!user=ada", scopes.parse_scopes({"read:users!user=ada"}))
