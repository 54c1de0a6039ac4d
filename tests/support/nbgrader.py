"""nbgrader's commands of the session environment, without a process's start for each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.course import NOBODY
from tests.support.course import cell as made_cell
from tests.support.course import notebook as made_notebook

_DRIVER = Path(__file__).with_name("nbgrader_driver.py")
NOTEBOOK = json.dumps(made_notebook(made_cell("assert True", "t1", role="test", points=3)))


class Nbgrader:
    """A process that runs them, as somebody who is nobody on this machine."""

    def __init__(self, session: Path) -> None:
        self.path = f"{session}/bin:/usr/bin:/bin"
        self.process = subprocess.Popen(
            [f"{session}/bin/python", "-P", "-s", "-c", _DRIVER.read_text()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": self.path, "HOME": "/nonexistent"},
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )

    def run(self, folder: Path, words: tuple[str, ...], env: dict[str, str], hurried: bool) -> tuple[int, str]:
        """Exit status, and what was printed."""
        assert self.process.stdin
        assert self.process.stdout
        asked = {"folder": str(folder), "words": words, "env": env, "hurried": hurried}
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        return answer["status"], answer["said"]


class Member:
    """Somebody with a home, whom the token names. ``url`` is the API's."""

    def __init__(self, nbgrader: Nbgrader, name: str, home: Path, url: str) -> None:
        self.nbgrader, self.name, self.home, self.url = nbgrader, name, home, url
        home.mkdir()

    def own(self) -> None:
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

    def attempt(self, *words: str, hurried: bool = False) -> tuple[int, str]:
        """Run nbgrader with these words: its exit status, and what it said. ``hurried``: no pause between tries."""
        self.own()
        env = {
            **{"PATH": self.nbgrader.path, "HOME": str(self.home), "LANG": "C.UTF-8"},
            **{"CAMPUS_EXCHANGE_URL": self.url, "JUPYTERHUB_API_TOKEN": self.name},
        }
        return self.nbgrader.run(self.home, words, env, hurried)

    def __call__(self, *words: str, status: int = 0) -> str:
        """Run nbgrader with these words; it must end with this status."""
        found, said = self.attempt(*words)
        assert found == status, said
        return said

    def put(self, path: str, content: str = NOTEBOOK) -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file


@contextmanager
def started(session: Path) -> Iterator[Nbgrader]:
    found = Nbgrader(session)
    try:
        yield found
    finally:
        assert found.process.stdin
        found.process.stdin.close()
        found.process.wait(20)
