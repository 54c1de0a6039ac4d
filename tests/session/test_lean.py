"""What the session's server leaves out of its imports, and that nothing else misses it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil

from tests.session.conftest import Session

LOOK = """
import gc, os, sys
before = os.environ["PATH"]
import spawners.session.server
print(*(n in sys.modules for n in ("sqlalchemy", "jupyterhub.orm", "requests", "babel", "isoduration")))
print(os.environ["PATH"] == before, gc.isenabled())
import aiodns, httpx._main, isoduration, jupyterhub.orm, jupyterhub.handlers.pages
print(jupyterhub.orm.User.__tablename__, jupyterhub.handlers.pages.HomeHandler.__mro__[-1].__name__)
"""
# What held the name of a module or a class that was left out.
LATE = """
import asyncio, ssl
import spawners.session.server
import aiohttp.connector, jupyterlab.extensions, jupyterlab_server.listings_handler, jupyterlab_server.translation_utils
from jupyterlab_server.translation_utils import babel
print(jupyterlab_server.listings_handler.requests.get.__module__, babel.UnknownLocaleError.__module__)
print(jupyterlab_server.translation_utils.is_valid_locale("lb"), babel.Locale.parse("lb").display_name)
manager = jupyterlab.extensions.get_pypi_manager()
print(type(manager).__module__, type(manager).__name__)
for context in (aiohttp.connector._SSL_CONTEXT_VERIFIED, ssl.create_default_context()):
    known = len(context.get_ca_certs())
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.org")
    print(known, len(context.get_ca_certs()), "wrap_bio" in vars(context))
"""


def test_the_hubs_database_is_not_in_it(session: Session) -> None:
    mapped = {m.path for m in psutil.Process(session.process.pid).memory_maps()}
    assert any("/zmq/" in path for path in mapped)
    assert not any("/sqlalchemy/" in path for path in mapped)


def test_what_was_left_out_can_be_imported_afterwards_and_node_is_not_run(environment: Path, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f'#!/bin/sh\ntouch "{tmp_path}/ran"\nexec false\n')
    node.chmod(0o755)
    assert says(environment, LOOK, tmp_path) == ["False False False False False", "True True", "users object"]
    assert not (tmp_path / "ran").exists()


def test_what_was_left_out_is_there_when_it_is_used(environment: Path, tmp_path: Path) -> None:
    modules, locale, manager, late, usual = says(environment, LATE, tmp_path)
    assert modules == "requests.api babel.core"
    assert locale == "True Lëtzebuergesch"
    assert manager == "jupyterlab.extensions.pypi PyPIExtensionManager"
    known, afterwards, still = late.split()
    assert (known, still) == ("0", "False")
    assert usual == f"{afterwards} {afterwards} False", "a usual context knows them at once"
    assert int(afterwards), "this machine has no authorities (Debian's package ca-certificates)"


def says(environment: Path, program: str, folder: Path) -> list[str]:
    """The lines that a program prints in a session's environment, in which commands are looked for in this folder."""
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-I", "-c", program],
        env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
