"""What running sessions cost Slurm and the hub: Campus, then a stock batchspawner, on the same Slurm.

Sessions are light ones (tests/benchmarks/support/light.py): they report, answer their health and tell that they are in
use, as a session does, and nothing else. While so many run and nothing else happens, it counts slurmctld's remote
procedure calls by type, and the processor time and the memory of the hub with all that it starts (without the proxy).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from tests.benchmarks.support.bench import bench_campus
from tests.benchmarks.support.figures import verdict
from tests.benchmarks.support.processes import Taken, taken_by
from tests.benchmarks.support.sdiag import calls, reset_calls
from tests.benchmarks.support.sessions import Hub, campus_hub, peer_hub, sign_in, start, stop
from tests.benchmarks.support.stock import stock_hub
from tests.support.campus import Campus

SETTLE = 75  # seconds: longer than either hub's interval, and than Campus counts what people use after one looked


@dataclass(frozen=True)
class Minute:
    """What a minute with so many sessions cost."""

    sessions: int
    calls: dict[str, float]
    cpu: float
    memory: float

    @property
    def all_calls(self) -> float:
        return sum(self.calls.values())


def observe(campus: Campus, hub: Hub, sessions: int, seconds: float) -> Minute:
    time.sleep(SETTLE)
    reset_calls(campus)
    before, begin = taken_by(hub.process), time.monotonic()
    time.sleep(seconds)
    after: Taken = taken_by(hub.process)
    counted, minutes = calls(campus), (time.monotonic() - begin) / 60
    per_minute = {name: count / minutes for name, count in sorted(counted.items())}
    minute = Minute(sessions, per_minute, (after.cpu - before.cpu) / minutes, after.memory)
    types = ", ".join(f"{name} {rate:.1f}" for name, rate in per_minute.items())
    print(
        f"{hub.name:<7} {sessions:>4} sessions: {minute.all_calls:7.1f} calls a minute ({types}); "
        f"{minute.cpu:5.2f} s of processor a minute; {minute.memory:6.1f} MiB",
        flush=True,
    )
    return minute


def measure(campus: Campus, hub: Hub, counts: list[int], seconds: float) -> list[Minute]:
    people = sign_in(hub, [f"p{number:04}" for number in range(max(counts))])
    running, found = 0, []
    for count in counts:
        start(hub, people[running:count])
        running = count
        found.append(observe(campus, hub, count, seconds))
    stop(people)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 50, 200], help="how many (default 1 50 200)")
    parser.add_argument("--seconds", type=int, default=300, help="how long each time (default 300)")
    options = parser.parse_args()
    counts = sorted(options.sessions)
    with bench_campus(people=counts[-1]) as campus:
        ours = measure(campus, campus_hub(campus), counts, options.seconds)
        with campus.stopped("hub"), stock_hub(campus, light=True) as stock:
            theirs = measure(campus, peer_hub(stock), counts, options.seconds)
    few, many, peer = ours[0], ours[-1], theirs[-1]
    print(verdict("calls, Campus / stock", many.all_calls / peer.all_calls, 1 / 20))
    print(
        verdict(f"calls, Campus with {many.sessions} / {few.sessions} sessions", many.all_calls / few.all_calls, 1.05)
    )
    print(verdict("processor, Campus / stock", many.cpu / peer.cpu, 1))
    grown = (many.memory - few.memory) / (theirs[-1].memory - theirs[0].memory)
    print(verdict("memory per session, Campus / stock", grown, 1))
    for name, first, last in (("Campus", few, many), ("stock", theirs[0], peer)):
        per_session = (last.memory - first.memory) / (last.sessions - first.sessions) * 1024
        print(f"{name:<7} {last.cpu / last.sessions * 1000:6.1f} ms of processor and {per_session:6.0f} KiB a session")


if __name__ == "__main__":
    main()
