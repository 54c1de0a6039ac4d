"""Trying a kit as a person would: its notebooks, app and tests, in the session environment and a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, Result, run_sync
from extensions.kits import croissant, trial
from extensions.kits.build import build
from extensions.kits.check import CARD
from extensions.kits.kit import KitFolder
from extensions.kits.verdict import figures, judge
from hub_config.courses.trial import stranger
from hub_config.kits.sources import LIBRARY
from hub_config.paths import Paths
from hub_config.site import Site

_CPU_SECONDS = 180  # processor time of all notebooks; authors are asked for half of that
_PEAK_MIB = 3 * 1024
_APP_SECONDS = 120
_TESTS_SECONDS = 300
# Whatever asks for the network on the way finds none, and says so. Nothing listens at port 9 (RFC 863).
_NO_NETWORK = {
    **{name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")},
    **{name: "127.0.0.1,localhost" for name in ("no_proxy", "NO_PROXY")},
    "HF_HUB_OFFLINE": "1",
}


def session_python(site: Site, paths: Paths) -> Path:
    """Of the session environment. Raises CampusError where there is none yet."""
    python = Path(site.sessions.environment or paths.session_env.resolve(), "bin", "python")
    if not python.exists():
        raise CampusError("no-session-environment", f"There is no {python}.", "Run ./campus up first.")
    return python


@dataclass(frozen=True)
class Room:
    """A folder in which a kit is tried, as an account that may do nothing else here."""

    top: Path
    become: Sequence[str]
    python: Path

    @property
    def home(self) -> Path:
        return self.top / "home"

    @property
    def executed(self) -> Path:
        return self.top / "executed"

    def run(self, arguments: Sequence[str], what: str, seconds: float, cwd: Path, **more: str) -> Result:
        """Run Python with these arguments. Raises ProgramFailed where it does not end in time."""
        environment = {
            "PATH": f"{self.python.parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "USER": "somebody",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.top / "tmp"),
            "JUPYTER_RUNTIME_DIR": str(self.top / "run"),  # sockets are in there, and their paths have to be short
            # One core, as the smallest machine has: the same on all, and the figures are too.
            **{name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
            **_NO_NETWORK,
            **more,
        }
        argv = [*self.become, str(self.python), "-P", "-s", *arguments]
        return run_sync(argv, what=what, timeout=seconds, env=environment, cwd=str(cwd), check=False)

    def step(self, name: str, arguments: Sequence[str], what: str, seconds: float, cwd: Path) -> dict[str, Any]:
        """A step of extensions.kits.trial. Raises CampusError where it does not end well itself."""
        done = self.run([str(self.top / "trial.py"), name, *arguments], what, seconds, cwd)
        try:
            found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise ProgramFailed(what, (done.stderr.strip().splitlines() or ["it said nothing"])[-1], done) from None
        return found


@contextmanager
def room(folder: KitFolder, site: Site, paths: Paths) -> Iterator[tuple[Room, Path]]:
    """A place to try a kit in, and the kit in it as it is published; both go at the end."""
    python = session_python(site, paths)
    number, become = stranger()
    with tempfile.TemporaryDirectory(prefix="campus-kit-") as name:
        made = Room(Path(name), become, python)
        kit = made.home / "kits" / folder.name
        for each in (kit, made.executed, made.top / "tmp", made.top / "run"):
            each.mkdir(parents=True, mode=0o700)
        build(folder, kit, LIBRARY)
        shutil.copyfile(trial.__file__, made.top / "trial.py")
        if become:
            for each in (made.top, *made.top.rglob("*")):
                os.chown(each, number, number)
        yield made, kit


def try_kit(folder: KitFolder, made: Room, kit: Path) -> Iterator[str]:
    """A line for each thing that works. Raises CampusError at the first that does not."""
    yield from _notebooks(folder, made, kit)
    yield from _app(folder, made, kit)
    yield from _tests(folder, made, kit)
    found = figures(kit, folder.name)
    yield f"  figures: {judge(folder.kit, folder.name, found)}"
    if not (kit / "results" / CARD).is_file():
        raise CampusError("kit-card", f"The notebooks of {folder.name} fill no card.", "Call card.fill of kitlib.")
    yield from _facts(folder, made, kit)


def _notebooks(folder: KitFolder, made: Room, kit: Path) -> Iterator[str]:
    cpu = peak = 0.0
    for notebook in folder.kit.notebooks:
        limit = folder.kit.minutes * 60
        file, executed = kit / "notebooks" / f"{notebook.stem}.ipynb", made.executed / f"{notebook.stem}.ipynb"
        what = f"Running {notebook.file}"
        done = made.step("notebook", [str(file), str(executed), str(limit)], what, limit + 60, kit)
        if error := done["error"]:
            raise CampusError(
                "kit-notebook",
                f"{folder.name}: {notebook.file} stops at its code cell {error['cell']}: {error['says']}.",
                "Correct the notebook, or what it uses.",
                error["source"],
            )
        cpu, peak = cpu + done["cpu_seconds"], max(peak, done["peak_mib"])
        yield f"  {notebook.file}: {done['seconds']:.0f} s ({done['cpu_seconds']:.0f} s of processor time)"
    if cpu > _CPU_SECONDS:
        raise CampusError(
            "kit-slow",
            f"The notebooks of {folder.name} take {cpu:.0f} s of processor time at default scale, of {_CPU_SECONDS}.",
            f"Aim at {_CPU_SECONDS // 2}: less data, or fewer steps, with compute.pick(default, full).",
        )
    if peak > _PEAK_MIB:
        raise CampusError(
            "kit-memory",
            f"The notebooks of {folder.name} take {peak / 1024:.1f} GiB of memory, of {_PEAK_MIB // 1024}.",
            "Take less data at default scale, with compute.pick(default, full).",
        )
    yield f"  all notebooks: {cpu:.0f} s of processor time, {peak / 1024:.1f} GiB of memory at most"


def _app(folder: KitFolder, made: Room, kit: Path) -> Iterator[str]:
    what = f"Opening the app of {folder.name}"
    done = made.step("app", [str(kit / "app.ipynb"), str(_APP_SECONDS)], what, _APP_SECONDS + 60, kit)
    if done["error"]:
        raise CampusError(
            "kit-app",
            f"{folder.name}: the app does not open: {done['error']}.",
            "Run app.py as a notebook to see more.",
            done["log"],
        )
    yield f"  app: opens in {done['seconds']:.0f} s"


def _tests(folder: KitFolder, made: Room, kit: Path) -> Iterator[str]:
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "tests"]
    done = made.run(arguments, f"The tests of {folder.name}", _TESTS_SECONDS, kit, PYTHONPATH=str(kit))
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]])[-1].strip("= ")
    if done.status:
        failed = next((line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))), last)
        raise CampusError(
            "kit-tests",
            f"{folder.name}: the package's tests do not pass: {failed[:300]}",
            "Run python -m pytest tests in the kit's folder.",
            done.stdout,
        )
    yield f"  tests: {last}"


def _facts(folder: KitFolder, made: Room, kit: Path) -> Iterator[str]:
    wanted = croissant.packaged(folder)
    found = made.step("facts", [str(made.home), json.dumps(list(wanted))], "Looking at the runs", 60, kit)
    for path, sha256 in found["packaged"].items():
        if sha256 != wanted[path]:
            says = "is not in the session environment" if sha256 is None else f"is another file there: {sha256}"
            raise croissant.SheetError(folder.path / croissant.SHEET, [f"{croissant.PACKAGED}{path} {says}"])
    models = found["models"]
    without = [name for name, card in models.items() if not card]
    if not models or without:
        raise CampusError(
            "kit-model",
            f"{folder.name} registers the model {without[0]} without its card."
            if without
            else f"The notebooks of {folder.name} register no model.",
            "Call run.register(model, name, card_text) in a run of kitlib's tracking.",
        )
    yield f"  tracking: {found['runs']} runs in MLflow; registered with its card: {', '.join(models)}"
