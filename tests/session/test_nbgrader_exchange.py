"""What nbgrader 0.9.6 tests of its own exchange, one by one, with the real commands before the real service.

A row is one of nbgrader's tests (nbgrader/tests/apps/test_nbgrader_NAME.py), by its name there. It says whether the
same holds here; where it does not, why, and the row tests what holds instead.
"""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.exchange import Exchange, running, tar, untar
from tests.support.nbgrader import NOTEBOOK, Member, Nbgrader, started

SESSION = Path(os.environ.get("CAMPUS_PREFIX", "/opt/campus-test")) / "session"
WHO = "nobody"
SAME = "same"
_NUMBER = itertools.count(1)


@dataclass
class World:
    """A course, its grader's account and one trainee; ``other`` is another course of both."""

    exchange: Exchange
    nbgrader: Nbgrader
    folder: Path
    course: str = field(default_factory=lambda: f"c{next(_NUMBER)}")

    def __post_init__(self) -> None:
        self.other = f"{self.course}-other"
        self.exchange.hub.groups[f"grader-{self.course}"] = [f"instructor-{self.other}"]
        for course in (self.course, self.other):
            self.exchange.put(f"grader-{course}", f"/courses/{course}", {"title": course})
            self.exchange.put(f"grader-{course}", f"/courses/{course}/roster/{WHO}", {})
        url = self.exchange.url
        self.grader = Member(self.nbgrader, f"grader-{self.course}", self.folder / "grader", url)
        self.trainee = Member(self.nbgrader, WHO, self.folder / "trainee", url)

    @property
    def mine(self) -> Path:
        return self.trainee.home / self.course / "ps1"

    @property
    def collected(self) -> Path:
        return self.grader.home / "submitted" / WHO / "ps1"

    def release(self, name: str = "ps1", *flags: str, course: str = "", status: int = 0) -> str:
        self.grader.put(f"release/{name}/p1.ipynb")
        return self.grader("release_assignment", name, "--course", course or self.course, *flags, status=status)

    def fetch(self, name: str = "ps1", *flags: str, course: str = "", status: int = 0) -> str:
        return self.trainee("fetch_assignment", name, "--course", course or self.course, *flags, status=status)

    def submit(self, name: str = "ps1", *flags: str, course: str = "", status: int = 0) -> str:
        return self.trainee("submit", name, "--course", course or self.course, *flags, status=status)

    def collect(self, *flags: str, status: int = 0) -> str:
        return self.grader("collect", "ps1", "--course", self.course, *flags, status=status)

    def ready(self) -> None:
        """Released, and fetched."""
        self.release()
        self.fetch()

    def list(self, *flags: str, of: Member | None = None) -> list[str]:
        """What is listed, without the application's name in front."""
        said = (of or self.trainee)("list", *flags)
        return [line.partition("] ")[2] for line in said.splitlines() if " | INFO] " in line][1:]

    def assignments(self) -> list[dict]:
        return self.exchange.get(self.grader.name, f"/courses/{self.course}/assignments")

    def submissions(self) -> list[dict]:
        return self.exchange.get(self.grader.name, f"/courses/{self.course}/assignments/ps1/submissions")

    def files(self, number: int = -1) -> dict[str, bytes]:
        """Of a submission, as the exchange has it."""
        path = f"/submissions/{self.submissions()[number]['id']}/files"
        return untar(self.exchange.ask(self.grader.name, "GET", path).content)

    def released(self, course: str = "") -> list[str]:
        found = self.exchange.get(f"grader-{self.course}", f"/courses/{course or self.course}/assignments/ps1")
        return [file["path"] for file in found["files"]]

    def make_feedback(self, text: str = "well done", who: str = WHO) -> None:
        """What generate_feedback leaves, without grading before."""
        self.grader.put(f"feedback/{who}/ps1/p1.html", text)
        secret = (self.grader.home / "submitted" / who / "ps1" / "submission_secret.txt").read_text()
        self.grader.put(f"feedback/{who}/ps1/submission_secret.txt", secret)

    def give_feedback(self, text: str = "well done") -> None:
        self.collect("--update")
        self.make_feedback(text)
        self.grader("release_feedback", "ps1", "--course", self.course)

    def fetch_feedback(self) -> None:
        self.trainee("fetch_feedback", "ps1", "--course", self.course)


ROWS: dict[str, tuple[str, Callable[[World], None]]] = {}


