"""status, down, uninstall: what an installation is, and its end. How it comes up is in hub_config.up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import ssl
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config import __version__
from hub_config.accounts import DEMO_PASSWORD, password_of, remove_accounts
from hub_config.daemon_accounts import remove_daemon_accounts
from hub_config.daemons import Supervisor, end_strays
from hub_config.installed import installed_site
from hub_config.paths import Paths
from hub_config.sessions import slurm_conf, slurm_transport
from hub_config.site import Site
from hub_config.sudo_rules import remove_rules
from spawners.slurm.cli import CliTransport

_ENDING_SECONDS = 30
_RENEWABLE = ("node", "run", "log", "envs", "hub")
_KEPT = ("home", "var", "etc", "kits")
Say = Callable[[str], None]


# States of a node that does its part, one kept by a reservation included (sinfo(1), NODE STATE CODES).
WELL = frozenset({"idle", "mixed", "allocated", "completing", "planned", "reserved", "maint"})


def slurm_nodes(site: Site, paths: Paths) -> list[dict[str, Any]]:
    """Nodes as (name, state, gpus); empty when Slurm does not answer."""
    conf = slurm_conf(site, paths)
    if conf and not conf.exists():
        return []  # else Slurm's commands look for a controller in DNS, for ten seconds
    try:
        found = asyncio.run(slurm_transport(site, paths, root=True).nodes())
    except CampusError:
        return []
    return [{"name": n.name, "state": n.state, "gpus": sum(n.gpus.values())} for n in found.values()]


def answers(site: Site, address: str = "") -> bool:
    """Whether an address of this site (the hub's, unless another is given) answers, asked at the proxy itself."""
    at = site.addresses
    host = "127.0.0.1" if at.ip == "0.0.0.0" else at.ip  # noqa: S104
    scheme = "https" if at.tls else "http"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the name is the public one
    try:
        public = urlsplit(address or f"{at.public_url}/hub/health")
        url = f"{scheme}://{host}:{at.port}{public.path}"
        request = urllib.request.Request(url, headers={"Host": public.netloc})  # noqa: S310
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310
            return answer.status == 200
    except OSError:
        return False


def down(paths: Paths, say: Say) -> None:
    """Stop what ``up`` started, sessions on the embedded cluster included. Raises CampusError."""
    supervisor = Supervisor(paths)
    if not supervisor.running():
        end_strays(paths)
        say("Campus is not running.")
        return
    if installed_site(paths).cluster:
        _cancel_sessions(paths)
    supervisor.shutdown()
    say("Campus has stopped.")


def _cancel_sessions(paths: Paths) -> None:
    """Cancel every job of the embedded cluster, and wait until the sessions have had their time to end."""
    environment = CliTransport(str(paths.slurm_conf)).environment

    def slurm(*argv: str) -> str:
        return run_sync(argv, what="Ending the sessions", timeout=20, env=environment, check=False).stdout

    deadline = time.monotonic() + _ENDING_SECONDS
    asked: set[str] = set()
    while (jobs := set(slurm("squeue", "--noheader", "--format=%A").split())) and time.monotonic() < deadline:
        if new := jobs - asked:
            slurm("scancel", *sorted(new))
            asked |= new
        time.sleep(0.2)


def status(paths: Paths) -> dict[str, Any]:
    """What runs: the keys that ``status --json`` prints. Raises ManifestError."""
    site = installed_site(paths)
    supervisor = Supervisor(paths)
    conf = slurm_conf(site, paths)
    found: dict[str, Any] = {
        "url": site.addresses.public_url,
        "version": __version__,
        "prefix": str(paths.prefix),
        "running": supervisor.running(),
        "hub_pid": supervisor.state("hub").pid or None,
        "slurm_conf": str(conf) if conf else None,
        "daemons": [{"name": s.name, "state": s.state.lower(), "pid": s.pid} for s in supervisor.states()],
        "nodes": slurm_nodes(site, paths),
    }
    if site.authentication.method == "demo" and paths.secret(DEMO_PASSWORD).exists():
        found["accounts"] = [{"name": a.name, "role": a.role, "password": password_of(a, paths)} for a in site.accounts]
    return found


def uninstall(paths: Paths, say: Say, everything: bool) -> None:
    """Stop and remove the installation; homes, accounts and the hub's state stay unless ``everything``."""
    down(paths, say)
    if everything:
        remove_accounts(installed_site(paths), paths)
        remove_daemon_accounts(installed_site(paths), paths)
    remove_rules(installed_site(paths), paths)
    for folder in _RENEWABLE + (_KEPT if everything else ()):
        shutil.rmtree(paths.prefix / folder, ignore_errors=True)
    paths.session_env.unlink(missing_ok=True)
    if everything:
        # Not the prefix with all that is in it: it may be a folder that others use too.
        with contextlib.suppress(OSError):
            paths.prefix.rmdir()
        say("Campus is uninstalled, homes and accounts included.")
        return
    say(f"Campus is uninstalled. {', '.join(str(paths.prefix / folder) for folder in _KEPT)} stay:")
    say("./campus up takes them up again. To remove them and the demo accounts too: up, then uninstall --everything.")


def print_status(found: dict[str, Any], say: Say) -> None:
    say(f"Campus {found['version']} under {found['prefix']}: {'running' if found['running'] else 'not running'}")
    for daemon in found["daemons"]:
        say(f"  {daemon['name']:<12} {daemon['state']:<10} {daemon['pid'] or ''}")
    for node in found["nodes"]:
        say(f"  {node['name']:<12} {node['state']:<10} {node['gpus']} GPUs")
    if found["running"]:
        say(f"\nOpen  {found['url']}")
    for account in found.get("accounts", ()):
        say(f"  {account['name']:<12} {account['role']:<11} {account['password']}")


def as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2)
