"""A hub service of Campus's own that outlives the hub: a daemon with an account, an address, and mutual TLS."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account, hub_account
from hub_config.daemon_files import put_copies, read_as
from hub_config.paths import Paths
from hub_config.site import Site

_AUTHORITY = "notebooks-ca"  # whom proxy and hub believe beside each other (JupyterHub.init_internal_ssl)


@dataclass(frozen=True)
class OwnService:
    """One such service of a site; ``name`` is its own at the hub, and the daemon's."""

    name: str
    site: Site
    paths: Paths
    account: str
    port: int
    """On loopback; the proxy leads people there."""
    module: str
    token: str
    """The file of its token in etc/secrets."""
    peers: tuple[str, ...] = ()
    """Services like it that it speaks to without the proxy; each is believed by its own certificate, and no other."""

    @property
    def state(self) -> Path:
        """The service's own (0700)."""
        return self.paths.service_state(self.name)

    @property
    def tls(self) -> Path:
        """Root's and the service's (0750): its key and certificate."""
        return self.paths.service_tls(self.name)

    def certificate(self, service: str) -> Path:
        """A service's certificate, as the hub has it."""
        name = f"{service}-service"  # not user-NAME: the proxy takes that for a person's (proxy/pin.mjs)
        return self.paths.internal_certificates / name / f"{name}.crt"

    @property
    def host(self) -> str:
        """Origin of its addresses; empty where it is the hub's own."""
        addresses = self.site.addresses
        if not addresses.own_domains:
            return ""
        from jupyterhub.utils import subdomain_hook_idna  # who asks the exchange need not hold all of JupyterHub

        parts = urlsplit(addresses.origin)
        domain = subdomain_hook_idna(self.name, parts.hostname, "service")
        return f"{parts.scheme}://{domain}{f':{parts.port}' if parts.port else ''}"

    @property
    def prefix(self) -> str:
        """The path that its addresses begin with."""
        return f"{urlsplit(self.site.addresses.public_url).path}/services/{self.name}/"

    @property
    def url(self) -> str:
        """Where browsers and sessions reach it."""
        return f"{self.host or self.site.addresses.origin}{self.prefix}"

    @property
    def inside_url(self) -> str:
        """Where its peers reach it."""
        return f"https://127.0.0.1:{self.port}{self.prefix}"

    @property
    def health_url(self) -> str:
        """What answers whoever asks, while it runs."""
        return f"{self.url}health"

    def entry(self, **more: Any) -> dict[str, Any]:
        """It, as one of JupyterHub's services; the hub does not start it."""
        return {
            "name": self.name,
            "url": f"https://127.0.0.1:{self.port}",
            "api_token": self.paths.secret(self.token).read_text().strip(),
            "oauth_no_confirm": True,
            "display": False,
            # Else the hub's start waits for it in vain: JupyterHub 6.1 asks it with the context of a TLS server.
            "timeout": 0,
            **more,
        }

    def command(self) -> list[str]:
        return [
            *as_account(self.account, "--no-new-privs"),
            *(str(self.paths.hub_env / "bin" / "python"), "-P", "-s", "-m", self.module),
        ]

    def environment(self) -> dict[str, str]:
        """What JupyterHub tells a service that it starts itself; its token is in it."""
        at = self.site.addresses
        base = urlsplit(at.public_url).path
        return {
            "HOME": str(self.state),
            "JUPYTERHUB_SERVICE_NAME": self.name,
            "JUPYTERHUB_SERVICE_PREFIX": self.prefix,
            "JUPYTERHUB_BASE_URL": f"{base}/",
            "JUPYTERHUB_HOST": at.origin if at.own_domains else "",
            "JUPYTERHUB_API_URL": f"https://{at.hub_ip}:{at.hub_port}{base}/hub/api",
            "JUPYTERHUB_API_TOKEN": self.paths.secret(self.token).read_text().strip(),
            "JUPYTERHUB_CLIENT_ID": f"service-{self.name}",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{self.host}{self.prefix}oauth_callback",
            "JUPYTERHUB_SSL_KEYFILE": str(self.tls / "key.pem"),
            "JUPYTERHUB_SSL_CERTFILE": str(self.tls / "certificate.pem"),
            "JUPYTERHUB_SSL_CLIENT_CA": str(self.tls / "authorities.pem"),
        }

    def ensure_files(self) -> None:
        """Its own folder, and copies of its certificate and key. The inside's authorities must be there.

        Raises CampusError naming a file that cannot be read.
        """
        account = pwd.getpwnam(self.account)
        self.state.mkdir(parents=True, exist_ok=True)
        os.chown(self.state, account.pw_uid, account.pw_gid)
        self.state.chmod(0o700)
        own, *theirs = (self.certificate(service) for service in (self.name, *self.peers))
        for certificate in (own, *theirs):
            if not certificate.exists():
                self._make_certificate(certificate.stem)
        copies = {
            "key.pem": [own.with_suffix(".key")],
            "certificate.pem": [own],
            "authorities.pem": [self.paths.internal_certificates / f"{_AUTHORITY}_trust.crt", *theirs],
        }
        # As the hub: whoever took it over could put a link there to what only root may read.
        reader = f"the daemon {self.name}"
        wanted = {
            name: "".join(read_as(hub_account(self.site), source, reader) for source in sources)
            for name, sources in copies.items()
        }
        put_copies(self.tls, wanted, self.account)

    def _make_certificate(self, name: str) -> None:
        run_sync(
            [
                *as_account(hub_account(self.site)),
                *(str(self.paths.hub_env / "bin" / "python"), "-P", "-s", "-m", "certipy"),
                *(f"--store-dir={self.paths.internal_certificates}", f"--ca-name={_AUTHORITY}"),
                *("--alt-names=IP:127.0.0.1", name),
            ],
            what=f"Making the certificate {name}",
            timeout=60,
        )
