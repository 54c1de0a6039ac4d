"""What a machine has, looked at in trees that stand for /dev and /sys/fs/cgroup."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from hub_config.machine import Machine, look

NONE = (0, frozenset())


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    folder.mkdir()
    return folder


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    folder = tmp_path / "cgroup"
    folder.mkdir()
    return folder


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Folders in which nothing can be made, root or not, as in a container without rights."""
    folders: set[Path] = set()
    mkdir = os.mkdir

    def refusing(path: str | Path, *arguments: int, **options: int) -> None:
        if Path(path).parent in folders:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(os, "mkdir", refusing)
    return folders


def v1(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir()
        (root / name / "tasks").touch()


def v2(root: Path, controllers: str) -> None:
    (root / "cgroup.controllers").write_text(controllers + "\n")


def cgroups(machine: Machine) -> tuple[int, frozenset[str]]:
    return machine.cgroup_version, machine.controllers


# ---------------------------------------------------------------- GPUs and memory


def test_cards_are_in_the_order_of_their_numbers(dev: Path, cgroup: Path) -> None:
    for name in ("nvidia10", "nvidia2", "nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-modeset", "nvidia1x", "sda"):
        (dev / name).touch()
    (dev / "nvidia-caps").mkdir()
    assert look(dev, cgroup).nvidia == (dev / "nvidia0", dev / "nvidia2", dev / "nvidia10")


def test_a_machine_without_cards(dev: Path, cgroup: Path) -> None:
    assert look(dev, cgroup).nvidia == ()


def test_memory_is_never_more_than_there_is(dev: Path, cgroup: Path) -> None:
    total = psutil.virtual_memory().total
    found = look(dev, cgroup).memory_mib * 2**20
    assert total - 2**20 < found <= total


# ---------------------------------------------------------------- cgroups


def test_version_2(dev: Path, cgroup: Path) -> None:
    v2(cgroup, "cpuset cpu io memory pids")
    machine = look(dev, cgroup)
    assert cgroups(machine) == (2, frozenset({"cpuset", "cpu", "io", "memory", "pids"}))
    assert machine.contains_memory
    assert machine.contains_devices, "by eBPF: version 2 has no such controller"
    assert machine.tracks_processes


def test_version_2_without_the_memory_controller(dev: Path, cgroup: Path) -> None:
    v2(cgroup, "cpu pids")
    assert not look(dev, cgroup).contains_memory


def test_version_2_that_is_read_only_is_none(dev: Path, cgroup: Path, read_only: set[Path]) -> None:
    v2(cgroup, "cpu memory")
    read_only.add(cgroup)
    machine = look(dev, cgroup)
    assert cgroups(machine) == NONE
    assert not machine.contains_memory
    assert not machine.contains_devices
    assert not machine.tracks_processes


def test_version_1(dev: Path, cgroup: Path) -> None:
    v1(cgroup, "memory", "devices", "freezer", "cpu,cpuacct")
    (cgroup / "cpu").symlink_to("cpu,cpuacct")
    (cgroup / "unified").mkdir()  # version 2 beside it, as systemd mounts it
    machine = look(dev, cgroup)
    assert cgroups(machine) == (1, frozenset({"memory", "devices", "freezer", "cpu,cpuacct", "cpu"}))
    assert machine.contains_memory
    assert machine.contains_devices
    assert machine.tracks_processes


@pytest.mark.parametrize(
    ("closed", "memory", "devices", "tracks"),
    [("memory", False, True, True), ("devices", True, False, True), ("freezer", True, True, False)],
)
def test_version_1_counts_only_what_can_be_written(
    closed: str, memory: bool, devices: bool, tracks: bool, dev: Path, cgroup: Path, read_only: set[Path]
) -> None:
    v1(cgroup, "memory", "devices", "freezer")
    read_only.add(cgroup / closed)
    machine = look(dev, cgroup)
    assert cgroups(machine) == (1, frozenset({"memory", "devices", "freezer"} - {closed}))
    assert (machine.contains_memory, machine.contains_devices) == (memory, devices)
    assert machine.tracks_processes is tracks


def test_version_1_that_is_read_only_is_none(dev: Path, cgroup: Path, read_only: set[Path]) -> None:
    v1(cgroup, "memory", "devices")
    read_only.update({cgroup / "memory", cgroup / "devices"})
    assert cgroups(look(dev, cgroup)) == NONE


@pytest.mark.parametrize("there", [True, False])
def test_no_cgroups(there: bool, dev: Path, cgroup: Path) -> None:
    if there:
        (cgroup / "memory").mkdir()  # a folder, but no controller
        (cgroup / "file").touch()
    else:
        cgroup.rmdir()
    assert cgroups(look(dev, cgroup)) == NONE


def test_looking_leaves_nothing_behind(dev: Path, cgroup: Path) -> None:
    v1(cgroup, "memory", "devices")
    look(dev, cgroup)
    assert sorted(p.relative_to(cgroup).as_posix() for p in cgroup.rglob("*")) == [
        "devices",
        "devices/tasks",
        "memory",
        "memory/tasks",
    ]
    v2(cgroup, "memory")
    look(dev, cgroup)
    assert [p.name for p in cgroup.glob("*probe*")] == []


def test_looking_at_the_same_time_as_others_sees_the_same(dev: Path, cgroup: Path) -> None:
    v2(cgroup, "cpu memory")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: cgroups(look(dev, cgroup)), range(64)))
    assert set(found) == {(2, frozenset({"cpu", "memory"}))}


def test_what_a_killed_look_left_is_no_obstacle(dev: Path, cgroup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    v2(cgroup, "cpu memory")
    with monkeypatch.context() as killed:
        killed.setattr(os, "rmdir", lambda _: None)
        look(dev, cgroup)
    assert len(list(cgroup.glob("*probe*"))) == 1
    assert cgroups(look(dev, cgroup)) == (2, frozenset({"cpu", "memory"}))
    assert len(list(cgroup.glob("*probe*"))) == 1


def test_this_machine_can_be_looked_at() -> None:
    found = look()
    assert found.memory_mib > 0
    assert found.cgroup_version in (0, 1, 2)
