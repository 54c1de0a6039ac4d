from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from campus_base.process import Result
from spawners.cluster import allowance
from spawners.cluster import watch as watch_module
from spawners.cluster.allowance import Allowance
from spawners.cluster.reconcile import Ledger
from spawners.cluster.rulebook import Rulebook
from spawners.cluster.watch import ClusterWatch, Picture, WatchSettings, shared_watch
from spawners.slurm.cli import CliTransport
from spawners.slurm.rules import Rules
from tests.unit.test_commands import NODE, Programs, failing, forever, printing

SILENT = failing("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n")
NODES = printing(NODE)
EVERYBODY = "squeue --noheader --states=all --Format"


def jobs(*ids: int, state: str = "RUNNING") -> Result:
    return printing("".join(f"{i}\x1f54321\x1f{state}\x1fNone\x1fn1\x1f100\x1f200\n" for i in ids))


def everybody(*ids: int, waiting: tuple[int, ...] = (), claims: bool = False) -> Result:
    """Everybody's jobs; the later one that waits goes first."""
    tail = "class\x1fnormal\x1fgres/gpu=2\x1f" if claims else ""
    states = [*((i, "RUNNING") for i in ids), *((i, "PENDING") for i in waiting)]
    return printing(
        "".join(
            f"{i}\x1f54321\x1f{state}\x1fNone\x1fn1\x1f100\x1f200\x1fgpu\x1f{place}\x1f{tail}\n"
            for place, (i, state) in enumerate(states)
        )
    )


async def until(look: Callable[[], Any]) -> None:
    """Let everything else go on until ``look`` is true."""
    async with asyncio.timeout(5):
        while not look():
            await asyncio.sleep(0)


async def done(*tasks: asyncio.Task[Any]) -> list[Any]:
    """What the tasks gave; they are given a few seconds."""
    await asyncio.wait(tasks, timeout=5)
    assert all(task.done() for task in tasks)
    return [task.result() for task in tasks]


class Gate:
    """An answer of squeue's that comes when the test says so."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Result] = asyncio.Queue()
        self.waiting = 0

    async def __call__(self) -> Result:
        self.waiting += 1
        try:
            return await self.answers.get()
        finally:
            self.waiting -= 1


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_PACE", 0.0)
    monkeypatch.setattr(watch_module, "_AT_ONCE", 1_000_000)
    monkeypatch.setattr(Rulebook, "freshen", nothing)


async def nothing(_: Rulebook) -> None:
    pass


class Watched:
    """A watch of a Slurm that answers what the test says."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self.watch = self.every(3600)

    def every(self, seconds: float, timeout: float = 20) -> ClusterWatch:
        self.watch = ClusterWatch(WatchSettings(CliTransport(timeout=timeout), "campus", seconds))
        return self.watch

    def answers(self, squeue: Any, sinfo: Any = NODES) -> None:
        self.programs.answer("squeue", squeue)
        self.programs.answer("sinfo", sinfo)

    @property
    def asked_everybody(self) -> int:
        return sum(" ".join(call.argv).startswith(EVERYBODY) for call in self.programs.calls)

    @property
    def asked(self) -> int:
        """How often Slurm was asked for our jobs."""
        return sum("--states=all" in call.argv for call in self.programs.calls)


@pytest.fixture
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(Ledger, "held", {})
    monkeypatch.setattr(Ledger, "submitting", Counter())
    watched = Watched(Programs(monkeypatch))
    watched.answers(jobs(7))
    yield watched
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


# ------------------------------------------------------------------------------------------------ the picture


async def test_before_the_first_answer_nothing_is_known(watched: Watched) -> None:
    assert watched.watch.picture == Picture()
    assert not watched.watch.picture.known
    assert watched.asked == 0


