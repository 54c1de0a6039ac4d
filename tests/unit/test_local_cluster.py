"""The embedded Slurm: its files for every kind of machine, read by Slurm's own parser where there is one."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import Result
from hub_config import local_cluster
from hub_config.local_cluster import (
    cgroup_conf,
    ensure_cluster,
    gpu_files,
    gres_conf,
    munge_key,
    munged_command,
    node_names,
    on_loopback,
    slurm_conf,
    slurmctld_command,
    slurmd_command,
)
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.site import LocalCluster, Site
from hub_config.site_file import LOCAL, SITE_FILE

# Character devices that every machine has stand for GPUs.
CARDS = (Path("/dev/null"), Path("/dev/zero"))
ALL = frozenset({"memory", "devices", "freezer", "cpuset"})
MACHINES = {
    "emulated, no cgroups": Machine(8192, (), 0, frozenset()),
    "emulated, cgroup v1": Machine(8192, (), 1, ALL),
    "emulated, cgroup v1 without memory": Machine(8192, (), 1, frozenset({"freezer"})),
    "emulated, cgroup v2": Machine(8192, (), 2, frozenset({"memory", "cpuset"})),
    "GPUs, no cgroups": Machine(8192, CARDS, 0, frozenset()),
    "GPUs, cgroup v1": Machine(8192, CARDS, 1, ALL),
    "GPUs, cgroup v1 without freezer": Machine(8192, CARDS, 1, ALL - {"freezer"}),
    "GPUs, cgroup v1 without devices": Machine(8192, CARDS, 1, ALL - {"devices"}),
    "GPUs, cgroup v2": Machine(8192, CARDS, 2, frozenset({"memory"})),
}
every_machine = pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))


def site_of(cluster: str = "nodes = 4\ngpus_per_node = 4", more: str = "") -> Site:
    return SITE_FILE.parse(LOCAL.read_text().replace("nodes = 4\ngpus_per_node = 4", cluster) + more, LOCAL)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A prefix with device files for four GPUs."""
    found = Paths(tmp_path)
    folder = found.prefix / "var" / "gpus"
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"gpu{number}").symlink_to("/dev/null")
    return found


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Whether systemd runs on the machine: no, unless the parameter says so."""
    exists = Path.exists
    there = getattr(request, "param", False)
    monkeypatch.setattr(Path, "exists", lambda path: there if str(path) == "/run/systemd/system" else exists(path))


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith(("NodeName", "PartitionName")))


def rows(text: str, kind: str) -> list[dict[str, str]]:
    """The lines of a kind, as key and value."""
    lines = [line for line in text.splitlines() if line.startswith(f"{kind}=")]
    return [dict(word.split("=", 1) for word in line.split(" ")) for line in lines]


# ---------------------------------------------------------------- nodes and GPUs


def test_emulated_nodes(paths: Paths) -> None:
    nodes = rows(slurm_conf(site_of(), MACHINES["emulated, cgroup v1"], paths), "NodeName")
    assert [n["NodeName"] for n in nodes] == ["gpu-node1", "gpu-node2", "gpu-node3", "gpu-node4"]
    assert [n["Port"] for n in nodes] == ["16818", "16819", "16820", "16821"]
    for node in nodes:
        # Their names resolve nowhere, and they must not be reached from elsewhere.
        assert (node["NodeAddr"], node["NodeHostname"]) == ("127.0.0.1", "localhost")
        assert (node["CPUs"], node["Gres"]) == ("32", "gpu:4,shard:16")
        # slurmctld refuses a node that has less than it claims.
        assert node["RealMemory"] == "8192"


def test_the_cluster_is_as_the_site_says(paths: Paths) -> None:
    site = site_of("nodes = 2\ngpus_per_node = 4\ncpus_per_node = 8\ncontroller_port = 26817")
    text = slurm_conf(site, MACHINES["emulated, no cgroups"], paths)
    assert settings(text)["SlurmctldPort"] == "26817"
    nodes = rows(text, "NodeName")
    assert [(n["NodeName"], n["Port"], n["CPUs"]) for n in nodes] == [
        ("gpu-node1", "26818", "8"),
        ("gpu-node2", "26819", "8"),
    ]


def test_a_machine_with_gpus_is_one_node_that_has_them(paths: Paths) -> None:
    machine = MACHINES["GPUs, cgroup v1"]
    assert node_names(LocalCluster(), machine) == ["gpu-node1"]
    assert gpu_files(LocalCluster(), machine, paths) == list(CARDS)
    (node,) = rows(slurm_conf(site_of(), machine, paths), "NodeName")
    assert node["Gres"] == "gpu:2,shard:8"
    assert rows(gres_conf(site_of(), machine, paths), "NodeName") == [
        # Without its cores, a GPU would be handed out whole while slices of it are in use (slurmctld 22.05 to 24.11).
        {"NodeName": "gpu-node1", "Name": "gpu", "File": "/dev/null", "Cores": "0-31"},
        {"NodeName": "gpu-node1", "Name": "gpu", "File": "/dev/zero", "Cores": "0-31"},
        {"NodeName": "gpu-node1", "Name": "shard", "Count": "8"},
    ]


def test_emulated_gpus_are_files_of_their_own(paths: Paths) -> None:
    found = rows(gres_conf(site_of(), MACHINES["emulated, no cgroups"], paths), "NodeName")
    assert len(found) == 16 + 4
    for node in node_names(LocalCluster(), MACHINES["emulated, no cgroups"]):
        files = [row["File"] for row in found if row["NodeName"] == node and row["Name"] == "gpu"]
        assert files == [f"{paths.prefix}/var/gpus/gpu{n}" for n in range(4)]


def test_a_site_without_slices(paths: Paths) -> None:
    text = LOCAL.read_text().replace("nodes = 4", "nodes = 1\nshards_per_gpu = 0").replace("\nshards = 1\n", "\n")
    site = SITE_FILE.parse(text, LOCAL)
    (node,) = rows(slurm_conf(site, EMULATED, paths), "NodeName")
    assert node["Gres"] == "gpu:4"
    assert "shard" not in gres_conf(site, EMULATED, paths)


def test_every_partition_that_the_site_names(paths: Paths) -> None:
    site = site_of(more='[[partitions]]\nname = "zoo"\n[[partitions]]\nname = "cpu"\n')
    found = rows(slurm_conf(site, MACHINES["emulated, no cgroups"], paths), "PartitionName")
    # In the site's order; the first is the default of whoever names none.
    assert [(p["PartitionName"], p["Default"]) for p in found] == [("gpu", "YES"), ("zoo", "NO"), ("cpu", "NO")]
    assert {p["Nodes"] for p in found} == {"gpu-node1,gpu-node2,gpu-node3,gpu-node4"}
    assert {p["State"] for p in found} == {"UP"}


# ---------------------------------------------------------------- slurm.conf and cgroup.conf


@every_machine
def test_what_holds_on_every_machine(machine: Machine, paths: Paths) -> None:
    found = settings(slurm_conf(site_of(), machine, paths))
    # Everything on loopback, signed by a munge of our own, and nobody sees another's jobs.
    assert found["SlurmctldHost"] == "localhost(127.0.0.1)"
    assert found["CommunicationParameters"] == "NoInAddrAny,NoCtldInAddrAny"
    assert (found["AuthType"], found["AuthInfo"]) == ("auth/munge", f"socket={paths.munge_socket}")
    assert "jobs" in found["PrivateData"].split(",")
    # Memory is a resource, and a session is never started a second time behind a person's back.
    assert (found["SelectType"], found["SelectTypeParameters"]) == ("select/cons_tres", "CR_Core_Memory")
    assert (found["GresTypes"], found["JobRequeue"]) == ("gpu,shard", "0")
    assert (found["SlurmUser"], found["SlurmdUser"]) == ("slurm", "root")
    # Several slurmds on one host share nothing.
    assert "%n" in found["SlurmdSpoolDir"]
    assert "%n" in found["SlurmdPidFile"]
    for key in ("StateSaveLocation", "SlurmdSpoolDir", "SlurmctldPidFile", "SlurmdPidFile"):
        assert Path(found[key]).is_relative_to(paths.prefix)


@pytest.mark.parametrize(
    ("name", "tasks", "tracked", "memory", "devices"),
    [
        ("emulated, no cgroups", False, False, False, False),
        ("emulated, cgroup v1", True, True, True, False),
        ("emulated, cgroup v1 without memory", True, True, False, False),
        ("emulated, cgroup v2", True, True, True, False),
        ("GPUs, no cgroups", False, False, False, False),
        ("GPUs, cgroup v1", True, True, True, True),
        # Version 1 finds a job's processes by its freezer.
        ("GPUs, cgroup v1 without freezer", True, False, True, True),
        ("GPUs, cgroup v1 without devices", True, True, True, False),
        # There is no devices controller in version 2, and no freezer; Slurm needs none.
        ("GPUs, cgroup v2", True, True, True, True),
    ],
)
def test_containment_is_what_the_machine_can(
    name: str, tasks: bool, tracked: bool, memory: bool, devices: bool, paths: Paths, systemd: None
) -> None:
    machine = MACHINES[name]
    found = settings(slurm_conf(site_of(), machine, paths))
    assert found["ProctrackType"] == ("proctrack/cgroup" if tracked else "proctrack/linuxproc")
    assert found["TaskPlugin"] == ("task/cgroup" if tasks else "task/none")
    said = {True: "yes", False: "no"}
    assert settings(cgroup_conf(machine)) == {
        "CgroupPlugin": "autodetect",
        "ConstrainRAMSpace": said[memory],
        "ConstrainSwapSpace": said[memory],
        "ConstrainDevices": said[devices],
        **({"IgnoreSystemd": "yes"} if machine.cgroup_version == 2 else {}),
    }


@pytest.mark.parametrize("systemd", [True], indirect=True)
def test_where_systemd_runs_it_keeps_the_cgroups(systemd: None) -> None:
    assert "IgnoreSystemd" not in cgroup_conf(MACHINES["emulated, cgroup v2"])


@pytest.mark.skipif(not shutil.which("slurmd", path="/usr/sbin:/usr/bin"), reason="needs Debian's slurmd")
@pytest.mark.parametrize("cluster", ["nodes = 4\ngpus_per_node = 4", "nodes = 1\ngpus_per_node = 4\ncpus_per_node = 9"])
@every_machine
def test_slurm_reads_the_files(machine: Machine, cluster: str, paths: Paths, systemd: None) -> None:
    """``slurmd -G`` reads all three files as a daemon does, prints a node's GPUs, and ends."""
    site = site_of(cluster)
    paths.slurm_conf.parent.mkdir(parents=True)
    paths.slurm_conf.write_text(slurm_conf(site, machine, paths))
    paths.slurm_conf.with_name("gres.conf").write_text(gres_conf(site, machine, paths))
    paths.slurm_conf.with_name("cgroup.conf").write_text(cgroup_conf(machine))
    for node in node_names(site.cluster or LocalCluster(), machine):
        argv = ["slurmd", "-G", "-N", node, "-f", str(paths.slurm_conf)]
        done = subprocess.run(
            argv, env={"PATH": "/usr/sbin:/usr/bin:/bin"}, capture_output=True, text=True, timeout=30, check=False
        )
        assert (done.returncode, re.findall("error.*", done.stderr)) == (0, [])
        files = re.findall(r"Name=gpu .*File=(\S+)", done.stdout + done.stderr)
        assert files == [str(f) for f in gpu_files(site.cluster or LocalCluster(), machine, paths)]


