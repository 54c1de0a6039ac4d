"""How a process becomes a kernel: another program, or the Python kernel that the fork server has loaded already."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import threading
from typing import Any

from extensions.grading.sandbox.room import CONNECTION_FILE

_OPTIONS = ["--HistoryManager.hist_file=:memory:"]  # as nbclient starts kernels
# What IPKernelApp.initialize (ipykernel 7.4) does after it has read its settings.
_STEPS = (
    "init_blackhole",
    "init_connection_file",
    "init_sockets",
    "init_heartbeat",
    "write_connection_file",
    "init_io",
    "init_signal",
    "init_kernel",
    "init_path",
    "init_shell",
    "init_gui_pylab",
    "init_extensions",
    "init_code",
)


def execute(request: dict[str, Any]) -> None:
    """Become the program that a kernelspec names. Raises OSError."""
    argv = request["argv"]
    os.execve(argv[0], argv, request["environment"])  # noqa: S606 - an argument list


class WarmKernel:
    """A Python kernel, loaded as far as it can be without sockets and threads."""

    def __init__(self) -> None:
        from ipykernel.compiler import XCachingCompiler
        from ipykernel.ipkernel import IPythonKernel
        from ipykernel.kernelapp import IPKernelApp
        from ipykernel.zmqshell import ZMQInteractiveShell
        from IPython.core.application import BaseIPythonApplication

        class Kernel(IPythonKernel):
            """Takes over the shell that was made before the fork."""

            def __init__(self, **settings: Any) -> None:
                super().__init__(**settings)
                self.shell.kernel = self
                self.shell.parent = self

        self._app = IPKernelApp.instance(kernel_class=Kernel)
        BaseIPythonApplication.initialize(self._app, _OPTIONS)
        self._app.init_pdb()
        # Modules ask at import whether they run in a notebook, so the shell comes before them.
        self._shell = ZMQInteractiveShell.instance(
            parent=self._app, profile_dir=self._app.profile_dir, user_ns={}, compiler_class=XCachingCompiler
        )
        # traitlets' logger makes a record of every message, and only its handler drops it.
        self._app.log.setLevel(self._app.log_level)

    def load(self, modules: list[str]) -> str | None:
        """Import what notebooks will ask for; those that do not load are left to them.

        Returns the first that printed or started a thread: nothing more is to be forked then.
        """
        for name in modules:
            if name not in sys.modules and not (_loads_silently(name) and _thread_count() == 1):
                return name
        self._rehearse()
        return None

    def _rehearse(self) -> None:
        """What is made once in a process and then remembered is made here: patterns, colours, where modules lie."""
        shell = self._shell
        shell.transform_cell("1 / 0")
        try:
            exec("1 / 0")  # noqa: S102 - the text is ours
        except ZeroDivisionError as error:
            shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
            shell.InteractiveTB.tb = None

    def become(self, request: dict[str, Any]) -> None:
        """Be the kernel, until it is told to end."""
        _new_randomness()
        self._app.connection_file = CONNECTION_FILE
        for step in _STEPS:
            getattr(self._app, step)()
        sys.stdout.flush()
        sys.stderr.flush()
        self._app.start()


def _loads_silently(name: str) -> bool:
    """What a module prints when it is loaded belongs into the notebook that loads it, where it may cost points."""
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as said:
        try:
            for standard in (1, 2):
                os.dup2(said.fileno(), standard)
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for standard, original in enumerate(kept, 1):
                os.dup2(original, standard)
                os.close(original)
        return os.fstat(said.fileno()).st_size == 0


def _thread_count() -> int:
    return max(threading.active_count(), len(os.listdir("/proc/self/task")))


def _new_randomness() -> None:
    """Random states that modules made when they were loaded would be the same in every submission."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()
