"""Sixty attempts of student code on its grader, the machine and other submissions.

Each program in ``hostile/`` is the first cell of a submission. Its head says which attempts it makes and what is
expected: ``held`` (it tells itself that each failed), the cause for which it gets no points, or what a test looks for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.course import Course, cell, events, notebook, printed, solve
from tests.support.person import wait_for

PROGRAMS = Path(__file__).parent / "hostile"
UID = 61200 + os.getpid() % 3000  # nobody else's processes and files
MARK = f"mark{UID}"
SECRET = "SECRET" + MARK
CONTROLS = ("a-good", "zz-good")
PRELUDE = """
def attempt(number, try_it):
    try:
        result = try_it()
    except BaseException as error:
        result = None
    print("broke" if result else "held", number, str(result)[:200] if result else "")


"""
ASSIGNMENT = notebook(
    cell("### BEGIN SOLUTION\nvalue = 42\n### END SOLUTION", "s1", role="solution"),
    cell("value == 42\nassert value == 42", "seen", role="test", points=1),
    cell(
        "pass\n### BEGIN HIDDEN TESTS\nassert value == 42, '" + SECRET + "'\n### END HIDDEN TESTS",
        "t1",
        role="test",
        points=1,
    ),
    cell("### BEGIN SOLUTION\nlater = 1\n### END SOLUTION", "s2", role="solution"),
    cell("assert later == 1", "t2", role="test", points=1),
)
STEALS_LATER = """
later = 1
print(stolen)
shown.update(str(stolen))
raise NotGraded("The notebook took longer than the " + str(stolen) + " seconds that it may take.")
"""
LIMITS = """
c.Sandbox.memory_mib = 300
c.Sandbox.disk_mib = 64
c.Sandbox.output_mib = 2
c.Sandbox.seconds = 30
c.Execute.timeout = 3
"""


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    attempts: tuple[int, ...]
    expect: tuple[str, ...]
    source: str


def programs() -> list[Program]:
    found = []
    for path in sorted(PROGRAMS.glob("*.py")):
        numbers, expect, *_ = path.read_text().splitlines()
        attempts = tuple(map(int, numbers.removeprefix("# attempts: ").split()))
        found.append(Program(path.stem, attempts, tuple(expect.removeprefix("# expect: ").split()), path.read_text()))
    return found


def test_every_attempt_is_made() -> None:
    assert {number for program in programs() for number in program.attempts} == set(range(1, 61))


class Machine:
    """What student code might reach on the machine, and what would show that it did."""

    def __init__(self, folder: Path) -> None:
        self.reached: list[str] = []
        self.tcp = socket.create_server(("0.0.0.0", 0))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0campus-{MARK}")
        self.abstract.listen()
        self.path = folder / "agent.sock"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.path.chmod(0o777)
        self.socket.listen()
        for listener in (self.tcp, self.abstract, self.socket):
            threading.Thread(target=self._listen, args=(listener,), daemon=True).start()

    def _listen(self, listener: socket.socket) -> None:
        while True:
            listener.accept()
            self.reached.append(str(listener.getsockname()))

    @property
    def port(self) -> int:
        return self.tcp.getsockname()[1]


def processes() -> set[int]:
    found = set()
    for process in psutil.process_iter(["uids"]):
        if process.info["uids"] and UID in process.info["uids"]:
            found.add(process.pid)
    return found


def files() -> set[str]:
    """What the grader's account has in the folders that everybody may write to."""
    places = [Path(p) for p in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/")]
    found = set()
    for path in (p for place in places for p in place.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # others come and go
            if path.lstat().st_uid == UID:
                found.add(str(path))
    return found


def sockets() -> set[str]:
    lines = Path("/proc/net/unix").read_text().splitlines()
    return {line.split(maxsplit=7)[-1] for line in lines if "campus-grading" in line or MARK in line}


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path} {path.lstat().st_mode}".encode() + (path.read_bytes() if path.is_file() else b""))
    return found.hexdigest()


class Live(HTMLParser):
    """Collects what of student code's a browser would run or take for markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}={value}" for name, value in attributes if MARK in str(value)]
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] in (["script"], ["b"]) and (MARK in data or data == "bold"):
            self.found.append(data)


@dataclasses.dataclass
class Ran:
    """One grading of all programs: the course after it, and the machine before and after."""

    course: Course
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    machine: Machine
    events: dict[str, Any]


def make(environment: Path, folder: Path, machine: Machine) -> Course:
    course = Course(environment, folder, UID)
    course.configure(LIMITS)
    course.generate(ps1=ASSIGNMENT)
    words = {
        "@COURSE@": str(course.root),
        "@ENVIRONMENT@": str(environment),
        "@LINK@": str(environment.parent.parent / "session"),
        "@MARK@": MARK,
        "@PORT@": str(machine.port),
        "@ADDRESS@": socket.gethostbyname(socket.gethostname()),
        "@HUB@": os.environ.get("CAMPUS_TEST_HUB_PORT", "8081"),
        "@SOCKET@": str(machine.path),
    }
    for student in CONTROLS:
        course.submit(student, solve(s1="value = 42", s2="later = 1"))
    for program in programs():
        source = PRELUDE + program.source
        for word, value in words.items():
            source = source.replace(word, value)
        value = "" if "value =" in program.source else "\nvalue = 42"
        later = STEALS_LATER if program.name == "steals" else "later = 1"
        edit = solve(s1=source + value, s2=later)
        course.submit(program.name, edit, files=traps(course) if program.name == "leaves" else None)
    return course


def traps(course: Course) -> dict[str, str]:
    """Files that a Python or an nbgrader on the machine would run, if it came across them (22, 24)."""
    code = f"open('/tmp/trapped-{MARK}', 'w').close()\n"
    names = (
        "sitecustomize.py",
        "usercustomize.py",
        "nbgrader_config.py",
        "jupyter_config.py",
        "nbformat.py",
        "conftest.py",
    )
    return {**dict.fromkeys(names, code), "x.pth": f"import os; {code}"}


@pytest.fixture(scope="module")
def machine(base: Path) -> Machine:
    return Machine(base)


@pytest.fixture(scope="module", params=["forked", "alone"])
def ran(request: pytest.FixtureRequest, environment: Path, base: Path, machine: Machine) -> Iterator[Ran]:
    """All programs, with kernels that the fork server forks (bulk), and each kernel on its own (nbgrader autograde)."""
    course = make(environment, base / request.param, machine)
    kept = [course.root / name for name in ("submitted", "source", "release")]
    before = (processes(), files(), sockets(), [digest(folder) for folder in kept])
    if request.param == "forked":
        found = events(course.grade("--workers=2"))
    else:
        course.autograde()
        found = {}
    wait_for("what was started to have ended", lambda: processes() <= before[0], 10)
    yield Ran(course, before, (processes(), files(), sockets(), [digest(f) for f in kept]), machine, found)
    shutil.rmtree(base / request.param)


def test_the_machine_is_as_it_was(ran: Ran) -> None:
    assert ran.after == ran.before
    assert ran.machine.reached == []
    assert not list(Path("/tmp").glob(f"*{MARK}*"))


def test_others_have_their_points(ran: Ran) -> None:
    for student in CONTROLS:
        assert [ran.course.score(student, name) for name in ("seen", "t1", "t2")] == [1, 1, 1]
        assert [printed(c) for c in ran.course.graded(student)["cells"]] == ["", "", "", "", ""]


@pytest.mark.parametrize("program", [p for p in programs() if p.expect == ("held",)], ids=lambda p: p.name)
def test_it_is_held(ran: Ran, program: Program) -> None:
    graded = ran.course.graded(program.name)
    lines = [line for line in printed(graded["cells"][0]).splitlines() if line.startswith(("held", "broke"))]
    assert [line for line in lines if line.startswith("broke")] == []
    assert {int(line.split()[1]) for line in lines} == set(program.attempts)
    assert [ran.course.score(program.name, name) for name in ("seen", "t1", "t2")] == [1, 1, 1]


CAUSES = ("stuck", "cell-time", "died", "memory", "output", "garbled", "score")


@pytest.mark.parametrize("program", [p for p in programs() if set(p.expect) <= set(CAUSES)], ids=lambda p: p.name)
def test_it_costs_points_and_says_why(ran: Ran, program: Program) -> None:
    assert (ran.course.score(program.name, "seen"), ran.course.score(program.name, "t1")) in ((0, 0), (1, 0), (0, 1))
    shown = " ".join(printed(c) for c in ran.course.graded(program.name)["cells"])
    assert re.search(
        "NotGraded|ScoreError|The notebook|The cell|The test|Timeout", shown + str(ran.course.graded(program.name))
    )
    if ran.events:
        causes = {fault["cause"] for fault in ran.events[program.name]["faults"]}
        assert causes
        assert causes <= set(program.expect)


def test_lying_to_ones_own_tests_gains_ones_own_points_only(ran: Ran) -> None:
    assert ran.course.score("equals", "t1") == 1


def test_hidden_tests_and_scripts_never_reach_feedback(ran: Ran) -> None:
    ran.course.run("nbgrader", "generate_feedback", "a1")
    pages = {p.parts[-3]: p.read_text() for p in ran.course.root.glob("feedback/*/a1/*.html")}
    assert set(pages) == {*CONTROLS, *(p.name for p in programs())}
    assert [student for student, page in pages.items() if SECRET in page] == []
    page = pages["steals"]
    assert "nothing yet" in page
    assert "withheld" in page
    live = Live()
    live.feed(page)
    assert live.found == []
