"""What the proxy reads: copies in a folder of its own, since it may read nobody else's keys."""

from __future__ import annotations

from pathlib import Path

from hub_config.daemon_accounts import hub_account
from hub_config.daemon_files import put_copies, read_as
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
        name: read_as("root" if name.startswith("public.") else hub_account(site), path, "the proxy")
        for name, path in proxy_files(site, paths).items()
    }
    put_copies(paths.proxy_state, wanted, site.daemons.proxy_account)
