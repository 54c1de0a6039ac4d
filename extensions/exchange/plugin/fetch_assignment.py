"""nbgrader fetch_assignment."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from nbgrader.exchange import default

from extensions.exchange.client import Problem
from extensions.exchange.plugin.over_http import PART, Exchange

_STALE = 3600.0  # seconds after which a part is no running fetch's any more


class ExchangeFetchAssignment(Exchange, default.ExchangeFetchAssignment):
    def init_src(self) -> None:
        self.found = self.assignment()
        if not self.found["files"]:
            empty = {"code": "empty", "message": "It holds no files.", "remedy": "Ask your instructor."}
            raise Problem(**(self.found["refusal"] or empty))

    def copy_files(self) -> None:
        with TemporaryDirectory() as folder:
            self.client.fetch(self.path("files"), self.found["files"], Path(folder))
            self.src_path = folder
            super().copy_files()

    def do_copy(self, src: str, dest: str) -> None:
        """What is missing, each file whole or not at all: a fetch may be killed, and what is there is never touched."""
        ignore = shutil.ignore_patterns(*self.coursedir.ignore)
        for folder, names, files in os.walk(src):
            left_out = ignore(folder, [*names, *files])
            names[:] = [name for name in names if name not in left_out]
            target = Path(dest, os.path.relpath(folder, src))
            target.mkdir(parents=True, exist_ok=True)
            for part in target.glob(f"{PART}*"):
                if part.stat().st_mtime < time.time() - _STALE:
                    part.unlink(missing_ok=True)
            for name in set(files) - left_out:
                if not os.path.lexists(target / name):
                    _put(Path(folder, name), target / name)


def _put(source: Path, target: Path) -> None:
    descriptor, part = tempfile.mkstemp(prefix=PART, dir=target.parent)
    try:
        with open(descriptor, "wb") as file, source.open("rb") as content:
            shutil.copyfileobj(content, file)
            os.fsync(file.fileno())
        os.chmod(part, source.stat().st_mode & 0o777)
        try:
            os.link(part, target)  # unlike a rename, never over a file that came meanwhile
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            os.rename(part, target)
            return
    finally:
        Path(part).unlink(missing_ok=True)
