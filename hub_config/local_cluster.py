"""The embedded Slurm: its configuration files, and what must run.

Sources: slurm.conf(5), gres.conf(5), cgroup.conf(5).
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.accounting import accounting_settings
from hub_config.daemon_accounts import as_account
from hub_config.daemon_files import put_file
from hub_config.local_slurmrestd import ensure_slurmrestd, token_settings
from hub_config.machine import Machine
from hub_config.paths import Paths
from hub_config.site import LocalCluster, Site

CLUSTER = "campus"


def node_names(cluster: LocalCluster, machine: Machine) -> list[str]:
    """One node with the machine's own GPUs where it has some, else the emulated ones."""
    count = 1 if machine.nvidia else cluster.nodes
    return [f"gpu-node{n}" for n in range(1, count + 1)]


def gpu_files(cluster: LocalCluster, machine: Machine, paths: Paths) -> list[Path]:
    """Device files that stand for a node's GPUs: Slurm counts only character devices."""
    if machine.nvidia:
        return list(machine.nvidia)
    return [paths.prefix / "var" / "gpus" / f"gpu{n}" for n in range(cluster.gpus_per_node)]


def slurm_conf(site: Site, machine: Machine, paths: Paths) -> str:
    """The text of slurm.conf. Everything is on loopback: see NoInAddrAny and :func:`on_loopback`."""
    cluster = site.cluster or LocalCluster()
    nodes = node_names(cluster, machine)
    gpus = len(gpu_files(cluster, machine, paths))
    shards = gpus * cluster.shards_per_gpu
    gres = f"gpu:{gpus}" + (f",shard:{shards}" if shards else "")
    first = cluster.controller_port + 1
    partitions = [partition.name for partition in site.partitions]
    track = "proctrack/cgroup" if machine.tracks_processes else "proctrack/linuxproc"
    settings = {
        "ClusterName": CLUSTER,
        "SlurmctldHost": "localhost(127.0.0.1)",
        "SlurmctldPort": cluster.controller_port,
        "SlurmUser": "slurm",
        "SlurmdUser": "root",
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={paths.munge_socket}",
        "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
        "StateSaveLocation": paths.slurm_state / "controller",
        "SlurmdSpoolDir": paths.slurm_state / "%n",
        "SlurmctldPidFile": paths.run / "slurm" / "slurmctld.pid",
        "SlurmdPidFile": paths.run / "slurm" / "%n.pid",
        # The nodes offer more CPUs than the machine has, so that 16 emulated GPUs can be used at once.
        "SlurmdParameters": "config_overrides",
        "ProctrackType": track,
        "TaskPlugin": "task/cgroup" if machine.cgroup_version else "task/none",
        "JobAcctGatherType": "jobacct_gather/linux",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "GresTypes": "gpu,shard",
        "MpiDefault": "none",
        "PrivateData": "jobs,usage",
        "JobRequeue": 0,
        "ReturnToService": 2,
        "KillWait": 10,
        "MinJobAge": 300,
        "SlurmdTimeout": 60,
        # Without the delay a job that is submitted just after another waits for up to three seconds (slurm.conf(5)).
        "SchedulerParameters": "sched_min_interval=100000,batch_sched_delay=0,bf_interval=10",
    }
    settings |= accounting_settings(site, paths) | token_settings(site, paths)
    lines = [f"{key}={value}" for key, value in settings.items()]
    for offset, name in enumerate(nodes):
        lines.append(
            f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={first + offset} "
            f"CPUs={cluster.cpus_per_node} RealMemory={machine.memory_mib} Gres={gres} State=UNKNOWN"
        )
    for number, name in enumerate(partitions):
        default = "NO" if number else "YES"
        lines.append(f"PartitionName={name} Nodes={','.join(nodes)} Default={default} MaxTime=INFINITE State=UP")
    return "\n".join(lines) + "\n"


def gres_conf(site: Site, machine: Machine, paths: Paths) -> str:
    """The text of gres.conf. A GPU whose cores are not named is handed out whole while slices of it are in use."""
    cluster = site.cluster or LocalCluster()
    files = gpu_files(cluster, machine, paths)
    shards = len(files) * cluster.shards_per_gpu
    lines = []
    for node in node_names(cluster, machine):
        lines += [f"NodeName={node} Name=gpu File={file} Cores=0-{cluster.cpus_per_node - 1}" for file in files]
        lines += [f"NodeName={node} Name=shard Count={shards}"] if shards else []
    return "".join(f"{line}\n" for line in lines)


