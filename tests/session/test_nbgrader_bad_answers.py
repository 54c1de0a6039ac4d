"""Every operation of nbgrader's plug-in, when the exchange's answer is none: a sentence, and nothing half done."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.session.test_nbgrader_exchange import SESSION, World
from tests.support.exchange import running
from tests.support.nbgrader import started
from tests.support.spoiler import REFUSED, SPOILT, Spoiler

Do = tuple[str, ...]


def submitted(world: World) -> None:
    world.ready()
    world.submit()


def collected(world: World) -> None:
    submitted(world)
    world.collect()
    world.make_feedback()


def with_feedback(world: World) -> None:
    submitted(world)
    world.give_feedback()


def to_release(world: World) -> None:
    world.grader.put("release/ps1/p1.ipynb")


# Who does what, and what has happened before.
OPERATIONS: dict[str, tuple[str, Callable[[World], object], Do]] = {
    "list": ("trainee", World.release, ("list",)),
    "list --inbound": ("trainee", submitted, ("list", "--inbound")),
    "list --cached": ("trainee", submitted, ("list", "--cached")),
    "list --remove": ("grader", World.release, ("list", "ps1", "--remove")),
    "fetch_assignment": ("trainee", World.release, ("fetch_assignment", "ps1")),
    "submit": ("trainee", World.ready, ("submit", "ps1")),
    "fetch_feedback": ("trainee", with_feedback, ("fetch_feedback", "ps1")),
    "release_assignment": ("grader", to_release, ("release_assignment", "ps1")),
    "collect": ("grader", submitted, ("collect", "ps1")),
    "release_feedback": ("grader", collected, ("release_feedback", "ps1")),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], World]]:
    """Worlds, one after another."""
    folder = tmp_path_factory.mktemp("exchange") / "state"
    with running(folder) as exchange, started(SESSION) as nbgrader, tempfile.TemporaryDirectory() as homes:
        Path(homes).chmod(0o755)

        def make() -> World:
            made = Path(tempfile.mkdtemp(dir=homes))
            made.chmod(0o755)
            return World(exchange, nbgrader, made)

        yield make


class Attempt:
    """An operation in a world of its own, with a proxy before the exchange."""

    def __init__(self, name: str, world: World) -> None:
        who, before, words = OPERATIONS[name]
        before(world)
        self.world, self.member = world, getattr(world, who)
        self.words = (*words, "--course", world.course)
        at = urlsplit(world.exchange.url)
        self.spoiler = Spoiler(f"{at.scheme}://{at.netloc}")
        self.member.url = f"{self.spoiler.url}{at.path}"

    def __call__(self, how: str, passed: int, spoilt: int = 10**6) -> tuple[int, str]:
        with self.spoiler.spoiling(how, passed, spoilt):
            return self.member.attempt(*self.words, hurried=True)

    def state(self) -> tuple[dict[str, bytes], object]:
        """The person's files, but what nbgrader makes to look into; and what the exchange has."""
        files = (path for path in self.member.home.rglob("*") if path.is_file() and path.suffix not in (".log", ".db"))
        return {str(path): path.read_bytes() for path in files}, self.kept()

    def submissions(self) -> list[dict]:
        return self.world.submissions() if self.world.assignments() else []

    def kept(self) -> object:
        """At the exchange: names, digests and grades."""
        world, path = self.world, f"/courses/{self.world.course}/assignments"
        found = [world.exchange.get(world.grader.name, f"{path}/{a['name']}/submissions") for a in world.assignments()]
        return [(a["name"], a["sha256"]) for a in world.assignments()], found


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_answer_that_is_none_is_a_sentence_and_nothing_is_half_done(name: str, world: Callable[[], World]) -> None:
    attempt = Attempt(name, world())
    had, passed = attempt.state(), 0
    while True:
        status, said = attempt("404", passed)
        methods = attempt.spoiler.methods
        if len(methods) == passed:
            assert status == 0, said
            break
        for how in SPOILT:
            # What changes something is done, if only its answer is lost; and to remove something is answered by {}.
            if methods[passed] != "GET" and how in ("cut off", "an empty object"):
                continue
            status, said = attempt(how, passed)
            assert (status, "Traceback" in said, "ERROR" in said) == (1, False, True), (how, passed, said)
            assert how != "refused" or REFUSED["message"] in said
            assert attempt.state() == had, (how, passed)
        passed += 1
    done = len(attempt.submissions())
    # An answer that is lost once is asked for again, and what was done is not done twice.
    for number in range(passed):
        again = Attempt(name, world())
        status, said = again("cut off", number, 1)
        assert status == 0, (number, said)
        assert len(again.submissions()) == done
