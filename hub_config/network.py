"""Addresses, TLS to the outside, and mutual TLS inside."""

from __future__ import annotations

from urllib.parse import urlsplit

from hub_config.daemon_accounts import as_account, may_bind
from hub_config.paths import Paths
from hub_config.routes import WatchedProxy
from hub_config.site import Site
from spawners.job.tls import share_context

# Milliseconds. A node out of reach must not hold requests for ever; a balancer in front keeps connections for a minute.
_TIMEOUTS = ("--proxy-timeout=3600000", "--keep-alive-timeout=75000")


def update_network(c, site: Site, paths: Paths) -> None:
    at = site.addresses
    scheme = "https" if at.tls else "http"
    c.JupyterHub.bind_url = f"{scheme}://{at.ip}:{at.port}{urlsplit(at.public_url).path}/"
    c.JupyterHub.public_url = f"{at.public_url}/"
    if at.own_domains:
        c.JupyterHub.subdomain_host = at.origin
    c.JupyterHub.hub_bind_url = f"https://{at.hub_ip}:{at.hub_port}"
    c.JupyterHub.internal_ssl = True
    share_context()
    c.JupyterHub.internal_certs_location = str(paths.internal_certificates)
    c.JupyterHub.trusted_alt_names = [f"IP:{at.hub_ip}"]
    # The proxy is a daemon of its own, so routes and open connections outlive the hub.
    c.JupyterHub.proxy_class = WatchedProxy
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = f"https://127.0.0.1:{at.proxy_api_port}"
    c.ConfigurableHTTPProxy.auth_token = paths.secret("proxy-token").read_text().strip()
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False


def proxy_command(site: Site, paths: Paths) -> list[str]:
    """configurable-http-proxy's command line; its token comes by environment (CONFIGPROXY_AUTH_TOKEN)."""
    at = site.addresses
    own = paths.proxy_state

    def component(name: str, option: str) -> list[str]:
        return [
            f"--{option}-ssl-key={own / name}.key",
            f"--{option}-ssl-cert={own / name}.crt",
            f"--{option}-ssl-ca={own / name}-ca.crt",
            f"--{option}-ssl-request-cert",
            f"--{option}-ssl-reject-unauthorized",
        ]

    public = [f"--ssl-cert={own / 'public.crt'}", f"--ssl-key={own / 'public.key'}"] if at.tls else []
    return [
        # Whatever it is told to run, it gains no rights.
        *as_account(site.daemons.proxy_account, "--no-new-privs", *may_bind(at.port)),
        "node",
        f"--import={paths.node / 'pin.mjs'}",
        str(paths.node_modules / "configurable-http-proxy" / "bin" / "configurable-http-proxy"),
        f"--ip={at.ip}",
        f"--port={at.port}",
        "--api-ip=127.0.0.1",
        f"--api-port={at.proxy_api_port}",
        f"--error-target=https://{at.hub_ip}:{at.hub_port}{urlsplit(at.public_url).path}/hub/error",
        *_TIMEOUTS,
        *(["--host-routing"] if at.own_domains else []),
        *component("proxy-api", "api"),
        *component("proxy-client", "client"),
        *public,
    ]
