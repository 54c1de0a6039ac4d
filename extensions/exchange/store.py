"""Files by the hash of their content: each is written once, whole, and never changed.

Who may read which is not known here: the database says which files belong to what.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from io import BufferedReader
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from extensions.exchange.archive import CHUNK, File, read_tar
from extensions.exchange.names import Limits
from extensions.exchange.receipts import digest
from extensions.exchange.refusals import BadFile


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tree_digest(files: Iterable[File]) -> str:
    """SHA-256 of a whole: of its paths, contents and sizes."""
    return digest([[f.path, f.sha256, f.size] for f in files])


class Staged:
    """Files that are on the disk, under names of their own, and in nobody's list yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[File] = []
        self.loose: set[str] = set()
        """Objects that are nobody's, unless this or another upload on its way is taken."""

    @property
    def sha256(self) -> str:
        return tree_digest(self.files)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


class Store:
    """A folder of objects, and beside it one for what is on its way (the same file system: link(2)).

    What lies in ``staging`` stays there until its upload is over: of a process that died, it names what may be
    nobody's.
    """

    def __init__(self, folder: Path) -> None:
        self._objects = folder / "objects"
        self.staging = folder / "staging"
        self._lock = Lock()
        self._loose: Counter[str] = Counter()

    def open(self, named: Callable[[set[str]], set[str]]) -> None:
        """Make what is missing, and drop what a killed process left half done.

        ``named`` answers which of these objects belong to something.
        """
        left = {path.name for path in self.staging.glob("*/*") if re.fullmatch("[0-9a-f]{64}", path.name)}
        for sha256 in left - named(left) if left else ():
            self.path(sha256).unlink(missing_ok=True)
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir(mode=0o700, parents=True)
        self._objects.mkdir(mode=0o700, exist_ok=True)
        for number in range(256):
            (self._objects / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        _sync(self._objects)
        _sync(self._objects.parent)

    def path(self, sha256: str) -> Path:
        """Where an object is, if it is here."""
        return self._objects / sha256[:2] / sha256[2:]

    def new_upload(self) -> Path:
        """A new folder for one upload."""
        folder = self.staging / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        return folder

    @staticmethod
    def drop(folder: Path) -> None:
        """The upload is over, and settled."""
        shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def stage(body: BinaryIO, folder: Path, limits: Limits) -> Staged:
        """Unpack a tar into files that are on the disk when this returns. Raises BadFile, TooLarge, OSError."""
        staged = Staged(folder)
        found: dict[str, File] = {}
        for path, size, content in read_tar(body, limits):
            hashed = hashlib.sha256()
            target = folder / f"{len(found)}.part"
            with open(target, "xb") as file:
                while piece := content.read(CHUNK):
                    hashed.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(target, 0o400)
            found[path] = File(path, hashed.hexdigest(), size)
            target.replace(folder / found[path].sha256)
        if not found:
            raise BadFile("The upload holds no file.", "Put the assignment's files in, and try again.")
        staged.files = [found[path] for path in sorted(found)]
        return staged

    def keep(self, staged: Staged) -> None:
        """Give staged files their places; :meth:`settle` says whether for good. Raises OSError."""
        targets = {file.sha256: self.path(file.sha256) for file in staged.files}
        with self._lock:
            for sha256, target in targets.items():
                try:
                    os.link(staged.folder / sha256, target)
                except FileExistsError:
                    if sha256 not in self._loose:
                        continue  # it belongs to something, and always will
                self._loose[sha256] += 1
                staged.loose.add(sha256)
        # Those of files that were there, too: whoever brought them may not have come to this line yet.
        for folder in {target.parent for target in targets.values()}:
            _sync(folder)

    def settle(self, staged: Staged, *, taken: bool) -> None:
        """The upload is over: its files are somebody's now, or go unless they are, or another brings them too."""
        with self._lock:
            for sha256 in staged.loose & self._loose.keys():
                self._loose[sha256] -= 1
                if taken or not self._loose[sha256]:
                    del self._loose[sha256]
                    if not taken:
                        self.path(sha256).unlink(missing_ok=True)
        staged.loose.clear()

    def read(self, sha256: str) -> BufferedReader:
        """An object's content. Raises OSError."""
        return open(self.path(sha256), "rb")

    def holds(self, file: File) -> bool:
        """Whether this file is here, unchanged."""
        try:
            with self.read(file.sha256) as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
        except OSError:
            return False
