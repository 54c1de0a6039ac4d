"""``python trial.py notebook|app|facts …``: one step of trying a built kit, in the session environment.

Copied beside the kit and run as a file, in a home of its own: of Campus it needs what that environment has. Each step
prints one JSON object.

- ``notebook FILE EXECUTED SECONDS``: runs a notebook from top to bottom, in one kernel, and writes it with its outputs.
  ``{"seconds", "cpu_seconds", "peak_mib", "error": null | {"cell", "says", "source"}}``
- ``app FILE SECONDS``: has Voilà open the app. ``{"seconds", "error": null | TEXT}``
- ``facts HOME PACKAGED``: what the run left.
  ``{"runs", "models": {name: has a card}, "packaged": {PATH: sha256 | null}}``
"""

from __future__ import annotations

import hashlib
import html
import importlib.util
import json
import os
import re
import resource
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

_SAYS = 600  # characters of an error, and of the cell that it is in
_TAIL = 3000  # characters of a server's log
# What Voilà writes into a page in place of a cell that raised (voila/execute.py), and how a traceback begins.
_RAISED = re.compile(r"There was an error when executing cell|application/vnd\.jupyter\.error|Traceback \(most recent")


def notebook(file: str, executed: str, seconds: str) -> dict[str, Any]:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    from extensions.lab.client import SETTINGS

    path, started = Path(file), time.monotonic()
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        timeout=int(seconds),
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        # Sockets in a folder of our own: ports would be open to every account of the machine.
        config=Config(
            {"KernelManager": {"transport": "ipc", "ip": f"{os.environ['JUPYTER_RUNTIME_DIR']}/kernel"}, **SETTINGS}
        ),
    )
    error: dict[str, Any] | None = None
    try:
        client.execute()
    except CellExecutionError as raised:
        error = _where(book, f"{raised.ename}: {raised.evalue}")
    except CellTimeoutError:
        error = _where(book, f"it takes longer than {seconds} seconds")
    except DeadKernelError:
        error = _where(book, "the kernel died: did it use too much memory?")
    nbformat.write(book, executed)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": time.monotonic() - started,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "error": error,
    }


def _where(book: Any, says: str) -> dict[str, Any]:
    """The cell that did not end well: the one with an error among its outputs, else the last that began."""
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    raised = [n for n, cell in enumerate(code) if any(out.output_type == "error" for out in cell.outputs)]
    begun = [n for n, cell in enumerate(code) if cell.execution_count or cell.outputs]
    number = raised[0] if raised else min(len(begun), len(code) - 1)
    return {"cell": number + 1, "says": says[:_SAYS], "source": code[number].source[:_SAYS]}


def app(file: str, seconds: str) -> dict[str, Any]:
    from extensions.lab.client import SETTINGS

    started = time.monotonic()
    deadline = started + int(seconds)
    path, token = Path(file), secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder, open(Path(folder, "log"), "w+") as log:
        # In a file of our own: a command line can be read by all.
        port = _free_port()
        settings = {
            "Voila": {"ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False, "token": token},
            "VoilaConfiguration": {"show_tracebacks": True},
            **SETTINGS,
        }
        Path(folder, "voila.json").write_text(json.dumps(settings))
        server = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-s",
                "-m",
                "voila",
                str(path),
                f"--Voila.config_file_paths={folder}",
            ],
            cwd=path.parent,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            error = _open(f"http://127.0.0.1:{port}/?token={token}", server, deadline)
        finally:
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
        log.seek(0)
        said = log.read()[-_TAIL:].strip()
    return {"seconds": time.monotonic() - started, "error": error, "log": said if error else ""}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _open(address: str, server: subprocess.Popen[Any], deadline: float) -> str | None:
    """What is wrong with the page, None where nothing is. Voilà answers once every cell has run."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if server.poll() is not None:
            return "Voilà ended before it answered"
        try:
            with opener.open(address, timeout=max(1, deadline - time.monotonic())) as answer:
                page = _read(answer, deadline)
        except urllib.error.HTTPError as refused:
            return f"Voilà answers {refused.code}: {_words(refused.read().decode('utf-8', 'replace'))}"
        except OSError:  # it does not listen yet
            time.sleep(0.2)
            continue
        if found := _RAISED.search(page):
            return _words(page[found.start() :])
        return None if "vnd.jupyter.widget-view+json" in page else "the page shows no widget"
    return "Voilà does not show the app in time"


def _read(answer: Any, deadline: float) -> str:
    """A page. Raises TimeoutError: while a cell runs, Voilà sends a little now and then, so the socket does not."""
    parts = []
    while part := answer.read1():
        parts.append(part)
        if time.monotonic() > deadline:
            raise TimeoutError
    return b"".join(parts).decode("utf-8", "replace")


def _words(page: str) -> str:
    """What a person reads of a page's part."""
    text = html.unescape(re.sub(r"<[^>]*>|\x1b\[[0-9;]*m|\\u001b\[[0-9;]*m", " ", page))
    return " ".join(text.split())[:_SAYS]


def facts(home: str, packaged: str) -> dict[str, Any]:
    runs, models = 0, {}
    database = Path(home, "mlflow", "mlflow.db")
    if database.is_file():
        with closing(sqlite3.connect(database)) as store:
            (runs,) = store.execute("SELECT count(*) FROM runs WHERE status = 'FINISHED'").fetchone()
            models = {name: bool(said) for name, said in store.execute("SELECT name, description FROM model_versions")}
    return {"runs": runs, "models": models, "packaged": {path: _sha256(path) for path in json.loads(packaged)}}


def _sha256(path: str) -> str | None:
    package, _, inside = path.partition("/")
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (file := Path(folder, inside)).is_file():
            return hashlib.sha256(file.read_bytes()).hexdigest()
    return None


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    steps: dict[str, Callable[..., dict[str, Any]]] = {"notebook": notebook, "app": app, "facts": facts}
    print(json.dumps(steps[step](*arguments)))
