"""The apps that every session has, each through the real proxy extension."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from tests.session.conftest import NOBODY, TOKEN, Session, running
from tests.support.person import wait_for

TITLES = {"mlflow": "MLflow", "tensorboard": "TensorBoard", "kit-apps": "Kit apps"}
CELLS = [
    "import os, ipywidgets\nprint('in', os.path.basename(os.getcwd()))",
    "slider = ipywidgets.IntSlider(3)\nslider",
    "1 / 0",
]
# Before the server starts it: what a person logs from a notebook, or a job.
LOG = """
import mlflow
mlflow.set_experiment("tiny")
with mlflow.start_run(run_name="first"):
    mlflow.log_metric("loss", 0.25)
"""
EVENTS = """
from torch.utils.tensorboard import SummaryWriter
with SummaryWriter("tensorboard/tiny/first") as writer:
    writer.add_scalar("loss", 0.25, 1)
"""


def notebook(*cells: str) -> str:
    made = [
        {"cell_type": "code", "id": f"c{n}", "source": c, "metadata": {}, "outputs": [], "execution_count": None}
        for n, c in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def session(environment: Path) -> Iterator[Session]:
    with running(environment) as session:
        kit = session.home / "kits" / "tiny"
        kit.mkdir(parents=True)
        (kit / "app.ipynb").write_text(notebook(*CELLS))
        (kit / "kit.toml").write_text('title = "A tiny <kit>"\nsummary = "It has a slider."\n')
        (session.home / "kits" / "no-app").mkdir()
        if os.getuid() == 0:
            for path in (kit.parent, *kit.parent.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        yield session


def opened(session: Session, name: str) -> requests.Response:
    """The first request to an app, which starts it: that takes its imports, and MLflow's a new database."""
    return session.request("GET", f"/{name}/", timeout=100)