def row(name: str, verdict: str = SAME) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    def note(check: Callable[[World], None]) -> Callable[[World], None]:
        assert name not in ROWS
        ROWS[name] = (verdict, check)
        return check

    return note


def says_help(command: str) -> None:
    row(f"{command}: help")(lambda world: helps(world, command))


def helps(world: World, command: str) -> None:
    assert "--help-all" in world.trainee(command, "--help-all")


for command in ("list", "fetch_assignment", "fetch_feedback", "submit", "collect"):
    says_help(command)
for command in ("release_assignment", "release_feedback"):
    says_help(command)

# ---------------------------------------------------------------- list


@row("list: list_released")
def _(world: World) -> None:
    for course, name in itertools.product((world.course, world.other), ("ps1", "ps2")):
        world.release(name, course=course)
    both = [f"{course} {name}" for course in (world.course, world.other) for name in ("ps1", "ps2")]
    assert world.list("ps1", "--course", world.course) == both[:1]
    assert world.list("ps1", "--course", world.other) == both[2:3]
    assert [line for line in world.list("ps2") if line in both] == [both[1], both[3]]
    assert [line for line in world.list() if line in both] == both


@row("list: list_fetched")
def _(world: World) -> None:
    world.release("ps1")
    world.release("ps2")
    world.fetch("ps1")
    course = world.course
    assert world.list("--course", course) == [f"{course} ps1 (already downloaded)", f"{course} ps2"]


@row("list: list_remove_outbound", "differs: a release is taken back by instructors only; submissions stay")
def _(world: World) -> None:
    world.release("ps1")
    world.release("ps2")
    assert "Only instructors" in world.trainee("list", "ps1", "--remove", "--course", world.course, status=1)
    world.list("ps1", "--remove", "--course", world.course, of=world.grader)
    assert world.list("--course", world.course) == [f"{world.course} ps2"]
    world.list("ps2", "--remove", "--course", world.course, of=world.grader)
    assert world.list("ps2", "--course", world.course) == []


def lists_inbound(world: World, *flags: str) -> None:
    world.release()
    asked = ("ps1", "--inbound", "--course", world.course)
    assert world.list(*asked) == []
    world.fetch()
    for count in (1, 2):
        world.submit("ps1", *flags)
        stamps = [stamp(one["received"]) for one in world.submissions()]
        listed = [f"{world.course} {WHO} ps1 {at} (no feedback available)" for at in stamps]
        assert len(listed) == count
        assert world.list(*asked) == world.list(*asked, of=world.grader) == listed


def stamp(received: str) -> str:
    """A receipt's time as nbgrader writes it."""
    return datetime.fromisoformat(received).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


row("list: list_inbound")(lists_inbound)
no_random = "same; submissions have ids of the exchange's, so the option has nothing to do"
row("list: list_inbound_no_random_string", no_random)(
    lambda world: lists_inbound(world, "--ExchangeSubmit.add_random_string=False")
)
row("list: list_without_random_string", no_random)(
    lambda world: lists_inbound(world, "--ExchangeSubmit.add_random_string=False")
)


@row("list: list_cached")
def _(world: World) -> None:
    world.ready()
    assert world.list("ps1", "--cached", "--course", world.course) == []
    world.submit()
    world.submit()
    world.list("ps1", "--inbound", "--remove", "--course", world.course, of=world.grader)
    listed = world.list("ps1", "--cached", "--course", world.course)
    assert len(listed) == 2
    assert all(re.fullmatch(rf"{world.course} nobody ps1 .* UTC \(no feedback available\)", line) for line in listed)


@row("list: list_remove_inbound", "differs: instructors only; what is removed is set aside, and its bytes are kept")
def _(world: World) -> None:
    for name in ("ps1", "ps2"):
        world.release(name)
        world.fetch(name)
        world.submit(name)
    inbound = ("--inbound", "--course", world.course)
    number = world.submissions()[0]["id"]
    assert "Only instructors" in world.trainee("list", "ps1", "--remove", *inbound, status=1)
    world.list("ps1", "--remove", *inbound, of=world.grader)
    (left,) = world.list(*inbound)
    assert left.startswith(f"{world.course} nobody ps2")
    assert world.exchange.ask(WHO, "GET", f"/submissions/{number}/files").ok
    world.list("ps2", "--remove", *inbound, of=world.grader)
    assert world.list(*inbound) == []