async def test_an_answer_is_the_picture(watched: Watched) -> None:
    before = time.monotonic()
    assert await watched.watch.refresh()
    picture = watched.watch.picture
    assert before <= picture.asked <= time.monotonic()
    assert list(picture.jobs) == [7]
    assert picture.nodes["n1"].address == "10.0.0.1"
    assert any("--name=campus" in call.argv for call in watched.programs.calls)


async def test_the_next_answer_takes_its_place(watched: Watched) -> None:
    await watched.watch.refresh()
    before = watched.watch.picture
    watched.answers(jobs(8, 9))
    assert await watched.watch.refresh()
    assert list(watched.watch.picture.jobs) == [8, 9]
    assert list(before.jobs) == [7]
    assert watched.watch.picture.asked > before.asked


@pytest.mark.parametrize(
    ("state", "asked"), [("PENDING", True), ("REQUEUED", True), ("RUNNING", False), ("CONFIGURING", False)]
)
async def test_everybodys_jobs_are_asked_for_while_one_of_ours_waits(state: str, asked: bool, watched: Watched) -> None:
    Ledger.held[7] = "a session"
    watched.answers(jobs(7, state=state))
    watched.programs.answer(EVERYBODY, everybody(5, waiting=(7, 3)))
    assert await watched.watch.refresh()
    watched.programs.calls.clear()
    assert await watched.watch.refresh()
    assert [q.id for q in watched.watch.picture.queue] == ([3, 7] if asked else [])
    assert list(watched.watch.picture.jobs) == [7]
    # One question, which ours are among the answer to.
    assert watched.programs.asked("squeue") == 1
    assert watched.asked_everybody == (1 if asked else 0)


async def test_everybodys_jobs_are_asked_for_while_somebody_looks(watched: Watched) -> None:
    watch = watched.watch
    watch.rulebook.rules = Rules(enforced=frozenset({"limits"}))
    Ledger.held[7] = "a session"
    watched.programs.answer(EVERYBODY, everybody(5, 7, 8, claims=True))
    await watch.know()
    assert (watched.programs.asked("squeue"), watched.asked_everybody, watched.programs.asked("sinfo")) == (2, 1, 1)
    assert watch.picture.use.of(watch.picture.use.keys(), "gres/gpu") == 6
    await asyncio.gather(*(watch.know() for _ in range(50)))
    assert watched.programs.asked("squeue") == 2, "what is no older than the interval serves everybody"
    assert await watch.refresh()
    assert watched.programs.asked("squeue") == 3
    assert (list(watch.picture.jobs), list(watch.picture.nodes)) == ([7], ["n1"])


async def test_now_and_then_ours_are_asked_for_by_their_name(watched: Watched) -> None:
    Ledger.held.update({7: "one session", 9: "another"})
    watched.answers(jobs(7, 9, state="PENDING"))
    watched.programs.answer(EVERYBODY, everybody(5, waiting=(7, 9, 11)))
    watch = watched.every(0)
    watch.ensure_running()
    await until(lambda: watched.programs.asked("squeue") == 22)
    assert list(watch.picture.jobs) == [7, 9]
    assert [q.id for q in watch.picture.queue] == [11, 9, 7], "which the look by name leaves as it was"
    asked = [
        any(word.startswith("--name=") for word in c.argv) for c in watched.programs.calls if c.argv[0] == "squeue"
    ]
    assert asked == [True, *[False] * 9, True, *[False] * 9, True, False]


async def test_a_job_that_belongs_to_nobody_is_looked_for_by_name_again_and_then_cancelled(watched: Watched) -> None:
    Ledger.held[7] = "a session"
    watched.answers(jobs(7, 11, state="PENDING"))
    watched.programs.answer(EVERYBODY, everybody(5, waiting=(7, 11)))
    watched.programs.answer("scancel", printing())
    watched.every(0).ensure_running()
    await until(lambda: watched.programs.asked("scancel"))
    assert watched.programs.calls[-1].argv == ("scancel", "11")
    assert watched.asked_everybody <= 2


