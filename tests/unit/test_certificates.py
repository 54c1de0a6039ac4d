from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from certipy import Certipy
from cryptography import x509

from campus_base.process import Secret
from spawners.certificates import FILES, alternative_names, as_environment
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


def test_the_names_are_what_a_certificate_can_hold(tmp_path: Path) -> None:
    authority = Certipy(store_dir=str(tmp_path))
    authority.create_ca("authority")
    names = alternative_names(nodes("10.0.0.1", "fd00::1", "mel2001"))
    record = authority.create_signed_pair("alice", "authority", alt_names=names)
    certificate = x509.load_pem_x509_certificate(Path(record["files"]["cert"]).read_bytes())
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert held.get_values_for_type(x509.DNSName) == ["mel2001"]
    assert held.get_values_for_type(x509.IPAddress) == [ip_address("10.0.0.1"), ip_address("fd00::1")]


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """Files as JupyterHub makes them, each with its own text."""
    for name in FILES:
        (tmp_path / name).write_text(f"-----BEGIN {name}-----\nü'\"$(id)\n")
    return {name: str(tmp_path / name) for name in FILES}


def test_the_texts_travel_as_variables_and_the_key_as_a_secret(paths: dict[str, str]) -> None:
    variables = as_environment(paths)
    assert {name: str.__str__(text) for name, text in variables.items()} == {
        f"CAMPUS_TLS_{name.upper()}": Path(paths[name]).read_text() for name in FILES
    }
    assert [name for name, text in variables.items() if isinstance(text, Secret)] == ["CAMPUS_TLS_KEYFILE"]
    assert "BEGIN keyfile" not in f"{variables}"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_an_error(name: str, paths: dict[str, str]) -> None:
    Path(paths[name]).unlink()
    with pytest.raises(OSError, match=name):
        as_environment(paths)
