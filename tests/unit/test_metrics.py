"""The metrics: each moves when it should, no label is without bounds, and operators can read about every one."""

from __future__ import annotations

import ast
import asyncio
import gc
import json
import pwd
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import metrics as jupyterhub_metrics
from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from jupyterhub.user import User
from prometheus_client import REGISTRY
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from campus_base.process import ProgramFailed
from spawners import metrics
from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.offer import Offer, SessionSize
from spawners.cluster.reconcile import Ledger, Reconciler
from spawners.cluster.watch import WatchSettings, shared_watch
from spawners.identity import DirectorySilent
from spawners.life import failure
from spawners.refusal import SessionRefused
from spawners.slurm import JobState, Node
from spawners.slurm.cli import CliTransport
from spawners.spawner import CampusSpawner
from tests.support.ada import ADA, ada_has_an_account
from tests.unit.test_commands import SILENCE, Programs, failing, job, printing
from tests.unit.test_watch import everybody, jobs, until

CHECKOUT = Path(__file__).resolve().parents[2]
MANUAL = (CHECKOUT / "docs" / "operators.md").read_text()
DASHBOARD = json.loads((CHECKOUT / "docs" / "grafana-campus.json").read_text())
SIZES = (SimpleNamespace(name="cpu"), SimpleNamespace(name="gpu1"))


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Moved:
    """What a sample has gained since this was made."""

    def __init__(self, name: str, **labels: str) -> None:
        self.now = lambda: value(name, **labels)
        self.before = self.now()

    def __call__(self) -> float:
        return self.now() - self.before


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr(Ledger, "held", {})
    monkeypatch.setattr(Ledger, "submitting", Counter())
    return Programs(monkeypatch)


# ---------------------------------------------------------------- Slurm's commands

ORDERS: dict[str, Callable[[CliTransport], Any]] = {
    "squeue": lambda slurm: slurm.jobs("campus"),
    "sinfo": lambda slurm: slurm.nodes(),
    "sbatch-test": lambda slurm: slurm.test(job(), None),
    "sbatch": lambda slurm: slurm.submit(job(), {}, None),
    "scancel": lambda slurm: slurm.cancel(7, None),
}


@pytest.mark.parametrize("command", ORDERS)
async def test_a_command_is_counted_and_timed(command: str, programs: Programs) -> None:
    programs.answer(command.partition("-")[0], printing("1" if command == "sbatch" else ""))
    ours = Moved("campus_slurm_requests_total", command=command)
    others = [Moved("campus_slurm_requests_total", command=c) for c in metrics.COMMANDS if c != command]
    timed = Moved("campus_slurm_request_seconds_count", command=command)
    await ORDERS[command](CliTransport())
    assert (ours(), timed(), sum(other() for other in others)) == (1, 1, 0)


@pytest.mark.parametrize("silence", SILENCE)
async def test_a_command_that_fails_counts_as_well(silence: Any, programs: Programs) -> None:
    programs.answer("squeue", silence)
    counted = Moved("campus_slurm_requests_total", command="squeue")
    timed = Moved("campus_slurm_request_seconds_count", command="squeue")
    with pytest.raises(ProgramFailed):
        await CliTransport(timeout=0.02).jobs("campus")
    assert (counted(), timed()) == (1, 1)


async def test_a_command_that_nobody_foresaw_makes_no_new_label(programs: Programs) -> None:
    programs.answer("sacct", printing())
    other = Moved("campus_slurm_requests_total", command="other")

    async def run(argv: list[str]) -> None:
        return None

    await metrics.counted(run)(["/tmp/alice/sacct"])
    assert other() == 1


# ---------------------------------------------------------------- the watch, and orphans


def test_the_watchs_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spawners.metrics.time.monotonic", lambda: 1000.0)
    watch = SimpleNamespace(picture=SimpleNamespace(asked=0.0))
    metrics.show_age(watch)  # type: ignore[arg-type]
    assert value("campus_watch_age_seconds") == 0
    monkeypatch.setattr("spawners.metrics.time.monotonic", lambda: 1030.0)
    assert value("campus_watch_age_seconds") == 30, "before Slurm's first answer it is as old as the watch"
    watch.picture = SimpleNamespace(asked=1020.0)
    assert value("campus_watch_age_seconds") == 10


async def test_the_hubs_one_watch_is_the_one_that_is_shown(programs: Programs) -> None:
    watch = shared_watch(WatchSettings(CliTransport("/for/test_metrics"), "campus", 3600))
    since = value("campus_watch_age_seconds")
    assert 0 <= since < 5
    programs.answer("squeue", printing())
    programs.answer("sinfo", printing())
    await asyncio.sleep(0.05)
    assert value("campus_watch_age_seconds") > since
    older = value("campus_watch_age_seconds")
    assert await watch.refresh()
    assert value("campus_watch_age_seconds") < older


