"""Sessions: the spawner, what it offers and where it submits."""

from __future__ import annotations

import hashlib
from pathlib import Path

from campus_base.manifest import seconds_or_none
from hub_config.courses import classes, hub_side
from hub_config.exchange import exchange_url
from hub_config.home import home
from hub_config.paths import Paths
from hub_config.site import Environment, Site, Size, duration_seconds, memory_mib
from hub_config.slurmrestd import rest_transport
from spawners import api, form
from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.offer import Offer, SessionSize
from spawners.cluster.watch import WatchSettings
from spawners.life.idle import IdleLimits
from spawners.slurm import Transport
from spawners.slurm.cli import CliTransport
from spawners.slurm.sudo import SudoTransport
from spawners.spawner import CampusSpawner


def session_size(size: Size) -> SessionSize:
    """A size of the site file in the spawner's terms: MiB and seconds."""
    return SessionSize(
        name=size.name,
        title=size.title,
        description=size.description,
        partition=size.partition,
        gpus=size.gpus,
        shards=size.shards,
        gpu_type=size.gpu_type,
        cpus=size.cpus,
        memory_mib=memory_mib(size.memory),
        seconds=duration_seconds(size.time),
        max_seconds=duration_seconds(size.max_time),
        account=size.account,
        max_memory_mib=memory_mib(size.max_memory) if size.max_memory else None,
    )


def session_environment(environment: Environment, site: Site, paths: Paths) -> SessionEnvironment:
    """An environment of the site file in the spawner's terms; without a folder or an image it is the installed one."""
    # Resolved: a session stays on the environment it started with, whatever the link points at later.
    installed = site.sessions.environment or paths.session_env.resolve()
    folder = environment.python or ("" if environment.image else installed)
    return SessionEnvironment(
        environment.name, environment.title, environment.description, str(folder), str(environment.image or "")
    )


def offer(site: Site, paths: Paths) -> Offer:
    """What the site offers everybody."""
    environments = site.environments or (Environment(name="standard", title="Standard"),)
    return Offer(
        sizes=tuple(session_size(size) for size in site.sizes),
        environments=tuple(session_environment(environment, site, paths) for environment in environments),
        choices=frozenset(site.sessions.choices),
        titles={partition.name: partition.title for partition in site.partitions if partition.title},
    )


def slurm_transport(site: Site, paths: Paths, *, root: bool = False) -> Transport:
    """The site's Slurm, or the embedded cluster, the way that the site reaches it; ``root`` needs no sudo for that."""
    if site.slurm.transport == "rest":
        return rest_transport(site, paths)
    commands = (str(slurm_conf(site, paths) or ""), site.slurm.command_seconds)
    if site.slurm.transport == "cli" or root:
        return CliTransport(*commands)
    return SudoTransport(*commands, str(paths.slurm_wrapper), site.slurm.operator_account)


def slurm_conf(site: Site, paths: Paths) -> Path | None:
    """The slurm.conf of Slurm's commands, None for their default."""
    return paths.slurm_conf if site.cluster else site.slurm.conf


def idle_limits(site: Site) -> IdleLimits:
    """After how long idle sessions end here."""
    culling = site.culling
    return IdleLimits(
        session=seconds_or_none(culling.idle) if culling.enabled else None,
        gpu=seconds_or_none(culling.gpu_idle) if culling.enabled else None,
        gpu_busy_percent=culling.gpu_busy_percent,
        notice=duration_seconds(culling.notice),
        keeps=culling.keeps,
    )


def job_name(site: Site) -> str:
    """Name of every job of this hub: two hubs on one cluster must not cancel each other's."""
    return "campus-" + hashlib.sha256(site.addresses.public_url.encode()).hexdigest()[:8]


def update_sessions(c, site: Site, paths: Paths) -> None:
    c.JupyterHub.spawner_class = CampusSpawner
    c.CampusSpawner.pre_spawn_hook = hub_side.tell_course
    c.CampusSpawner.offer = offer(site, paths)
    slurm = slurm_transport(site, paths)
    watch = WatchSettings(slurm, job_name(site), site.slurm.poll_seconds)
    c.CampusSpawner.watch_settings = watch
    c.WatchedProxy.cluster_watch = watch
    desk = classes.desk_of(site, paths, c.CampusSpawner.offer, watch)
    of_courses = [*hub_side.HANDLERS, *classes.handlers(desk)]
    c.JupyterHub.extra_handlers = [*api.HANDLERS, *form.HANDLERS, *of_courses]
    c.CampusSpawner.job_template = paths.job_template.read_text() if site.sessions.job_template else ""
    c.CampusSpawner.idle_limits = idle_limits(site)
    c.CampusSpawner.log_folder = site.sessions.log_folder
    c.CampusSpawner.ip = "127.0.0.1" if site.cluster else "0.0.0.0"  # noqa: S104 - mutual TLS guards it
    c.CampusSpawner.port = 0
    c.JupyterHub.allow_named_servers = site.sessions.named > 0
    c.JupyterHub.named_server_limit_per_user = site.sessions.named
    c.CampusSpawner.notebook_dir = site.sessions.folder
    c.CampusSpawner.default_url = "/lab"
    c.CampusSpawner.env_keep = []
    told = {
        "CAMPUS_EXCHANGE_URL": exchange_url(site, paths),
        "CAMPUS_HOME_URL": home(site, paths).url,
        "CAMPUS_KITS": str(paths.kit_repositories),
    }
    c.CampusSpawner.environment = told
    # The queue may be long: a start waits in it, and waiting ones must not count as too many.
    c.CampusSpawner.start_timeout = duration_seconds(site.slurm.queue_limit)
    c.CampusSpawner.http_timeout = 120
    c.CampusSpawner.poll_interval = max(1, round(site.slurm.poll_seconds))
    c.JupyterHub.concurrent_spawn_limit = 0
    # As often as sessions tell their use; JupyterHub's 30 seconds write twice as much for nothing.
    c.JupyterHub.activity_resolution = 60
