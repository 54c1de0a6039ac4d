"""What up refuses before it changes anything, and the sentences it does that in."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from campus_base.errors import CampusError
from hub_config import up_checks
from hub_config.environments import locked_environment
from hub_config.local_cluster import slurm_conf
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE, read_site
from hub_config.up_checks import RELEASED, check_machine, ports, readable_by_others

MACHINE = Machine(8192, (), 0, frozenset())
CARDS = Machine(8192, (Path("/dev/nvidia0"),), 0, frozenset())
GIB = 2**30


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return found


def site_of(public: int, hub: int, api: int, exchange: int, home: int, account: str = "nobody-of-that-name") -> Site:
    """A demo site on these ports, with one account and no embedded cluster."""
    text = LOCAL.read_text().partition("[[accounts]]")[0].replace("[cluster]\nnodes = 4\ngpus_per_node = 4\n", "")
    addresses = (
        f'[addresses]\npublic_url = "http://127.0.0.1:{public}"\nhub_port = {hub}\nproxy_api_port = {api}\n'
        f"exchange_port = {exchange}\nhome_port = {home}\n"
        f'[[accounts]]\nname = "{account}"\nrole = "trainee"\n'
    )
    return SITE_FILE.parse(text + addresses, LOCAL)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="campus-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Well:
    """A machine on which all is well; each method breaks one thing. ``check`` is what ``up`` does."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.folder = folder
        self.paths = Paths(folder / "prefix")
        self.own_ports: set[int] = set()
        self.site = site_of(*free_ports(5))
        self.user(0)
        self.today(RELEASED)
        self.disk(100)
        self.interpreter(folder / "usr" / "python3")

    def user(self, number: int) -> None:
        self.monkeypatch.setattr(os, "geteuid", lambda: number)

    def today(self, date: datetime.date) -> None:
        fake = SimpleNamespace(date=SimpleNamespace(today=lambda: date))
        self.monkeypatch.setattr(up_checks, "datetime", fake)

    def disk(self, gib: float) -> None:
        usage = SimpleNamespace(free=int(gib * GIB))
        self.monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    def interpreter(self, python: Path, mode: int = 0o755) -> None:
        python.parent.mkdir(parents=True)
        python.touch(mode)
        python.chmod(mode)
        self.monkeypatch.setattr(sys, "executable", str(python))

    def install(self, stamp: str = "") -> None:
        """The session environment of this checkout's locks, as up leaves it."""
        environment, wanted = locked_environment(self.paths)
        environment.mkdir(parents=True)
        (environment / ".complete").write_text(stamp or wanted)

    def check(self) -> None:
        check_machine(self.site, MACHINE, self.paths, self.own_ports)

    def refusal(self, code: str) -> CampusError:
        with pytest.raises(CampusError) as refused:
            self.check()
        assert refused.value.code == code
        assert refused.value.message.endswith(".")
        assert refused.value.remedy.endswith(".")
        return refused.value


@pytest.fixture
def well(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Well:
    return Well(open_folder, monkeypatch)


def test_where_all_is_well_nothing_is_refused(well: Well) -> None:
    well.check()


def test_whoever_is_not_root_is_refused_before_anything_is_made(well: Well) -> None:
    well.user(1000)
    assert "as root" in well.refusal("not-root").remedy
    assert not well.paths.prefix.exists()


@pytest.mark.parametrize("date", [datetime.date(1970, 1, 1), RELEASED - datetime.timedelta(days=1)])
def test_a_clock_before_the_release_is_wrong(date: datetime.date, well: Well) -> None:
    well.today(date)
    error = well.refusal("clock-wrong")
    assert str(date) in error.message
    assert "timedatectl" in error.remedy


# ---------------------------------------------------------------- who can read what


def test_an_interpreter_in_somebodys_home_is_refused(well: Well) -> None:
    home = well.folder / "home"
    well.interpreter(home / ".pyenv" / "bin" / "python3")
    well.check()
    home.chmod(0o700)
    assert str(home / ".pyenv" / "bin" / "python3") in well.refusal("interpreter-private").message


def test_an_interpreter_is_where_its_link_leads(well: Well) -> None:
    well.interpreter(well.folder / "private" / "python3")
    (well.folder / "private").chmod(0o700)
    link = well.folder / "python3"
    link.symlink_to(well.folder / "private" / "python3")
    well.monkeypatch.setattr(sys, "executable", str(link))
    assert "private/python3" in well.refusal("interpreter-private").message


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o754, 0o751])
def test_a_private_prefix_is_refused(mode: int, well: Well) -> None:
    well.paths.prefix.mkdir()
    well.paths.prefix.chmod(mode)
    error = well.refusal("prefix-private")
    assert str(well.paths.prefix) in error.message
    assert "CAMPUS_PREFIX" in error.remedy


def test_a_prefix_below_a_private_folder_is_refused(well: Well) -> None:
    well.paths = Paths(well.folder / "private" / "deep" / "prefix")
    well.paths.prefix.mkdir(parents=True)
    well.check()
    (well.folder / "private").chmod(0o700)
    well.refusal("prefix-private")


