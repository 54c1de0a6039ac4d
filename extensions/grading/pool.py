"""Worker processes that are dispensable: one that a submission brings down costs that submission, and no other."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from campus_base.errors import CampusError
from extensions.grading.machine import own_trouble
from extensions.grading.sandbox import linux

_AHEAD = 2  # jobs that a worker has: the one it does, and the next
_TRIES = 2
_MEMORY = 1536 * 2**20  # of a worker: what it reads comes from student code
_fork = multiprocessing.get_context("fork")  # what was imported is there at once


class Crashed(Exception):
    """The worker of a job ended before the job did, twice."""


@dataclasses.dataclass
class _Worker:
    process: multiprocessing.process.BaseProcess
    pipe: multiprocessing.connection.Connection
    jobs: collections.deque[Any] = dataclasses.field(default_factory=collections.deque)


@dataclasses.dataclass(frozen=True)
class _Refused:
    """A CampusError on its way through a pipe."""

    parts: tuple[str, str, str, str]


class Pool:
    """Runs ``work(job, slot)`` in as many processes as there are slots (from 0 on), which are forked from this one."""

    def __init__(self, slots: int, work: Callable[[Any, int], Any]) -> None:
        self._work = work
        self._slots = slots
        self._workers: dict[int, _Worker] = {}

    def run(self, jobs: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Each job with its result, in the order in which they end. Jobs are taken as they are needed.

        A result is what ``work`` returned, the CampusError that it raised, or Crashed.
        """
        todo = iter(jobs)
        again: collections.deque[Any] = collections.deque()
        tries: collections.Counter[Any] = collections.Counter()
        try:
            while True:
                self._hand_out(again, todo)
                busy = {w.pipe: slot for slot, w in self._workers.items() if w.jobs}
                if not busy:
                    return
                for pipe in multiprocessing.connection.wait(list(busy)):
                    slot = busy[pipe]  # type: ignore[index]
                    worker = self._workers[slot]
                    try:
                        result = worker.pipe.recv()
                    except (EOFError, OSError):
                        job, *others = worker.jobs
                        self._bury(slot)
                        again.extendleft(reversed(others))
                        tries[job] += 1
                        if tries[job] < _TRIES:
                            again.append(job)
                            continue
                        result = Crashed()
                    else:
                        job = worker.jobs.popleft()
                        result = CampusError(*result.parts) if isinstance(result, _Refused) else result
                    yield job, result
        finally:
            for slot in list(self._workers):
                self._bury(slot)

    def _hand_out(self, again: collections.deque[Any], todo: Iterator[Any]) -> None:
        for ahead in range(_AHEAD):
            for slot in range(self._slots):
                if slot in self._workers and len(self._workers[slot].jobs) > ahead:
                    continue
                job = again.popleft() if again else next(todo, None)
                if job is None:
                    return
                worker = self._workers.get(slot) or self._start(slot)
                worker.jobs.append(job)
                with contextlib.suppress(OSError):  # it has died; its jobs are seen to when that is noticed
                    worker.pipe.send(job)

    def _start(self, slot: int) -> _Worker:
        ours, theirs = _fork.Pipe()
        process = _fork.Process(target=self._serve, args=(theirs, slot, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        self._workers[slot] = _Worker(process, ours)
        return self._workers[slot]

    def _serve(self, pipe: multiprocessing.connection.Connection, slot: int, parent: int) -> None:
        linux.die_with_parent(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, hard))
        for worker in self._workers.values():
            worker.pipe.close()  # the others', inherited
        with contextlib.suppress(EOFError, OSError):  # whoever gives the jobs has gone
            while True:
                pipe.send(self._done(pipe.recv(), slot))
        os._exit(0)

    def _done(self, job: Any, slot: int) -> Any:
        try:
            with own_trouble():
                return self._work(job, slot)
        except CampusError as error:
            return _Refused((error.code, error.message, error.remedy, error.detail))

    def _bury(self, slot: int) -> None:
        worker = self._workers.pop(slot)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
