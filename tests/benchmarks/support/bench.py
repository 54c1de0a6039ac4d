"""The Campus of a benchmark: brought up under a prefix of its own, and taken down with its accounts at the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub_config.accounts import remove_accounts
from hub_config.installed import installed_site
from hub_config.paths import Paths
from hub_config.testing import site_under_test
from tests.support.campus import CHECKOUT, Campus

DEFAULT_PREFIX = "/opt/campus-benchmark"
LIGHT = Path("benchmark/light.py")  # below the prefix, where every account can read it
"""The program of a light session."""

LIGHT_SIZE = """
[[sizes]]
name = "light"
title = "A light session"
partition = "gpu"
cpus = 1
memory = "128M"
"""
TEMPLATE = """\
{{% extends "job_script.sh.j2" %}}
{{% block command %}}
{{% if size.name == "light" %}}
{{{{ python }}}} -I {light} spawners.session
{{% else %}}
{{{{ super() }}}}
{{% endif %}}
{{% endblock %}}
"""


def site_of(paths: Paths, people: int) -> str:
    """The embedded site at its defaults, with free ports, light sessions, and room and accounts for so many people."""
    text = site_under_test(paths).replace("poll_seconds = 1\n", "")
    tag = text.partition('name = "ct-')[2][:4]
    accounts = "".join(f'\n[[accounts]]\nname = "ct-{tag}-p{n:04}"\nrole = "trainee"\n' for n in range(people))
    text = text.replace("[sessions]\n", f'[sessions]\njob_template = "{paths.prefix / "benchmark" / "job.sh.j2"}"\n')
    text = text.replace("[cluster]\n", "[cluster]\ncpus_per_node = 512\n")
    return text + LIGHT_SIZE + accounts


@contextmanager
def bench_campus(people: int = 0) -> Iterator[Campus]:
    """A Campus with so many trainees besides the embedded site's. CAMPUS_PREFIX names another prefix."""
    paths = Paths(Path(os.environ.get("CAMPUS_PREFIX", DEFAULT_PREFIX)))
    folder = paths.prefix / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("light.py"), paths.prefix / LIGHT)
    (folder / "job.sh.j2").write_text(TEMPLATE.format(light=paths.prefix / LIGHT))
    (folder / "site.toml").write_text(site_of(paths, people))
    environment = {**os.environ, "CAMPUS_PREFIX": str(paths.prefix)}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    campus = str(CHECKOUT / "campus")
    shutil.rmtree(paths.prefix / "var", ignore_errors=True)
    try:
        print(f"A Campus with {people} more people comes up under {paths.prefix} ...", flush=True)
        up = [campus, "up", "--site", str(folder / "site.toml")]
        subprocess.run(up, env=environment, check=True, stdout=subprocess.DEVNULL)  # it lists everybody's passwords
        yield Campus(paths.prefix)
    finally:
        subprocess.run([campus, "down"], env=environment, check=False, stdout=subprocess.DEVNULL)
        remove_accounts(installed_site(paths), paths)
        shutil.rmtree(paths.homes, ignore_errors=True)
