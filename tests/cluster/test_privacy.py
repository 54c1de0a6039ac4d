"""What another local account of the machine tries on a person's session, and does not get."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from certipy import Certipy

from tests.support.campus import Campus
from tests.support.person import Session, wait_for

pytestmark = pytest.mark.cluster

VICTIM, ATTACKER = "trainee1", "trainee2"
SECRETS = """
import json, os
home = os.environ["JUPYTER_RUNTIME_DIR"]
print(json.dumps({"token": os.environ["JUPYTERHUB_API_TOKEN"], "pid": os.getppid(), "kernel": os.getpid(),
    "runtime": home, "key": os.environ["JUPYTERHUB_SSL_KEYFILE"], "job": os.environ["SLURM_JOB_ID"]}))
"""
# Reads every file it may under the folders that are named, and prints the names of those that hold the secret.
GREP = """
import os, sys
secret = sys.stdin.read().strip().encode()
for top in sys.argv[1:]:
    for folder, _, files in os.walk(top, onerror=lambda e: None):
        for name in files:
            path = os.path.join(folder, name)
            try:
                if not os.path.isfile(path) or os.path.getsize(path) > 50_000_000:
                    continue
                with open(path, "rb") as file:
                    if secret in file.read():
                        print(path)
            except OSError:
                pass
"""
READ_PROC = """
import glob, sys
secret = sys.stdin.read().strip().encode()
seen = 0
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        text = open(path, "rb").read()
    except OSError:
        continue
    seen += 1
    if secret in text:
        print(path)
assert seen, "nothing could be read, so nothing was tried"
"""


class Victim:
    """A running session, and the secrets that its owner can see in it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.kernel = session.kernel()
        found: dict[str, Any] = json.loads(self.kernel.run(SECRETS))
        self.token: str = found["token"]
        self.pid: int = found["pid"]
        self.runtime = Path(found["runtime"])
        self.key = Path(found["key"])
        self.job: str = found["job"]
        server = psutil.Process(self.pid)
        self.port = next(c.laddr.port for c in server.net_connections("tcp") if c.status == psutil.CONN_LISTEN)


@pytest.fixture
def victim(calm: Campus) -> Victim:
    return Victim(calm.person(VICTIM).start(size="cpu"))


def python_as(campus: Campus, account: str, code: str, *arguments: str, stdin: str = "") -> str:
    entry = campus.account(account)
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", code, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        check=True,
    )
    return done.stdout


@pytest.mark.every_transport
@pytest.mark.through_sudo
def test_the_token_is_in_no_process_that_another_account_can_read(campus: Campus, victim: Victim) -> None:
    assert python_as(campus, campus.name(ATTACKER), READ_PROC, stdin=victim.token) == ""
    # The same look as root finds it, so the look is a good one.
    assert "/environ" in python_as(campus, "root", READ_PROC, stdin=victim.token)


@pytest.mark.every_transport
@pytest.mark.through_sudo
def test_secrets_are_on_no_command_line(campus: Campus, victim: Victim) -> None:
    secrets = [victim.token, campus.paths.secret("proxy-token").read_text().strip()]
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        assert not any(secret in line for secret in secrets), process


@pytest.mark.every_transport
def test_the_token_is_in_no_file_that_another_account_can_read(campus: Campus, victim: Victim) -> None:
    folders = [str(campus.paths.prefix), "/tmp", "/var/spool", "/var/log", "/run", "/dev/shm"]
    assert python_as(campus, campus.name(ATTACKER), GREP, *folders, stdin=victim.token) == ""


@pytest.mark.every_transport
def test_no_log_holds_the_token(campus: Campus, victim: Victim) -> None:
    for log in [*campus.paths.log.glob("*.log*"), *campus.paths.homes.glob("*/.campus/logs/*")]:
        assert victim.token.encode() not in log.read_bytes(), log


@pytest.mark.every_transport
def test_slurm_tells_another_account_nothing(campus: Campus, victim: Victim) -> None:
    assert victim.job in campus.slurm("scontrol", "show", "job", victim.job, account=campus.name("trainee1")).stdout
    for argv in (
        ("scontrol", "show", "job", victim.job),
        ("scontrol", "write", "batch_script", victim.job, "-"),
        ("squeue", "--noheader"),
        ("squeue", "--noheader", f"--jobs={victim.job}"),
    ):
        seen = campus.slurm(*argv, account=campus.name(ATTACKER))
        assert campus.name(VICTIM) not in seen.stdout
        assert victim.token not in seen.stdout + seen.stderr
    script = campus.slurm("scontrol", "write", "batch_script", victim.job, "-").stdout
    assert "spawners.session" in script, "root sees the script"
    assert victim.token not in script
    campus.slurm("scancel", victim.job, account=campus.name(ATTACKER))
    assert campus.job_state(victim.job) == "RUNNING"


