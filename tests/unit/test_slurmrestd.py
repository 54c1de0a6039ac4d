"""How the hub reaches slurmrestd, what the embedded one needs, and what doctor says of both."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from campus_base.errors import CampusError
from campus_base.process import Result
from hub_config import doctor, local_slurmrestd
from hub_config.accounting import slurmdbd_conf
from hub_config.daemons import daemons
from hub_config.doctor import Finding, Patient
from hub_config.local_cluster import slurm_conf
from hub_config.local_slurmrestd import ensure_slurmrestd, slurmrestd_command
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.sessions import slurm_transport
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE
from hub_config.slurmrestd import check_credential, rest_transport
from spawners.slurm.cli import CliTransport
from spawners.slurm.rest import KeyFile, RestTransport, TokenFile
from tests.support.restd import Restd
from tests.support.tokens import write_tokens

MACHINE = Machine(8192, (), 0, frozenset())
REST = '[slurm]\ntransport = "rest"\n'


def embedded(slurm: str = REST) -> Site:
    return SITE_FILE.parse(LOCAL.read_text() + slurm, LOCAL)


def real(credential: str, url: str = "https://slurm.example.org:6820/", more: str = "") -> Site:
    text = LOCAL.with_name("example.toml").read_text().replace("[slurm]\n", REST, 1)
    text = text.replace("/etc/campus/secrets/database-password", str(LOCAL))  # some file that is there
    return SITE_FILE.parse(f'{text}\n[slurm.rest]\nurl = "{url}"\n{credential}\n{more}', LOCAL)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    found.secrets.mkdir(parents=True)
    write_tokens(found)
    found.slurm_conf.parent.mkdir(parents=True)
    found.slurm_state.mkdir(parents=True)
    return found


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    given: dict[str, str] = {}
    monkeypatch.setattr(local_slurmrestd.shutil, "chown", lambda path, user, group: given.update({str(path): user}))
    return given


def version(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_sync(argv: list[str], **_: object) -> Result:
        assert argv == ["slurmrestd", "-V"]
        return Result(0, f"{text}\n", "")

    monkeypatch.setattr(local_slurmrestd, "run_sync", run_sync)


# ---------------------------------------------------------------- which transport


def test_the_embedded_cluster_has_its_own(paths: Paths) -> None:
    slurm = slurm_transport(embedded(), paths)
    assert isinstance(slurm, RestTransport)
    assert (slurm.rest.url, slurm.rest.account) == (f"unix:{paths.prefix}/run/slurmrestd/slurmrestd.socket", "slurm")
    assert slurm.rest.credential == KeyFile(paths.jwt_key, "slurm")
    assert (slurm.cluster, slurm.enforced) == ("campus", {"associations", "limits", "qos"})
    assert slurm == slurm_transport(embedded(), paths), "the hub's one watch is found by its settings"
    assert isinstance(slurm_transport(embedded(""), paths), CliTransport)


def test_a_sites_own_with_a_token(paths: Paths) -> None:
    slurm = rest_transport(real('token_file = "/etc/token"'), paths)
    assert slurm.rest.url == "https://slurm.example.org:6820"
    assert slurm.rest.credential == TokenFile(Path("/etc/token"))
    assert (slurm.rest.account, slurm.cluster, slurm.enforced) == ("slurm", "", frozenset())


def test_a_sites_own_with_a_key_and_accounts(paths: Paths) -> None:
    accounting = '[slurm.rest.accounting]\ncluster = "meluxina"\nenforced = ["associations", "limits"]\n'
    slurm = rest_transport(real('key_file = "/etc/key"\naccount = "root"', "unix:/run/s", accounting), paths)
    assert (slurm.rest.url, slurm.rest.credential) == ("unix:/run/s", KeyFile(Path("/etc/key"), "root"))
    assert (slurm.rest.account, slurm.cluster, slurm.enforced) == ("root", "meluxina", {"associations", "limits"})


# ---------------------------------------------------------------- the embedded one


def test_slurm_takes_tokens_only_where_somebody_has_some(paths: Paths) -> None:
    for text in (slurm_conf(embedded(), MACHINE, paths), slurmdbd_conf(embedded(), paths)):
        assert f"AuthAltTypes=auth/jwt\nAuthAltParameters=jwt_key={paths.jwt_key}\n" in text
    for text in (slurm_conf(embedded(""), MACHINE, paths), slurmdbd_conf(embedded(""), paths)):
        assert "AuthAlt" not in text


def test_its_key_is_made_once_for_slurm_alone(paths: Paths, owners: dict[str, str]) -> None:
    ensure_slurmrestd(embedded(), paths)
    key = paths.jwt_key.read_bytes()
    assert len(key) == 32
    ensure_slurmrestd(embedded(), paths)
    assert paths.jwt_key.read_bytes() == key
    folder = paths.slurmrestd_socket.parent
    assert owners == {str(paths.jwt_key): "slurm", str(folder): "campus-slurmrestd"}
    assert [path.stat().st_mode & 0o777 for path in (paths.jwt_key, folder)] == [0o600, 0o700]


@pytest.mark.parametrize(
    ("says", "plugins"),
    [("slurm-wlm 22.05.8", "v0.0.38,dbv0.0.38"), ("slurm-wlm 23.02.3", "v0.0.38,dbv0.0.38")]
    + [(f"slurm {version}", "slurmctld,slurmdbd") for version in ("23.11.4", "24.11.5", "25.05.0-0rc1")],
)
def test_it_runs_as_an_account_of_its_own(
    says: str, plugins: str, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    version(says, monkeypatch)
    command = " ".join(slurmrestd_command(embedded(), paths))
    assert command == (
        "setpriv --reuid=campus-slurmrestd --regid=campus-slurmrestd --init-groups --pdeathsig=TERM "
        f"slurmrestd -f {paths.slurm_conf} -a rest_auth/jwt -s {plugins} unix:{paths.slurmrestd_socket}"
    )


def test_it_is_a_daemon_only_where_it_is_used(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    version("slurm-wlm 22.05.8", monkeypatch)
    found = {daemon.name: daemon for daemon in daemons(embedded(), MACHINE, paths)}
    assert dict(found["slurmrestd"].environment) == {"SLURM_JWT": "daemon"}
    assert found["slurmctld"].order < found["slurmrestd"].order < found["hub"].order
    assert "slurmrestd" not in {daemon.name for daemon in daemons(embedded(""), MACHINE, paths)}
    assert {daemon.name for daemon in daemons(real('key_file = "/k"'), MACHINE, paths)} == {
        "proxy",
        "exchange",
        "home",
        "hub",
    }


# ---------------------------------------------------------------- the token


def token_for(seconds: float, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a token that ends in so many seconds."""
    (folder / "key").write_bytes(b"k" * 32)
    (folder / "key").chmod(0o600)
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + seconds - 120)
        token = KeyFile(folder / "key", "slurm").token().reveal()
    file = folder / "token"
    file.touch(mode=0o600)
    file.write_text(token)
    return file


