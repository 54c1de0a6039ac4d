"""Grading: 100 submissions of a torch assignment and 100 of a plain Python one, beside stock ``nbgrader autograde``.

Both grade the same submissions with the same tests, in the same session environment, on the processors that the process
is given. The peer grades a part of them, since it takes seconds for each, and every score of that part has to be the
same. The floor is the students' code alone: the cells of each submission run in a fork of one process that has loaded
the same modules ahead, without a kernel, a sandbox or a gradebook.

How an array grows with its tasks is seen with an assignment that trains for a second or two: there the tasks are what
takes the processors, and not the one process that records.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import time
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.support.assignments import ASSIGNMENTS
from tests.benchmarks.support.bench import bench_campus
from tests.support.campus import Campus
from tests.support.course import STOCK, Course

TARGETS = {"torch": 20.0, "python": 10.0}
ARRAY = 80  # submissions, of which stock grades a few
ARRAY_SAMPLE = "s00[0-3]"
SANDBOX = "c.Sandbox.memory_mib = 1024\nc.Sandbox.disk_mib = 128\n"

# Cells of each submission, in a fork; how long the forks took, one after the other.
FLOOR = """
import contextlib, io, json, os, sys, time
from pathlib import Path
for name in json.loads(Path(sys.argv[2]).read_text())["modules"]:
    with contextlib.suppress(Exception):
        __import__(name)
found = [json.loads(p.read_text()) for p in sorted(Path(sys.argv[1]).glob("*/a1/ps1.ipynb"))]
begin = time.monotonic()
for book in found:
    if os.fork() == 0:
        names = {"__name__": "__main__"}
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in book["cells"]:
                if cell["cell_type"] == "code":
                    with contextlib.suppress(BaseException):
                        exec("".join(cell["source"]), names)
        os._exit(0)
    os.wait()
print(time.monotonic() - begin)
"""


class Bench:
    """One assignment with its submissions, in the home of an account that may use Slurm."""

    def __init__(self, campus: Campus, kind: str, count: int) -> None:
        self.assignment, self.count = ASSIGNMENTS[kind], count
        account = campus.account(campus.name("instructor1"))
        self.course = self._made(campus, Path(account.pw_dir) / f"ours-{kind}", account.pw_uid)
        self.course.configure(SANDBOX)
        self.stock = self._made(campus, Path(account.pw_dir) / f"stock-{kind}", account.pw_uid)
        self.stock.configure(STOCK)
        self.slurm = {"SLURM_CONF": str(campus.paths.slurm_conf)}

    def _made(self, campus: Campus, folder: Path, uid: int) -> Course:
        shutil.rmtree(folder, ignore_errors=True)
        course = Course(campus.paths.session_env.resolve(), folder, uid)
        course.generate(ps1=self.assignment.notebook())
        for number in range(self.count):
            course.submit(f"s{number:03}", self.assignment.answer(number))
        return course

    def ours(self, *options: str) -> float:
        """Seconds for all, from the command to its end; nothing is known of an earlier run but what to load ahead."""
        begin = time.monotonic()
        (*_, last) = self._events(*options)
        assert (last["event"], last["done"], last["failed"]) == ("end", self.count, 0), last
        return time.monotonic() - begin

    def _events(self, *options: str) -> list[dict[str, Any]]:
        done = self.course.run("python", "-m", "extensions.grading", "a1", "--json", "--force", *options, **self.slurm)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def theirs(self, sample: str) -> float:
        """Seconds for one submission, of those that the pattern names."""
        begin = time.monotonic()
        self.stock.autograde(f"--student={sample}")
        return (time.monotonic() - begin) / len({key[0] for key in self.stock.grades()})

    def floor(self) -> float:
        """Seconds of the students' own code, for all, with as many at once as there are processors."""
        loaded_ahead = self.course.root / ".grading" / "runs" / "a1" / "modules.json"
        words = ("python", "-c", FLOOR, str(self.course.root / "autograded"), str(loaded_ahead))
        said = self.course.run(*words, OMP_NUM_THREADS="1").stdout
        return float(said) / len(os.sched_getaffinity(0))

    def same(self) -> int:
        """How many scores are the same; all that the peer gave have to be."""
        ours, theirs = self.course.grades(), self.stock.grades()
        scores = {key: (ours[key][0], row[0]) for key, row in theirs.items()}
        assert all(a == b for a, b in scores.values()), {
            key: pair for key, pair in scores.items() if pair[0] != pair[1]
        }
        return len(scores)


def measure(campus: Campus, kind: str, options: argparse.Namespace) -> None:
    bench = Bench(campus, kind, options.count)
    bench.course.run("python", "-m", "extensions.grading", "a1", "--student=s000")  # finds out what to load ahead
    seconds = bench.ours(f"--workers={options.workers}")
    floor = bench.floor()
    each = bench.theirs(options.sample)
    same = bench.same()
    ratio = each * options.count / seconds
    target = TARGETS[kind]
    print(f"{kind}: {options.count} submissions, {options.workers} at once: {seconds:.1f} s", flush=True)
    print(f"  stock nbgrader autograde: {each:.2f} s each (of {options.sample}), {each * options.count:.0f} s for all")
    print(f"  {ratio:.1f} times as fast, target {target:g}: {'met' if ratio >= target else 'MISSED'}")
    print(f"  the students' own code alone: {floor:.1f} s, {floor / seconds:.0%} of it; {same} scores are the same")


def measure_array(campus: Campus, options: argparse.Namespace) -> None:
    """How grading grows with the tasks of an array, each on a processor of its own while there are any."""
    bench = Bench(campus, "training", ARRAY)
    bench.course.run("python", "-m", "extensions.grading", "a1", "--student=s000")
    bench.theirs(ARRAY_SAMPLE)
    batch = math.ceil(ARRAY / max(options.array))
    print(f"training, as an array of tasks with one submission each, {batch} for each:", flush=True)
    alone = 0.0
    for tasks in options.array:
        bench.course.configure(f"{SANDBOX}c.Array.workers = 1\nc.Array.tasks = {tasks}\nc.Array.batch = {batch}\n")
        psutil.cpu_percent()
        seconds = bench.ours("--slurm")
        busy = psutil.cpu_percent() / 100 * psutil.cpu_count()  # since it was asked before
        alone = alone or seconds
        print(
            f"  {tasks} at once: {seconds:.1f} s, {alone / seconds:.2f} times as fast as the first; "
            f"{busy:.1f} processors were busy; {bench.same()} scores are the same",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="submissions of each assignment (default 100)")
    parser.add_argument("--sample", default="s0[01]?", help="those that the peer grades (default s0[01]?, twenty)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="at once, here")
    parser.add_argument("--array", type=int, nargs="+", default=[1, 2, 4], help="tasks at once (default 1 2 4)")
    parser.add_argument("--only", choices=[*TARGETS, "array"], help="one part")
    options = parser.parse_args()
    with bench_campus() as campus:
        for kind in TARGETS:
            if options.only in (None, kind):
                measure(campus, kind, options)
        if options.only in (None, "array"):
            measure_array(campus, options)


if __name__ == "__main__":
    main()
