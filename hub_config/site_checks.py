"""What must fit together between the parts of a site. A check takes parts by name, and yields mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from campus_base.manifest import duration_seconds, seconds_or_none
from hub_config.site_types import is_loopback

if TYPE_CHECKING:
    from hub_config.site import (
        Addresses,
        Culling,
        Daemons,
        Database,
        LocalCluster,
        Partition,
        Size,
        Slurm,
    )
    from hub_config.site_people import AccessRule, Account, Authentication


def problems(parts: Mapping[str, Any]) -> list[str]:
    """Mistakes in these parts of a site, a line each; a check whose parts are not all there is left out."""
    found: list[str] = []
    for check in CHECKS:
        needed = signature(check).parameters
        if parts.keys() >= needed.keys():
            found += check(**{name: parts[name] for name in needed})
    return found


def _public_address(addresses: Addresses) -> Iterator[str]:
    url = urlsplit(addresses.public_url)
    if ":" in (url.hostname or "") and not addresses.listen_ip:
        yield "addresses.public_url: holds an IPv6 address, which the proxy does not bind; add listen_ip"
    if url.scheme == "http" and addresses.tls:
        yield "addresses.public_url: begins with http:, but [addresses.tls] is there; write https:"
    if url.scheme == "https" and not addresses.tls and not addresses.listen_port:
        yield (
            "addresses.public_url: begins with https:, but there is no certificate; add [addresses.tls], or "
            "listen_port where another proxy ends TLS and passes requests on to that port"
        )


def _own_domains(addresses: Addresses) -> Iterator[str]:
    host = urlsplit(addresses.public_url).hostname or ""
    if addresses.own_domains and (":" in host or host.replace(".", "").isdigit()):
        yield f"addresses.own_domains: there are no domains below the IP address {host}; write a name in public_url"


def _ports(addresses: Addresses, cluster: LocalCluster | None) -> Iterator[str]:
    listen = "listen_port" if addresses.listen_port else "public_url"
    ports = {
        f"addresses.{listen}": addresses.port,
        "addresses.hub_port": addresses.hub_port,
        "addresses.proxy_api_port": addresses.proxy_api_port,
        "addresses.exchange_port": addresses.exchange_port,
        "addresses.home_port": addresses.home_port,
    }
    if cluster:
        last = cluster.controller_port + cluster.nodes + 1
        if last > 65535:
            yield f"cluster.controller_port: nodes and slurmdbd would need ports up to {last}, past the last (65535)"
        ports["cluster.controller_port"] = cluster.controller_port
        for offset in range(1, cluster.nodes + 2):
            ports[f"cluster.controller_port + {offset}"] = cluster.controller_port + offset
    owners: dict[int, list[str]] = {}
    for key, port in ports.items():
        owners.setdefault(port, []).append(key)
    for port, keys in owners.items():
        if len(keys) > 1:
            yield f"{keys[-1]}: port {port} is taken by {' and '.join(keys[:-1])}; choose another"


def _this_machine_alone(addresses: Addresses) -> bool:
    return is_loopback(addresses.ip) and is_loopback(urlsplit(addresses.public_url).hostname or "")


def _sign_in(addresses: Addresses, authentication: Authentication) -> Iterator[str]:
    if _this_machine_alone(addresses):
        return
    if authentication.method == "demo":
        yield (
            f"authentication.method: demo passwords may serve this machine alone, and people would reach "
            f"{addresses.public_url} (listening on {addresses.ip}); use 127.0.0.1, or method oidc or pam"
        )
    elif addresses.public_url.startswith("http:"):
        yield "addresses.public_url: passwords and tokens would travel unencrypted; use https"


def _hub_address(addresses: Addresses, authentication: Authentication, cluster: LocalCluster | None) -> Iterator[str]:
    loopback = is_loopback(addresses.hub_ip)
    if addresses.hub_ip in ("", "0.0.0.0"):  # noqa: S104 - refused here
        yield "addresses.hub_ip: must be one address of this machine, because sessions connect to it"
    elif (cluster or authentication.method == "demo") and not loopback:
        yield (
            "addresses.hub_ip: the embedded cluster and demo accounts are on this machine alone; "
            "leave it out, or write 127.0.0.1"
        )
    elif not cluster and authentication.method != "demo" and loopback:
        yield (
            "addresses.hub_ip: compute nodes can't reach a loopback address; "
            "write this machine's address in the cluster's network"
        )


def _people(
    authentication: Authentication, access: tuple[AccessRule, ...], accounts: tuple[Account, ...]
) -> Iterator[str]:
    if authentication.method != "demo":
        if accounts:
            yield "accounts: demo accounts need authentication method demo; remove them"
        if not access:
            yield "access: no rule lets anyone in; add [[access]] with a role and a group or user"
        return
    if not accounts:
        yield "accounts: demo authentication needs at least one account; add [[accounts]]"
    roles = {account.name: account.role for account in accounts}
    for number, rule in enumerate(access, 1):
        if rule.user not in roles:
            yield f"access[{number}]: demo authentication knows nobody but [[accounts]]; name one of those"
        elif rule.role == "operator" and roles[rule.user] != "operator":
            # Demo operators have a password of their own; everybody knows the other.
            yield f"access[{number}]: makes {rule.user} an operator; give the account that role instead"


def _daemon_accounts(daemons: Daemons, accounts: tuple[Account, ...]) -> Iterator[str]:
    people = [account.name for account in accounts]
    owners: dict[str, str] = {}
    for key, name in daemons:
        if name in people:
            yield f"daemons.{key}: {name} is a person in [[accounts]]; name another"
        if name in owners:
            yield f"daemons.{key}: {name} is the {owners[name]}, too, which has secrets of its own; name another"
        owners[name] = key


def _database(database: Database) -> Iterator[str]:
    if database.password_file and not database.url:
        yield "database.password_file: a password without a database; add url, or remove this for SQLite"


def _one_slurm(slurm: Slurm, cluster: LocalCluster | None) -> Iterator[str]:
    if cluster and slurm.conf:
        yield "slurm.conf: the embedded cluster has its own; remove this, or [cluster] to use a real cluster"


def _slurmrestd(slurm: Slurm, cluster: LocalCluster | None) -> Iterator[str]:
    if cluster and slurm.rest:
        yield "slurm.rest: the embedded cluster has its own slurmrestd; remove this"
    elif slurm.rest and slurm.transport != "rest":
        yield f'slurm.rest: not used with transport = "{slurm.transport}"; remove it, or write transport = "rest"'
    elif slurm.transport == "rest" and not (slurm.rest or cluster):
        yield "slurm.transport: rest needs to know where; add [slurm.rest] with a url, and a token_file or key_file"
    if slurm.transport == "rest" and slurm.conf:
        yield "slurm.conf: only Slurm's commands read it, and transport rest runs none; remove it"


def _embedded_sizes(
    sizes: tuple[Size, ...], partitions: tuple[Partition, ...], cluster: LocalCluster | None
) -> Iterator[str]:
    if not cluster:
        return
    names = [partition.name for partition in partitions]
    for number, size in enumerate(sizes, 1):
        key = f"sizes[{number}]"
        if size.partition not in names:
            has = f"has {', '.join(names)}" if names else "has none"
            yield f'{key}.partition = "{size.partition}": the embedded cluster {has}; see [[partitions]]'
        if size.gpu_type:
            yield f"{key}.gpu_type: the embedded cluster's GPUs have no type; remove it"
        if size.gpus > cluster.gpus_per_node:
            has = f"cluster.gpus_per_node is {cluster.gpus_per_node}"
            yield f"{key}.gpus = {size.gpus}: {has}; raise that or lower this"
        if size.shards > cluster.shards_per_gpu:
            has = f"cluster.shards_per_gpu is {cluster.shards_per_gpu}, and a session's slices are on one GPU"
            yield f"{key}.shards = {size.shards}: {has}; raise that or lower this"
        if size.cpus > cluster.cpus_per_node:
            has = f"cluster.cpus_per_node is {cluster.cpus_per_node}"
            yield f"{key}.cpus = {size.cpus}: {has}; raise that or lower this"


def _culling(culling: Culling) -> Iterator[str]:
    for key, limit in (("idle", culling.idle), ("gpu_idle", culling.gpu_idle)):
        seconds = seconds_or_none(limit) if culling.enabled else None
        if seconds is not None and duration_seconds(culling.every) > seconds:
            yield f"culling.every: looking every {culling.every} is too seldom for {key} = {limit}"
        if seconds is not None and duration_seconds(culling.notice) >= seconds:
            yield f"culling.notice: {culling.notice} before the end is the whole of {key} = {limit}; make it shorter"


CHECKS: tuple[Callable[..., Iterator[str]], ...] = (
    _public_address,
    _own_domains,
    _ports,
    _sign_in,
    _hub_address,
    _people,
    _daemon_accounts,
    _database,
    _one_slurm,
    _slurmrestd,
    _embedded_sizes,
    _culling,
)
