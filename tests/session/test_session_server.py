from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.session.conftest import NOBODY, TOKEN, Session, running
from tests.support.person import wait_for

# ------------------------------------------------------------------------------------------------ kernels


async def test_a_kernel_runs_code(session: Session, kernel: str) -> None:
    assert await session.run(kernel, "a = 6") == ""
    assert await session.run(kernel, "print(a * 7, 'größe')") == "42 größe\n"


async def test_a_kernel_is_the_environments_own_and_runs_as_the_person(session: Session, kernel: str) -> None:
    printed = await session.run(kernel, "import sys, os; print(sys.prefix, os.getuid())")
    assert printed.split() == [str(session.environment), str(NOBODY if os.getuid() == 0 else os.getuid())]


def unix_sockets(process: psutil.Process) -> set[str]:
    """Paths of the Unix sockets of a process."""
    return {c.laddr for c in process.net_connections("unix") if c.laddr}


async def test_kernel_sockets_are_files_in_the_private_runtime_folder(session: Session, kernel: str) -> None:
    await session.run(kernel, "print()")
    connection = json.loads((session.runtime / f"kernel-{kernel}.json").read_text())
    assert connection["transport"] == "ipc"
    assert connection["ip"] == str(session.runtime / f"kernel-{kernel}-ipc")
    server, *kernels = session.processes()
    assert kernels
    found = set().union(*(unix_sockets(process) for process in kernels))
    ports = {connection[f"{channel}_port"] for channel in ("shell", "iopub", "stdin", "control", "hb")}
    assert {f"{connection['ip']}-{port}" for port in ports} <= found
    assert {Path(path).parent for path in found} == {session.runtime}
    assert {c.laddr.port for c in server.net_connections("tcp")} <= {session.port, *remote_ports(server)}
    assert session.listening() == []


def remote_ports(server: psutil.Process) -> set[int]:
    """This end of the server's own connections, to the hub."""
    return {c.laddr.port for c in server.net_connections("tcp") if c.raddr and c.status != psutil.CONN_LISTEN}


FORKS = {
    "os.fork": """
child = os.fork()
if not child:
    talk()
    os._exit(0)
os.waitpid(child, 0)
""",
    "multiprocessing": """
import multiprocessing
children = [multiprocessing.get_context("fork").Process(target=talk) for _ in range(2)]
[c.start() for c in children]
[c.join() for c in children]
""",
}
TALK = """
import os, pathlib, sys, time
def talk():
    print("a child talks", flush=True)
    pathlib.Path("talked").touch()
    while not pathlib.Path("go-on").exists():
        time.sleep(0.01)
    print("a child goes on", flush=True)
    sys.stderr.write("a child complains\\n")
    sys.stderr.flush()
"""


@pytest.mark.parametrize("how", FORKS)
async def test_a_forked_process_talks_and_nothing_listens_on_tcp(how: str, session: Session, kernel: str) -> None:
    home = session.folder / "home"
    for name in ("talked", "go-on"):
        (home / name).unlink(missing_ok=True)
    cell = asyncio.create_task(session.run(kernel, TALK + FORKS[how] + "print('all done')"))
    await asyncio.to_thread(wait_for, "the forked process", (home / "talked").exists)
    processes = session.processes()
    assert len(processes) >= 3
    assert session.listening() == []
    assert not [c for p in processes[1:] for c in p.net_connections("inet")]
    (home / "go-on").touch()
    children = 2 if how == "multiprocessing" else 1
    printed = await asyncio.wait_for(cell, 15)
    # What two children print may come in turns, word by word.
    assert [printed.count(f"a child {does}") for does in ("talks", "goes on", "complains")] == [children] * 3
    assert printed.count("all done\n") == 1
    assert session.listening() == []


async def test_a_kernel_is_killed_before_the_server_when_memory_runs_out(session: Session, kernel: str) -> None:
    of_a_child = "import subprocess\nprint(subprocess.check_output(['cat', '/proc/self/oom_score_adj'], text=True))"
    assert (await session.run(kernel, of_a_child)).split() == ["500"]
    server, *kernels = session.processes()
    assert Path(f"/proc/{server.pid}/oom_score_adj").read_text() == Path("/proc/self/oom_score_adj").read_text()
    assert {Path(f"/proc/{k.pid}/oom_score_adj").read_text().strip() for k in kernels} == {"500"}


