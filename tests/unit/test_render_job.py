"""./campus render-job: what is shown is what is submitted, no secret is, and a mistake is a sentence."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
from pathlib import Path

import pytest
from traitlets.config import Config

from campus_base.errors import CampusError
from hub_config import cli
from hub_config.installed import installed_site
from hub_config.paths import Paths
from hub_config.render_job import render_job
from hub_config.sessions import update_sessions
from hub_config.site_file import LOCAL
from spawners.cluster.watch import WatchSettings, shared_watch
from spawners.spawner import CampusSpawner
from tests.support.ada import ADA, ada_has_an_account
from tests.unit.test_commands import Programs
from tests.unit.test_metrics import programs, spawner, until

__all__ = ["programs", "spawner"]  # fixtures

PERSON = ADA.pw_name
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """An installation with the embedded site."""
    found = Paths(tmp_path / "prefix")
    monkeypatch.setenv("CAMPUS_PREFIX", str(found.prefix))
    ada_has_an_account(monkeypatch)
    return found


class Rendered:
    """The three parts of what is shown."""

    def __init__(self, paths: Paths, size: str, minutes: str | None = None) -> None:
        self.text = "\n".join(render_job(paths, PERSON, size, minutes)) + "\n"
        head, command, script, names = self.text.split("# The ")
        assert head == ""
        # As a shell reads it.
        told = "sbatch() { printf '%s\\0' sbatch \"$@\"; }\n" + command.partition("\n")[2]
        done = subprocess.run(["sh", "-c", told], check=True, capture_output=True, text=True)
        self.command = done.stdout.split("\0")[:-1]
        self.script = script.partition("\n")[2].removesuffix("\n\n") + "\n"
        self.names = names.splitlines()[1:]


async def test_it_is_what_a_start_submits(paths: Paths, programs: Programs, spawner: CampusSpawner) -> None:
    rendered = await asyncio.to_thread(Rendered, paths, "gpu4", "30")
    programs.calls.clear()
    config = Config()
    update_sessions(config, installed_site(paths), paths)
    spawner.offer, spawner.environment = config.CampusSpawner.offer, config.CampusSpawner.environment
    spawner.notebook_dir, spawner.default_url = config.CampusSpawner.notebook_dir, config.CampusSpawner.default_url
    given: WatchSettings = config.CampusSpawner.watch_settings
    spawner.watch_settings = WatchSettings(given.slurm, given.job_name, 3600)
    spawner.user_options = {"size": "gpu4", "minutes": 30}
    spawner.api_token = "a-token-of-theirs"
    spawner.cert_paths = await spawner.move_certs(dict.fromkeys(("keyfile", "certfile", "cafile"), "a key of theirs"))
    starting = asyncio.ensure_future(spawner.start())
    await until(lambda: spawner.job_id)
    starting.cancel()
    (submitted,) = [call for call in programs.calls if call.argv[:2] == ("sbatch", "--parsable")]
    assert rendered.command == list(submitted.argv)
    assert rendered.script == submitted.stdin
    assert rendered.names == sorted(submitted.options["env"])


@pytest.mark.parametrize(
    ("size", "minutes", "wanted", "unwanted"),
    [
        ("cpu", None, {"--cpus-per-task=1", "--mem=2048M", "--time=120"}, "--gres"),
        ("gpu1", "7", {"--cpus-per-task=2", "--mem=4096M", "--time=7", "--gres=gpu:1"}, "--account"),
        ("gpu4", None, {"--cpus-per-task=8", "--time=60", "--gres=gpu:4"}, "--account"),
    ],
)
def test_the_size_decides(paths: Paths, size: str, minutes: str | None, wanted: set[str], unwanted: str) -> None:
    command = Rendered(paths, size, minutes).command
    assert command[:3] == ["sbatch", "--parsable", "--export=ALL"]
    assert {*wanted, "--partition=gpu", f"--comment={PERSON}/", f"--chdir={ADA.pw_dir}"} <= set(command)
    assert not any(argument.startswith(unwanted) for argument in command)


def test_the_script_is_whole(paths: Paths) -> None:
    script = Rendered(paths, "cpu").script
    assert script.startswith("#!/bin/sh\n")
    assert script.endswith("/bin/python -I -m spawners.session\n")


def test_only_names_of_variables_are_shown(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPUS_TEST_SECRET", "hunter2")
    rendered = Rendered(paths, "cpu")
    assert {"JUPYTERHUB_API_TOKEN", "CAMPUS_SESSION_SECRET", "CAMPUS_TLS_KEYFILE", "SLURM_CONF"} <= set(rendered.names)
    assert all(name.replace("_", "").isalnum() for name in rendered.names)
    assert "CAMPUS_TEST_SECRET" not in rendered.text
    assert "hunter2" not in rendered.text


def test_nothing_is_asked_made_or_watched(paths: Paths, programs: Programs) -> None:
    """It knows of no session, so a watch of its own would cancel everybody's."""
    before = shared_watch.cache_info()
    Rendered(paths, "cpu")
    assert programs.calls == []
    assert shared_watch.cache_info() == before
    assert not paths.prefix.exists()


