"""A refusal is the same sentence wherever JupyterHub shows it, and the detail is for the log only."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from jupyterhub.apihandlers import APIHandler
from jupyterhub.objects import Hub
from jupyterhub.spawner import SpawnException
from jupyterhub.utils import format_exception
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from campus_base.errors import CampusError
from spawners.refusal import SessionRefused, refused
from spawners.slurm import ControllerSilent, Refused
from tests.unit.test_callback import empty_database

SILENT = ControllerSilent("sbatch: error: Unable to contact slurm controller (connect failure)")
SENTENCE = "The cluster's scheduler does not answer at the moment. Running sessions go on; try again in a few minutes."


def test_it_is_jupyterhubs_own_kind_so_no_traceback_is_logged() -> None:
    assert isinstance(refused(SILENT), SpawnException)


@pytest.mark.parametrize("message", [SENTENCE, "100% of your <GPUs> & %s are %(gone)s.", "Größe 火"])
def test_every_place_shows_the_sentence_and_nothing_else(message: str) -> None:
    error = SessionRefused(message, reason="some-code", log_message="the detail %d")
    # The spawn form and the log of the hub; the pending page and the progress of the API; pages and errors of the API.
    assert str(error) == message
    assert format_exception(error) == (message, None)
    assert format_exception(error, only_jupyterhub=True) == (message, None)
    assert error.message == message
    assert error.get_message() == "the detail %d"


def test_html_is_shown_where_there_is_some() -> None:
    error = SessionRefused("It broke.", reason="failed", html="<p>It broke.</p>")
    assert format_exception(error) == ("It broke.", "<p>It broke.</p>")
    assert str(error) == "It broke."


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SILENT, 503),
        (Refused("Invalid partition name specified"), 400),
        (CampusError("no-such-size", "There is no size big.", "Choose one of: cpu."), 400),
    ],
)
def test_an_error_of_ours_is_told_with_its_remedy_and_counted_by_its_code(error: CampusError, status: int) -> None:
    refusal = refused(error)
    assert refusal.message == f"{error.message} {error.remedy}"
    assert refusal.reason == error.code
    assert refusal.status_code == status


def test_the_log_has_the_detail_and_without_one_the_sentence() -> None:
    assert refused(SILENT).get_message() == SILENT.detail
    no_size = CampusError("no-such-size", "There is no size big.", "Choose one of: cpu.")
    assert refused(no_size).get_message() == "There is no size big. Choose one of: cpu."


class Start(APIHandler):
    """An address of the API that refuses, as the one that starts a session does."""

    def get(self) -> None:
        raise refused(self.settings["refusal"])


@pytest.mark.parametrize("error", [SILENT, Refused('Größe <b>100%</b> "x"')])
async def test_over_the_api_it_is_the_status_and_the_sentence(
    error: CampusError, caplog: pytest.LogCaptureFixture
) -> None:
    db = empty_database()
    settings: dict[str, Any] = {"db": db, "hub": Hub(base_url="/hub/"), "cookie_secret": b"x" * 32, "refusal": error}
    listener, port = bind_unused_port()
    server = HTTPServer(Application([("/hub/api/start", Start)], **settings))
    server.add_sockets([listener])
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/hub/api/start", raise_error=False)
    server.stop()
    await server.close_all_connections()
    db.close()
    refusal = refused(error)
    assert answer.code == refusal.status_code
    assert json.loads(answer.body) == {"status": refusal.status_code, "message": str(error)}
    logged = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert any(refusal.get_message() in line for line in logged)
    assert not [r for r in caplog.records if r.exc_info]