# ------------------------------------------------------------------------------------------------ who gets in

OPEN_TO_NOBODY = [
    ("GET", "/api/kernels"),
    ("POST", "/api/kernels"),
    ("GET", "/api/contents"),
    ("PUT", "/api/contents/a.txt"),
    ("POST", "/api/terminals"),
    ("GET", "/api/status"),
    ("GET", "/api/me"),
    ("GET", "/lab/api/extensions"),
]


@pytest.mark.parametrize(("method", "path"), OPEN_TO_NOBODY)
@pytest.mark.parametrize("token", [None, "", "token ", "token bobs-token", "Bearer bobs-token", "Basic YWxpY2U6"])
def test_without_a_token_nobody_gets_in(method: str, path: str, token: str | None, session: Session) -> None:
    headers = {} if token is None else {"Authorization": token}
    answer = requests.request(method, f"{session.url}{path}", headers=headers, timeout=30, allow_redirects=False)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/lab", "/files/a.txt", "/server-proxy/servers-info"])
def test_a_page_sends_who_is_not_signed_in_to_the_hub(path: str, session: Session) -> None:
    answer = requests.get(f"{session.url}{path}", timeout=30, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?client_id=jupyterhub-user-alice")


async def test_a_kernels_channels_are_open_to_nobody(session: Session, kernel: str) -> None:
    url = f"{session.url.replace('http', 'ws')}/api/kernels/{kernel}/channels"
    with pytest.raises(HTTPClientError) as caught:
        await websocket_connect(url)
    assert caught.value.code == 403


def test_the_person_gets_in(session: Session) -> None:
    assert session.request("GET", "/api/contents").status_code == 200
    assert session.request("GET", "/api/me").json()["identity"]["username"] == "alice"


# ------------------------------------------------------------------------------------------------ what is not there


class Neighbour(socketserver.TCPServer):
    """Somebody who listens on a port of the node, and hangs up on whoever comes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.port = self.server_address[1]
        self.visitors = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.visitors += 1
        self.shutdown_request(request)


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Neighbour]:
    with Neighbour() as neighbour:
        threading.Thread(target=neighbour.serve_forever, args=(0.01,), daemon=True).start()
        yield neighbour
        neighbour.shutdown()


@pytest.mark.parametrize(
    "path",
    [
        "/proxy/{port}",
        "/proxy/{port}/",
        "/proxy/{port}/x",
        "/proxy/absolute/{port}",
        "/proxy/absolute/{port}/",
        "/proxy/absolute/{port}/x",
        "/proxy/127.0.0.1:{port}",
        "/proxy/127.0.0.1:{port}/",
        "/proxy/localhost:{port}/x",
        "/proxy/absolute/localhost:{port}/",
        "/proxy/absolute/127.0.0.1:{port}/x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_path_leads_to_a_port(method: str, path: str, neighbour: Neighbour, session: Session) -> None:
    path = path.format(port=neighbour.port)
    answer = session.request(method, path)
    if path.endswith("/") and answer.status_code == 302:
        # Jupyter Server takes the last slash away before it looks.
        assert answer.headers["Location"] == f"/user/alice{path.rstrip('/')}"
        answer = session.request(method, path.rstrip("/"))
    assert answer.status_code == 404
    assert neighbour.visitors == 0


def test_a_persons_own_extension_takes_the_place_of_none(environment: Path) -> None:
    """As ``jupyter server extension enable`` writes it."""
    with running(environment, {"ServerApp": {"jpserver_extensions": {"jupyter_server_terminals": True}}}) as session:
        for path in ("/proxy/1/x", "/lsp/status", "/formgrader", "/tree"):
            assert session.request("GET", path).status_code == 404
        assert session.request("GET", "/campus/session").status_code == 200


@pytest.mark.parametrize("path", ["/lsp/status", "/formgrader", "/tree", "/git-pull", "/voila/render/a.ipynb"])
def test_pages_of_extensions_that_are_off_do_not_exist(path: str, session: Session) -> None:
    assert session.request("GET", path).status_code == 404


# ------------------------------------------------------------------------------------------------ JupyterLab


def test_lab_installs_no_extensions_and_shows_no_news(session: Session) -> None:
    config = session.page_config()
    assert config["extensionManager"]["name"] == "read-only"
    assert config["extensionManager"]["can_install"] is False
    assert config["news"] == {"disabled": True}
    assert session.request("GET", "/lab/api/news").json() == {"news": []}


def test_lab_asks_nobody_for_updates(environment: Path, tmp_path: Path) -> None:
    # Its answer says "no update" as well where it asked in vain, so the setting is what tells.
    done = in_environment(environment, tmp_path, "-m", "jupyterlab", "--show-config-json")
    assert json.loads(done)["LabApp"]["check_for_updates_class"] == "jupyterlab.NeverCheckForUpdate"


@pytest.mark.parametrize(
    ("command", "status", "says"), [("install", 422, "blocked"), ("uninstall", 500, "not supported")]
)
def test_lab_refuses_to_change_extensions(command: str, status: int, says: str, session: Session) -> None:
    asked = {"cmd": command, "extension_name": "jupyterlab-git"}
    answer = session.request("POST", "/lab/api/extensions", json=asked)
    assert answer.status_code == status
    assert says in answer.json()["message"]


OFF = {
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/notebook-extension:language-server",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyter/nbgrader:create-assignment",
    "@jupyter/nbgrader:formgrader",
    "@voila-dashboards/jupyterlab-preview",
}
# What nbgrader has for everybody.
ON = {
    "@jupyter/nbgrader:assignment-list",
    "@jupyter/nbgrader:course-list",
    "@jupyter/nbgrader:menu",
    "@jupyter/nbgrader:validate-assignment",
}


def test_lab_leaves_out_what_campus_has_no_use_for(session: Session) -> None:
    assert set(session.page_config()["disabledExtensions"]) >= OFF


def test_lab_saves_within_seconds(session: Session) -> None:
    setting = session.request("GET", "/lab/api/settings/@jupyterlab/docmanager-extension:plugin").json()
    assert setting["schema"]["properties"]["autosaveInterval"]["default"] == 20


def test_what_is_left_out_is_called_so(session: Session) -> None:
    """A name that an upgrade changes would silently be on again."""
    share = session.environment / "share" / "jupyter"
    scripts = "".join(p.read_text(errors="replace") for p in share.rglob("*.js"))
    disabled = session.page_config()["disabledExtensions"]
    assert [name for name in disabled if name not in scripts] == []
    nbgraders = "".join(p.read_text() for p in (share / "labextensions" / "@jupyter" / "nbgrader").rglob("*.js"))
    pages = set(re.findall(r"[\"'](@jupyter/nbgrader:[a-z-]+)[\"']", nbgraders))
    assert pages - ON == pages & set(disabled)


# ------------------------------------------------------------------------------------------------ apps

# An app that writes down what it was asked, and answers nothing else.
APP = """
import json, socketserver, sys
from http.server import BaseHTTPRequestHandler

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with open("asked", "a") as asked:
            asked.write(json.dumps([self.command, self.path, dict(self.headers)]) + "\\n")
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    do_POST = do_GET
    def address_string(self):
        return "unix"

socketserver.UnixStreamServer(sys.argv[1], Handler).serve_forever()
"""
CREDENTIALS = {
    **TOKEN,
    "Cookie": "jupyterhub-session-id=a-cookie",
    "X-XSRFToken": "a-token",
    "X-Own": "kept",
}


class App:
    """Alice's session with an app of hers on a Unix socket, and another on TCP."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._file = session.folder / "home" / "asked"

    def asked(self) -> tuple[str, str, dict[str, str]]:
        """The last request that the app got; header names in small letters."""
        method, path, headers = json.loads(self._file.read_text().splitlines()[-1])
        return method, path, {name.lower(): value for name, value in headers.items()}


@pytest.fixture(scope="module")
def app(environment: Path) -> Iterator[App]:
    python = str(environment / "bin" / "python")
    config: dict[str, Any] = {
        "ServerProxy": {
            "servers": {
                "on-unix": {"command": [python, "-c", APP, "{unix_socket}"], "unix_socket": True, "timeout": 30},
                "on-tcp": {"command": [python, "-c", "open('started', 'w')", "{port}"], "timeout": 30},
                "on-a-port": {"command": [python, "-c", "open('started', 'w')"], "port": 8080, "timeout": 30},
            }
        },
    }
    with running(environment, config) as session:
        yield App(session)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_app_sees_the_request_and_not_who_could_act_as_the_person(method: str, app: App) -> None:
    answer = app.session.request(method, "/on-unix/a%20b?c=d", headers=CREDENTIALS)
    assert (answer.status_code, answer.text) == (200, "ok")
    seen_method, path, headers = app.asked()
    assert (seen_method, path, headers["x-own"]) == (method, "/a%20b?c=d", "kept")
    assert not headers.keys() & {"cookie", "authorization", "x-xsrftoken"}
    assert "alices-token" not in str(headers)


@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_however_credentials_are_spelled(spelled: Any, app: App) -> None:
    headers = {spelled(name): value for name, value in CREDENTIALS.items()}
    requests.get(f"{app.session.url}/on-unix/spelled", headers=headers, timeout=30).raise_for_status()
    _, path, seen = app.asked()
    assert path == "/spelled"
    assert not seen.keys() & {"cookie", "authorization", "x-xsrftoken"}


async def test_an_apps_websocket_gets_no_credentials_either(app: App) -> None:
    url = f"{app.session.url.replace('http', 'ws')}/on-unix/websocket"
    channel = await websocket_connect(HTTPRequest(url, headers=CREDENTIALS))
    assert await asyncio.wait_for(channel.read_message(), 30) is None  # this app speaks no websocket
    _, path, headers = app.asked()
    assert (path, headers["upgrade"], headers["x-own"]) == ("/websocket", "websocket", "kept")
    assert not headers.keys() & {"cookie", "authorization", "x-xsrftoken"}


def test_an_app_is_open_to_nobody_else(app: App) -> None:
    before = app.session.request("GET", "/on-unix/mine").status_code, app.asked()
    for headers in ({}, {"Authorization": "token bobs-token"}):
        answer = requests.get(f"{app.session.url}/on-unix/theirs", headers=headers, timeout=30, allow_redirects=False)
        assert answer.status_code in (302, 403)
    assert (200, app.asked()) == before


@pytest.mark.parametrize("name", ["on-tcp", "on-a-port"])
def test_an_app_on_tcp_is_left_out_with_a_line_in_the_log(name: str, app: App) -> None:
    said = f"The app {name} is left out: it must listen on a Unix socket (unix_socket = True)."
    assert app.session.log.read_text().count(said) == 1
    assert app.session.request("GET", f"/{name}/x").status_code == 404
    assert not (app.session.folder / "home" / "started").exists()


def test_the_launcher_offers_what_is_there(app: App) -> None:
    offered = app.session.request("GET", "/server-proxy/servers-info").json()["server_processes"]
    assert [each["name"] for each in offered] == ["on-unix", "mlflow", "tensorboard", "kit-apps"]


def test_no_app_listens_on_tcp(app: App) -> None:
    app.session.request("GET", "/on-unix/")
    assert len(app.session.processes()) > 1
    assert app.session.listening() == []


# ------------------------------------------------------------------------------------------------ the environment

AT_LEAST = {
    "jupyterlab": "4.6.2",
    "jupyter_server": "2.20",
    "nbgrader": "0",
    "ipywidgets": "0",
    "jupyter_server_proxy": "4.4",
    "torch": "0",
    "transformers": "0",
}
IMPORTED = """
import importlib, importlib.metadata, json, sys
from packaging.version import Version
at_least = json.loads(sys.argv[1])
for name in at_least:
    importlib.import_module(name)
found = {name: importlib.metadata.version(name) for name in at_least}
print(json.dumps([found, [name for name in at_least if Version(found[name]) < Version(at_least[name])]]))
"""


def in_environment(environment: Path, home: Path, *arguments: str) -> str:
    """What the environment's interpreter prints."""
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-I", *arguments],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_environment_holds_what_a_session_needs(environment: Path, tmp_path: Path) -> None:
    printed = in_environment(environment, tmp_path, "-c", IMPORTED, json.dumps(AT_LEAST))
    found, too_old = json.loads(printed.splitlines()[-1])
    assert not too_old, found


def test_a_session_starts_while_its_hub_is_away(environment: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        hub = f"http://127.0.0.1:{nobody.getsockname()[1]}/hub/api"
        away = {"JUPYTERHUB_API_URL": hub, "JUPYTERHUB_ACTIVITY_URL": f"{hub}/users/alice/activity"}
        with running(environment, **away) as session:
            # JupyterHub's own server looks for its hub for the better part of a minute, and then ends.
            wait_for("the server", lambda: "is running at" in session.log.read_text(), 30)
            assert session.is_up()  # nobody can be told from somebody else without a hub