# ---------------------------------------------------------------- what ensure_cluster makes


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Who was made owner of what; the accounts need not exist."""
    given: dict[str, str] = {}
    monkeypatch.setattr(local_cluster.shutil, "chown", lambda path, user, group: given.update({str(path): user}))
    return given


EMULATED = MACHINES["emulated, no cgroups"]


def test_the_configuration_is_written_once_and_when_it_changes(paths: Paths, owners: dict[str, str]) -> None:
    assert ensure_cluster(site_of(), EMULATED, paths)
    assert not ensure_cluster(site_of(), EMULATED, paths)
    changes: list[tuple[Site, Machine]] = [
        (site_of("nodes = 3\ngpus_per_node = 4"), EMULATED),  # slurm.conf, gres.conf
        (site_of("nodes = 3\ngpus_per_node = 4\ncpus_per_node = 8"), EMULATED),  # slurm.conf
        (site_of("nodes = 3\ngpus_per_node = 4\ncpus_per_node = 8"), MACHINES["emulated, cgroup v1"]),  # cgroup.conf
    ]
    for site, machine in changes:
        assert ensure_cluster(site, machine, paths)
        assert not ensure_cluster(site, machine, paths)
        assert paths.slurm_conf.read_text() == slurm_conf(site, machine, paths)
        assert paths.slurm_conf.with_name("gres.conf").read_text() == gres_conf(site, machine, paths)
        assert paths.slurm_conf.with_name("cgroup.conf").read_text() == cgroup_conf(machine)


def test_a_change_by_hand_is_put_right(paths: Paths, owners: dict[str, str]) -> None:
    ensure_cluster(site_of(), EMULATED, paths)
    for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
        file = paths.slurm_conf.with_name(name)
        good = file.read_text()
        file.write_text(good + "# by hand\n")
        assert ensure_cluster(site_of(), EMULATED, paths)
        assert file.read_text() == good


def test_folders_are_their_daemons_own(paths: Paths, owners: dict[str, str]) -> None:
    old = os.umask(0o077)
    try:
        ensure_cluster(site_of(), EMULATED, paths)
    finally:
        os.umask(old)
    modes = {str(p): (owner, oct(p.stat().st_mode & 0o777)) for name, owner in owners.items() for p in [Path(name)]}
    prefix = str(paths.prefix)
    assert modes == {
        f"{prefix}/run": ("root", "0o755"),
        f"{prefix}/run/munge": ("munge", "0o755"),
        f"{prefix}/run/slurm": ("slurm", "0o755"),
        f"{prefix}/var/munge": ("munge", "0o700"),
        f"{prefix}/var/munge/munge.key": ("munge", "0o400"),
        f"{prefix}/var/slurm": ("root", "0o755"),
        f"{prefix}/var/slurm/controller": ("slurm", "0o700"),
    }
    assert paths.slurm_conf.stat().st_mode & 0o777 == 0o644


def test_the_munge_key_is_made_once(paths: Paths, owners: dict[str, str]) -> None:
    ensure_cluster(site_of(), EMULATED, paths)
    first = munge_key(paths).read_bytes()
    assert len(first) == 128
    assert munge_key(paths).stat().st_mode & 0o777 == 0o400
    ensure_cluster(site_of(), EMULATED, paths)
    assert munge_key(paths).read_bytes() == first
    # One that a full disk cut off is none: munged wants 32 bytes.
    munge_key(paths).chmod(0o600)
    munge_key(paths).write_bytes(first[:31])
    ensure_cluster(site_of(), EMULATED, paths)
    assert len(munge_key(paths).read_bytes()) == 128


def test_emulated_gpus_are_made_as_device_files(
    paths: Paths, owners: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[Path, int, int]] = []

    def mknod(file: Path, mode: int, device: int) -> None:
        made.append((file, mode, device))
        file.symlink_to("/dev/null")

    monkeypatch.setattr(local_cluster.os, "mknod", mknod)
    gone, wrong, good, _ = gpu_files(LocalCluster(), EMULATED, paths)
    gone.unlink()
    wrong.unlink()
    wrong.write_text("no device")
    ensure_cluster(site_of(), EMULATED, paths)
    assert made == [(file, stat.S_IFCHR | 0o666, os.makedev(1, 3)) for file in (gone, wrong)]
    made.clear()
    ensure_cluster(site_of(), EMULATED, paths)
    assert made == []
    # Where there are real ones, none is made up.
    good.unlink()
    ensure_cluster(site_of(), Machine(8192, (tmp_path / "nvidia0",), 0, frozenset()), paths)
    assert made == []


def test_a_machine_that_forbids_device_files_is_told_what_to_do(
    paths: Paths, owners: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mknod(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(local_cluster.os, "mknod", mknod)
    file = gpu_files(LocalCluster(), EMULATED, paths)[0]
    file.unlink()
    with pytest.raises(CampusError) as refused:
        ensure_cluster(site_of(), EMULATED, paths)
    assert refused.value.code == "no-device-files"
    assert str(file) in refused.value.message
    assert "MKNOD" in refused.value.remedy
    # Slurm must not start on a configuration whose files are not there.
    assert not paths.slurm_conf.exists()


# ---------------------------------------------------------------- commands


@pytest.fixture
def may_unshare(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    def run_sync(argv: list[str], **_: Any) -> Result:
        assert argv == ["unshare", "--uts", "true"], f"nobody expected {argv}"
        return Result(0 if request.param else 1, "", "")

    monkeypatch.setattr(local_cluster, "run_sync", run_sync)


WRAPPED = ["unshare", "--uts", "sh", "-c", 'hostname localhost && exec "$@"', "sh"]


@pytest.mark.parametrize(("may_unshare", "before"), [(True, WRAPPED), (False, [])], indirect=["may_unshare"])
def test_the_commands(may_unshare: None, before: list[str], paths: Paths) -> None:
    # --pdeathsig: they end with their supervisor, however that ended.
    as_slurm = ["setpriv", "--reuid=slurm", "--regid=slurm", "--init-groups", "--pdeathsig=TERM"]
    conf = str(paths.slurm_conf)
    assert slurmctld_command(paths) == [*before, *as_slurm, "slurmctld", "-D", "-f", conf]
    as_root = ["setpriv", "--pdeathsig=TERM"]
    assert slurmd_command("gpu-node2", paths) == [*before, *as_root, "slurmd", "-D", "-N", "gpu-node2", "-f", conf]
    munged = munged_command(paths)
    assert munged[:6] == ["setpriv", "--reuid=munge", "--regid=munge", "--init-groups", "--pdeathsig=TERM", "munged"]
    assert "--foreground" in munged
    assert f"--socket={paths.munge_socket}" in munged
    assert f"--key-file={munge_key(paths)}" in munged
    assert all(str(paths.prefix) in option for option in munged if option.startswith(("--key", "--pid", "--seed")))


def test_a_daemon_of_slurm_finds_itself_on_localhost() -> None:
    argv = on_loopback(["sh", "-c", 'hostname; printf "<%s>" "$@"', "sh", "a b", "$(id)", "'\""])
    if argv[0] != "unshare":
        pytest.skip("this machine lets nobody have a hostname of its own")
    before = os.uname().nodename
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "localhost\n<a b><$(id)><'\">"
    assert os.uname().nodename == before