def test_before_there_is_a_watch_no_alert_can_fire() -> None:
    code = "from spawners.metrics import REGISTRY; print(REGISTRY.get_sample_value('campus_watch_age_seconds'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    assert done.stdout == "nan\n"


def facts(**change: Any) -> Any:
    """A job of nobody's, as the reconciler sees it."""
    return SimpleNamespace(**{"id": 7, "uid": pwd.getpwnam("nobody").pw_uid, "state": JobState.RUNNING, **change})


async def test_an_orphan_counts_when_it_is_cancelled(programs: Programs) -> None:
    programs.answer("scancel", printing())
    counted = Moved("campus_orphans_cancelled_total")
    reconciler = Reconciler(CliTransport())
    for expected in (0, 1, 2):
        await reconciler.look([facts()])
        assert counted() == expected


async def test_an_orphan_that_could_not_be_cancelled_does_not(programs: Programs) -> None:
    programs.answer("scancel", SILENCE[0])
    counted = Moved("campus_orphans_cancelled_total")
    reconciler = Reconciler(CliTransport())
    for _ in range(3):
        await reconciler.look([facts()])
    assert counted() == 0


# ---------------------------------------------------------------- sessions


class Spawner:
    """As much of a spawner as is counted."""

    def __init__(self, job_id: int | str, size: str | None = "cpu", **jobs: JobState) -> None:
        self.job_id = str(job_id)
        self.sizes = SIZES
        self.user_options = {} if size is None else {"size": size}
        found = {int(name.removeprefix("job")): SimpleNamespace(state=state) for name, state in jobs.items()}
        self.watch = SimpleNamespace(picture=SimpleNamespace(jobs=found))
        self.user = SimpleNamespace(name="alice")


def counted(*spawners: Spawner) -> dict[tuple[str, str], float]:
    """Sessions by state and size, without the zeros."""
    sessions = metrics.Sessions()
    for spawner in spawners:
        sessions.add(spawner)  # type: ignore[arg-type]
    (family,) = sessions.collect()
    return {(s.labels["state"], s.labels["size"]): s.value for s in family.samples if s.value}


@pytest.mark.parametrize("state", JobState)
def test_a_session_counts_in_its_state_and_size(state: JobState) -> None:
    assert counted(Spawner(7, "gpu1", job7=state)) == {(state.value, "gpu1"): 1}


def test_what_is_no_session_does_not_count() -> None:
    gone = Spawner(8, job8=JobState.RUNNING)
    one, same = Spawner(7, job7=JobState.RUNNING), Spawner(7, job7=JobState.RUNNING)
    sessions = metrics.Sessions()
    for spawner in (gone, one, same, Spawner("")):
        sessions.add(spawner)  # type: ignore[arg-type]
    del gone, spawner
    gc.collect()
    (family,) = sessions.collect()
    assert sum(s.value for s in family.samples) == 1


def test_sessions_that_cannot_be_placed() -> None:
    assert counted(Spawner(7)) == {("unknown", "cpu"): 1}
    running = {"job7": JobState.RUNNING}
    assert counted(Spawner(7, None, **running)) == {("running", "cpu"): 1}, "without a size it is the first"
    assert counted(Spawner(7, "alice", **running)) == {("running", "other"): 1}


def test_a_size_of_which_nobody_has_a_session_is_zero_and_not_missing() -> None:
    sessions = metrics.Sessions()
    sessions.add(Spawner(""))  # type: ignore[arg-type]
    gc.collect()  # JupyterHub drops the object of a session that has ended
    (family,) = sessions.collect()
    assert {(s.labels["state"], s.labels["size"]): s.value for s in family.samples} == {
        (state, size.name): 0 for state in metrics.STATES for size in SIZES
    }
    assert set(metrics.STATES) == {s for s in JobState if not s.over and s is not JobState.UNKNOWN}


# ---------------------------------------------------------------- starts


