"""Signing in through a real OpenID Connect provider, into a real hub behind a real proxy."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from certipy import Certipy

from hub_config.packages import node_path
from hub_config.paths import Paths
from tests.support.person import wait_for
from tests.support.tokens import write_tokens

pytestmark = pytest.mark.cluster

PROVIDER = Path(__file__).parents[1] / "oidc"
NOT_ALLOWED = "nobody has given you a place here yet. Ask an operator for one."
NO_ACCOUNT_NAME = "a name that is no account name here. Ask an operator for one."
SECRET = "a secret-\"';&+%="

HUB_CONFIG = """\
import json
from pathlib import Path
from hub_config.auth import update_authentication
from hub_config.network import update_network
from hub_config.paths import Paths
from hub_config.roles import update_roles
from hub_config.services import update_services
from hub_config.site import Site
from hub_config.state import update_state

c = get_config()
test = json.loads(Path(__file__).with_name("test.json").read_text())
site, paths = Site.model_validate(test["site"]), Paths(Path(test["prefix"]))
for update in (update_network, update_state, update_authentication, update_roles, update_services):
    update(c, site, paths)
c.Authenticator.auth_refresh_age = 1
# The hub of an installation leaves its proxy running; here it starts and ends it.
c.ConfigurableHTTPProxy.should_start = True
c.ConfigurableHTTPProxy.command = test["proxy"]
c.JupyterHub.cleanup_proxy = True
c.JupyterHub.spawner_class = "simple"
"""


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


@contextmanager
def running(argv: list[str], log: Path, cwd: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program, which is ended by its pid however the test ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_answering(what: str, process: subprocess.Popen[bytes], log: Path, answers: Callable[[], Any]) -> None:
    def look() -> bool:
        assert process.poll() is None, f"{what} ended:\n{log.read_text()[-4000:]}"
        try:
            return bool(answers())
        except requests.ConnectionError:
            return False

    wait_for(f"{what} to answer", look)


class Provider:
    """The provider's people: an account's claims, by the name it is signed in with there."""

    def __init__(self, url: str, authority: str, accounts: Path) -> None:
        self.url = url
        self.authority = authority
        self._file = accounts
        self._accounts: dict[str, dict[str, Any]] = {}
        self._write()

    def put(self, account: str, username: Any, *groups: str) -> None:
        self._accounts[account] = {"preferred_username": username, "groups": list(groups)}
        self._write()

    def remove(self, account: str) -> None:
        del self._accounts[account]
        self._write()

    def _write(self) -> None:
        # In one step: the provider reads it at any moment.
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._accounts))
        new.replace(self._file)


class Browser:
    """Follows redirects and fills in the provider's forms, as a person would."""

    def __init__(self, hub: str, provider: Provider) -> None:
        self.hub = hub
        self.web = requests.Session()
        self.web.trust_env = False
        self.web.verify = provider.authority

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.web.get(f"{self.hub}{path}", timeout=30, **more)

    def sign_in(self, account: str) -> requests.Response:
        """The page on which the sign-in ends."""
        page = self.get("/hub/oauth_login", params={"next": "/hub/home"})
        for prompt in ("login", "consent"):
            assert f'name="prompt" value="{prompt}"' in page.text, page.text
            action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
            assert action
            fields = {"prompt": prompt, "login": account, "password": "any"}
            page = self.web.post(html.unescape(action[1]), data=fields, timeout=30)
        return page

    def me(self) -> dict[str, Any]:
        """JupyterHub's model of the person, {} for a browser that is not signed in."""
        answer = self.get("/hub/api/user", headers={"Referer": f"{self.hub}/hub/home"})
        return answer.json() if answer.ok else {}

    def token(self, name: str) -> str:
        xsrf = next(c.value for c in self.web.cookies if c.name == "_xsrf" and c.path == "/hub/")
        made = self.web.post(
            f"{self.hub}/hub/api/users/{name}/tokens",
            json={"note": "test"},
            headers={"X-XSRFToken": str(xsrf)},
            timeout=30,
        )
        assert made.status_code == 201, made.text
        return made.json()["token"]


