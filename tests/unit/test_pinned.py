"""The publisher's token is told to the exchange and the hub alone, whoever has a certificate of the same authority."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from certipy import Certipy

from campus_base.errors import CampusError
from hub_config.courses.people import people_of
from hub_config.courses.services import ask_hub, exchange_certificate, hub_certificate
from hub_config.courses.services import exchange as exchange_client
from hub_config.exchange import PUBLISHER_TOKEN, exchange_inside_url
from hub_config.paths import Paths
from hub_config.site import Site
from tests.unit.test_daemons import site_of
from tests.unit.test_proxy_pin import Server

AUTHORITY = "notebooks-ca"
TOKEN = b"Authorization: token precious"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A Campus whose hub believes its own authority and that of sessions, as JupyterHub sets it up."""
    found = Paths(tmp_path)
    token = found.secret(PUBLISHER_TOKEN)
    token.parent.mkdir(parents=True)
    token.write_text("precious")
    return found


@pytest.fixture
def store(paths: Paths) -> Certipy:
    found = Certipy(store_dir=str(paths.internal_certificates))
    found.trust_from_graph({"hub-ca": [AUTHORITY], AUTHORITY: ["hub-ca"]})
    for name, authority in (("hub-internal", "hub-ca"), ("exchange-service", AUTHORITY), ("user-mallory", AUTHORITY)):
        found.create_signed_pair(name, authority, alt_names=["IP:127.0.0.1"])
    return found


def site_at(server: Server) -> Site:
    """Its hub and its exchange are where this server listens."""
    site = site_of()
    at = site.addresses.model_copy(update={"exchange_port": server.port, "hub_port": server.port})
    return site.model_copy(update={"addresses": at})


async def by_client(site: Site, paths: Paths) -> None:
    client = exchange_client(site, paths)
    client._pauses = ()
    client.get("/pending", dict)


async def by_hub(site: Site, paths: Paths) -> None:
    certificate, pinned = hub_certificate(paths), exchange_certificate(site, paths)
    await people_of("dl", exchange_inside_url(site, paths), "precious", certificate, pinned)


async def to_hub(site: Site, paths: Paths) -> None:
    ask_hub("GET", "users", site, paths)


WAYS = [(by_client, "exchange-service"), (by_hub, "exchange-service"), (to_hub, "hub-internal")]
every_way = pytest.mark.parametrize(("ask", "name"), WAYS, ids=["client", "hub's client", "to the hub"])


@every_way
async def test_a_session_at_its_port_hears_nothing(ask: Callable, name: str, store: Certipy, paths: Paths) -> None:
    impostor = Server(store, "user-mallory")
    with pytest.raises(CampusError):
        await ask(site_at(impostor), paths)
    assert impostor.received == b""


@every_way
async def test_before_it_has_a_certificate_nobody_hears_anything(
    ask: Callable, name: str, store: Certipy, paths: Paths
) -> None:
    (paths.internal_certificates / name / f"{name}.crt").unlink()
    impostor = Server(store, "user-mallory")
    with pytest.raises(CampusError):
        await ask(site_at(impostor), paths)
    assert impostor.received == b""


@every_way
async def test_the_right_one_does_also_when_renewed(ask: Callable, name: str, store: Certipy, paths: Paths) -> None:
    for _ in range(2):
        server = Server(store, name)
        with suppress(CampusError):  # what this one answers makes no sense
            await ask(site_at(server), paths)
        assert TOKEN in server.received
        authority = "hub-ca" if name == "hub-internal" else AUTHORITY
        store.create_signed_pair(name, authority, alt_names=["IP:127.0.0.1"], overwrite=True)


def test_a_client_that_lives_on_reads_the_renewed_certificate(store: Certipy, paths: Paths) -> None:
    servers = [Server(store, "exchange-service")]
    client = exchange_client(site_at(servers[0]), paths)
    store.create_signed_pair("exchange-service", AUTHORITY, alt_names=["IP:127.0.0.1"], overwrite=True)
    servers.append(Server(store, "exchange-service"))
    for server in reversed(servers):
        client._url, client._pauses = f"https://127.0.0.1:{server.port}", ()
        with suppress(CampusError):
            client.get("/pending", dict)
    assert [TOKEN in server.received for server in servers] == [False, True]
