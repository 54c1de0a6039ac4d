"""Services of ours that speak to each other without the proxy: each believes the other's very certificate."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from certipy import Certipy

from extensions.daemon import context


@dataclass(frozen=True)
class Files:
    key: str
    certificate: str
    authorities: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    """Of the exchange and Home, who know each other, and of a session, whose certificate has the same authority."""
    folder = tmp_path_factory.mktemp("certificates")
    store = Certipy(store_dir=str(folder))
    store.create_ca("notebooks-ca")
    store.create_ca("hub-ca")
    records = {
        name: store.create_signed_pair(name, "notebooks-ca", alt_names=["IP:127.0.0.1"])["files"]
        for name in ("exchange", "home", "session")
    }
    known = {"exchange": ["home"], "home": ["exchange"], "session": ["exchange", "home"]}
    hubs = Path(store.store.get_record("hub-ca")["files"]["cert"]).read_text()
    for name, peers in known.items():
        (folder / f"{name}.pem").write_text(hubs + "".join(Path(records[peer]["cert"]).read_text() for peer in peers))
    return {name: Files(record["key"], record["cert"], str(folder / f"{name}.pem")) for name, record in records.items()}


async def speaks(server: Files, client: Files) -> bool:
    """Whether one gets an answer of the other."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context(server, ssl.Purpose.CLIENT_AUTH))
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context(client, ssl.Purpose.SERVER_AUTH)
            )
            writer.write(b"hello\n")
            said = await reader.readline()
        except (ssl.SSLError, ConnectionError):
            return False
        writer.close()
        return said == b"hello\n"


@pytest.mark.parametrize(
    ("server", "client", "heard"),
    [
        ("exchange", "home", True),
        ("home", "exchange", True),
        ("exchange", "session", False),  # it knows the exchange, which does not know it
        ("session", "home", False),  # what listens at the exchange's port when the exchange is away
    ],
)
async def test_peers_believe_each_other_and_no_session(
    made: dict[str, Files], server: str, client: str, heard: bool
) -> None:
    assert await speaks(made[server], made[client]) is heard