def test_the_wait_in_the_queue_and_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spawners.metrics.time.monotonic", lambda: 500.0)
    monkeypatch.setattr("spawners.metrics.time.time", lambda: 2000.0)
    waited, waits = Moved("campus_queue_wait_seconds_sum"), Moved("campus_queue_wait_seconds_count")
    took, starts = Moved("campus_spawn_seconds_sum"), Moved("campus_spawn_seconds_count")
    # Submitted 100 s ago, started 70 s ago.
    metrics.started(400.0, SimpleNamespace(start=1930))  # type: ignore[arg-type]
    metrics.usable(400.0)
    assert (waited(), waits(), took(), starts()) == (30, 1, 100, 1)
    # Slurm's whole seconds may lie before.
    metrics.started(499.6, SimpleNamespace(start=1999))  # type: ignore[arg-type]
    assert (waited(), waits()) == (30, 2)


def test_a_start_of_another_hubs_is_not_measured() -> None:
    waits, starts = Moved("campus_queue_wait_seconds_count"), Moved("campus_spawn_seconds_count")
    metrics.started(0.0, SimpleNamespace(start=100))  # type: ignore[arg-type]
    metrics.started(time.monotonic(), None)
    metrics.started(time.monotonic(), SimpleNamespace(start=None))  # type: ignore[arg-type]
    metrics.usable(0.0)
    assert (waits(), starts()) == (0, 0)


def failures() -> dict[str, float]:
    return {cause: value("campus_spawn_failures_total", cause=cause) for cause in metrics.CAUSES}


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        *((SessionRefused("No.", reason=cause), cause) for cause in metrics.CAUSES),
        (SessionRefused("No.", reason="alice"), "other"),
        (SessionRefused("No.", reason=""), "other"),
        (ValueError("a mistake of ours"), "other"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "has a reason, too"), "other"),
    ],
)
async def test_a_failure_counts_once_under_its_cause(error: Exception, cause: str) -> None:
    @metrics.failures_counted
    async def start(spawner: Any) -> None:
        raise error

    before = failures()
    with pytest.raises(type(error)):
        await start(SimpleNamespace(start_timeout=60))  # type: ignore[arg-type]
    assert failures() == {**before, cause: before[cause] + 1}


async def test_a_start_that_succeeds_is_no_failure() -> None:
    @metrics.failures_counted
    async def start(spawner: Any) -> str:
        return spawner.url

    before = failures()
    assert await start(SimpleNamespace(url="https://node", start_timeout=60)) == "https://node"  # type: ignore[arg-type]
    assert failures() == before


