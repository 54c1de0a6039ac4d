"""A program of the session environment, run beside the hub as an account that is not root: nbgrader is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, Result, run_sync
from hub_config.paths import Paths
from hub_config.site import Site

_SECONDS = 3600


def run_in_session(
    module: str,
    arguments: Sequence[str],
    *,
    become: Sequence[str],
    user: str,
    home: str,
    site: Site,
    paths: Paths,
    output: BinaryIO | None = None,
) -> Result:
    """Run a module; ``become`` goes before the command. Raises CampusError with the last line that it said."""
    environment = site.sessions.environment or paths.session_env.resolve()
    python = Path(environment, "bin", "python")
    if not python.exists():
        raise CampusError("no-session-environment", f"There is no {python}.", "Run ./campus up first.")
    try:
        return run_sync(
            [*become, str(python), "-P", "-s", "-m", module, *arguments],
            what=f"Running {module}",
            timeout=_SECONDS,
            env={"PATH": f"{environment}/bin:{os.environ['PATH']}", "HOME": home, "USER": user, "LANG": "C.UTF-8"},
            output=output,
        )
    except ProgramFailed as error:
        said = (error.result.stderr if error.result else error.detail).strip().splitlines()[-1:]
        raise CampusError(
            "course-not-generated",
            f"The course could not be made ready, as {user} in {home}: {''.join(said)}",
            "Correct the course, then run this again; nothing has changed for its trainees.",
            error.detail,
        ) from error
