"""A session's private folder among others: what is dead and one's own goes, and nothing else, also at once.

Each session here is a process of its own, for a lock on a folder is its process's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pytest

from spawners.session import private

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several people")

# The module's own text, for nobody may be unable to read this checkout.
SESSION = """
import os, pathlib, sys, types
private = types.ModuleType("private")
exec(os.environ.pop("SOURCE"), private.__dict__)
private._TOP = pathlib.Path(os.environ.pop("TOP"))
print("ready", flush=True)
folders = []
for _ in range(int(sys.stdin.readline())):
    folders.append(private.make_private_folder({variable: "a text" for variable, *_ in private._PEM}))
print(*(f.name for f in folders), flush=True)
sys.stdin.readline()
print(*(f.name for f in folders if not (f / "key.pem").exists()), flush=True)
"""


class Session:
    """One that makes so many private folders, and then lives until it is told to end."""

    def __init__(self, top: Path, user: int | None) -> None:
        become: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.process = subprocess.Popen(
            [os.path.realpath(sys.executable), "-I", "-c", SESSION],
            cwd="/",
            env={"TOP": str(top), "SOURCE": Path(private.__file__).read_text()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **become,
        )
        assert self._hear() == ["ready"]

    def _say(self, line: str) -> None:
        pipe: IO[str] = self.process.stdin  # type: ignore[assignment]
        pipe.write(f"{line}\n")
        pipe.flush()

    def _hear(self) -> list[str]:
        pipe: IO[str] = self.process.stdout  # type: ignore[assignment]
        line = pipe.readline()
        assert line, "the session ended"
        return line.split()

    def begin(self, folders: int = 1) -> None:
        self._say(str(folders))

    def made(self) -> list[str]:
        return self._hear()

    def end(self) -> list[str]:
        """Ends it; the names of its folders that were gone before."""
        self._say("")
        gone = self._hear()
        assert self.process.wait(10) == 0
        return gone


@pytest.fixture
def top() -> Iterator[Path]:
    """What /tmp is: everybody may make something there, and remove what is theirs."""
    with tempfile.TemporaryDirectory(prefix="campus-test-") as folder:
        os.chmod(folder, 0o1777)
        yield Path(folder)


Start = Callable[..., Session]


@pytest.fixture
def start(top: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def session(user: int | None = None) -> Session:
            found = Session(top, user)
            stack.enter_context(found.process)
            stack.callback(found.process.kill)
            return found

        yield session


def folder_of(user: int, top: Path, name: str, mode: int = 0o700) -> Path:
    """A session's folder that nobody has locked."""
    folder = top / f"{private._PREFIX}{name}"
    (folder / "run").mkdir(parents=True)
    (folder / "key.pem").write_text("a key")
    for path in (folder / "key.pem", folder / "run", folder):
        os.chown(path, user, user)
    folder.chmod(mode)
    return folder


def test_ones_own_that_is_dead_goes_and_that_lives_stays(top: Path, start: Start) -> None:
    living = start()
    living.begin()
    names = living.made()
    dead = folder_of(os.geteuid(), top, "dead")
    next_one = start()
    next_one.begin()
    names += next_one.made()
    assert not dead.exists()
    assert sorted(p.name for p in top.iterdir()) == sorted(names)
    assert (living.end(), next_one.end()) == ([], [])
    assert list(top.iterdir()) == []


@as_root
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_other_peoples_stay_whether_they_live_or_not(mode: int, top: Path, start: Start) -> None:
    theirs = start()
    theirs.begin()
    (living,) = theirs.made()
    (top / living).chmod(mode)
    dead = folder_of(os.geteuid(), top, "dead", mode)
    mine = folder_of(NOBODY, top, "mine")
    session = start(NOBODY)
    session.begin()
    (made,) = session.made()
    assert not mine.exists()
    assert sorted(p.name for p in top.iterdir()) == sorted([living, dead.name, made])
    assert sorted(p.name for p in dead.iterdir()) == ["key.pem", "run"]
    assert theirs.end() == []


@as_root
def test_other_peoples_stay_even_where_all_may_write_and_whoever_looks(top: Path, start: Start) -> None:
    # Root may open and remove everything: only whose it is keeps it.
    dead = folder_of(NOBODY, top, "dead", 0o777)
    (dead / "run").chmod(0o777)
    mine = folder_of(os.geteuid(), top, "mine")
    session = start()
    session.begin()
    (made,) = session.made()
    assert not mine.exists()
    assert sorted(p.name for p in top.iterdir()) == sorted([dead.name, made])
    assert sorted(p.name for p in dead.iterdir()) == ["key.pem", "run"]
    assert session.end() == []


def test_those_that_start_at_once_do_not_remove_each_others(top: Path, start: Start) -> None:
    sessions = [start() for _ in range(4)]
    for session in sessions:
        session.begin(folders=25)
    names = [name for session in sessions for name in session.made()]
    assert len(set(names)) == 100
    assert sorted(p.name for p in top.iterdir()) == sorted(names)
    assert [session.end() for session in sessions] == [[]] * 4
    assert list(top.iterdir()) == []