@pytest.mark.parametrize(
    ("is_folder", "mode", "readable"),
    [
        (True, 0o755, True),
        (True, 0o705, True),
        (True, 0o754, False),
        (True, 0o751, False),
        (False, 0o644, True),
        (False, 0o604, True),
        (False, 0o640, False),
        (False, 0o711, False),
    ],
)
def test_readable_by_others(is_folder: bool, mode: int, readable: bool, open_folder: Path) -> None:
    path = open_folder / "it"
    path.mkdir() if is_folder else path.touch()
    path.chmod(mode)
    assert readable_by_others(path) is readable


# ---------------------------------------------------------------- disk


NEW = up_checks._FREE_GIB


@pytest.mark.parametrize(
    ("free", "installed", "needed"), [(NEW - 0.1, False, NEW), (0.1, False, NEW), (0.1, True, 0.2), (0.0, True, 0.2)]
)
def test_a_disk_that_is_too_full_is_refused(free: float, installed: bool, needed: float, well: Well) -> None:
    if installed:
        well.install()
    well.disk(free)
    error = well.refusal("disk-full")
    assert error.message == f"{well.paths.prefix} has {free} GB free, and Campus needs {needed} GB."


def test_what_is_installed_already_needs_no_more_room(well: Well) -> None:
    well.install()
    well.disk(0.5)
    well.check()


def test_an_environment_of_another_version_does_not_count(well: Well) -> None:
    well.install("of another lock")
    well.disk(0.5)
    well.refusal("disk-full")
    older = well.paths.environments / "session-0123456789ab"
    older.mkdir()
    (older / ".complete").write_text("0123456789ab")
    well.paths.session_env.symlink_to(older)
    well.refusal("disk-full")


def test_a_running_campus_needs_room_for_its_upgrade_too(well: Well) -> None:
    well.own_ports = set(free_ports(5))
    well.disk(1)
    well.refusal("disk-full")


def test_a_site_with_an_environment_of_its_own_needs_no_room_for_one(well: Well) -> None:
    sessions = well.site.sessions.model_copy(update={"environment": Path("/project/campus/session")})
    well.site = well.site.model_copy(update={"sessions": sessions})
    well.disk(0.5)
    well.check()
    well.disk(0.1)
    well.refusal("disk-full")


# ---------------------------------------------------------------- ports


@pytest.mark.parametrize(("which", "what"), list(enumerate(["the public address", "the hub", "the proxy's API"])))
def test_a_port_in_use_is_named_with_its_owner(which: int, what: str, well: Well) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        numbers = free_ports(5)
        numbers[which] = taken
        well.site = site_of(*numbers)
        error = well.refusal("port-in-use")
        owner = f"{psutil.Process().name()}, process {os.getpid()}"
        assert error.message == f"Port {taken}, for {what}, is taken by {owner}."
        assert "./campus up --site FILE" in error.remedy
        # Our own daemons may be running: they are no reason to refuse.
        well.own_ports = {taken}
        well.check()
    well.own_ports = set()
    well.check()


def test_a_running_campus_is_no_reason_to_take_a_strangers_port(well: Well) -> None:
    well.own_ports = {free_ports(1)[0]}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        numbers = free_ports(5)
        numbers[1] = listener.getsockname()[1]
        well.site = site_of(*numbers)
        well.refusal("port-in-use")


@pytest.mark.parametrize("machine", [MACHINE, CARDS])
def test_every_port_of_the_embedded_cluster_is_looked_at(machine: Machine) -> None:
    site = read_site(LOCAL)
    found = ports(site, machine)
    assert list(found)[:6] == ["the public address", "the hub", "the proxy's API", "the exchange", "home", "slurmctld"]
    assert list(found.values())[:6] == [8000, 8081, 8001, 8002, 8003, 16817]
    conf = slurm_conf(site, machine, Paths(Path("/opt/campus")))
    nodes = {name: int(port) for name, port in re.findall(r"NodeName=(\S+) .* Port=(\d+)", conf)}
    assert dict(list(found.items())[6:]) == nodes | {"slurmdbd": 16817 + 5}
    assert len(nodes) == (1 if machine is CARDS else 4)


# ---------------------------------------------------------------- accounts


def test_an_account_of_somebody_else_is_refused(well: Well) -> None:
    well.site = site_of(*free_ports(5), account="nobody")
    error = well.refusal("account-taken")
    assert error.message.startswith("The account nobody exists already, with the home ")
    assert f"instead of {well.paths.homes / 'nobody'}." in error.message


Break = Callable[[Well], None]


def test_the_first_thing_wrong_is_the_one_that_is_named(well: Well) -> None:
    """In the order in which an operator would have to mend them."""
    well.paths.prefix.mkdir()
    breaks: list[tuple[str, Break, Break]] = [
        ("not-root", lambda w: w.user(1000), lambda w: w.user(0)),
        ("clock-wrong", lambda w: w.today(datetime.date(1970, 1, 1)), lambda w: w.today(RELEASED)),
        ("prefix-private", lambda w: w.paths.prefix.chmod(0o700), lambda w: w.paths.prefix.chmod(0o755)),
        ("disk-full", lambda w: w.disk(1), lambda w: w.disk(100)),
    ]
    for _, broken, _ in breaks:
        broken(well)
    for code, _, mended in breaks:
        well.refusal(code)
        mended(well)
    well.check()