@pytest.mark.parametrize(("waited", "cause"), [(3.0, None), (3600.0, "start-timeout")])
async def test_only_a_start_at_its_deadline_has_failed(
    waited: float, cause: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Iterator[float] = iter((100.0, 100.0 + waited))
    monkeypatch.setattr("spawners.metrics.time", SimpleNamespace(monotonic=lambda: next(clock)))

    @metrics.failures_counted
    async def start(spawner: Any) -> None:
        await asyncio.Event().wait()

    before = failures()
    starting = asyncio.ensure_future(start(SimpleNamespace(start_timeout=3600)))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert failures() == before | ({cause: before[cause] + 1} if cause else {})


def test_every_cause_that_a_start_can_have_is_known() -> None:
    """What the code names as reason of a refusal, and the codes of the errors that become one."""
    found = {state.value for state in JobState if state.over}
    found |= {cause for _, cause, _ in failure._FROM_LOG} | {state.value for state in failure._FROM_STATE}
    found |= {failure.explain(JobState.FAILED, 1, "7", "").cause}
    sources = ["spawners/spawner.py", "spawners/allowed/offer.py", "spawners/slurm/errors.py", "campus_base/process.py"]
    for source in sources:
        for node in ast.walk(ast.parse((CHECKOUT / source).read_text())):
            match node:
                case ast.keyword(arg="reason", value=ast.Constant(value=str(reason))):
                    found.add(reason)
                case ast.Call(func=ast.Attribute(attr="__init__"), args=[ast.Constant(value=str(code)), _, *_]) if (
                    re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
                ):
                    found.add(code)
    assert {"slurm-refused", "slurm-silent", "request-refused", "no-account", "program-failed"} <= found
    assert found <= set(metrics.CAUSES)


# ---------------------------------------------------------------- a spawner's own


@pytest.fixture
async def spawner(programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[CampusSpawner]:
    """ada's spawner, before a Slurm that takes every job and calls it 7; a session answers when it is asked."""

    async def answer(*_: Any) -> None:
        pass

    async def nodes(_: CliTransport) -> dict[str, Node]:
        return {"n1": Node.model_construct(name="n1", address="10.0.0.1", partitions=frozenset({"gpu"}))}

    ada_has_an_account(monkeypatch)
    monkeypatch.setattr(CliTransport, "nodes", nodes)
    monkeypatch.setattr("spawners.life.readiness.session_context", lambda *_, **__: None)
    monkeypatch.setattr("spawners.life.readiness.wait_for_http_server", answer)
    for command, says in (("sbatch --test-only", ""), ("sbatch --parsable", "7\n"), ("squeue", "")):
        programs.answer(command, printing(says))
    programs.answer("scancel", printing())
    programs.answer("scontrol", printing())
    settings = {"internal_ssl_key": "", "internal_ssl_cert": "", "internal_ssl_ca": ""}
    engine = create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    with Session(engine) as database:
        person, server = orm.User(name=ADA.pw_name), orm.Server(base_url="/user/ada/")
        database.add_all((person, server))
        database.flush()
        spawner = User(person, settings)._new_spawner(
            "",
            CampusSpawner,
            hub=Hub(),
            offer=Offer(
                (SessionSize("cpu", "", "", "gpu", 0, None, 1, 1024, 600, 600, None),),
                (SessionEnvironment("standard", "", "", "/env"),),
            ),
            # A watch of its own, whatever else was tested.
            watch_settings=WatchSettings(CliTransport(conf=str(tmp_path)), "campus", 0.01),
        )
        spawner.server = Server(orm_server=server)
        yield spawner
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


async def test_a_session_is_seen_from_its_job_to_its_end(spawner: CampusSpawner, programs: Programs) -> None:
    def running(state: str) -> float:
        return value("campus_sessions", state=state, size="cpu")

    waits, starts = Moved("campus_queue_wait_seconds_count"), Moved("campus_spawn_seconds_count")
    before = failures()
    starting = asyncio.ensure_future(spawner.start())
    await until(lambda: spawner.job_id)
    programs.answer("squeue", jobs(7, state="PENDING"))
    programs.answer("squeue --noheader --states=all --Format", everybody(waiting=(7,)))
    await spawner.watch.refresh()
    assert (running("pending"), running("running"), waits(), starts()) == (1, 0, 0, 0)
    programs.answer("squeue", jobs(7))
    programs.answer("squeue --noheader --states=all --Format", everybody(7))
    await spawner.watch.refresh()
    assert (running("pending"), running("running"), starts()) == (0, 1, 0)
    spawner.session_reported(50000)
    assert await asyncio.wait_for(starting, 5) == "https://10.0.0.1:50000"
    assert (waits(), starts(), failures()) == (1, 1, before)
    spawner.clear_state()
    assert running("running") == 0


@pytest.mark.parametrize(
    ("command", "answer", "cause"),
    [
        ("sbatch --test-only", failing("allocation failure: Requested node configuration is not available\n"), None),
        ("sbatch --parsable", failing("sbatch: error: Batch job submission failed: Invalid account\n"), None),
        ("sbatch --test-only", SILENCE[0], "slurm-silent"),
        ("squeue", jobs(7, state="NODE_FAIL"), "node-fail"),
        ("squeue", jobs(7, state="FAILED"), "failed"),
    ],
)
async def test_a_start_that_fails_counts(
    command: str, answer: Any, cause: str | None, spawner: CampusSpawner, programs: Programs
) -> None:
    programs.answer("tail", printing())
    programs.answer(command, answer)
    before, starts = failures(), Moved("campus_spawn_seconds_count")
    with pytest.raises(SessionRefused):
        await asyncio.wait_for(spawner.start(), 5)
    cause = cause or "slurm-refused"
    assert failures() == before | {cause: before[cause] + 1}
    assert starts() == 0


async def test_an_account_of_the_machine_has_no_sessions(
    spawner: CampusSpawner, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurms = pwd.struct_passwd((*ADA[:2], 64030, *ADA[3:]))  # Debian's number for Slurm's own account
    ada_has_an_account(monkeypatch, slurms)
    before = failures()
    with pytest.raises(SessionRefused, match="There is no account ada for people"):
        await spawner.start()
    assert failures() == before | {"no-account": before["no-account"] + 1}
    assert not programs.asked("sbatch")


async def test_a_directory_that_does_not_answer_refuses_a_start(
    spawner: CampusSpawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(name: str) -> None:
        raise DirectorySilent("")

    monkeypatch.setattr("spawners.spawner.account_named", silent)
    before = failures()
    with pytest.raises(SessionRefused, match="directory of accounts does not answer") as refusal:
        await spawner.start()
    assert refusal.value.status_code == 503
    assert failures() == before | {"directory-silent": before["directory-silent"] + 1}


async def test_a_request_that_is_refused_counts_once(spawner: CampusSpawner) -> None:
    """JupyterHub asks for the certificate first, and never comes to start."""
    spawner.user_options = {"size": "huge"}
    before = failures()
    with pytest.raises(SessionRefused):
        await spawner.create_certs()
    assert failures() == before | {"request-refused": before["request-refused"] + 1}


# ---------------------------------------------------------------- what operators read


def exposed(prefix: str) -> dict[str, Any]:
    """Every metric as it is scraped, by name; without the times at which each was made."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in REGISTRY.collect()
        if family.name.startswith(prefix)
    }


def test_the_metrics_are_those_that_were_promised() -> None:
    assert set(exposed("campus_")) == {
        "campus_sessions",
        "campus_queue_wait_seconds",
        "campus_spawn_seconds",
        "campus_spawn_failures_total",
        "campus_watch_age_seconds",
        "campus_slurm_requests_total",
        "campus_slurm_request_seconds",
        "campus_orphans_cancelled_total",
        "campus_gpu_seconds_total",
    }


def test_every_metric_says_what_it_counts_and_in_what_unit() -> None:
    for name, family in exposed("campus_").items():
        unit = "Seconds " if name.endswith("_seconds") else "Number "
        assert family.documentation.startswith(unit), name


def test_labels_are_few_and_none_is_a_person() -> None:
    allowed = {"state", "size", "cause", "command", "le"}
    for family in exposed("campus_").values():
        assert {label for sample in family.samples for label in sample.labels} <= allowed


def test_series_are_there_from_the_start() -> None:
    """A rate over a series that appears with its first event misses that event."""
    requests = exposed("campus_")["campus_slurm_requests_total"].samples
    assert {s.labels["command"] for s in requests} >= set(metrics.COMMANDS)
    causes = exposed("campus_")["campus_spawn_failures_total"].samples
    assert {s.labels["cause"] for s in causes} == set(metrics.CAUSES)


SECTION = re.search(r"^## Metrics\n(.*?)^## ", MANUAL, re.DOTALL | re.MULTILINE)
TABLE = re.findall(r"^\| `((?:campus|jupyterhub)_[a-z_]+)` \|", SECTION[1] if SECTION else "", re.MULTILINE)


def test_every_metric_is_documented_and_what_is_documented_there_is() -> None:
    jupyterhub = exposed(f"{jupyterhub_metrics.metrics_prefix}_")
    assert set(exposed("campus_")) <= set(TABLE)
    assert set(TABLE) <= set(exposed("campus_")) | set(jupyterhub)


def test_every_label_value_is_documented() -> None:
    assert SECTION
    missing = [word for word in (*metrics.CAUSES, *metrics.COMMANDS) if f"`{word}`" not in SECTION[1]]
    assert not missing


def names_in(expressions: str) -> set[str]:
    found = set(re.findall(r"\b(?:campus|jupyterhub)_[a-z_]+", expressions))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


def test_the_dashboard_shows_every_metric_and_none_that_is_not() -> None:
    expressions = "\n".join(t["expr"] for panel in DASHBOARD["panels"] for t in panel.get("targets", ()))
    there = set(exposed("campus_")) | set(exposed("jupyterhub_"))
    assert set(exposed("campus_")) <= names_in(expressions) <= there
    assert names_in(expressions) <= set(TABLE)
    for name in ("running_servers", "request_duration_seconds", "event_loop_interval_seconds"):
        assert f"jupyterhub_{name}" in names_in(expressions)


def test_the_dashboard_is_one() -> None:
    assert DASHBOARD["schemaVersion"] == 42
    identifiers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    places = [(p["gridPos"]["x"], p["gridPos"]["y"], p["gridPos"]["w"], p["gridPos"]["h"]) for p in DASHBOARD["panels"]]
    cells = [(x + i, y + j) for x, y, w, h in places for i in range(w) for j in range(h)]
    assert len(set(cells)) == len(cells), "panels overlap"
    assert max(x for x, _ in cells) < 24
    assert all("unit" in p["fieldConfig"]["defaults"] for p in DASHBOARD["panels"] if p["type"] != "row")


def test_alerts_ask_for_metrics_that_there_are() -> None:
    assert SECTION
    alerts = re.findall(r"alert: (\w+)\n +expr: (.+?)\n +(?:for|annotations)", SECTION[1], re.DOTALL)
    assert len(alerts) == 8
    there = set(exposed("campus_")) | set(exposed("jupyterhub_"))
    for name, expression in alerts:
        assert names_in(expression) <= there, name
        causes = {word for causes in re.findall(r'cause!?[=~]+"([^"]+)"', expression) for word in causes.split("|")}
        assert causes <= set(metrics.CAUSES), name