def as_person(session: Session, code: str) -> None:
    """Run code as a notebook or a job of this session does."""
    account: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    subprocess.run(
        [str(session.environment / "bin" / "python"), "-c", code],
        cwd=session.home,
        env={
            "HOME": str(session.home),
            "PATH": "/usr/bin:/bin",
            "MLFLOW_TRACKING_URI": f"sqlite:///{session.home}/mlflow/mlflow.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        check=True,
        timeout=90,
        **account,
    )


def test_the_launcher_offers_them_with_icons_and_none_runs_yet(session: Session) -> None:
    offered = session.request("GET", "/server-proxy/servers-info").json()["server_processes"]
    assert {each["name"]: each["launcher_entry"]["title"] for each in offered} == TITLES
    for each in offered:
        icon = session.request("GET", each["launcher_entry"]["icon_url"].removeprefix("/user/alice"))
        assert icon.headers["Content-Type"].startswith("image/svg+xml")
        assert icon.text.startswith("<svg")
    assert len(session.processes()) == 1


async def test_experiments_are_kept_where_mlflow_shows_them(session: Session) -> None:
    start = session.request("POST", "/api/kernels", json={"name": "python3"}).json()["id"]
    said = await session.run(start, "import os; print(os.environ['MLFLOW_TRACKING_URI'])")
    assert said.strip() == f"sqlite:///{session.home}/mlflow/mlflow.db"
    session.request("DELETE", f"/api/kernels/{start}")

    page = opened(session, "mlflow")
    assert page.status_code == 200
    assert "static-files/" in page.text
    assert '="/static-files' not in page.text  # below the session's address, not the site's
    assert '"mlflow.workflowType_v1": "machine_learning"' in page.text  # runs, not chats, are what one sees first
    assert (session.home / "mlflow").stat().st_mode & 0o777 == 0o700
    as_person(session, LOG)
    found = session.request("POST", "/mlflow/ajax-api/2.0/mlflow/experiments/search", json={"max_results": 10}).json()
    (tiny,) = (each for each in found["experiments"] if each["name"] == "tiny")
    runs = session.request(
        "POST", "/mlflow/ajax-api/2.0/mlflow/runs/search", json={"experiment_ids": [tiny["experiment_id"]]}
    ).json()["runs"]
    assert [(r["info"]["run_name"], r["data"]["metrics"][0]["value"]) for r in runs] == [("first", 0.25)]


def test_mlflows_pages_still_ask_for_what_ours_sets(session: Session) -> None:
    """A key that a later MLflow calls otherwise would be set for nothing."""
    page = opened(session, "mlflow").text
    ours = json.loads(page.partition("Object.entries(")[2].partition("))")[0])
    (build,) = session.environment.glob("lib/python3*/site-packages/mlflow/server/js/build/static/js")
    scripts = "".join(path.read_text() for path in build.rglob("*.js"))
    assert ours["mlflow.telemetry.info.alert.dismissed_v1"] is True
    assert {key for key in ours if f'"{key.rpartition("_v")[0]}"' not in scripts} == set()


def test_mlflow_asks_nobody_and_does_nothing_on_its_own(session: Session) -> None:
    assert session.request("GET", "/mlflow/ajax-api/3.0/mlflow/ui-telemetry").json()["disable_ui_telemetry"] is True
    for path in ("/mlflow/ajax-api/3.0/mlflow/assistant/config", "/mlflow/gateway/x/mlflow/invocations"):
        assert session.request("GET", path).status_code == 404
    (mlflow,) = (p for p in session.processes()[1:] if "extensions.apps.serve.mlflow" in p.cmdline())
    assert mlflow.children() == []
    assert [c for c in mlflow.net_connections("inet") if c.raddr] == []


def test_tensorboard_shows_what_was_logged(session: Session) -> None:
    page = opened(session, "tensorboard")
    assert page.status_code == 200
    assert '<base href="/' not in page.text
    as_person(session, EVENTS)
    wait_for("the run", lambda: session.request("GET", "/tensorboard/data/runs").json() == ["tiny/first"], seconds=30)
    points = session.request("GET", "/tensorboard/data/plugin/scalars/scalars?tag=loss&run=tiny/first").json()
    assert [point[1:] for point in points] == [[1, 0.25]]


def test_the_page_of_kits_apps_needs_no_voila(session: Session) -> None:
    page = session.request("GET", "/kit-apps/")
    assert page.status_code == 200
    assert "A tiny &lt;kit&gt;" in page.text
    assert 'href="/user/alice/campus/starting/kit-apps/voila/render/tiny/app.ipynb"' in page.text
    assert "no-app" not in page.text
    assert session.request("GET", "/kit-apps").headers["Location"] == "/user/alice/kit-apps/"
    assert not any("extensions.apps.serve.voila" in p.cmdline() for p in session.processes()[1:])


def test_a_page_says_that_an_app_starts_and_leads_on_to_it(session: Session) -> None:
    page = session.request("GET", "/campus/starting/kit-apps/voila/render/a%20b/app.ipynb?c=d")
    assert '<meta http-equiv="refresh" content="0; url=/user/alice/kit-apps/voila/render/a%20b/app.ipynb">' in page.text
    assert "Kit apps" in page.text
    offered = session.request("GET", "/server-proxy/servers-info").json()["server_processes"]
    paths = {each["name"]: each["launcher_entry"]["path_info"] for each in offered}
    assert paths["mlflow"] == "campus/starting/mlflow/"
    assert paths["kit-apps"] == "kit-apps/"  # nothing has to start for it
    assert not any("extensions.apps.serve.voila" in p.cmdline() for p in session.processes()[1:])


@pytest.mark.parametrize("path", ["no-app/", "mlflow"])
def test_it_leads_nowhere_else(path: str, session: Session) -> None:
    assert session.request("GET", f"/campus/starting/{path}").status_code == 404


def test_what_follows_an_apps_name_stays_below_it(session: Session) -> None:
    page = session.request("GET", "/campus/starting/mlflow//elsewhere.test/x")
    assert 'content="0; url=/user/alice/mlflow//elsewhere.test/x"' in page.text


async def test_a_kits_app_runs_in_its_folder_without_its_code(session: Session) -> None:
    page = session.request("GET", "/kit-apps/voila/render/tiny/app.ipynb", timeout=100)
    assert page.status_code == 200
    assert "in tiny" in page.text
    assert "ipywidgets.IntSlider" not in page.text
    assert "ZeroDivisionError" not in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in page.headers
    config = json.loads(page.text.split('type="application/json">', 1)[1].split("</script>", 1)[0])
    assert config["baseUrl"] == "/user/alice/kit-apps/"

    url = f"{session.url.replace('http', 'ws')}/kit-apps/api/kernels/{config['kernelId']}/channels"
    channels = await websocket_connect(HTTPRequest(url, headers=TOKEN))
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "comm_info_request", "username": "", "session": "s"}
    wish = {"header": header, "parent_header": {}, "metadata": {}, "content": {}, "channel": "shell"}
    await channels.write_message(json.dumps(wish))
    while text := await channels.read_message():
        answer = json.loads(text)
        if answer["msg_type"] == "comm_info_reply":
            assert answer["content"]["comms"]  # the slider
            break
    channels.close()
    kernels = [Path(c.laddr) for p in session.processes() for c in p.net_connections("unix") if "kernel-" in c.laddr]
    assert kernels
    assert all(path.is_relative_to(session.runtime) for path in kernels)


@pytest.mark.parametrize("path", ["tree", "voila/tree", "voila/api/contents", "voila/render/none/app.ipynb"])
def test_voila_lists_no_files(path: str, session: Session) -> None:
    assert session.request("GET", f"/kit-apps/{path}").status_code == 404


def test_they_listen_for_their_person_only_and_go_before_the_server(session: Session) -> None:
    for name in TITLES:
        opened(session, "kit-apps/voila" if name == "kit-apps" else name)
    assert session.listening() == []
    apps = [p for p in session.processes()[1:] if any("extensions.apps.serve." in word for word in p.cmdline())]
    assert len(apps) == len(TITLES)
    assert {Path(f"/proc/{p.pid}/oom_score_adj").read_text().strip() for p in apps} == {"300"}


def test_all_of_them_end_with_the_session_however_it_ends(environment: Path) -> None:
    with running(environment) as session:
        for name in ("mlflow", "tensorboard", "kit-apps/voila"):
            opened(session, name)
        started = session.processes()
        assert len(started) == 4
        session.process.kill()
        _, alive = psutil.wait_procs(started, timeout=10)
        assert alive == []


def test_an_app_of_the_persons_with_the_same_name_takes_the_place_of_ours(environment: Path) -> None:
    mine = {"command": ["/bin/false", "{unix_socket}"], "unix_socket": True, "launcher_entry": {"title": "Mine"}}
    own = {"mlflow": mine}
    with running(environment, {"ServerProxy": {"servers": own}}) as session:
        offered = session.request("GET", "/server-proxy/servers-info").json()["server_processes"]
        titles = {each["name"]: each["launcher_entry"]["title"] for each in offered}
        assert titles == TITLES | {"mlflow": "Mine"}
