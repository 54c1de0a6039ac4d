"""What the proxy may read: its own keys and nobody else's, in copies that follow what they were made from."""

from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest

from campus_base.errors import CampusError
from hub_config.network import proxy_command
from hub_config.paths import Paths
from hub_config.proxy_files import ensure_proxy_files
from hub_config.site import Site
from hub_config.site_file import LOCAL, SITE_FILE

PARTS = ("proxy-api", "proxy-client")
NAMES = {f"{part}{kind}" for part in PARTS for kind in (".key", ".crt", "-ca.crt")}


def site_of(tls: Path | None = None) -> Site:
    """The embedded site, with the folder that holds the public address's certificate."""
    text = '[addresses]\npublic_url = "https://localhost:8443"\n[addresses.tls]\n'
    text += f'certificate = "{tls}/fullchain.pem"\nkey = "{tls}/privkey.pem"\n'
    return SITE_FILE.parse(LOCAL.read_text() + (text if tls else ""), LOCAL)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A prefix with certificates, as the hub makes them."""
    found = Paths(tmp_path / "prefix")
    for part in (*PARTS, "user-alice"):
        folder = found.internal_certificates / part
        folder.mkdir(parents=True)
        (folder / f"{part}.key").write_text(f"key of {part}")
        (folder / f"{part}.crt").write_text(f"certificate of {part}")
        (found.internal_certificates / f"{part}-ca_trust.crt").write_text(f"authorities of {part}")
    mine = grp.getgrgid(os.getgid())
    monkeypatch.setattr(grp, "getgrnam", lambda name: mine)
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: owners.update({Path(path).name: (uid, gid)}))
    owners.clear()
    return found


owners: dict[str, tuple[int, int]] = {}


def copies(paths: Paths) -> dict[str, str]:
    return {file.name: file.read_text() for file in paths.proxy_state.iterdir()}


def test_it_gets_its_own_and_nothing_else(paths: Paths) -> None:
    ensure_proxy_files(site_of(), paths)
    assert copies(paths).keys() == NAMES
    assert copies(paths)["proxy-api.key"] == "key of proxy-api"
    assert copies(paths)["proxy-client-ca.crt"] == "authorities of proxy-client"
    assert "alice" not in str(copies(paths))


def test_root_owns_them_and_the_proxy_may_read_them(paths: Paths) -> None:
    old = os.umask(0)
    try:
        ensure_proxy_files(site_of(), paths)
    finally:
        os.umask(old)
    assert owners == dict.fromkeys((*NAMES, "proxy"), (0, os.getgid()))
    assert paths.proxy_state.stat().st_mode & 0o777 == 0o750
    assert {file.stat().st_mode & 0o777 for file in paths.proxy_state.iterdir()} == {0o640}


def test_the_command_names_each_of_them_and_no_other_file_of_the_hubs(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "fullchain.pem").write_text("public")
    (tmp_path / "privkey.pem").write_text("private")
    for site in (site_of(), site_of(tmp_path)):
        ensure_proxy_files(site, paths)
        named = {a.partition("=")[2] for a in proxy_command(site, paths) if a.endswith((".key", ".crt", ".pem"))}
        assert named == {str(file) for file in paths.proxy_state.iterdir()}


def test_copies_follow(paths: Paths, tmp_path: Path) -> None:
    for name in ("fullchain.pem", "privkey.pem"):
        (tmp_path / name).write_text("first")
    ensure_proxy_files(site_of(tmp_path), paths)
    assert copies(paths)["public.key"] == "first"
    before = (paths.proxy_state / "proxy-api.key").stat().st_mtime_ns
    (tmp_path / "privkey.pem").write_text("renewed")
    ensure_proxy_files(site_of(tmp_path), paths)
    assert copies(paths)["public.key"] == "renewed"
    assert (paths.proxy_state / "proxy-api.key").stat().st_mtime_ns == before
    ensure_proxy_files(site_of(), paths)
    assert copies(paths).keys() == NAMES, "what is not needed any more is gone"


def test_a_file_that_is_not_there_is_named_before_anything_changes(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(CampusError, match=r"privkey\.pem, which the proxy needs, cannot be read: No such file"):
        ensure_proxy_files(site_of(tmp_path), paths)
    assert not paths.proxy_state.exists()


@pytest.mark.parametrize(("port", "capable"), [(443, True), (80, True), (1023, True), (1024, False), (8443, False)])
def test_only_a_low_port_needs_a_capability(port: int, capable: bool, paths: Paths) -> None:
    text = f'[addresses]\npublic_url = "http://127.0.0.1:{port}"\n[daemons]\nproxy_account = "www"\n'
    command = proxy_command(SITE_FILE.parse(LOCAL.read_text() + text, LOCAL), paths)
    assert command[:5] == ["setpriv", "--reuid=www", "--regid=www", "--init-groups", "--no-new-privs"]
    assert ("--ambient-caps=+net_bind_service" in command) is capable
    assert command[7 if capable else 5] == "node"