def cgroup_conf(machine: Machine) -> str:
    """Constrain what the machine can: memory always, devices only where the GPUs are real."""

    def yes(condition: bool) -> str:
        return "yes" if condition else "no"

    lines = [
        "CgroupPlugin=autodetect",
        f"ConstrainRAMSpace={yes(machine.contains_memory)}",
        f"ConstrainSwapSpace={yes(machine.contains_memory)}",
        f"ConstrainDevices={yes(bool(machine.nvidia) and machine.contains_devices)}",
    ]
    if machine.cgroup_version == 2 and not Path("/run/systemd/system").exists():
        lines.append("IgnoreSystemd=yes")
    return "\n".join(lines) + "\n"


def _folder(path: Path, owner: str, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, owner, owner)
    path.chmod(mode)


def _ensure_munge_key(path: Path) -> None:
    if not path.exists() or path.stat().st_size < 32:
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(128))
    shutil.chown(path, "munge", "munge")
    path.chmod(0o400)


def _ensure_gpu_files(files: list[Path]) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not (file.exists() and stat.S_ISCHR(file.stat().st_mode)):
            file.unlink(missing_ok=True)
            try:
                os.mknod(file, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # the null device
            except PermissionError:
                raise CampusError(
                    "no-device-files",
                    f"This machine does not let root make the device file {file}.",
                    "Give the container the MKNOD capability, or set gpus_per_node = 0 in [cluster].",
                ) from None


def ensure_cluster(site: Site, machine: Machine, paths: Paths) -> bool:
    """Folders, keys and configuration of the embedded Slurm. True when the configuration changed.

    Raises CampusError when the machine cannot hold the emulated GPUs' device files.
    """
    _folder(paths.run, "root", 0o755)
    _folder(paths.munge_socket.parent, "munge", 0o755)
    _folder(paths.prefix / "var" / "munge", "munge", 0o700)
    _folder(paths.run / "slurm", "slurm", 0o755)
    _folder(paths.slurm_state, "root", 0o755)
    _folder(paths.slurm_state / "controller", "slurm", 0o700)
    paths.slurm_conf.parent.mkdir(parents=True, exist_ok=True)
    _ensure_munge_key(munge_key(paths))
    if site.slurm.transport == "rest":
        ensure_slurmrestd(site, paths)
    if not machine.nvidia:
        _ensure_gpu_files(gpu_files(site.cluster or LocalCluster(), machine, paths))
    changed = [
        put_file(paths.slurm_conf, slurm_conf(site, machine, paths), 0o644),
        put_file(paths.slurm_conf.with_name("gres.conf"), gres_conf(site, machine, paths), 0o644),
        put_file(paths.slurm_conf.with_name("cgroup.conf"), cgroup_conf(machine), 0o644),
    ]
    return any(changed)


def munge_key(paths: Paths) -> Path:
    return paths.prefix / "var" / "munge" / "munge.key"


def munged_command(paths: Paths) -> list[str]:
    var = paths.prefix / "var" / "munge"
    return [
        *_as("munge"),
        "munged",
        "--foreground",
        f"--key-file={munge_key(paths)}",
        f"--socket={paths.munge_socket}",
        f"--pid-file={paths.munge_socket.parent / 'munged.pid'}",
        f"--seed-file={var / 'seed'}",
    ]


def slurmctld_command(paths: Paths) -> list[str]:
    return on_loopback([*_as("slurm"), "slurmctld", "-D", "-f", str(paths.slurm_conf)])


def slurmd_command(node: str, paths: Paths) -> list[str]:
    return on_loopback([*_as("root"), "slurmd", "-D", "-N", node, "-f", str(paths.slurm_conf)])


def _as(account: str) -> list[str]:
    """Run as an account, and end when the supervisor is gone, however it ended."""
    return as_account(account, "--pdeathsig=TERM")


def can_unshare_hostname() -> bool:
    return (
        run_sync(["unshare", "--uts", "true"], what="Trying a hostname of its own", timeout=5, check=False).status == 0
    )


def on_loopback(argv: list[str]) -> list[str]:
    """Slurm's daemons bind what the machine's hostname resolves to; give them the hostname localhost."""
    if not can_unshare_hostname():
        return argv
    return ["unshare", "--uts", "sh", "-c", 'hostname localhost && exec "$@"', "sh", *argv]