def site_of(folder: Path, provider: str, ports: list[int]) -> dict[str, Any]:
    public, hub, proxy_api = ports
    exchange, home = free_ports(2)  # nobody listens there: the hub goes on without them
    return {
        "addresses": {
            "public_url": f"http://127.0.0.1:{public}",
            "hub_port": hub,
            "proxy_api_port": proxy_api,
            "exchange_port": exchange,
            "home_port": home,
        },
        "authentication": {
            "method": "oidc",
            "client_id": "campus",
            "client_secret_file": str(folder / "client-secret"),
            "authorize_url": f"{provider}/auth",
            "token_url": f"{provider}/token",
            "userinfo_url": f"{provider}/me",
            "ca_file": str(folder / "pki" / "test-ca" / "test-ca.crt"),
            "login_service": "the test's provider",
        },
        "access": [
            {"role": "trainee", "group": "/training/2026"},
            {"role": "instructor", "group": "/staff/trainers", "course": "dl"},
            {"role": "instructor", "user": "mweber", "course": "gpu"},
            {"role": "operator", "group": "/staff/hpc"},
        ],
        "cluster": {},
        "partitions": [{"name": "gpu"}],
        "sizes": [{"name": "cpu", "title": "CPU", "partition": "gpu", "memory": "1G"}],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oidc")


@pytest.fixture(scope="module")
def path() -> str:
    """PATH with node, npm and configurable-http-proxy, of the installation under test where it has them."""
    paths = Paths(Path(os.environ.get("CAMPUS_PREFIX", "/opt/campus")))
    return f"{paths.node_modules / '.bin'}:{node_path(paths)}:{os.environ['PATH']}"


@pytest.fixture(scope="module")
def ports() -> list[int]:
    return free_ports(4)


@pytest.fixture(scope="module")
def provider(folder: Path, path: str, ports: list[int]) -> Iterator[Provider]:
    env = {"PATH": path, "HOME": str(folder), "NODE_ENV": "production"}
    if not (PROVIDER / "node_modules").exists():
        # The person's own npm settings stand: they say where packages come from.
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=PROVIDER,
            env={**os.environ, "PATH": path},
            check=True,
            timeout=300,
        )
    pki = Certipy(store_dir=str(folder / "pki"))
    pki.create_ca("test-ca")
    pair = pki.create_signed_pair("provider", "test-ca", alt_names=["IP:127.0.0.1"])
    url = f"https://127.0.0.1:{ports[3]}"
    made = Provider(url, str(folder / "pki" / "test-ca" / "test-ca.crt"), folder / "accounts.json")
    settings = {
        "port": ports[3],
        "certificate": pair["files"]["cert"],
        "key": pair["files"]["key"],
        "callback": f"http://127.0.0.1:{ports[0]}/hub/oauth_callback",
        "secret": SECRET,
        "accounts": str(folder / "accounts.json"),
    }
    (folder / "provider.json").write_text(json.dumps(settings))
    log = folder / "provider.log"
    argv = [str(shutil.which("node", path=path)), "provider.mjs", str(folder / "provider.json")]
    with running(argv, log, PROVIDER, env) as process:
        web = requests.Session()
        web.trust_env = False
        discovery = f"{url}/.well-known/openid-configuration"
        wait_until_answering(
            "the provider", process, log, lambda: web.get(discovery, verify=made.authority, timeout=5).ok
        )
        yield made


@pytest.fixture(scope="module")
def hub(folder: Path, path: str, ports: list[int], provider: Provider) -> Iterator[str]:
    paths = Paths(folder / "campus")
    for needed in (paths.secrets, paths.hub_state, paths.run):
        needed.mkdir(parents=True)
    write_tokens(paths)
    paths.secret("crypt-key").write_text("cd" * 32)
    (folder / "client-secret").write_text(SECRET + "\n")
    proxy = shutil.which("configurable-http-proxy", path=path)
    assert proxy, "configurable-http-proxy is missing; run ./campus up"
    (folder / "jupyterhub_config.py").write_text(HUB_CONFIG)
    test = {"site": site_of(folder, provider.url, ports[:3]), "prefix": str(paths.prefix), "proxy": [proxy]}
    (folder / "test.json").write_text(json.dumps(test))
    env = {"PATH": path, "HOME": str(folder), "PYTHONPATH": str(PROVIDER.parents[1])}
    log = folder / "hub.log"
    url = f"http://127.0.0.1:{ports[0]}"
    argv = [sys.executable, "-m", "jupyterhub", "-f", "jupyterhub_config.py"]
    try:
        with running(argv, log, folder, env) as process:
            wait_until_answering("the hub", process, log, lambda: requests.get(f"{url}/hub/api/", timeout=5).ok)
            yield url
    finally:
        # Still there only where the hub was killed.
        pid_file = folder / "jupyterhub-proxy.pid"
        if pid_file.exists():
            with suppress(ProcessLookupError):
                os.kill(int(pid_file.read_text()), signal.SIGTERM)


@pytest.fixture
def browser(hub: str, provider: Provider) -> Browser:
    return Browser(hub, provider)