@row("list: list_remove_cached")
def _(world: World) -> None:
    for name in ("ps1", "ps2"):
        world.release(name)
        world.fetch(name)
        world.submit(name)
    cached = ("--cached", "--course", world.course)
    world.list("ps1", "--remove", *cached)
    (left,) = world.list(*cached)
    assert left.startswith(f"{world.course} nobody ps2")
    world.list("ps2", "--remove", *cached)
    assert world.list(*cached) == []
    assert len(world.submissions()) == 1, "the exchange's are not the cache's"


@row("list: list_cached_and_inbound")
def _(world: World) -> None:
    world.trainee("list", "--inbound", "--cached", status=1)


def lists_feedback(world: World, which: str) -> None:
    def states() -> list[str]:
        return [line.partition("(")[2].rstrip(")") for line in world.list("ps1", which, "--course", world.course)]

    none, ready, here = "no feedback available", "feedback ready to be fetched", "feedback already fetched"
    world.ready()
    world.submit()
    world.give_feedback()
    world.submit()
    assert states() == [ready, none]
    world.fetch_feedback()
    assert states() == [here, none]
    world.make_feedback("better than that")
    world.grader("release_feedback", "ps1", "--course", world.course)
    assert states() == [ready, none], "it is another one than that which was fetched"
    world.give_feedback()
    assert states() == [ready, ready]
    world.fetch_feedback()
    assert states() == [here, here]


row("list: list_feedback_inbound")(lambda world: lists_feedback(world, "--inbound"))
row("list: list_feedback_cached")(lambda world: lists_feedback(world, "--cached"))

# ---------------------------------------------------------------- fetch_assignment


@row("fetch_assignment: no_course_id")
def _(world: World) -> None:
    world.release()
    assert "No course id" in world.trainee("fetch_assignment", "ps1", status=1)


@row("fetch_assignment: fetch")
def _(world: World) -> None:
    world.ready()
    book = world.mine / "p1.ipynb"
    assert book.read_text() == NOTEBOOK
    world.fetch(status=1)
    book.unlink()
    world.fetch(status=1)
    world.fetch("ps1", "--replace")
    book.write_text("my work")
    world.fetch("ps1", "--replace")
    assert book.read_text() == "my work"


@row("fetch_assignment: deprecated")
def _(world: World) -> None:
    world.release()
    world.trainee("fetch", "ps1", "--course", world.course)
    assert (world.mine / "p1.ipynb").is_file()


@row("fetch_assignment: fetch_with_assignment_flag")
def _(world: World) -> None:
    world.release()
    world.fetch("--assignment=ps1")
    assert (world.mine / "p1.ipynb").is_file()


@row(
    "fetch_assignment: fetch_multiple_courses",
    "differs: path_includes_course is on, since one home may hold several courses; off, it is nbgrader's default",
)
def _(world: World) -> None:
    for course in (world.course, world.other):
        world.release(course=course)
        world.fetch(course=course)
        assert (world.trainee.home / course / "ps1" / "p1.ipynb").is_file()
    world.fetch("ps1", "--Exchange.path_includes_course=False")
    assert (world.trainee.home / "ps1" / "p1.ipynb").is_file()


@row("fetch_assignment: fetch_multiple_assignments")
def _(world: World) -> None:
    world.release("ps1")
    world.release("ps2")
    world.trainee("fetch_assignment", "--course", world.course, "ps1", "ps2")
    assert all((world.mine.parent / name / "p1.ipynb").is_file() for name in ("ps1", "ps2"))


# ---------------------------------------------------------------- fetch_feedback


@row("fetch_feedback: single_file")
def _(world: World) -> None:
    world.ready()
    world.submit()
    world.give_feedback()
    world.fetch_feedback()
    at = (world.collected / "timestamp.txt").read_text()
    assert (world.mine / "feedback" / at / "p1.html").read_text() == "well done"


# ---------------------------------------------------------------- submit


@row("submit: no_course_id")
def _(world: World) -> None:
    world.release()
    world.fetch("ps1", "--Exchange.path_includes_course=False")
    assert "No course id" in world.trainee("submit", "ps1", status=1)
    assert world.submissions() == []


