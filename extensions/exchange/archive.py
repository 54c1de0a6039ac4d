"""Files as one plain tar, in both directions, and nothing in it but regular files with checked names.

Source: POSIX pax, "ustar Interchange Format" and "pax Header Block".
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO

from extensions.exchange.names import Limits, Paths, checked_path, shown
from extensions.exchange.refusals import BadFile, TooLarge

BLOCK = 512
CHUNK = 256 * 1024
END = bytes(2 * BLOCK)
_PLAIN = "Send a plain tar (tar -cf), not a compressed one."
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
_EXTENSIONS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME)
_EXTENSION_BYTES = 16 * 1024
_KINDS = {
    tarfile.LNKTYPE: "a link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@dataclass(frozen=True)
class File:
    """A file of a manifest; ``size`` in bytes."""

    path: str
    sha256: str
    size: int


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _scan(file: BinaryIO, limits: Limits) -> None:
    """Look at the headers alone: tarfile would follow a link, or take a name of any length into memory."""
    total = file.seek(0, 2)
    at = headers = 0
    while True:
        if at + BLOCK > total:
            raise BadFile("The upload ends before its end.", "Try again; send a whole tar.")
        file.seek(at)
        block = file.read(BLOCK)
        if not any(block):
            return
        try:
            entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.TarError as error:
            raise BadFile("The upload is not a tar.", _PLAIN) from error
        headers += 1
        if entry.type in _EXTENSIONS:
            if not 0 <= entry.size <= _EXTENSION_BYTES:
                raise TooLarge("A name in the upload is too long.")
        elif entry.type not in _FILES:
            raise BadFile(f"{shown(entry.name)} is {_KINDS.get(entry.type, 'no regular file')}.")
        if headers > 4 * limits.files + 16:
            raise TooLarge(f"The upload holds more than {limits.files} files.")
        if entry.size < 0:
            raise BadFile("The upload is not a tar.", _PLAIN)
        at += BLOCK + _padded(entry.size if entry.type != tarfile.DIRTYPE else 0)


def read_tar(file: BinaryIO, limits: Limits) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Path, size and content of each file in a plain tar that can be sought in. Raises BadFile, TooLarge."""
    _scan(file, limits)
    file.seek(0)
    paths, count, total = Paths(), 0, 0
    try:
        with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
            for entry in archive:
                # A pax header may say another kind or size than the entry itself.
                if entry.issparse() or "size" in entry.pax_headers:
                    raise BadFile(f"{shown(entry.name)} is a sparse file.")
                if entry.isdir():
                    if entry.name not in (".", "./"):
                        checked_path(entry.name.rstrip("/"), limits)
                    continue
                if not entry.isreg():
                    raise BadFile(f"{shown(entry.name)} is no regular file.")
                path = checked_path(entry.name, limits)
                paths.add(path)
                count, total = count + 1, total + entry.size
                if count > limits.files:
                    raise TooLarge(f"The upload holds more than {limits.files} files.")
                if entry.size > limits.file or total > limits.upload:
                    raise TooLarge(f"{shown(path)} is too large, or makes the whole too large.")
                content = archive.extractfile(entry)
                assert content is not None  # for a regular file there is one
                yield path, entry.size, content
    except (tarfile.TarError, RecursionError, UnicodeError, ValueError) as error:
        raise BadFile("The upload is not a tar, or ends before its end.", _PLAIN) from error


def header(path: str, size: int) -> bytes:
    """A file's tar header: readable by all, without owner and date."""
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = size, 0o644
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def tar_size(files: Iterable[File]) -> int:
    """Bytes of the tar of these files."""
    return sum(len(header(f.path, f.size)) + _padded(f.size) for f in files) + len(END)


def write_tar(files: Iterable[tuple[str, int, BinaryIO]]) -> Iterator[bytes]:
    """The tar, piece by piece. Raises BadFile where a file is shorter than it was said to be; closes each."""
    for path, size, content in files:
        with content:
            yield header(path, size)
            left = size
            while left:
                piece = content.read(min(CHUNK, left))
                if not piece:
                    raise BadFile(f"{shown(path)} has become shorter while it was read.", "Try again.")
                left -= len(piece)
                yield piece
            yield bytes(_padded(size) - size)
    yield END
