from __future__ import annotations

import contextlib
import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from certipy import Certipy
from cryptography import x509

from campus_base.process import Secret
from spawners.job.certificates import AUTHORITY, FILES, alternative_names, as_environment, make_certificate
from spawners.slurm import Node


def nodes(*addresses: str) -> list[Node]:
    facts = {"state": "idle", "partitions": frozenset({"gpu"}), "gpus": {}, "gpus_used": {}}
    return [
        Node(name=f"n{i}", address=address, cpus_free=1, memory_free_mib=1, **facts)
        for i, address in enumerate(addresses)
    ]


@pytest.mark.parametrize(
    ("addresses", "names"),
    [
        ([], []),
        (["10.0.0.1"], ["IP:10.0.0.1"]),
        (["fd00::1"], ["IP:fd00::1"]),
        (["mel2001", "mel2001.ib.example.org"], ["DNS:mel2001", "DNS:mel2001.ib.example.org"]),
        (["127.0.0.1", "127.0.0.1", "127.0.0.1"], ["IP:127.0.0.1"]),
        (["b", "10.0.0.2", "a", "10.0.0.1", ""], ["DNS:a", "DNS:b", "IP:10.0.0.1", "IP:10.0.0.2"]),
        (["10.0.0.256", "10.0.0.1:80"], ["DNS:10.0.0.1:80", "DNS:10.0.0.256"]),
    ],
)
def test_a_certificate_names_each_address_once(addresses: list[str], names: list[str]) -> None:
    assert alternative_names(nodes(*addresses)) == names


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JupyterHub's store, with its authority for sessions and that of the hub, which sessions trust."""
    folder = tmp_path_factory.mktemp("certificates")
    certipy = Certipy(store_dir=str(folder))
    certipy.trust_from_graph({AUTHORITY: ["hub-ca"]})
    certipy.create_signed_pair("hub-internal", "hub-ca", alt_names=["IP:127.0.0.1"])
    return folder


def test_a_certificate_says_whose_session_it_is_and_where(store: Path) -> None:
    names = alternative_names(nodes("10.0.0.1", "fd00::1", "mel2001"))
    certificate = x509.load_pem_x509_certificate(make_certificate(str(store), "alice", names)["certfile"].encode())
    assert certificate.subject.rfc4514_string() == "CN=user-alice"
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert held.get_values_for_type(x509.DNSName) == ["mel2001"]
    assert held.get_values_for_type(x509.IPAddress) == [ip_address("10.0.0.1"), ip_address("fd00::1")]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.BasicConstraints)  # it signs nothing


def test_each_has_a_key_of_its_own_and_none_stays_on_the_hub(store: Path) -> None:
    before = sorted(store.rglob("*"))
    made = [make_certificate(str(store), "alice", ["IP:127.0.0.1"]) for _ in range(2)]
    assert made[0]["keyfile"] != made[1]["keyfile"]
    assert sorted(store.rglob("*")) == before


def test_hub_and_session_trust_each_other_by_it(store: Path, tmp_path: Path) -> None:
    made = make_certificate(str(store), "alice", ["IP:127.0.0.1"])
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "cafile"))
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(tmp_path / "certfile", tmp_path / "keyfile")
    client = ssl.create_default_context(cafile=str(store / AUTHORITY / f"{AUTHORITY}.crt"))
    hub = store / "hub-internal" / "hub-internal"
    client.load_cert_chain(hub.with_suffix(".crt"), hub.with_suffix(".key"))
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(here, there, server_hostname="127.0.0.1"),
        server.wrap_bio(there, here, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    ends[0].write(b"hello")
    assert ends[1].read() == b"hello"


def test_without_its_authority_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=AUTHORITY):
        make_certificate(str(tmp_path), "alice", [])


def test_the_texts_travel_as_variables_and_the_key_as_a_secret() -> None:
    texts = {name: f"-----BEGIN {name}-----\nü'\"$(id)\n" for name in FILES}
    variables = as_environment(texts)
    assert {name: str.__str__(text) for name, text in variables.items()} == {
        f"CAMPUS_TLS_{name.upper()}": texts[name] for name in FILES
    }
    assert [name for name, text in variables.items() if isinstance(text, Secret)] == ["CAMPUS_TLS_KEYFILE"]
    assert "BEGIN keyfile" not in f"{variables}"