async def test_anothers_job_that_got_the_number_of_one_of_ours_is_left_alone(watched: Watched) -> None:
    """As slurmctld may give numbers out after it was killed."""
    Ledger.held[7] = "a session"
    watched.answers(jobs(7, 8, state="PENDING"))
    watched.programs.answer(EVERYBODY, everybody(8, waiting=(7,)))
    watched.programs.answer("scancel", printing())
    assert await watched.watch.refresh()
    watched.answers(jobs(7, state="PENDING"))  # 8, which was ours, has ended; theirs has another name
    watched.every(0).ensure_running()
    await until(lambda: watched.asked_everybody > 25)
    assert watched.programs.asked("scancel") == 0


async def test_it_is_as_old_as_the_question_and_not_as_the_answer(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    asking = asyncio.create_task(watched.watch.refresh())
    await until(lambda: gate.waiting)
    while_waiting = time.monotonic()
    gate.answers.put_nowait(jobs(7))
    assert await done(asking) == [True]
    assert watched.watch.picture.asked <= while_waiting


@pytest.mark.parametrize(
    ("squeue", "sinfo"),
    [
        (SILENT, SILENT),
        (SILENT, NODES),
        (jobs(8), SILENT),
        (printing("nonsense\n"), NODES),
        (jobs(8), printing("nonsense\n")),
        (FileNotFoundError(2, "No such file or directory"), NODES),
        (forever, NODES),
        (jobs(8), forever),
    ],
)
async def test_a_failure_keeps_the_last_picture(
    squeue: Any, sinfo: Any, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_NODES_SECONDS", 0.0)
    watch = watched.every(3600, timeout=0.02)
    await watch.refresh()
    before = watch.picture
    watched.answers(squeue, sinfo)
    assert not await watch.refresh()
    assert watch.picture is before
    watched.answers(jobs(9))
    assert await watch.refresh()
    assert list(watch.picture.jobs) == [9]


async def test_others_that_cannot_be_read_stay_as_they_were_and_ours_are_asked_for_alone(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    Ledger.held[7] = "a session"
    watch = watched.watch
    watched.answers(jobs(7, state="PENDING"))
    watched.programs.answer(EVERYBODY, everybody(5, waiting=(7, 3)))
    assert await watch.refresh()
    assert await watch.refresh()
    before = watch.picture
    watched.answers(jobs(7, 8, state="PENDING"), printing(NODE.replace("10.0.0.1", "10.0.0.2")))
    watched.programs.answer(EVERYBODY, printing("nonsense\n"))
    assert await watch.refresh()
    assert list(watch.picture.jobs) == [7, 8]
    assert watch.picture.nodes["n1"].address == "10.0.0.2"
    assert watch.picture.asked > before.asked
    assert watch.picture.everybody_asked == before.everybody_asked
    assert [q.id for q in watch.picture.queue] == [3, 7]
    said = "Places in the queue and what people use stay as they were"
    assert [m.partition(":")[0] for m in caplog.messages] == [said]


@pytest.mark.parametrize("answer", [SILENT, forever])
async def test_where_others_are_not_told_every_other_look_is_at_ours_alone(answer: Any, watched: Watched) -> None:
    Ledger.held[7] = "a session"
    watch = watched.every(3600, timeout=0.02)
    watched.answers(jobs(7, state="PENDING"))
    watched.programs.answer(EVERYBODY, answer)
    assert [await watch.refresh() for _ in range(4)] == [True, False, True, False]
    assert list(watch.picture.jobs) == [7]


async def test_when_nobody_waits_any_more_no_queue_is_kept_or_asked_for(watched: Watched) -> None:
    watched.answers(jobs(7, state="PENDING"))
    watched.programs.answer(EVERYBODY, everybody(5, waiting=(7, 3)))
    for _ in range(2):
        assert await watched.watch.refresh()
    assert watched.watch.picture.queue
    watched.answers(jobs(7))
    watched.programs.answer(EVERYBODY, everybody(5, 7, waiting=(3,)))
    assert await watched.watch.refresh()
    watched.programs.calls.clear()
    assert await watched.watch.refresh()
    assert watched.watch.picture.queue == ()
    assert watched.asked_everybody == 0


async def test_silence_is_logged_when_it_begins_and_when_it_ends(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    for answer in (jobs(7), SILENT, SILENT, SILENT, jobs(7), jobs(7), SILENT):
        watched.answers(answer)
        await watched.watch.refresh()
    silent = f"Slurm does not answer; sessions stay as they are: {SILENT.stderr.strip()}"
    assert caplog.messages == [silent, "Slurm answers again", silent]


# ------------------------------------------------------------------------------------------------ sharing


async def test_those_who_ask_together_share_an_answer(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    first = asyncio.create_task(watched.watch.refresh())
    await until(lambda: gate.waiting)
    others = [asyncio.create_task(watched.watch.refresh()) for _ in range(50)]
    gate.answers.put_nowait(jobs(7))
    gate.answers.put_nowait(jobs(8))
    assert await done(first, *others) == [True] * 51
    assert watched.asked == 2


async def test_nobody_gets_an_answer_to_a_question_older_than_their_own(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    first = asyncio.create_task(watched.watch.refresh())
    await until(lambda: gate.waiting)
    second = asyncio.create_task(watched.watch.refresh())
    gate.answers.put_nowait(jobs(7))
    await done(first)
    assert list(watched.watch.picture.jobs) == [7]
    await until(lambda: gate.waiting)
    assert not second.done()
    gate.answers.put_nowait(jobs(8))
    await done(second)
    assert list(watched.watch.picture.jobs) == [8]


async def test_those_who_ask_together_share_a_silence(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    first = asyncio.create_task(watched.watch.refresh())
    await until(lambda: gate.waiting)
    others = [asyncio.create_task(watched.watch.refresh()) for _ in range(50)]
    for _ in range(51):
        gate.answers.put_nowait(SILENT)
    assert await done(first, *others) == [False] * 51
    assert watched.asked == 2


async def test_one_who_gives_up_asking_leaves_the_others_theirs(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    impatient = asyncio.create_task(watched.watch.refresh())
    await until(lambda: gate.waiting)
    patient = asyncio.create_task(watched.watch.refresh())
    impatient.cancel()
    gate.answers.put_nowait(jobs(7))
    assert await done(patient) == [True]
    assert list(watched.watch.picture.jobs) == [7]


def test_the_hub_has_one_watch_for_the_same_settings() -> None:
    settings = WatchSettings(CliTransport("/etc/slurm.conf"), "campus-test", 3.0)
    watch = shared_watch(settings)
    assert shared_watch(WatchSettings(CliTransport("/etc/slurm.conf"), "campus-test", 3.0)) is watch
    assert shared_watch(WatchSettings(CliTransport("/etc/slurm.conf"), "campus-other", 3.0)) is not watch
    assert (watch.slurm, watch.job_name, watch.interval) == (settings.slurm, "campus-test", 3.0)


# ------------------------------------------------------------------------------------------------ news


async def test_an_answer_wakes_everybody_who_waits(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    waiters = [asyncio.create_task(watched.watch.news(3600)) for _ in range(50)]
    await until(lambda: gate.waiting)
    assert not any(w.done() for w in waiters)
    gate.answers.put_nowait(jobs(7))
    await done(*waiters)
    assert list(watched.watch.picture.jobs) == [7]
    assert watched.asked == 1


async def test_whoever_is_called_off_is_so_though_news_come_at_the_same_time(watched: Watched) -> None:
    """JupyterHub calls off a page's progress when the session is up, and waits until it has ended."""
    watched.answers(jobs(1))
    waiter = asyncio.create_task(watched.watch.news(3600))
    await until(lambda: watched.watch._news._waiters)
    watched.watch._news.set()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_an_answer_from_before_is_no_news(watched: Watched) -> None:
    watched.every(0.01)
    assert await watched.watch.refresh()
    gate = Gate()
    watched.answers(gate)
    waiter = asyncio.create_task(watched.watch.news(3600))
    await until(lambda: gate.waiting)
    assert not waiter.done()
    gate.answers.put_nowait(jobs(8))
    await done(waiter)
    assert list(watched.watch.picture.jobs) == [8]


async def test_a_failure_wakes_nobody(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    watch = watched.every(0)
    waiter = asyncio.create_task(watch.news(3600))
    for _ in range(3):
        await until(lambda: gate.waiting)
        gate.answers.put_nowait(SILENT)
        await until(lambda: not gate.waiting)
    await until(lambda: gate.waiting)
    assert not waiter.done()
    gate.answers.put_nowait(jobs(7))
    await done(waiter)


async def test_who_waits_in_vain_is_told_nothing_and_the_next_is_woken(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    watch = watched.watch
    async with asyncio.timeout(5):
        assert await watch.news(0.01) is None
        assert await watch.news(0) is None
    gone = asyncio.create_task(watch.news(3600))
    waiter = asyncio.create_task(watch.news(3600))
    await until(lambda: gate.waiting)
    gone.cancel()
    gate.answers.put_nowait(jobs(7))
    await done(waiter)
    assert gone.cancelled()
    assert list(watch.picture.jobs) == [7]


async def test_those_who_are_cancelled_while_they_wait_stop_nobody(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    for turns in range(6):
        watch = watched.every(3600)
        gone = [asyncio.create_task(watch.news(3600)) for _ in range(3)]
        waiter = asyncio.create_task(watch.news(3600))
        await until(lambda: gate.waiting)
        # Once as a deadline does, and once more so many turns of the loop later.
        for _ in range(2):
            for task in gone:
                task.cancel()
            for _ in range(turns):
                await asyncio.sleep(0)
        gate.answers.put_nowait(jobs(turns))
        await done(waiter)
        assert list(watch.picture.jobs) == [turns]
        assert all(task.cancelled() for task in gone)
        watched.answers(jobs(99))
        assert await watch.refresh()
        watched.answers(gate)


# ------------------------------------------------------------------------------------------------ the loop


async def test_it_asks_again_and_again_and_only_once_at_a_time(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    watch = watched.every(0)
    for i in range(5):
        watch.ensure_running()
        watch.ensure_running()
        await until(lambda: gate.waiting)
        assert gate.waiting == 1
        gate.answers.put_nowait(jobs(i))
        await until(lambda i=i: list(watch.picture.jobs) == [i])


async def test_between_two_looks_lies_the_interval(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    paused: asyncio.Queue[float] = asyncio.Queue()
    go_on: asyncio.Queue[None] = asyncio.Queue()

    async def pause(seconds: float) -> None:
        paused.put_nowait(seconds)
        await go_on.get()

    at = [1000.0]
    monkeypatch.setattr(watch_module, "time", SimpleNamespace(monotonic=lambda: at[0]))
    monkeypatch.setattr("spawners.cluster.watch.asyncio.sleep", pause)
    watched.answers(jobs())
    watched.every(42).ensure_running()
    async with asyncio.timeout(5):
        for asked, answer in enumerate((SILENT, jobs(), jobs()), start=1):
            assert await paused.get() == 42
            assert watched.asked == asked
            at[0] += 42
            watched.answers(answer)
            go_on.put_nowait(None)


async def looks(watched: Watched, gate: Gate, *answers: Result) -> list[int]:
    """How often the nodes had been asked for after each of these answers to looks of the loop."""
    found = []
    for answer in answers:
        await until(lambda: gate.waiting)
        gate.answers.put_nowait(answer)
        await until(lambda: not gate.waiting)
        await until(lambda: gate.waiting)
        found.append(watched.programs.asked("sinfo"))
    return found


async def test_the_nodes_are_asked_for_while_somebody_waits_and_now_and_then(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger.held[7] = "a session"
    asked: list[int] = []

    async def look(answer: Result) -> None:
        watched.answers(answer)
        watched.programs.answer(
            EVERYBODY, everybody(waiting=(7,)) if b"PENDING" in answer.stdout.encode() else everybody(7)
        )
        assert await watched.watch.refresh()
        asked.append(watched.programs.asked("sinfo"))

    for answer in [jobs(7)] * 3 + [jobs(7, state="PENDING")] * 3 + [jobs(7)] * 3:
        await look(answer)
    # The answer that shows who waits has the next look ask for nodes as well.
    assert asked == [1, 1, 1, 1, 2, 3, 4, 4, 4]
    assert watched.watch.picture.nodes["n1"].address == "10.0.0.1"
    monkeypatch.setattr("spawners.cluster.watch._NODES_SECONDS", 0.0)
    await look(jobs(7))
    assert asked[-1] == 5


async def test_whoever_looks_at_the_nodes_sees_them_as_they_are_now(watched: Watched) -> None:
    watch = watched.watch
    watched.programs.answer(EVERYBODY, everybody(7))
    await watch.know()
    assert watched.programs.asked("sinfo") == 1
    await asyncio.gather(*(watch.know() for _ in range(50)))
    assert watched.programs.asked("sinfo") == 1
    watch.interval = 0
    await watch.know()
    assert watched.programs.asked("sinfo") == 2


async def test_whoever_looks_does_not_wait_again_for_a_slurm_that_was_silent_just_now(watched: Watched) -> None:
    watched.answers(SILENT)
    for _ in range(5):
        await watched.watch.know()
    assert watched.programs.asked("sinfo") == 1


async def test_it_runs_again_after_it_was_stopped(watched: Watched) -> None:
    watch = watched.every(0)
    watch.ensure_running()
    await until(lambda: watched.asked)
    assert watch._task
    watch._task.cancel()
    await until(watch._task.done)
    asked = watched.asked
    watch.ensure_running()
    await until(lambda: watched.asked > asked)


async def test_orphans_are_cancelled_after_two_answers(watched: Watched) -> None:
    gate = Gate()
    watched.answers(gate)
    watched.programs.answer("scancel", printing())
    Ledger.held[8] = "a session"
    watched.every(0).ensure_running()
    # A silent Slurm shows nothing: what it said before counts as one look.
    for answer in (jobs(7, 8), SILENT, SILENT):
        await until(lambda: gate.waiting)
        assert watched.programs.asked("scancel") == 0
        gate.answers.put_nowait(answer)
        await until(lambda: not gate.waiting)
    await until(lambda: gate.waiting)
    assert watched.programs.asked("scancel") == 0
    gate.answers.put_nowait(jobs(7, 8))
    await until(lambda: watched.programs.asked("scancel"))
    assert [call.argv for call in watched.programs.calls if call.argv[0] == "scancel"] == [("scancel", "7")]


async def test_however_many_start_at_once_one_question_serves(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_PACE", 0.05)
    assert await watched.watch.refresh()
    first = watched.watch.picture.asked
    starts = [asyncio.create_task(watched.watch.refresh())]
    await asyncio.sleep(0)
    starts += [asyncio.create_task(watched.watch.refresh()) for _ in range(20)]
    assert all(await done(*starts))
    assert watched.asked == 2
    assert watched.watch.picture.asked - first >= 0.05


async def test_a_crowd_shares_the_looks_that_come_anyhow(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_AT_ONCE", 2)
    watch = watched.every(3600)
    for _ in range(2):
        assert await watch.refresh()
    gate = Gate()
    watched.answers(gate)
    crowd = [asyncio.create_task(watch.refresh()) for _ in range(20)]
    for _ in range(50):
        await asyncio.sleep(0)
    assert not gate.waiting, "nobody has a look out of turn left"
    async with watch._asking:
        look = asyncio.create_task(watch._ask(whole=False))  # as the loop does when it is time
        await until(lambda: gate.waiting)
        gate.answers.put_nowait(jobs(7))
        await look
    assert await done(*crowd) == [True] * 20
    assert watched.asked == 3


async def test_a_crowd_is_told_together_that_slurm_is_silent(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_AT_ONCE", 0)
    watch = watched.every(3600)
    watched.answers(SILENT)
    crowd = [asyncio.create_task(watch.refresh()) for _ in range(20)]
    assert await done(*crowd) == [False] * 20
    assert watched.asked == 1


async def test_a_look_out_of_turn_comes_back_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(allowance, "time", SimpleNamespace(monotonic=lambda: now[0]))
    some = Allowance(2, 10)
    assert [some.take() for _ in range(3)] == [True, True, False]
    now[0] = 9.9
    assert not some.take()
    now[0] = 10.1
    assert [some.take() for _ in range(2)] == [True, False]
    now[0] = 1000
    assert [some.take() for _ in range(3)] == [True, True, False], "no more than there were at first"


async def slow(seconds: float, answer: Result) -> Result:
    await asyncio.sleep(seconds)
    return answer


@pytest.mark.parametrize("answer", [jobs(7), SILENT])
async def test_however_slow_an_answer_is_whoever_waits_for_it_shares_it(answer: Result, watched: Watched) -> None:
    """Fifty pages that each had Slurm asked, one after the other, would have people wait for minutes."""
    watched.answers(lambda: slow(0.05, answer))
    watched.programs.answer(EVERYBODY, lambda: slow(0.05, everybody(7) if answer is not SILENT else SILENT))
    watch = watched.every(0.01)
    await done(*(asyncio.create_task(watch.know()) for _ in range(50)))
    assert watched.programs.asked("sinfo") == 1


@pytest.mark.parametrize("answer", [SILENT, printing("nonsense\n")])
async def test_pages_do_not_ask_again_and_again_for_what_is_not_told(answer: Result, watched: Watched) -> None:
    watched.programs.answer(EVERYBODY, answer)
    for _ in range(5):
        await watched.watch.know()
    assert (watched.asked_everybody, watched.programs.asked("sinfo")) == (1, 1)


async def test_pages_wait_for_no_slurm_that_hangs_and_their_deadlines_stay_deadlines(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_PATIENCE", 0.02)
    watched.answers(forever, forever)
    watched.programs.answer(EVERYBODY, forever)
    watch = watched.every(0.01, timeout=0.2)
    for _ in range(3):
        await watch.know()
    assert watched.programs.asked("sinfo") == 1, "they wait for the same look, and for no longer"
    assert not await watch.refresh()
    # Python 3.11's TaskGroup would have made a cancellation of it.
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)


async def test_a_slow_slurm_is_left_alone_between_two_looks(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1000.0]
    monkeypatch.setattr(watch_module, "time", SimpleNamespace(monotonic=lambda: at[0]))

    async def hangs() -> Result:
        at[0] += 20
        return SILENT

    watched.answers(hangs)
    watch = watched.every(10)
    await watch._ask(whole=False)
    assert watch._next_look() == 5


async def test_a_crowd_does_not_wait_for_looks_that_are_far_between(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_AT_ONCE", 1)
    monkeypatch.setattr(watch_module, "_SHARES", 0.02)
    watch = watched.every(3600)
    assert await watch.refresh()
    assert await done(*(asyncio.create_task(watch.refresh()) for _ in range(20))) == [True] * 20
    assert watched.asked == 2


async def test_an_answer_that_this_code_fails_at_is_none(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(CliTransport, "nodes", lambda _: slow(0, 1 / 0))  # type: ignore[arg-type]
    await watched.watch.know()
    assert not await watched.watch.refresh()
    assert "What Slurm answered went wrong here" in caplog.text