@pytest.mark.parametrize(
    ("seconds", "says"), [(90, "seconds"), (600, "ends in 9 minutes"), (7300, "ends in 2 hours"), (1e6, "in 11 days")]
)
def test_a_token_that_serves(seconds: float, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = token_for(seconds, tmp_path, monkeypatch)
    assert says in check_credential(rest_transport(real(f'token_file = "{file}"'), Paths(tmp_path)).rest)


def test_a_token_without_an_end_and_a_key(tmp_path: Path) -> None:
    for name, text in (("token", "a.e30.c"), ("key", "k" * 32)):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(text)
    found = [
        check_credential(rest_transport(real(f'{kind}_file = "{tmp_path}/{kind}"'), Paths(tmp_path)).rest)
        for kind in ("token", "key")
    ]
    assert found == ["has no end", "the hub makes a token for each request"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_one_that_others_can_read_is_no_secret(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = token_for(600, tmp_path, monkeypatch)
    file.chmod(mode)
    with pytest.raises(CampusError, match=r"can be read by others.*chmod 600") as caught:
        check_credential(rest_transport(real(f'token_file = "{file}"'), Paths(tmp_path)).rest)
    assert caught.value.code == "token-open"


def test_one_that_has_ended_or_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = token_for(-7300, tmp_path, monkeypatch)
    client = rest_transport(real(f'token_file = "{file}"'), Paths(tmp_path)).rest
    with pytest.raises(CampusError, match=r"ended 2 hours ago.*scontrol token username=slurm"):
        check_credential(client)
    file.write_text("nonsense\n")
    with pytest.raises(CampusError, match="holds no JSON Web Token"):
        check_credential(client)
    file.unlink()
    with pytest.raises(CampusError, match="cannot be read: No such file"):
        check_credential(client)


# ---------------------------------------------------------------- doctor


@pytest.fixture
def restd(tmp_path: Path) -> Iterator[Restd]:
    """One that serves while the test, which waits for answers itself, does not."""
    loop = asyncio.new_event_loop()
    found = Restd("v0.0.38", tmp_path)
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with found.serving():
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(10)
    yield found
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


def examined(restd: Restd, file: Path) -> list[Finding]:
    site = real(f'token_file = "{file}"', f"unix:{restd.socket}")
    return list(doctor._slurmrestd(Patient(site, Paths(file.parent), MACHINE)))


def test_all_is_well(restd: Restd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restd.answer("GET /slurm/*/diag", "diag")
    found = examined(restd, token_for(600, tmp_path, monkeypatch))
    assert [(f.part, f.well) for f in found] == [("token", True), ("slurmrestd", True)]
    assert found[1].says == "answers, v0.0.38"
    assert [asked.person for asked in restd.asked[-2:]] == ["slurm", "nobody"]


def test_a_token_that_may_not_act_for_others(restd: Restd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = token_for(600, tmp_path, monkeypatch)
    restd.answer("GET /slurm/*/diag", "diag")
    restd.only = "slurm"
    failed = [f for f in examined(restd, file) if not f.well]
    assert [f.part for f in failed] == ["token"]
    assert "does not let the hub act for the people" in failed[0].says
    assert "must be SlurmUser or root" in failed[0].remedy


def test_a_slurmctld_that_is_silent_is_not_the_tokens_fault(
    restd: Restd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restd.answer("GET /slurm/*/diag", "expired-jobs")
    found = examined(restd, token_for(600, tmp_path, monkeypatch))
    assert all(f.well for f in found)


def test_one_that_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spawners.slurm.rest.client._RESTART", 0.1)
    found = examined(Restd("v0.0.38", tmp_path), token_for(600, tmp_path, monkeypatch))
    assert [(f.part, f.well) for f in found] == [("token", True), ("slurmrestd", False)]
    assert f"listens at unix:{tmp_path}" in found[1].remedy


def test_a_token_that_does_not_serve_is_the_first_thing_said(restd: Restd, tmp_path: Path) -> None:
    (found,) = examined(restd, tmp_path / "missing")
    assert (found.part, found.well) == ("token", False)
    assert restd.asked == []
