from __future__ import annotations

import fcntl
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from certipy import Certipy

from campus_base.process import Secret
from spawners.job.certificates import FILES, as_environment
from spawners.session import private, report
from spawners.session.__main__ import _bind
from spawners.session.private import make_private_folder
from spawners.session.report import HubRefused, report_port
from tests.support.person import wait_for

CHECKOUT = Path(__file__).parents[2]


def variables(record: Any) -> dict[str, str]:
    """A session's certificate as it arrives in the job's environment."""
    files = {"keyfile": record["files"]["key"], "certfile": record["files"]["cert"], "cafile": record["files"]["ca"]}
    texts = {name: Path(file).read_text() for name, file in files.items()}
    return {k: v.reveal() if isinstance(v, Secret) else v for k, v in as_environment(texts).items()}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Certipy:
    """Two authorities that do not know each other, and certificates of theirs."""
    certipy = Certipy(store_dir=str(tmp_path_factory.mktemp("authority")))
    for name in ("ours", "theirs"):
        certipy.create_ca(name)
    for name, signed_by, names in (
        ("hub", "ours", ["IP:127.0.0.1"]),
        ("elsewhere", "ours", ["DNS:hub.example.org"]),
        ("impostor", "theirs", ["IP:127.0.0.1"]),
        ("session", "ours", ["IP:127.0.0.1"]),
    ):
        certipy.create_signed_pair(name, signed_by, alt_names=names)
    return certipy


@pytest.fixture(autouse=True)
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files; not the machine's, where sessions may live."""
    monkeypatch.setattr(private, "_TOP", tmp_path)
    return tmp_path


@pytest.fixture
def folder(authority: Certipy) -> Path:
    """A session's private folder."""
    return make_private_folder(variables(authority.store.get_record("session")))