@row("submit: submit", "differs: the time is the server's")
def _(world: World) -> None:
    world.ready()
    before = datetime.now(UTC)
    for count in (1, 2):
        world.submit()
        received = [one["received"] for one in world.submissions()]
        assert len(received) == count
        assert datetime.fromisoformat(received[-1]) > before
        assert set(world.files()) == {"p1.ipynb"}
        cached = world.trainee.home / ".local/share/jupyter/nbgrader_cache" / world.course
        folders = sorted(cached.iterdir())
        assert [folder.name for folder in folders] == [f"{WHO}+ps1+{stamp(at)}" for at in received]
        assert (folders[-1] / "p1.ipynb").is_file()
        assert (folders[-1] / "timestamp.txt").read_text() == stamp(received[-1])
    assert received == sorted(set(received))


@row("submit: submit_extra")
def _(world: World) -> None:
    world.ready()
    (world.mine / "p2.ipynb").write_text(NOTEBOOK)
    world.submit()
    assert set(world.files()) == {"p1.ipynb", "p2.ipynb"}


@row("submit: submit_extra_strict")
def _(world: World) -> None:
    world.ready()
    (world.mine / "p2.ipynb").write_text(NOTEBOOK)
    world.submit("ps1", "--strict")


@row("submit: submit_missing")
def _(world: World) -> None:
    world.ready()
    (world.mine / "p1.ipynb").rename(world.mine / "p2.ipynb")
    world.submit()
    assert set(world.files()) == {"p2.ipynb"}


@row("submit: submit_missing_strict")
def _(world: World) -> None:
    world.ready()
    (world.mine / "p1.ipynb").rename(world.mine / "p2.ipynb")
    world.submit("ps1", "--strict", status=1)
    assert world.submissions() == []


@row("submit: submit_readonly", "differs: files' modes are not kept; what is collected can be read and written")
def _(world: World) -> None:
    world.ready()
    (world.mine / "p1.ipynb").chmod(0o400)
    world.submit()
    world.collect()
    assert (world.collected / "p1.ipynb").stat().st_mode & 0o777 == 0o644


@row("submit: submit_assignment_flag")
def _(world: World) -> None:
    world.ready()
    world.submit("--assignment=ps1")
    assert len(world.submissions()) == 1


@row("submit: submit_with_student_id", "differs: a submission is always one's own, so --student is refused")
def _(world: World) -> None:
    world.ready()
    for name in ("foobar_student", "foobar+student", "foobar*student"):
        world.submit("ps1", f"--student={name}", status=1)
    assert world.submissions() == []


@row("submit: submit_multiple_courses")
def _(world: World) -> None:
    for course in (world.course, world.other):
        world.release(course=course)
        world.fetch(course=course)
        world.submit(course=course)
        found = world.exchange.get(f"grader-{course}", f"/courses/{course}/assignments/ps1/submissions")
        assert [(one["user"], [file["path"] for file in one["files"]]) for one in found] == [(WHO, ["p1.ipynb"])]


@row("submit: submit_exclude")
def _(world: World) -> None:
    world.ready()
    (world.mine / "foo.pyc").write_text("")
    world.submit()
    assert set(world.files()) == {"p1.ipynb"}


@row("submit: submit_include")
def _(world: World) -> None:
    world.ready()
    (world.mine / "foo.txt").write_text("")
    world.submit("ps1", '--CourseDirectory.include=["*.ipynb"]')
    assert set(world.files()) == {"p1.ipynb"}


@row("submit: submit_max_file_size")
def _(world: World) -> None:
    world.ready()
    (world.mine / "small_file").write_text("x" * 2000)
    (world.mine / "large_file").write_text("x" * 2001)
    world.submit("ps1", "--CourseDirectory.max_file_size=2")
    assert set(world.files()) == {"p1.ipynb", "small_file"}


@row("submit: submit_max_dir_size")
def _(world: World) -> None:
    world.ready()
    for name in ("one", "another"):
        (world.mine / name).write_text("x" * 2001)
    world.submit("ps1", "--CourseDirectory.max_dir_size=3", status=1)
    assert world.submissions() == []


# ---------------------------------------------------------------- collect


@row("collect: no_course_id")
def _(world: World) -> None:
    world.ready()
    world.submit()
    assert "No course id" in world.grader("collect", "ps1", status=1)


@row("collect: collect")
def _(world: World) -> None:
    world.ready()
    world.collect()
    assert not (world.grader.home / "submitted").exists()
    world.submit()
    world.collect()
    at = (world.collected / "timestamp.txt").read_text()
    assert (world.collected / "p1.ipynb").is_file()
    world.collect()
    world.submit()
    world.collect()
    assert (world.collected / "timestamp.txt").read_text() == at
    world.collect("--update")
    assert (world.collected / "timestamp.txt").read_text() > at