@pytest.mark.parametrize("user", ["no-such-account", "root", "nobody", "daemon", "", "-x", "$(id)"])
def test_a_person_without_an_account(user: str, paths: Paths) -> None:
    with pytest.raises(CampusError) as caught:
        render_job(paths, user, "cpu", None)
    assert caught.value.code == "no-account"
    assert caught.value.message == f"There is no account {user} for people on this cluster."
    assert "getent passwd" in caught.value.remedy


@pytest.mark.parametrize(
    ("size", "minutes", "says"),
    [
        ("gpu64", None, "There is no session size 'gpu64'. Choose one of cpu, slice, gpu1, gpu4."),
        ("", None, "There is no session size ''. Choose one of cpu, slice, gpu1, gpu4."),
        ("cpu", "many", "'many' is not a number of minutes. Give a number from 1 to 480."),
        ("cpu", "0", "A session of size cpu runs for 1 to 480 minutes, not '0'. Ask for a shorter time."),
        ("cpu", "481", "A session of size cpu runs for 1 to 480 minutes, not '481'. Ask for a shorter time."),
    ],
)
def test_what_the_site_does_not_offer(size: str, minutes: str | None, says: str, paths: Paths) -> None:
    with pytest.raises(CampusError) as caught:
        render_job(paths, PERSON, size, minutes)
    assert caught.value.code == "request-refused"
    assert str(caught.value) == says


def test_the_installations_own_site_serves(paths: Paths) -> None:
    paths.site_file.parent.mkdir(parents=True)
    text = LOCAL.read_text().replace('memory = "2G"', 'memory = "3G"', 1)
    paths.site_file.write_text(text)
    assert "--mem=3072M" in Rendered(paths, "cpu").command


def test_the_verb(paths: Paths, capsys: Captured) -> None:
    assert cli.main(["render-job", PERSON, "cpu", "--minutes", "5"]) == 0
    out, err = capsys.readouterr()
    assert out == Rendered(paths, "cpu", "5").text
    assert err == ""


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["no-such-account", "cpu"], "campus: There is no account no-such-account for people"),
        ([PERSON, "huge"], "campus: There is no session size 'huge'. Choose one of cpu, slice, gpu1, gpu4."),
        ([PERSON, "cpu", "--minutes", "x"], "campus: 'x' is not a number of minutes."),
    ],
)
def test_a_mistake_is_a_sentence(argv: list[str], says: str, paths: Paths, capsys: Captured) -> None:
    assert cli.main(["render-job", *argv]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


def test_what_is_shown_can_be_pasted(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value is quoted for a shell, an account's odd home folder as well."""
    odd = pwd.struct_passwd((*ADA[:5], "/home/a b/$(id)'", ADA[6]))
    ada_has_an_account(monkeypatch, odd)
    assert "--chdir=/home/a b/$(id)'" in Rendered(paths, "cpu").command
    assert os.environ.get("HOME") != odd.pw_dir
