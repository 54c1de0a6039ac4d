"""The peer of the benchmarks: a stock JupyterHub with batchspawner, on the Slurm of the Campus under test."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from hub_config.packages import install_debian_packages
from hub_config.site import memory_mib
from hub_config.testing import free_ports
from tests.benchmarks.support.bench import LIGHT
from tests.support.campus import Campus
from tests.support.person import Person, wait_for

CONFIG = Path(__file__).with_name("stock_config.py")
JOB_NAME = "spawner-jupyterhub"  # batchspawner's default


class Stock:
    """A running peer; ``hub`` is its process."""

    def __init__(self, campus: Campus, url: str, hub_url: str, password: str, hub: psutil.Process) -> None:
        self.campus, self.url, self.hub_url, self.password, self.hub = campus, url, hub_url, password, hub

    def person(self, name: str) -> Person:
        return Person(self.url, name, self.password)

    def jobs(self) -> list[str]:
        return self.campus.jobs(JOB_NAME)


@contextmanager
def stock_hub(campus: Campus, *, light: bool = False) -> Iterator[Stock]:
    """A peer whose sessions have the environment of Campus's, or are light ones, in the size that Campus gives them."""
    if not shutil.which("sudo"):  # which batchspawner's own commands begin with
        install_debian_packages(["sudo"])
    folder = campus.paths.prefix / "stock"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    hub_env, session_env = campus.paths.hub_env, campus.paths.session_env
    (folder / "packages").mkdir()
    (package,) = hub_env.glob("lib/python3*/site-packages/batchspawner")
    (folder / "packages" / "batchspawner").symlink_to(package)
    size = campus.site.size("light" if light else "cpu")
    assert size
    port, hub_port, api_port = free_ports(3)
    password = secrets.token_urlsafe(9)
    python = f"{session_env}/bin/python"
    given = {
        "port": port,
        "hub_port": hub_port,
        "api_port": api_port,
        "password": password,
        "proxy": ["node", f"{campus.paths.node_modules}/configurable-http-proxy/bin/configurable-http-proxy"],
        "environment": {"SLURM_CONF": str(campus.paths.slurm_conf), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        # Here, and with whole paths, because sudo passes neither PYTHONPATH nor PATH on (sudoers(5)).
        "batchspawner_singleuser": f"{python} -I"
        if light
        else f"env PYTHONPATH={folder}/packages {python} -m batchspawner.singleuser",
        "cmd": [str(campus.paths.prefix / LIGHT), "stock"] if light else [f"{session_env}/bin/jupyterhub-singleuser"],
        "partition": size.partition,
        "cpus": size.cpus,
        "memory_mib": memory_mib(size.memory),
    }
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/root",
        "SLURM_CONF": str(campus.paths.slurm_conf),
        "CAMPUS_STOCK": json.dumps(given),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(hub_env / "bin" / "python"), "-m", "jupyterhub", "--config", str(CONFIG)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/hub/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    try:
        wait_for("the peer to answer", answers)
        yield Stock(campus, url, f"http://127.0.0.1:{hub_port}", password, psutil.Process(process.pid))
    finally:
        campus.slurm("scancel", f"--name={JOB_NAME}")
        process.terminate()
        process.wait(60)