def test_the_private_folder_is_private(campus: Campus, victim: Victim) -> None:
    assert any(victim.runtime.iterdir())
    listing = "import os, sys; print(os.listdir(sys.argv[1]))"
    for path in (victim.runtime, victim.runtime.parent, victim.key, campus.paths.homes / campus.name(VICTIM)):
        with pytest.raises(subprocess.CalledProcessError):
            python_as(campus, campus.name(ATTACKER), listing, str(path))
        assert path.stat().st_mode & 0o077 == 0


def test_the_kernel_listens_nowhere_that_another_account_reaches(campus: Campus, victim: Victim) -> None:
    victim.kernel.run("import os\nif os.fork() == 0:\n    print('child', flush=True); os._exit(0)\nos.wait()")
    session = psutil.Process(victim.pid)
    for process in [session, *session.children(recursive=True)]:
        ports = {c.laddr.port for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
        assert ports <= {victim.port}
    connect = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
    sockets = [p for p in victim.runtime.parent.rglob("*") if p.is_socket()]
    assert sockets
    for path in sockets:
        with pytest.raises(subprocess.CalledProcessError):
            python_as(campus, campus.name(ATTACKER), connect, str(path))


def test_the_port_answers_nobody_without_a_certificate(campus: Campus, victim: Victim) -> None:
    url = f"https://127.0.0.1:{victim.port}/user/{campus.name(VICTIM)}/api/contents"
    headers = {"Authorization": f"token {victim.token}"}
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url, headers=headers, verify=False, timeout=10)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url.replace("https", "http"), headers=headers, timeout=10)


def test_another_persons_certificate_does_not_open_the_port(campus: Campus, victim: Victim) -> None:
    """All sessions' certificates are signed by one authority, but a session trusts the hub and the proxy only."""
    other = Victim(campus.person("trainee2").start(size="cpu"))
    folder = other.key.parent
    with pytest.raises(requests.exceptions.ConnectionError):  # an SSLError is one, too
        requests.get(
            f"https://127.0.0.1:{victim.port}/user/{campus.name(VICTIM)}/api/contents",
            cert=(str(folder / "certificate.pem"), str(other.key)),
            verify=False,
            timeout=10,
        )


# Listens with the certificate it is given, and writes what it hears.
SQUAT = """
import socket, ssl, sys
port, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
listener = socket.create_server(("127.0.0.1", port))
print("listening", flush=True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
while True:
    connection, _ = listener.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as tls:
            print("heard", tls.recv(65536), flush=True)
            tls.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nowned")
    except OSError as error:
        print("failed", error, flush=True)
"""


