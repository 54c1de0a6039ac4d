"""Running a notebook's visible tests beside the session's server."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed, run

_LONGEST = 3600.0  # seconds; nbgrader ends each cell after Execute.timeout


async def validate(path: str, form: str = "cells") -> Any:
    """What extensions.coursework.check tells of a notebook, in this form. Ends it where it is cancelled.

    Raises CampusError: its refusal, or ProgramFailed.
    """
    command = [sys.executable, "-I", "-m", "extensions.coursework.check", path, form]
    done = await run(command, what="The check", timeout=_LONGEST, env=os.environ, check=False)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise ProgramFailed("The check", "it ended before it had told anything", done) from None
    if "refused" in told:
        raise CampusError(**told["refused"], detail=done.stderr[-2000:])
    return told["said"]