class Hub:
    """A hub over mutual TLS that answers what it is told to: statuses, or bytes as they are."""

    def __init__(self, authority: Certipy, certificate: str = "hub", port: int = 0) -> None:
        self.answers: list[int | bytes] = []
        self.heard: list[dict[str, Any]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                peer = dict(pair[0] for pair in self.connection.getpeercert()["subject"])
                hub.heard.append(
                    {
                        "method": self.command,
                        "path": self.path,
                        "body": body.decode(),
                        "authorization": self.headers.get("Authorization"),
                        "type": self.headers.get("Content-Type"),
                        "peer": peer["commonName"],
                    }
                )
                answer = hub.answers.pop(0)
                if isinstance(answer, bytes):
                    self.wfile.write(answer)
                    self.close_connection = True
                    return
                self.send_response(answer)
                if 300 <= answer < 400:
                    self.send_header("Location", "/hub/login")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that does not trust this hub

        files = authority.store.get_record(certificate)["files"]
        context = ssl.create_default_context(
            ssl.Purpose.CLIENT_AUTH, cafile=authority.store.get_record("hub")["files"]["ca"]
        )
        context.load_cert_chain(files["cert"], files["key"])
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"https://127.0.0.1:{self.server.server_port}/hub/api/campus/session"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def start_hub(authority: Certipy) -> Iterator[Callable[..., Hub]]:
    hubs: list[Hub] = []

    def start(*answers: int | bytes, **options: Any) -> Hub:
        hubs.append(Hub(authority, **options))
        hubs[-1].answers = list(answers)
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.stop()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that a report made between two tries; none of them takes time, and there may not be many."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        assert len(pauses) < 20

    monkeypatch.setattr(report.time, "sleep", pause)
    return pauses


@pytest.fixture
def impatient(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_PATIENCE", -1)


# ------------------------------------------------------------------------------------------------ the report


@pytest.mark.parametrize("answer", [200, 204])
def test_a_report_is_told_once(answer: int, start_hub: Callable[..., Hub], folder: Path, pauses: list[float]) -> None:
    hub = start_hub(answer)
    report_port(49152, hub.url, "a-secret", str(folder))
    assert hub.heard == [
        {
            "method": "POST",
            "path": "/hub/api/campus/session",
            "body": '{"port": 49152}',
            "authorization": "Campus a-secret",
            "type": "application/json",
            "peer": "session",
        }
    ]
    assert pauses == []


@pytest.mark.parametrize("answer", [400, 401, 403, 404, 405, 413, 499])
def test_a_refusal_is_final(answer: int, start_hub: Callable[..., Hub], folder: Path, pauses: list[float]) -> None:
    hub = start_hub(answer, 204)
    with pytest.raises(HubRefused, match=rf"^the hub refused it \({answer}\)$"):
        report_port(49152, hub.url, "a-secret", str(folder))
    assert len(hub.heard) == 1
    assert pauses == []


@pytest.mark.parametrize(
    "failure",
    [
        500,
        502,
        503,
        504,
        599,
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 500 Internal", id="half an answer"),
        pytest.param(b"no HTTP at all\r\n\r\n", id="nonsense"),
        301,
        302,
        303,
        307,
    ],
)
def test_a_hub_that_fails_is_told_again(
    failure: int | bytes, start_hub: Callable[..., Hub], folder: Path, pauses: list[float]
) -> None:
    hub = start_hub(failure, failure, 204)
    report_port(49152, hub.url, "a-secret", str(folder))
    assert [h["path"] for h in hub.heard] == ["/hub/api/campus/session"] * 3
    assert [h["body"] for h in hub.heard] == ['{"port": 49152}'] * 3
    assert len(pauses) == 2


def test_pauses_grow_and_then_stay(start_hub: Callable[..., Hub], folder: Path, pauses: list[float]) -> None:
    report_port(49152, start_hub(*[503] * 7, 204).url, "a-secret", str(folder))
    assert pauses == [0.2, 0.5, 1, 2, 5, 5, 5]


def test_a_hub_that_comes_up_later_is_told(
    start_hub: Callable[..., Hub], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hubs: list[Hub] = []
    monkeypatch.setattr(report.time, "sleep", lambda seconds: hubs.append(start_hub(204, port=port)))
    report_port(49152, f"https://127.0.0.1:{port}/hub/api/campus/session", "a-secret", str(folder))
    assert [len(hub.heard) for hub in hubs] == [1]


@pytest.mark.usefixtures("impatient")
def test_patience_ends(start_hub: Callable[..., Hub], folder: Path) -> None:
    with pytest.raises(HubRefused, match=r"^the hub answers 503$"):
        report_port(49152, start_hub(503).url, "a-secret", str(folder))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(HubRefused, match=r"^the hub cannot be reached \(.*Connection refused"):
        report_port(49152, f"https://127.0.0.1:{port}/", "a-secret", str(folder))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("certificate", ["impostor", "elsewhere"])
def test_a_hub_of_another_authority_or_address_is_told_nothing(
    certificate: str, start_hub: Callable[..., Hub], folder: Path
) -> None:
    hub = start_hub(204, certificate=certificate)
    with pytest.raises(HubRefused, match="CERTIFICATE_VERIFY_FAILED"):
        report_port(49152, hub.url, "a-secret", str(folder))
    assert hub.heard == []


@pytest.mark.usefixtures("pauses")
def test_a_proxy_of_the_persons_own_is_not_asked(
    start_hub: Callable[..., Hub], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    hub = start_hub(204)
    report_port(49152, hub.url, "a-secret", str(folder))
    assert len(hub.heard) == 1


# ------------------------------------------------------------------------------------------------ the private folder


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


@pytest.mark.parametrize("umask", [0, 0o077])
def test_the_folder_is_its_owners_only_whatever_the_umask(umask: int, top: Path, authority: Certipy) -> None:
    env = variables(authority.store.get_record("session"))
    before = os.umask(umask)
    try:
        folder = make_private_folder(env)
    finally:
        os.umask(before)
    assert folder.parent == top
    assert {p.name: mode(p) for p in (folder, *folder.iterdir())} == {
        folder.name: "0o700",
        "run": "0o700",
        "key.pem": "0o600",
        "certificate.pem": "0o600",
        "authorities.pem": "0o600",
    }


def test_certificates_move_from_the_environment_into_files(authority: Certipy) -> None:
    env = variables(authority.store.get_record("session"))
    texts = [env[f"CAMPUS_TLS_{name.upper()}"] for name in FILES]
    folder = make_private_folder(env)
    assert env == {
        "JUPYTERHUB_SSL_KEYFILE": f"{folder}/key.pem",
        "JUPYTERHUB_SSL_CERTFILE": f"{folder}/certificate.pem",
        "JUPYTERHUB_SSL_CLIENT_CA": f"{folder}/authorities.pem",
        "JUPYTER_RUNTIME_DIR": f"{folder}/run",
    }
    assert [(folder / name).read_text() for name in FILES.values()] == texts


def test_a_kernels_sockets_fit_into_it(folder: Path) -> None:
    # Names: jupyter_client's, and extensions.lab.pipe's.
    assert len(f"/tmp/{folder.name}/run/kernel-{uuid.uuid4()}-ipc-65535-forked") <= 107


def test_a_session_that_lives_keeps_its_folder_and_one_that_died_does_not(
    folder: Path, top: Path, authority: Certipy
) -> None:
    dead = top / f"{folder.name}-dead"
    (dead / "run").mkdir(parents=True)
    (dead / "key.pem").write_text("a key")
    other = make_private_folder(variables(authority.store.get_record("session")))
    assert sorted(p.name for p in top.iterdir()) == sorted([folder.name, other.name])
    assert (folder / "key.pem").exists()


def test_what_is_no_sessions_folder_is_left_alone(top: Path, authority: Certipy) -> None:
    prefix = private._PREFIX
    theirs = top / "theirs"
    theirs.mkdir()
    (theirs / "thesis").write_text("years of work")
    (top / f"{prefix}link").symlink_to(theirs)
    (top / f"{prefix}file").write_text("")
    os.mkfifo(top / f"{prefix}fifo")
    env = variables(authority.store.get_record("session"))
    # Who opens a FIFO as if it were a folder waits for ever.
    making = threading.Thread(target=make_private_folder, args=(env,), daemon=True)
    making.start()
    making.join(5)
    assert not making.is_alive()
    assert (theirs / "thesis").exists()
    assert {f"{prefix}{name}" for name in ("link", "file", "fifo")} < {p.name for p in top.iterdir()}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param((os, "open"), id="before it is opened"),
        pytest.param((fcntl, "flock"), id="before it is locked"),
    ],
)
def test_a_folder_that_another_session_took_for_dead_is_made_anew(
    step: tuple[Any, str], top: Path, authority: Certipy, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, taken = getattr(*step), []

    def take_first(*arguments: Any, **options: Any) -> Any:
        for folder in [] if taken else top.glob(f"{private._PREFIX}*"):
            folder.rmdir()
            taken.append(folder)
        return real(*arguments, **options)

    monkeypatch.setattr(*step, take_first)
    folder = make_private_folder(variables(authority.store.get_record("session")))
    assert len(taken) == 1
    assert (folder / "key.pem").exists()
    assert list(top.iterdir()) == [folder]


IN_TOP = """
import os, pathlib
import spawners.session.private
spawners.session.private._TOP = pathlib.Path(os.environ.pop("TOP"))
"""
FORKING = """
import sys
folder = spawners.session.private.make_private_folder(os.environ)
(folder / "run" / "kernel").write_text("")
child = os.fork()
if not child:
    sys.exit(5)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
assert (folder / "key.pem").exists()
print(folder)
sys.stdout.flush()
if sys.argv[1] == "killed":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_it_goes_when_the_session_ends_or_with_the_next_one(how: str, top: Path, authority: Certipy) -> None:
    env = variables(authority.store.get_record("session"))
    done = subprocess.run(
        [sys.executable, "-c", IN_TOP + FORKING, how],
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "TOP": str(top), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-9 if how == "killed" else 0, "")
    folder = Path(done.stdout.strip())
    assert folder.parent == top
    assert folder.exists() is (how == "killed")
    make_private_folder(env)
    assert not folder.exists()


# ------------------------------------------------------------------------------------------------ the port


def test_the_port_is_one_that_the_kernel_chose_and_takes_connections_at_once() -> None:
    with _bind("127.0.0.1") as one, _bind("127.0.0.1") as other:
        assert one.getsockname()[0] == "127.0.0.1"
        assert one.getsockname()[1] != other.getsockname()[1]
        assert not one.getblocking()
        with socket.create_connection(one.getsockname(), timeout=5):
            pass


@pytest.mark.parametrize("ours", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("theirs", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("option", [None, socket.SO_REUSEADDR, socket.SO_REUSEPORT])
def test_nobody_else_gets_the_port(ours: str, theirs: str, option: int | None) -> None:
    with _bind(ours) as listener, socket.socket() as other:
        if option:
            other.setsockopt(socket.SOL_SOCKET, option, 1)
        with pytest.raises(OSError, match="Address already in use"):
            other.bind((theirs, listener.getsockname()[1]))


# ------------------------------------------------------------------------------------------------ all of it

# JupyterLab is not in the environment of the tests: this stands where it would serve.
SESSION = """
import json, sys, types

def serve(listener):
    print(json.dumps([listener.getsockname(), dict(os.environ)]), flush=True)
    sys.stdin.read()

server = types.ModuleType("spawners.session.server")
server.serve = serve
sys.modules["spawners.session.server"] = server
from spawners.session.__main__ import main
main()
"""


class Started:
    """A session's process, from its start to the place where it serves."""

    def __init__(self, hub: Hub, authority: Certipy, top: Path, ip: str = "127.0.0.1") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_TOP + SESSION],
            cwd=CHECKOUT,
            env={
                "PATH": "/usr/bin:/bin",
                "TOP": str(top),
                "JUPYTERHUB_SERVICE_URL": f"https://{ip}:0/user/alice/a%2Fb/",
                "CAMPUS_SESSION_SECRET": "a-secret",
                "CAMPUS_SESSION_REPORT": hub.url,
                **variables(authority.store.get_record("session")),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        (self.address, self.port), self.env = json.loads(self.process.stdout.readline())
        self.folder = Path(self.env["JUPYTER_RUNTIME_DIR"]).parent

    def end(self) -> tuple[int, str]:
        """How it ended, and what it said."""
        _, stderr = self.process.communicate(timeout=10)
        return self.process.returncode, stderr


@pytest.mark.parametrize("ip", ["127.0.0.1", "0.0.0.0"])
def test_a_session_binds_reports_and_serves(
    ip: str, start_hub: Callable[..., Hub], authority: Certipy, top: Path
) -> None:
    hub = start_hub(204)
    session = Started(hub, authority, top, ip)
    wait_for("the report", lambda: hub.heard, seconds=10)
    assert [json.loads(h["body"]) for h in hub.heard] == [{"port": session.port}]
    assert session.address == ip
    assert session.env["JUPYTERHUB_SERVICE_URL"] == f"https://{ip}:{session.port}/user/alice/a%2Fb/"
    assert not [name for name in session.env if name.startswith("CAMPUS_")]
    assert "a-secret" not in session.env.values()
    with socket.create_connection(("127.0.0.1", session.port), timeout=5):
        pass
    assert session.end() == (0, "")
    assert not session.folder.exists()


def test_a_session_that_the_hub_does_not_want_ends(
    start_hub: Callable[..., Hub], authority: Certipy, top: Path
) -> None:
    session = Started(start_hub(403), authority, top)
    session.process.wait(10)
    assert session.end() == (3, "campus: the hub refused it (403); this session ends.\n")


def test_a_session_that_the_hub_does_not_want_leaves_no_key(
    start_hub: Callable[..., Hub], authority: Certipy, top: Path
) -> None:
    session = Started(start_hub(403), authority, top)
    session.process.wait(10)
    session.end()
    assert not session.folder.exists()