@contextmanager
def squatting(campus: Campus, port: int, certificate: Path, key: Path, log: Path) -> Iterator[None]:
    entry = campus.account(campus.name(ATTACKER))
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/usr/bin/python3", "-I", "-c", SQUAT, str(port), str(certificate), str(key)],
            stdout=output,
            stderr=output,
            cwd="/",
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=[],
        )
    try:
        wait_for("the squatter to listen", lambda: b"listening" in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("whose", ["of their own making", "of their own session"])
def test_a_dead_sessions_port_can_not_be_taken_over(whose: str, campus: Campus, victim: Victim, tmp_path: Path) -> None:
    if whose == "of their own session":
        own = Victim(campus.person("trainee2").start(size="cpu"))
        texts = [(own.key.parent / "certificate.pem").read_text(), own.key.read_text()]
    else:
        made = Certipy(store_dir=str(tmp_path / "pki"))
        made.create_ca("mine")
        files = made.create_signed_pair("x", "mine", alt_names=["IP:127.0.0.1", "DNS:localhost"])["files"]
        texts = [Path(files["cert"]).read_text(), Path(files["key"]).read_text()]
    public = Path("/tmp") / f"campus-test-squat-{os.getpid()}"
    public.mkdir()
    try:
        for name, text in zip(("cert", "key"), texts, strict=True):
            (public / name).write_text(text)
            (public / name).chmod(0o644)
        log = tmp_path / "heard"
        # The hub would take the route away as soon as it saw that the session is gone.
        with campus.stopped("hub"):
            os.kill(victim.pid, signal.SIGKILL)
            wait_for("the port to be free", lambda: _free(victim.port))
            with squatting(campus, victim.port, public / "cert", public / "key", log):
                for _ in range(3):
                    seen = victim.session.person.request("GET", f"{victim.session.path}/api/contents")
                    assert seen.status_code >= 500
                    assert "owned" not in seen.text
                assert b"heard" not in log.read_bytes()
                assert b"failed" in log.read_bytes(), "the proxy did not even try"
    finally:
        for file in public.iterdir():
            file.unlink()
        public.rmdir()


def _free(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


def test_hub_files_are_roots(campus: Campus) -> None:
    paths = campus.paths
    private = [
        paths.secrets,
        paths.hub_state,
        paths.prefix / "etc" / "supervisord.conf",
        paths.prefix / "var" / "munge",
        paths.slurm_state / "controller",
    ]
    assert (
        python_as(
            campus, campus.name(ATTACKER), GREP, str(paths.prefix), stdin=campus.passwords[campus.name("operator1")]
        )
        == ""
    )
    for path in private:
        assert path.exists(), path
        assert path.stat().st_mode & 0o077 == 0, path
    connect = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
    with pytest.raises(subprocess.CalledProcessError):
        python_as(campus, campus.name(ATTACKER), connect, str(paths.run / "supervisor.sock"))


def test_the_proxy_is_not_root_and_reads_its_own_keys_only(campus: Campus) -> None:
    account = campus.site.daemons.proxy_account
    proxy = psutil.Process(campus.pid("proxy"))
    entry = campus.account(account)
    assert proxy.uids() == (entry.pw_uid,) * 3
    assert "NoNewPrivs:\t1" in Path(f"/proc/{proxy.pid}/status").read_text()
    key = "PRIVATE KEY"
    seen = python_as(campus, account, GREP, str(campus.paths.prefix / "var"), str(campus.paths.secrets), stdin=key)
    assert {Path(path).name for path in seen.split()} == {"proxy-api.key", "proxy-client.key"}
    assert python_as(campus, campus.name(ATTACKER), GREP, str(campus.paths.prefix / "var"), stdin=key) == ""


def test_the_proxys_api_wants_its_certificate(campus: Campus) -> None:
    url = f"https://127.0.0.1:{campus.site.addresses.proxy_api_port}/api/routes"
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url, verify=False, timeout=10)


def test_the_hubs_own_port_wants_a_certificate(campus: Campus) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"https://127.0.0.1:{campus.site.addresses.hub_port}/hub/api/", verify=False, timeout=10)


@pytest.mark.parametrize(
    "path", ["/proxy/8888/", "/proxy/127.0.0.1:8888/", "/proxy/absolute/8888/", "/proxy/localhost:22/x"]
)
def test_there_is_no_way_to_a_port_through_a_session(path: str, victim: Victim) -> None:
    person = victim.session.person
    answer = person.request("GET", f"{victim.session.path}{path}")
    if answer.status_code == 302:  # Jupyter Server takes a slash off the end before it says no
        answer = person.request("GET", answer.headers["Location"])
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"port": 40000}, {"Authorization": "Campus wrong"}, 403),
        ({"port": 40000}, {"Authorization": "Campus "}, 403),
        ({"port": 40000}, {}, 403),
        ({"port": 22}, {"Authorization": "Campus x"}, 400),
        ({"port": "40000"}, {"Authorization": "Campus x"}, 400),
        ({"port": True}, {"Authorization": "Campus x"}, 400),
        ({"port": 40000, "batch_query_cmd": "id"}, {"Authorization": "Campus x"}, 400),
        ([], {"Authorization": "Campus x"}, 400),
    ],
    ids=str,
)
def test_the_callback_takes_nothing_but_its_report(
    body: Any, headers: dict[str, str], status: int, campus: Campus
) -> None:
    url = f"{campus.url}/hub/api/campus/session"
    assert requests.post(url, json=body, headers=headers, timeout=10).status_code == status


def test_a_persons_token_is_not_the_callbacks(campus: Campus, victim: Victim) -> None:
    person = victim.session.person
    for token in (person.token, victim.token):
        for scheme in ("token", "Campus", "Bearer"):
            answer = requests.post(
                f"{campus.url}/hub/api/campus/session",
                json={"port": 40000},
                headers={"Authorization": f"{scheme} {token}"},
                timeout=10,
            )
            assert answer.status_code == 403
    assert person.api("POST", "/batchspawner", json={"batch_query_cmd": "id"}).status_code == 404


def test_a_huge_report_is_refused(campus: Campus) -> None:
    url = f"{campus.url}/hub/api/campus/session"
    answer = requests.post(url, data=b"x" * 10_000_000, headers={"Authorization": "Campus x"}, timeout=30)
    assert answer.status_code == 413