@pytest.mark.parametrize(
    ("username", "groups", "expected"),
    [
        ("tina", ["/training/2026", "/secret/project"], ["trainee"]),
        ("ivo", ["/staff/trainers"], ["instructor-dl"]),
        ("mweber", ["/training/2026"], ["instructor-gpu", "trainee"]),
        ("olga", ["/staff/hpc"], ["operator"]),
    ],
)
def test_who_is_named_by_a_rule_gets_in(
    username: str, groups: list[str], expected: list[str], browser: Browser, provider: Provider
) -> None:
    provider.put(username, username, *groups)
    page = browser.sign_in(username)
    assert page.ok, page.text
    assert page.url == f"{browser.hub}/hub/home"
    me = browser.me()
    assert (me["name"], me["groups"], me["admin"]) == (username, expected, False)
    assert not [s for s in me["scopes"] if s.startswith("admin:")]
    assert ("list:users" in me["scopes"]) == (username == "olga")


@pytest.mark.parametrize("groups", [[], ["/training/2025"], ["operator", "trainee", "mweber", "/staff"]])
def test_who_is_named_by_no_rule_is_refused(groups: list[str], browser: Browser, provider: Provider) -> None:
    provider.put("stranger", "stranger", *groups)
    page = browser.sign_in("stranger")
    assert page.status_code == 403
    assert NOT_ALLOWED in html.unescape(page.text)
    assert browser.me() == {}


@pytest.mark.parametrize(
    "username",
    [
        "Tina",
        "tina@example.org",
        "tina\n",
        'ti"na',
        "tina;id",
        "ünal",
        "тина",
        "../tina",
        "t" * 33,
        "",
        None,
        7,
    ],
)
def test_a_name_that_is_no_account_is_refused(username: Any, browser: Browser, provider: Provider) -> None:
    provider.put("odd", username, "/training/2026")
    page = browser.sign_in("odd")
    assert page.status_code == 403
    assert NO_ACCOUNT_NAME in html.unescape(page.text)
    assert browser.me() == {}


def test_a_role_that_was_taken_away_is_gone_at_the_next_refresh(browser: Browser, provider: Provider) -> None:
    provider.put("rita", "rita", "/staff/hpc", "/training/2026")
    browser.sign_in("rita")
    token = {"Authorization": f"token {browser.token('rita')}"}
    users = f"{browser.hub}/hub/api/users"
    assert requests.get(users, headers=token, timeout=30).ok
    provider.put("rita", "rita", "/training/2026")
    wait_for("the role to be gone", lambda: browser.me()["groups"] == ["trainee"], 20)
    assert requests.get(users, headers=token, timeout=30).status_code == 403
    # Still somebody here, with tokens of the provider's that have expired and were renewed meanwhile.
    provider.put("rita", "rita", "/staff/trainers")
    wait_for("the new role", lambda: browser.me()["groups"] == ["instructor-dl"], 20)


@pytest.mark.parametrize("how", ["no group", "no account", "another name"])
def test_who_is_gone_at_the_provider_is_out(how: str, browser: Browser, provider: Provider) -> None:
    account = how.replace(" ", "-")
    provider.put(account, account, "/staff/hpc")
    browser.sign_in(account)
    token = {"Authorization": f"token {browser.token(account)}"}
    server = f"{browser.hub}/hub/api/users/{account}/server"
    activity = f"{browser.hub}/hub/api/users/{account}/activity"
    if how == "no group":
        provider.put(account, account)
    elif how == "no account":
        provider.remove(account)
    else:
        provider.put(account, "mweber", "/staff/hpc")
    wait_for("the session to be refused", lambda: not browser.me(), 20)
    home = browser.get("/hub/home", allow_redirects=False)
    assert (home.status_code, home.headers["Location"].partition("?")[0]) == (302, "/hub/login")
    assert requests.get(f"{browser.hub}/hub/api/users", headers=token, timeout=30).status_code == 403
    assert requests.post(server, headers=token, timeout=30).status_code == 403
    # A session that still runs may say that it is at work.
    at = {"last_activity": "2026-01-01T00:00:00Z"}
    assert requests.post(activity, headers=token, json=at, timeout=30).ok


def test_the_sign_in_page_names_the_organisation(browser: Browser) -> None:
    assert "Sign in with the test&#39;s provider" in browser.get("/hub/login").text


def test_the_client_secret_is_on_no_command_line_and_in_no_log(folder: Path, hub: str) -> None:
    log = (folder / "hub.log").read_text()
    assert SECRET not in log
    assert "ab" * 32 not in log
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = cmdline.read_bytes()
        except OSError:
            continue
        assert SECRET.encode() not in line
