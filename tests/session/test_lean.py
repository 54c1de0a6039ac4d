"""What the session's server leaves out of its imports, and that nothing else misses it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil

from tests.session.conftest import Session

LOOK = """
import os, sys
before = os.environ["PATH"]
import spawners.session.server
print("sqlalchemy" in sys.modules, "jupyterhub.orm" in sys.modules, os.environ["PATH"] == before)
import aiodns, httpx._main, jupyterhub.orm, jupyterhub.handlers.pages
print(jupyterhub.orm.User.__tablename__, jupyterhub.handlers.pages.HomeHandler.__mro__[-1].__name__)
"""


def test_the_hubs_database_is_not_in_it(session: Session) -> None:
    mapped = {m.path for m in psutil.Process(session.process.pid).memory_maps()}
    assert any("/zmq/" in path for path in mapped)
    assert not any("/sqlalchemy/" in path for path in mapped)


def test_what_was_left_out_can_be_imported_afterwards_and_node_is_not_run(environment: Path, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f'#!/bin/sh\ntouch "{tmp_path}/ran"\nexec false\n')
    node.chmod(0o755)
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-I", "-c", LOOK],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["False False True", "users object"]
    assert not (tmp_path / "ran").exists()