@row("collect: collect_assignment_flag")
def _(world: World) -> None:
    world.ready()
    world.submit()
    world.grader("collect", "--assignment=ps1", "--course", world.course)
    assert {"p1.ipynb", "timestamp.txt"} <= {path.name for path in world.collected.iterdir()}


@row("collect: collect_subdirectories")
def _(world: World) -> None:
    world.ready()
    (world.mine / "foo").mkdir()
    (world.mine / "foo" / "temp.txt").write_text("")
    world.submit()
    world.collect()
    assert (world.collected / "foo" / "temp.txt").is_file()


@row("collect: owner_check", "differs: the exchange saw whose the token was, so no file's owner can contradict it")
def _(world: World) -> None:
    world.ready()
    world.submit()
    for flags in ((), ("--update", "--ExchangeCollect.check_owner=False")):
        assert "WARNING" not in world.collect(*flags)


@row(
    "collect: permissions", "differs: there is no inbound folder that others write to; the course's own are nbgrader's"
)
def _(world: World) -> None:
    world.ready()
    world.submit()
    world.collect()
    assert (world.collected / "p1.ipynb").stat().st_mode & 0o777 == 0o644
    assert world.exchange.folder.stat().st_mode & 0o077 == 0 or all(
        path.stat().st_mode & 0o077 == 0 for path in world.exchange.folder.iterdir()
    )
    world.grader.put("nbgrader_config.py", "c = get_config()\nc.CourseDirectory.groupshared = True\n")
    world.submit()
    world.collect("--update")
    assert (world.collected / "p1.ipynb").stat().st_mode & 0o777 == 0o664
    assert world.collected.stat().st_mode & 0o2070 == 0o2070


@row("collect: collect_before_due_date")
def _(world: World) -> None:
    world.ready()
    world.submit()
    between = datetime.now(UTC)
    world.submit()
    first, second = (stamp(one["received"]) for one in world.submissions())
    due = between.strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    world.grader("db", "assignment", "add", "ps1", "--duedate", due)
    world.collect()
    assert (world.collected / "timestamp.txt").read_text() == second
    world.collect("--update", "--before-duedate")
    assert (world.collected / "timestamp.txt").read_text() in (first, second), "--update takes a newer one only"
    world.grader("db", "assignment", "add", "ps1", "--duedate", "2001-01-01 00:00:00 UTC")
    for path in sorted(world.collected.rglob("*"), reverse=True):
        path.unlink()
    world.collected.rmdir()
    world.collect("--before-duedate")
    assert (world.collected / "timestamp.txt").read_text() == second, "none was in time"
    world.grader("db", "assignment", "add", "ps1", "--duedate", due)
    for path in world.collected.iterdir():
        path.unlink()
    world.collected.rmdir()
    world.collect("--before-duedate")
    assert (world.collected / "timestamp.txt").read_text() == first


# ---------------------------------------------------------------- release_assignment


@row("release_assignment: no_course_id")
def _(world: World) -> None:
    world.grader.put("release/ps1/p1.ipynb")
    assert "No course id" in world.grader("release_assignment", "ps1", status=1)


@row("release_assignment: release")
def _(world: World) -> None:
    world.release()
    assert world.released() == ["p1.ipynb"]


@row("release_assignment: release_deprecated")
def _(world: World) -> None:
    world.grader.put("release/ps1/p1.ipynb")
    world.grader("release", "ps1", "--course", world.course)
    assert world.released() == ["p1.ipynb"]


def forces(world: World, flag: str) -> None:
    world.release()
    world.release(status=1)
    world.grader.put("release/ps1/p2.ipynb")
    world.release(status=1)
    assert world.released() == ["p1.ipynb"]
    world.release("ps1", flag)
    assert world.released() == ["p1.ipynb", "p2.ipynb"]


row("release_assignment: force_release")(lambda world: forces(world, "--force"))
row("release_assignment: force_release_f")(lambda world: forces(world, "-f"))


@row("release_assignment: release_with_assignment_flag")
def _(world: World) -> None:
    world.release("ps2")
    world.grader.put("release/ps1/p1.ipynb")
    world.grader("release_assignment", "--assignment=ps1", "--course", world.course)
    assert world.released() == ["p1.ipynb"]


@row("release_assignment: no_exchange", "same; there is no folder, and --Exchange.root changes nothing")
def _(world: World) -> None:
    world.release("ps1", "--Exchange.root=/nonexistent/exchange")
    assert world.released() == ["p1.ipynb"]
    assert not Path("/nonexistent/exchange").exists()


