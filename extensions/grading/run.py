"""Grading an assignment: sanitise, execute many at once, and one writer that records."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from traitlets.config import Config

from campus_base.errors import CampusError
from extensions.grading import ahead, layout, names, results, work
from extensions.grading.faults import Cause, Fault
from extensions.grading.gradebook import OneGradebook
from extensions.grading.grades import told
from extensions.grading.pool import Crashed, Pool
from extensions.grading.processors import held
from extensions.grading.progress import Progress
from extensions.grading.record import Record
from extensions.grading.sandbox.forkserver import ForkServer, fork_server
from extensions.grading.sanitise import Sanitise, waiting
from extensions.grading.schema import checked_once
from extensions.grading.settings import Sandbox

Tell = Callable[[str], None]
"""Called with each student who has a grade now."""


class Executor(Protocol):
    """Executes jobs somewhere; gives each with its result, or with the CampusError that kept it from one."""

    def __call__(self, jobs: Iterable[work.Job]) -> Iterator[tuple[work.Job, work.Result | CampusError]]: ...


@dataclasses.dataclass
class Here:
    """On this machine."""

    config: Config
    workers: int
    """How many submissions are executed at once."""
    reference: Path | None
    """The course's own solution; None where another has found out already what to load ahead."""
    cache: Path

    def prepare(self) -> None:
        """Find out what to load ahead, where that is not known yet. Raises CampusError."""
        settings = Sandbox(config=self.config)
        if not settings.modules and self.reference and not ahead.known(self.reference, self.cache):
            with self._loaded(settings):
                pass

    @contextlib.contextmanager
    def _loaded(self, settings: Sandbox) -> Iterator[ForkServer]:
        with fork_server(settings.cpus) as server:
            if settings.modules:
                server.load(settings.modules)
            else:
                ahead.load(server, self.reference, self.cache, self.config)
            yield server

    def __call__(self, jobs: Iterable[work.Job]) -> Iterator[tuple[work.Job, work.Result | CampusError]]:
        settings = Sandbox(config=self.config)
        with self._loaded(settings) as server, held(self.workers * settings.cpus) as processors:

            def do(job: work.Job, slot: int) -> work.Result:
                config = self.config.copy()
                config.SandboxProvisioner.server = server.address
                config.SandboxProvisioner.processors = processors[slot * settings.cpus : (slot + 1) * settings.cpus]
                return work.execute(job, config)

            for job, result in Pool(self.workers, do).run(jobs):
                yield job, work.give_up(job, Cause.GARBLED) if isinstance(result, Crashed) else result


def grade(app: Any, executor: Executor, progress: Progress, force: bool, where: str, tell: Tell | None = None) -> bool:
    """Grade what waits in the course that ``app``, an nbgrader application, is set up for; ``tell`` hears of each.

    Returns whether every submission has a score now. Raises CampusError where none can be graded.
    """
    coursedir = app.coursedir
    assignment = coursedir.assignment_id
    students, standing = waiting(coursedir, force)
    progress.start(assignment, len(students), len(standing), where)
    complete = True
    sanitise, record = Sanitise(coursedir, parent=app), Record(coursedir, parent=app)
    placed = sanitise.layout
    gradebook_of = OneGradebook(coursedir.db_url, coursedir.course_id)
    with _inside(coursedir.root), checked_once(), gradebook_of as gradebook:
        _known(gradebook, assignment)
        before: dict[str, list[Fault]] = {}

        def finish(job: work.Job, result: work.Result) -> None:
            faults = [*before.pop(job.student), *result.faults]
            with gradebook.transaction() as book:
                faults += record.run(job.student, faults, book)
                given = told(book, assignment, job.student)
            results.keep(placed.state, job.student, faults, result.seconds)
            record.publish(job.student)
            placed.again(job.student).unlink(missing_ok=True)
            progress.graded(job.student, given, faults, result.seconds)
            if tell:
                tell(job.student)

        def jobs() -> Iterator[work.Job]:
            for student in students:
                with gradebook.transaction():
                    before[student] = sanitise.run(student)
                job = _job(placed, student, app.config)
                if result := work.stored(job):  # an earlier run got so far
                    finish(job, result)
                else:
                    yield job

        for job, result in executor(jobs()) if students else ():
            if isinstance(result, CampusError):
                complete = False
                results.keep_failure(placed.state, job.student, result)
                progress.failed(job.student, result)
            else:
                finish(job, result)
    return complete


def _job(placed: layout.Layout, student: str, config: Config) -> work.Job:
    sanitised = placed.folder(names.SANITISED, student)
    settings = {name: config.get(name) for name in ("Sandbox", "Execute", "SandboxedExecute", "ExecutePreprocessor")}
    executed = placed.folder(names.EXECUTED, student)
    return work.Job(student, str(sanitised), str(executed), layout.digest(sanitised, settings))


def _known(gradebook: OneGradebook, assignment: str) -> None:
    from nbgrader.api import MissingEntry

    try:
        gradebook.book.find_assignment(assignment)
    except MissingEntry as error:
        raise CampusError(
            "no-assignment",
            f"The gradebook knows no assignment {assignment!r}.",
            "Generate it first: nbgrader generate_assignment, or publish the course.",
        ) from error


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    """nbgrader's converters work in the course's folder."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
