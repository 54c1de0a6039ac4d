"""What the proxy reads: copies in a folder of its own, since it may read nobody else's keys."""

from __future__ import annotations

import grp
import os
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account, hub_account
from hub_config.paths import Paths
from hub_config.site import Site


def proxy_files(site: Site, paths: Paths) -> dict[str, Path]:
    """Its files by name, and what each is a copy of."""
    inside = paths.internal_certificates
    found = {}
    for part in ("proxy-api", "proxy-client"):
        found[f"{part}.key"] = inside / part / f"{part}.key"
        found[f"{part}.crt"] = inside / part / f"{part}.crt"
        found[f"{part}-ca.crt"] = inside / f"{part}-ca_trust.crt"
    if tls := site.addresses.tls:
        found |= {"public.key": tls.key, "public.crt": tls.certificate}
    return found


def ensure_proxy_files(site: Site, paths: Paths) -> None:
    """Make the copies anew where they differ. Raises CampusError naming the file that cannot be read."""
    # The hub's as the hub: whoever took it over could put a link there to what only root may read.
    wanted = {
        name: _read(path, "root" if name.startswith("public.") else hub_account(site))
        for name, path in proxy_files(site, paths).items()
    }
    group = grp.getgrnam(site.daemons.proxy_account).gr_gid
    folder = paths.proxy_state
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, 0, group)
    folder.chmod(0o750)
    for name, text in wanted.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            file.touch(mode=0o600)
            file.write_text(text)
        os.chown(file, 0, group)
        file.chmod(0o640)
    for file in folder.iterdir():
        if file.name not in wanted:
            file.unlink()


def _read(path: Path, account: str) -> str:
    done = run_sync([*as_account(account), "cat", "--", str(path)], what=f"Reading {path}", timeout=10, check=False)
    if done.status:
        says = done.stderr.strip().rpartition(": ")[2]
        raise CampusError(
            "proxy-file",
            f"{path}, which the proxy needs, cannot be read: {says}.",
            "Put it there, or correct the site file; then run ./campus up again.",
        )
    return done.stdout
