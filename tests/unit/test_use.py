"""What counts as use of a session, and what a session tells the hub of it."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from campus_base.errors import CampusError
from extensions.clock import idle
from extensions.clock.idle import IdleReports
from extensions.clock.use import Use
from tests.support.person import wait_for

START = 1_800_000_000.0
MINUTE = 60.0


class Server:
    """What a Jupyter server knows of its kernels and terminals, at a time that tests set."""

    def __init__(self) -> None:
        self.now = START
        self.kernels: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {"kernel_manager": self, "last_activity_times": {}}
        self.last_kernel_activity = self.time()
        self.use = Use(self.settings, lambda: self.now)

    def list_kernels(self) -> list[dict[str, Any]]:
        return self.kernels

    def time(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def passes(self, minutes: float, *gpus: int | None) -> tuple[float, float | None]:
        """Time passes, with a look each minute: for how many minutes the session, and its GPU, have then been idle."""
        for _ in range(round(minutes)):
            self.now += MINUTE
            self.use.look(gpus)
        figures = self.use.figures()
        assert figures["idle"] is not None
        return figures["idle"] / MINUTE, None if figures["gpu_idle"] is None else figures["gpu_idle"] / MINUTE


@pytest.fixture
def server() -> Server:
    return Server()


def test_nothing_at_all(server: Server) -> None:
    assert server.passes(10) == (10, None)
    assert server.passes(10, 0, 0) == (20, 10), "whether the GPUs were busy before is not known"


@pytest.mark.parametrize("gpus", [(), (0,)])
def test_a_cell_that_runs_and_one_that_ran(gpus: tuple[int, ...], server: Server) -> None:
    server.kernels = [{"execution_state": "idle"}, {"execution_state": "busy"}]
    assert server.passes(10, *gpus)[0] == 0
    server.kernels = [{"execution_state": "idle"}]
    assert server.passes(10, *gpus) == (10, 10 if gpus else None)
    server.last_kernel_activity = server.time()
    assert server.passes(3, *gpus) == (3, 3 if gpus else None)


@pytest.mark.parametrize(
    ("gpus", "idle"),
    [((100,), (0, 0)), ((0, 5), (0, 0)), ((4, 4), (10, 10)), ((0, None), (10, None)), ((None,), (10, None))],
)
def test_a_gpu_that_is_busy(gpus: tuple[int | None, ...], idle: tuple[float, float | None], server: Server) -> None:
    assert server.passes(10, *gpus) == idle


def test_a_gpu_that_was_not_to_be_seen_may_have_been_busy(server: Server) -> None:
    server.passes(20, 0)
    server.passes(1, None)
    assert server.passes(5, 0) == (26, 5)


@pytest.mark.parametrize(
    ("action", "counts"),
    [("save", True), ("upload", True), ("rename", True), ("delete", True), ("get", False)],
)
def test_a_document_is_use_of_the_session_and_none_of_its_gpu(action: str, counts: bool, server: Server) -> None:
    server.passes(10, 0)
    server.use.note_change(action)
    assert server.passes(2, 0) == (2 if counts else 12, 12)


def test_what_happened_while_nobody_looked_is_not_idleness(server: Server) -> None:
    """Slurm suspends a job to make room, for an hour."""
    server.passes(20, 0)
    server.now += 60 * MINUTE
    assert server.passes(1, 0) == (0, 0)


def test_kept_by_its_person(server: Server) -> None:
    server.passes(25, 0)
    server.use.keep()
    assert server.passes(1, 0) == (1, 1)
    server.use.keep()
    server.passes(1, 0)
    assert server.use.keeps == 2
    server.last_kernel_activity = server.time()
    server.passes(1, 0)
    assert server.use.keeps == 0, "in a row"


@pytest.fixture
def terminal() -> Iterator[Any]:
    """A shell in a terminal, as terminado keeps one."""
    pid, fd = pty.fork()
    if pid == 0:
        # Tests that run in the background ignore it, and a shell leaves what it finds ignored (signal(7)).
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv("/bin/bash", ["bash", "--norc", "-i"])
    yield SimpleNamespace(ptyproc=SimpleNamespace(fd=fd, pid=pid))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(fd)


def test_a_program_in_a_terminal(server: Server, terminal: Any) -> None:
    server.settings["terminal_manager"] = SimpleNamespace(terminals={"1": terminal})
    fd, pid = terminal.ptyproc.fd, terminal.ptyproc.pid
    wait_for("the shell's prompt", lambda: os.tcgetpgrp(fd) == pid)
    assert server.passes(10, 0) == (10, 10)
    os.write(fd, b"sleep 600\n")
    wait_for("the program", lambda: os.tcgetpgrp(fd) != pid)
    assert server.passes(10, 0) == (0, 0)
    os.write(fd, b"\x03")
    wait_for("its end", lambda: os.tcgetpgrp(fd) == pid)
    assert server.passes(10, 0) == (10, 10)
    server.settings["terminal_last_activity"] = server.time()
    assert server.passes(2, 0) == (2, 2)


def test_a_terminal_that_was_closed_just_now(server: Server) -> None:
    reader, writer = os.pipe()  # no terminal at all
    server.settings["terminal_manager"] = SimpleNamespace(
        terminals={"1": SimpleNamespace(ptyproc=SimpleNamespace(fd=reader, pid=1))}
    )
    assert server.passes(2) == (2, None)
    os.close(reader)
    os.close(writer)


# ---------------------------------------------------------------- what the hub is told


class Hub:
    """Stands where the hub is asked; ``answer`` is what it says next."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: Any = {"again": 60.0, "gpu_busy_percent": 20, "keeps": 2, "idle": None}

    async def ask(self, what: str, wish: dict[str, Any], expected: frozenset[str], trouble: str) -> dict[str, Any]:
        self.asked.append((what, wish))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def announces(self, ends_in: float) -> None:
        said = {"because": "gpu", "idle": 1500.0, "ends_in": ends_in, "smaller": None}
        self.answer = self.answer | {"again": 5.0, "idle": said}


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, text: str, *arguments: Any) -> None:
        self.lines.append(text % arguments)

    def exception(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    found = Hub()
    monkeypatch.setattr(idle, "ask_hub", found.ask)
    return found


class Gpus:
    """What nvidia-smi says."""

    def __init__(self, *busy: int | None) -> None:
        self.busy = busy

    async def get(self) -> list[dict[str, Any]]:
        return [{"utilisation": each} for each in self.busy]


async def reports(server: Server, gpus: Gpus, log: Log, looks: int = 1) -> IdleReports:
    """What has looked and reported so often."""
    found = IdleReports(server.use, gpus, server.settings, log)  # type: ignore[arg-type]
    await run(found, looks)
    return found


async def run(found: IdleReports, looks: int = 1) -> None:
    for _ in range(looks):
        found._due = 0.0
        task = asyncio.create_task(found.run())
        while not found._due:
            await asyncio.sleep(0)
        task.cancel()


async def test_the_hub_is_told_and_sets_the_pace(server: Server, hub: Hub) -> None:
    server.passes(10, 0)
    found = await reports(server, Gpus(15), Log())
    assert hub.asked == [("use", {"idle": 0.0, "gpu_idle": 0.0})], "5 per cent are busy, until the hub says more"
    assert found.now() is None
    assert server.settings["last_activity_times"]["campus"] == server.time(), "JupyterHub's own report"
    server.passes(1, 15)
    await run(found)
    assert hub.asked[-1] == ("use", {"idle": 60.0, "gpu_idle": 60.0})


async def test_the_page_is_told_and_counts_on(server: Server, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.announces(ends_in=300)
    found = await reports(server, Gpus(0), Log())
    at = found._at
    monkeypatch.setattr(idle, "time", SimpleNamespace(monotonic=lambda: at + 100))
    assert found.now() == {
        "because": "gpu",
        "idle": pytest.approx(1600),
        "ends_in": pytest.approx(200),
        "smaller": None,
        "keeps_left": 2,
    }


async def test_keep_it_goes_to_the_hub_at_once_and_not_for_ever(server: Server, hub: Hub) -> None:
    hub.announces(ends_in=300)
    found = await reports(server, Gpus(0), Log())
    server.now += 25 * MINUTE
    for left in (1, 0):
        said = await found.keep()
        assert hub.asked[-1] == ("use", {"idle": 0.0, "gpu_idle": 0.0})
        assert said["idle"]["keeps_left"] == left
    with pytest.raises(CampusError, match="cannot be kept any longer"):
        await found.keep()


async def test_a_session_that_is_not_about_to_end_is_not_kept(server: Server, hub: Hub) -> None:
    """Whoever presses in a page that was left open does not use up what is left."""
    found = await reports(server, Gpus(0), Log())
    assert await found.keep() == {"idle": None}
    assert server.use.keeps == 0


async def test_a_silent_hub_is_one_line_of_the_log_and_announces_nothing(server: Server, hub: Hub) -> None:
    log = Log()
    hub.announces(ends_in=300)
    found = await reports(server, Gpus(0), log)
    assert found.now()
    hub.answer = CampusError("hub-silent", "The hub does not know.", "", "refused")
    await run(found, looks=3)
    assert found.now() is None
    assert log.lines == ["The hub does not know. (refused)"]


async def test_what_goes_wrong_once_does_not_end_the_reports(server: Server, hub: Hub) -> None:
    log = Log()
    hub.answer = ValueError("what nobody expects")
    found = await reports(server, Gpus(0), log)
    assert "went wrong" in log.lines[0]
    hub.answer = Hub().answer
    await run(found)
    assert len(hub.asked) == 2
