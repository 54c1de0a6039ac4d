"""A PostgreSQL of one's own, where the machine has its programs: on a Unix socket, gone at the end."""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any

import psycopg

from tests.support.course import NOBODY


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, of the newest version; None without one."""
    found = sorted(glob("/usr/lib/postgresql/*/bin/initdb") + glob("/usr/bin/initdb"))
    return Path(found[-1]).parent if found else None


class Server:
    """``folder`` has its socket; whoever connects there is let in as ``postgres``."""

    def __init__(self, bin: Path, folder: Path) -> None:
        self._bin, self.folder = bin, folder
        self._become: dict[str, Any] = {}
        if os.getuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            self._become = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        folder.chmod(0o755)
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", str(folder / "data"))

    def _run(self, program: str, *argv: str) -> None:
        subprocess.run(
            [str(self._bin / program), *argv],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            env={"LC_ALL": "C"},
            **self._become,
        )

    def _control(self, *argv: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self.folder / "data"), "--wait", *argv)

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder}"
        self._control("--log", str(self.folder / "log"), "--options", options, "start")

    def stop(self) -> None:
        self._control("--mode=immediate", "stop")

    def new_database(self) -> str:
        """SQLAlchemy's address of it."""
        name = f"exchange_{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"


@contextmanager
def running(bin: Path) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a socket's path is short
        server = Server(bin, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
