"""What a session runs on: the script that an environment comes to, run by a shell with a stand-in for apptainer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub_config.paths import Paths
from hub_config.sessions import offer
from hub_config.site_file import LOCAL, SITE_FILE
from spawners.allowed.environments import SessionEnvironment
from spawners.job.script import render_job_script
from tests.unit.test_job_script import ODD, SIZE, home, interpreter, run_script, said

__all__ = ["home"]  # a fixture

# Takes apptainer's own options away, as far as the image, and runs the rest as if it were inside.
APPTAINER = """#!/bin/sh
printf '%s\\n' "$@" >"$HOME/apptainer"
shift
while [ "$1" != "$IMAGE" ]; do shift; done
shift
exec "$@"
"""


def environment(folder: str, image: str = "") -> SessionEnvironment:
    return SessionEnvironment("e", "", "", folder, image)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("gpus", [False, True])
def test_a_session_in_an_image(odd: str, gpus: bool, home: Path) -> None:
    programs = home.parent / "bin"
    apptainer, image = interpreter(programs / "apptainer"), f"/images/{odd}.sif"
    apptainer.write_text(APPTAINER)
    inside = interpreter(home.parent / odd / "bin" / "python").parents[1]
    command = environment(str(inside), image).command(str(home), gpus)
    script = render_job_script(command, "logs", SIZE)
    done = run_script(script, home, IMAGE=image, PATH=f"{programs}:/usr/bin:/bin")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    assert said(home / "logs" / "session-4711.log")[0] == [
        str(inside / "bin" / "python"),
        "-I",
        "-m",
        "spawners.session",
    ]
    nv = ["--nv"] if gpus else []
    given = ["exec", *nv, "--bind", str(home), "--bind", "/tmp", image, str(inside / "bin" / "python"), "-I"]
    assert (home / "apptainer").read_text() == "\n".join([*given, "-m", "spawners.session"]) + "\n"
    assert not list(home.parent.rglob("hacked"))


def test_the_whole_script() -> None:
    plain = render_job_script(environment("/env").command("/home/ann", gpus=True), "logs", SIZE)
    assert plain.endswith("\nexec /env/bin/python -I -m spawners.session\n")
    image = render_job_script(environment("", "/i.sif").command("/home/ann", gpus=True), "logs", SIZE)
    assert image.endswith(
        "\nexec apptainer exec --nv --bind /home/ann --bind /tmp /i.sif python3 -I -m spawners.session\n"
    )
    assert image.partition("exec apptainer")[0] == plain.partition("exec /env")[0]


def test_where_programs_are_looked_for() -> None:
    assert environment("/env").variables() == {"PATH": "/env/bin:/usr/local/bin:/usr/bin:/bin"}
    assert environment("", "/i.sif").variables() == {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    inside = environment("/opt/env", "/i.sif").variables()
    assert inside == {"PATH": "/usr/local/bin:/usr/bin:/bin", "APPTAINERENV_PREPEND_PATH": "/opt/env/bin"}


def test_what_the_site_file_offers(tmp_path: Path) -> None:
    rows = (
        {"name": "usual", "title": "Usual"},
        {"name": "jax", "title": "JAX", "python": "/envs/jax", "description": "No torch."},
        {"name": "ngc", "title": "NGC", "image": "/images/ngc.sif"},
        {"name": "both", "title": "Both", "image": "/images/b.sif", "python": "/opt/env"},
    )
    tables = "".join("[[environments]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in r.items()) for r in rows)
    site = SITE_FILE.parse(f"{LOCAL.read_text()}\n{tables}[sessions]\nenvironment = '/site/env'\n", LOCAL)
    found = [(e.name, e.folder, e.image) for e in offer(site, Paths(tmp_path)).environments]
    assert found == [
        ("usual", "/site/env", ""),
        ("jax", "/envs/jax", ""),
        ("ngc", "", "/images/ngc.sif"),
        ("both", "/opt/env", "/images/b.sif"),
    ]
    alone = SITE_FILE.parse(LOCAL.read_text(), LOCAL)
    assert [(e.name, e.folder) for e in offer(alone, Paths(tmp_path)).environments] == [
        ("standard", f"{tmp_path}/session")
    ]
