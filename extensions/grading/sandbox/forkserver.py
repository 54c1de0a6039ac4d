"""Starting and ending the fork server (``server.py`` is what runs behind the wall)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from campus_base.errors import CampusError
from extensions.grading.sandbox import frames, outer

_LOAD_SECONDS = 300.0
_BACKLOG = 64
_PREFIX = "campus-grading-"


class ServerFailed(CampusError):
    """The fork server did not start, or died."""

    def __init__(self, log: str) -> None:
        super().__init__(
            "no-fork-server",
            "The process that starts notebooks' kernels ended.",
            "Run python -m extensions.grading.sandbox on this node; the log has the details.",
            detail=log,
        )


class ForkServer:
    """A fork server; ``address`` is its socket, in a folder that only its own account can enter."""

    def __init__(self, folder: Path, processors: int) -> None:
        self.address = str(folder / "server.sock")
        self._processors = processors
        self._unfit: set[str] = set()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        threads = [f"{name}_NUM_THREADS={self._processors}" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")]
        # As ipykernel sets it, but before matplotlib is loaded.
        backend = "MPLBACKEND=module://matplotlib_inline.backend_inline"
        Path(self.address).unlink(missing_ok=True)
        end, self._pipe = os.pipe()
        # Only the server holds it, not bubblewrap as well: when it dies, whoever asks it is told at once.
        with socket.socket(socket.AF_UNIX) as listener, open(end) as stdin:
            listener.bind(self.address)
            listener.listen(_BACKLOG)
            number = listener.fileno()
            argv = outer.command(["env", *threads, backend, *outer.SERVER, str(number)])
            return subprocess.Popen(argv, stdin=stdin, stdout=self._log, stderr=self._log, pass_fds=[number], env={})

    def load(self, modules: Sequence[str]) -> list[str]:
        """Have these modules loaded, but for those that print or start a thread at that; returns which.

        Raises:
            ServerFailed: it does not answer.
        """
        while True:
            wanted = [module for module in modules if module not in self._unfit]
            answer = self._ask({"load": wanted})
            if answer["unfit"] is None:
                return wanted
            # What a module did when it was loaded cannot be undone.
            self._unfit.add(answer["unfit"])
            self.stop()
            self._process = self._start()

    def _ask(self, question: dict[str, list[str]]) -> dict[str, str | None]:
        answer: dict[str, str | None] = {}
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_LOAD_SECONDS)
            connection.connect(self.address)
            frames.send(connection, question)
            answer = frames.receive(connection)
        if not answer:
            self._log.seek(0)
            raise ServerFailed(self._log.read().decode(errors="replace")[-4000:])
        return answer

    def stop(self) -> None:
        """End it. Its rooms end with their connections."""
        with contextlib.suppress(BrokenPipeError):  # it has ended
            os.write(self._pipe, b"end")  # workers hold the pipe too, so that closing it may not do
        os.close(self._pipe)
        self._process.wait()


@contextlib.contextmanager
def fork_server(processors: int) -> Iterator[ForkServer]:
    """A fork server while the block runs.

    Args:
        processors: how many a notebook has; numerical libraries then use as many threads.

    Raises:
        CampusError: no sandbox can be made here.
    """
    remove_left_over()
    with _own_folder() as folder:
        server = ForkServer(folder, processors)
        try:
            outer.check()  # while it loads
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """A folder that is locked while this process lives, however it ends."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        if (held := _locked(folder, fcntl.LOCK_EX)) is not None:
            break  # else another removed it before it was locked
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def remove_left_over() -> None:
    """Remove the folders of graders that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if (held := _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)) is not None:
            if os.fstat(held).st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def _locked(folder: Path, how: int) -> int | None:
    """A descriptor that holds the folder's lock; None where another has it, or the folder has gone."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, how)
            if folder.exists():
                return descriptor
        os.close(descriptor)
    return None