@row("release_assignment: exchange_bad_perms", "same; there is no folder, and --Exchange.root changes nothing")
def _(world: World) -> None:
    root = world.folder / "root"
    root.mkdir(mode=0o750)
    world.release("ps1", f"--Exchange.root={root}")
    assert world.released() == ["p1.ipynb"]
    assert list(root.iterdir()) == []


@row("release_assignment: permissions", "differs: files' modes are not kept; what is fetched is one's own")
def _(world: World) -> None:
    world.grader.put("release/ps1/p1.ipynb").chmod(0o600)
    world.ready()
    found = (world.mine / "p1.ipynb").stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o644, world.mine.stat().st_uid)


# ---------------------------------------------------------------- release_feedback


@row("release_feedback: second_argument")
def _(world: World) -> None:
    world.grader("release_feedback", "ps1", "second_arg", status=1)


@row("release_feedback: no_argument")
def _(world: World) -> None:
    world.grader("release_feedback", status=1)


def feedback_of(world: World) -> dict[str, list[str]]:
    found = world.submissions()
    return {one["user"]: [f["path"] for f in one["feedback"]["files"]] for one in found if one["feedback"]}


def two_with_feedback(world: World) -> None:
    """The trainee's, and bar's."""
    world.ready()
    world.submit()
    world.exchange.put(world.grader.name, f"/courses/{world.course}/roster/bar", {})
    path = f"/courses/{world.course}/assignments/ps1/submissions"
    assert world.exchange.send("bar", "POST", path, tar({"p1.ipynb": NOTEBOOK.encode()})).ok
    world.collect()
    for who in (WHO, "bar"):
        world.make_feedback(who=who)


@row("release_feedback: single_file")
def _(world: World) -> None:
    world.ready()
    world.submit()
    for _ in range(2):  # again without an error
        world.give_feedback()
        assert feedback_of(world) == {WHO: ["p1.html"]}


@row("release_feedback: single_student")
def _(world: World) -> None:
    two_with_feedback(world)
    world.grader("release_feedback", "ps1", "--course", world.course, "--student", WHO)
    assert set(feedback_of(world)) == {WHO}
    world.grader("release_feedback", "ps1", "--course", world.course)
    assert set(feedback_of(world)) == {WHO, "bar"}


@row("release_feedback: student_id_exclude")
def _(world: World) -> None:
    two_with_feedback(world)
    excluded = "--CourseDirectory.student_id_exclude=bar,baz"
    world.grader("release_feedback", "ps1", "--course", world.course, excluded)
    assert set(feedback_of(world)) == {WHO}
    world.grader("release_feedback", "ps1", "--course", world.course)
    assert set(feedback_of(world)) == {WHO, "bar"}


@row("release_feedback: permissions", "differs: nobody else can name it, where nbgrader hides it behind a hash")
def _(world: World) -> None:
    two_with_feedback(world)
    world.grader("release_feedback", "ps1", "--course", world.course)
    for one in world.submissions():
        path = f"/submissions/{one['id']}/feedback"
        other = "bar" if one["user"] == WHO else WHO
        assert world.exchange.ask(one["user"], "GET", path).ok
        assert world.exchange.ask(other, "GET", path).status_code == 404


# ---------------------------------------------------------------- the table

COUNTS = {
    **{"list": 13, "fetch_assignment": 7, "fetch_feedback": 2, "submit": 15, "collect": 8},
    **{"release_assignment": 10, "release_feedback": 7},
}


def test_every_one_of_nbgraders_own_tests_has_a_row() -> None:
    counted = {name: sum(key.startswith(f"{name}: ") for key in ROWS) for name in COUNTS}
    assert counted == COUNTS
    assert all(verdict.startswith(("same", "differs: ")) for verdict, _ in ROWS.values())


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running(tmp_path_factory.mktemp("exchange") / "state") as found:
        yield found


@pytest.fixture(scope="module")
def nbgrader() -> Iterator[Nbgrader]:
    with started(SESSION) as found:
        yield found


@pytest.fixture
def world(exchange: Exchange, nbgrader: Nbgrader) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield World(exchange, nbgrader, Path(folder))


@pytest.mark.parametrize("name", ROWS)
def test_what_nbgrader_tests_of_its_exchange_holds_here(name: str, world: World) -> None:
    ROWS[name][1](world)
