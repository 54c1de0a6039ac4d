"""nbgrader's execution, in a room: same cells, same order, same outputs. What goes wrong ends in a score."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute

from extensions.grading import outputs
from extensions.grading.faults import ENDINGS, NOT_GRADED, Cause, Fault, fault, is_ours
from extensions.grading.hidden import has_hidden_tests
from extensions.grading.sandbox.manager import SandboxedKernelManager
from extensions.grading.sandbox.rooms import KernelEnded, Room
from extensions.grading.sandbox.watch import Watch

_DEATH_SECONDS = 2.0  # until the end of a room that was killed is known here


@dataclasses.dataclass(frozen=True)
class _Left:
    """The files that a notebook left, for the next ones of its submission, as where all run in one folder."""

    folder: str = ""
    notebook: str = ""
    files: bytes | None = None


class SandboxedExecute(Execute):
    """Takes the place of nbgrader's ``Execute`` in ``Autograde.autograde_preprocessors``.

    A kernel that dies, overruns its time or memory, prints too much or sends nonsense costs the points from that cell
    on: the cell and those after it say why, and ``faults`` holds it. Raises CampusError where no sandbox can be made:
    it never runs code elsewhere.
    """

    _left = _Left()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.faults: list[Fault] = []
        self.cell_seconds = 0.0
        """How long the cells ran, all together."""
        self.last = False
        """Whether no other notebook of the submission follows; nbgrader does not say."""

    def create_kernel_manager(self) -> SandboxedKernelManager:
        name = self.kernel_name or self.nb.metadata.get("kernelspec", {}).get("name") or "python3"
        self.km = SandboxedKernelManager(kernel_name=name, config=self.config)
        # A submission's notebooks are run by name; the first of them finds nothing.
        follows = self._left.folder == self._folder and self._left.notebook < self._notebook
        self.km.files = self._left.files if follows else None
        return self.km

    def preprocess(self, nb: NotebookNode, resources: Any = None, km: Any = None) -> tuple[NotebookNode, Any]:
        # As nbconvert's (7.17) does, which cannot be called in part.
        NotebookClient.__init__(self, nb, km)
        self.shutdown_kernel = "immediate"
        self.reset_execution_trackers()
        self._check_assign_resources(resources)
        self._notebook = resources.get("unique_key", "") if resources else ""
        self._folder = self.resources.get("metadata", {}).get("path", "")
        try:
            with self.setup_kernel():
                self._run(nb, resources)
                if not self.last:
                    room = self.km.provisioner.room
                    files = room.pack(room.limits.disk_mib * 2**20)
                    SandboxedExecute._left = _Left(self._folder, self._notebook, files)
        except NoSuchKernel as error:
            self._give_up(nb, 0, self._fault(0, Cause.UNREADABLE, reason=f"there is no kernel {error.name!r} here"))
        except KernelEnded as error:
            self._give_up(nb, 0, self._fault(0, Cause.DIED, log=error.detail, end=ENDINGS[0]))
        return nb, self.resources

    def _run(self, nb: NotebookNode, resources: Any) -> None:
        provisioner = self.km.provisioner
        limits = provisioner.settings.limits
        watch = Watch(provisioner.room, limits.memory_mib, limits.seconds)
        watch.start()
        index = 0
        started = time.monotonic()
        try:
            info = self.wait_for_reply(self.kc.kernel_info())
            nb.metadata["language_info"] = info["content"]["language_info"]
            for index, cell in enumerate(nb.cells):
                if has_hidden_tests(cell, self.config):
                    self._display_id_map.clear()  # what was shown before stays as it was
                self.preprocess_cell(cell, resources, index)
                if cell.cell_type == "code":
                    _check(cell)
                    cell.execution_count = outputs.count(cell.execution_count)
        except Exception as error:
            self.log.debug("Cell %d of %s", index + 1, self._notebook, exc_info=True)
            self._give_up(nb, index, self._explain(index, error, provisioner.room, watch))
        finally:
            self.cell_seconds += time.monotonic() - started
            watch.stop()

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        super()._update_display_id(display_id, msg)
        for index in self._display_id_map.get(display_id, ()):
            _check(self.nb.cells[index])

    def on_cell_executed(self, **kwargs: Any) -> None:
        super().on_cell_executed(**kwargs)
        # nbclient's own reply, in place of the kernel's, has no header.
        if "header" not in kwargs["execute_reply"]:
            index = kwargs["cell_index"]
            self.faults.append(self._fault(index, Cause.CELL_TIME, seconds=self.timeout))

    def _explain(self, index: int, error: Exception, room: Room, watch: Watch) -> Fault:
        values = vars(self.km.provisioner.settings.limits)
        if watch.broken:
            return self._fault(index, Cause.MEMORY if watch.broken == "memory" else Cause.TIME, **values)
        stuck = isinstance(error, CellTimeoutError)
        over = room.over() if stuck else _ends(room)
        if self.kc.too_much or (self.kc.cut_off and not over):
            return self._fault(index, Cause.OUTPUT, **values)
        if over:
            return self._fault(index, Cause.DIED, log=room.log, end=_ending(room.status or 0))
        return self._fault(index, Cause.STUCK, seconds=self.timeout) if stuck else self._fault(index, Cause.GARBLED)

    def _fault(self, index: int, cause: Cause, log: str = "", **values: object) -> Fault:
        named = self.nb.cells[index].metadata.get("nbgrader", {}).get("grade_id") if self.nb.cells else None
        return fault(cause, notebook=self._notebook, cell=str(named or index + 1), log=log, **values)

    def _give_up(self, nb: NotebookNode, index: int, why: Fault) -> None:
        self.faults.append(why)
        give_nothing(nb.cells[index:], why)


def _check(cell: NotebookNode) -> None:
    """Only outputs, and none that passes for one of ours, which come later. Raises Garbled."""
    cell.outputs = [outputs.checked(output) for output in cell.outputs]
    for output in cell.outputs:
        if is_ours(output):
            output.ename = "Exception"  # not left out: a test that failed must not look like one that did not


def give_nothing(cells: list[NotebookNode], why: Fault) -> None:
    """No points for these cells, which say why."""
    for cell in cells:
        if cell.cell_type == "code" and cell.source.strip():
            cell.outputs = [outputs.error(NOT_GRADED, why.sentence)]
            cell.execution_count = None


def _ends(room: Room) -> bool:
    """Whether it has ended; what tells us may come a little later than what it did."""
    deadline = time.monotonic() + _DEATH_SECONDS
    while not room.over():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _ending(status: int) -> str:
    """How a process ended, from waitpid(2)'s status."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return ENDINGS[1].format(status=code)
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "SIGRT"
    return ENDINGS[2].format(signal=name)
