"""The exchange's process: where it is reached, what it is told, and what it may read."""

from __future__ import annotations

import os
import pwd
import sys
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.utils import subdomain_hook_idna

from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account, hub_account
from hub_config.daemon_files import put_copies, read_as
from hub_config.paths import Paths
from hub_config.roles import EXCHANGE, PUBLISHER
from hub_config.site import Site, memory_mib
from hub_config.state import external_database_url

TOKEN = "exchange-token"  # noqa: S105 - a file's name
PUBLISHER_TOKEN = "publisher-token"  # noqa: S105
_CERTIFICATE = "exchange-service"  # not user-NAME: the proxy takes that for a person's (proxy/pin.mjs)
_AUTHORITY = "notebooks-ca"  # whom the proxy believes beside the hub (JupyterHub.init_internal_ssl)
_MIB = 1024 * 1024


def _host(site: Site) -> str:
    """Origin of the exchange's addresses; empty where it is the hub's own."""
    if not site.addresses.own_domains:
        return ""
    parts = urlsplit(site.addresses.origin)
    domain = subdomain_hook_idna(EXCHANGE, parts.hostname, "service")
    return f"{parts.scheme}://{domain}{f':{parts.port}' if parts.port else ''}"


def _prefix(site: Site) -> str:
    return f"{urlsplit(site.addresses.public_url).path}/services/{EXCHANGE}/"


def exchange_url(site: Site) -> str:
    """Where people, pages and sessions reach the API, without a slash at its end."""
    return f"{_host(site) or site.addresses.origin}{_prefix(site)}api/v1"


def health_url(site: Site) -> str:
    """What answers whoever asks, while the exchange runs."""
    return f"{_host(site) or site.addresses.origin}{_prefix(site)}health"


def hub_services(site: Site, paths: Paths) -> list[dict[str, Any]]:
    """The exchange, which the hub does not start, and the publisher, in whose name courses are published and graded."""
    return [
        {
            "name": EXCHANGE,
            "url": f"https://127.0.0.1:{site.addresses.exchange_port}",
            "api_token": paths.secret(TOKEN).read_text().strip(),
            "oauth_no_confirm": True,
            "display": False,
            # Else the hub's start waits for it in vain: JupyterHub 6.1 asks it with the context of a TLS server.
            "timeout": 0,
        },
        {
            "name": PUBLISHER,
            "api_token": paths.secret(PUBLISHER_TOKEN).read_text().strip(),
            "display": False,
            # It ends with a hub that is killed, which starts another when it is back (setpriv(1)).
            "command": [
                *("setpriv", "--pdeathsig=TERM", sys.executable, "-P", "-s", "-m", "hub_config.courses.on_submit"),
            ],
            "environment": {"CAMPUS_PREFIX": str(paths.prefix)},
        },
    ]


def exchange_command(site: Site, paths: Paths) -> list[str]:
    return [
        *as_account(site.daemons.exchange_account, "--no-new-privs"),
        *(str(paths.hub_env / "bin" / "python"), "-P", "-s", "-m", "extensions.exchange.service"),
    ]


def exchange_environment(site: Site, paths: Paths) -> dict[str, str]:
    """All that it is told; the token and the database's password are in it."""
    at = site.addresses
    base = urlsplit(at.public_url).path
    own = paths.exchange_tls
    return {
        "HOME": str(paths.exchange_state),
        "CAMPUS_EXCHANGE_FOLDER": str(paths.exchange_state),
        "CAMPUS_EXCHANGE_PORT": str(at.exchange_port),
        "CAMPUS_EXCHANGE_PUBLIC_URL": f"{_host(site) or at.origin}{_prefix(site)}",
        "CAMPUS_EXCHANGE_SITE_NAME": site.name,
        "CAMPUS_EXCHANGE_DATABASE": external_database_url(site),
        "CAMPUS_EXCHANGE_UPLOAD_BYTES": str(memory_mib(site.exchange.upload) * _MIB),
        "CAMPUS_EXCHANGE_PERSON_BYTES": str(memory_mib(site.exchange.person) * _MIB),
        # What JupyterHub tells a service that it starts itself.
        "JUPYTERHUB_SERVICE_NAME": EXCHANGE,
        "JUPYTERHUB_SERVICE_PREFIX": _prefix(site),
        "JUPYTERHUB_BASE_URL": f"{base}/",
        "JUPYTERHUB_HOST": at.origin if at.own_domains else "",
        "JUPYTERHUB_API_URL": f"https://{at.hub_ip}:{at.hub_port}{base}/hub/api",
        "JUPYTERHUB_API_TOKEN": paths.secret(TOKEN).read_text().strip(),
        "JUPYTERHUB_CLIENT_ID": f"service-{EXCHANGE}",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{_host(site)}{_prefix(site)}oauth_callback",
        "JUPYTERHUB_SSL_KEYFILE": str(own / "key.pem"),
        "JUPYTERHUB_SSL_CERTFILE": str(own / "certificate.pem"),
        "JUPYTERHUB_SSL_CLIENT_CA": str(own / "authorities.pem"),
    }


def ensure_exchange_files(site: Site, paths: Paths) -> None:
    """Its own folder, and copies of its certificate and key. The inside's authorities must be there.

    Raises CampusError naming a file that cannot be read.
    """
    account = pwd.getpwnam(site.daemons.exchange_account)
    paths.exchange_state.mkdir(parents=True, exist_ok=True)
    os.chown(paths.exchange_state, account.pw_uid, account.pw_gid)
    paths.exchange_state.chmod(0o700)
    inside = paths.internal_certificates
    if not (inside / _CERTIFICATE / f"{_CERTIFICATE}.crt").exists():
        _make_certificate(site, paths)
    copies = {
        "key.pem": inside / _CERTIFICATE / f"{_CERTIFICATE}.key",
        "certificate.pem": inside / _CERTIFICATE / f"{_CERTIFICATE}.crt",
        "authorities.pem": inside / f"{_AUTHORITY}_trust.crt",
    }
    # As the hub: whoever took it over could put a link there to what only root may read.
    wanted = {name: read_as(hub_account(site), source, "the exchange") for name, source in copies.items()}
    put_copies(paths.exchange_tls, wanted, site.daemons.exchange_account)


def _make_certificate(site: Site, paths: Paths) -> None:
    run_sync(
        [
            *as_account(hub_account(site)),
            *(str(paths.hub_env / "bin" / "python"), "-P", "-s", "-m", "certipy"),
            *(f"--store-dir={paths.internal_certificates}", f"--ca-name={_AUTHORITY}", "--alt-names=IP:127.0.0.1"),
            _CERTIFICATE,
        ],
        what="Making the exchange's certificate",
        timeout=60,
    )
