"""Hub, then proxy, killed hundreds of times while people start and stop sessions: nothing may be lost.

Some sessions are left alone, two of them with a kernel that counts; everybody else is ordered to start or stop, and
the daemon is killed (kill -9) at an instant drawn from a seed. At the end the sessions left alone have the jobs that
they had, every server has exactly one job and no job is without one, and the kernels have counted on. The short form of
this is tests/cluster/test_storm.py.
"""

from __future__ import annotations

import argparse
import random
import threading
import time

from tests.benchmarks.support.bench import bench_campus
from tests.benchmarks.support.figures import spread
from tests.benchmarks.support.sessions import campus_hub, sign_in, start
from tests.cluster.test_resilience import Counter
from tests.support.campus import Campus
from tests.support.person import Person, wait_for
from tests.support.storm import LONGEST, order, settled

LEFT_ALONE = 5
ORDERS = 5  # before each kill
SEED = 20261124


def route_back(person: Person) -> float:
    """Seconds until the person's session answers through the proxy."""
    begin = time.monotonic()

    def answers() -> bool:
        try:
            return person.request("GET", f"/user/{person.name}/api/status").ok
        except OSError:
            return False

    wait_for("the route", answers)
    return time.monotonic() - begin


def owners(campus: Campus) -> dict[str, str]:
    """Whose job is which, of the jobs that are not over."""
    listed = campus.slurm("squeue", "--noheader", "--format=%A %u", "--states=PD,R,CF,S", f"--name={campus.job_name}")
    return dict(line.split() for line in listed.stdout.splitlines())


def storm(campus: Campus, daemon: str, kills: int, left: list[Person], others: list[Person]) -> None:
    counters = [Counter(person.session().kernel()) for person in left[:2]]
    names = {person.name for person in left}
    kept = {job: name for job, name in owners(campus).items() if name in names}
    draw, threads, back = random.Random(SEED), [], []
    for number in range(kills):
        for person in draw.sample(others, ORDERS):
            what = draw.choice(("start", "start", "stop"))
            threads.append(threading.Thread(target=order, args=(person, what, "light"), daemon=True))
            threads[-1].start()
        time.sleep(draw.uniform(0, LONGEST))
        campus.kill(daemon)
        back.append(route_back(left[0]))
        campus.wait_until_answering()
        print(f"{daemon} {number + 1}/{kills}: the route was back after {back[-1]:.1f} s", flush=True)
    for thread in threads:
        thread.join(60)
    wait_for("servers and jobs to agree", lambda: settled(campus, [*left, *others]), 300)
    now = owners(campus)
    lost = kept.keys() - now.keys()
    working = list(now.values())
    doubled = {name for name in working if working.count(name) > 1}
    orphans = set(working) - {person.name for person in (*left, *others) if person.server()}
    for counter in counters:
        counter.goes_on()
    print(
        f"{daemon}: {kills} kills, {len(lost)} lost, {len(doubled)} doubled, {len(orphans)} orphans, kernels count on"
    )
    print(f"{daemon}: the route was back after {spread(back, 's')}, {max(back):.1f} s at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="of each daemon (default 200)")
    parser.add_argument("--people", type=int, default=50, help="who start and stop (default 50)")
    options = parser.parse_args()
    with bench_campus(people=LEFT_ALONE + options.people) as campus:
        hub = campus_hub(campus)
        left, others = (
            sign_in(hub, [f"p{n:04}" for n in numbers])
            for numbers in (range(LEFT_ALONE), range(LEFT_ALONE, LEFT_ALONE + options.people))
        )
        for person in left[:2]:
            person.start(size="cpu")
        start(hub, left[2:])
        for daemon in ("hub", "proxy"):
            storm(campus, daemon, options.kills, left, others)


if __name__ == "__main__":
    main()
