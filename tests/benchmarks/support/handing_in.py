"""How long nbgrader's submit takes with its own exchange, a folder, and with Campus's. Run in the session environment.

Both are nbgrader's exchange classes, asked for the same files in turns; the start of the command is left out. Told in a
JSON object on standard input: ``folder``, ``course``, ``rounds``. Prints the seconds as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import default
from traitlets.config import Config

from extensions.exchange import plugin


def submitting(kind: type, config: Config) -> float:
    course = CourseDirectory(config=config)
    one = kind(coursedir=course, authenticator=Authenticator(config=config), config=config)
    begin = time.monotonic()
    one.start()
    return time.monotonic() - begin


def main() -> None:
    told = json.load(sys.stdin)
    folder, course = Path(told["folder"]), told["course"]
    os.chdir(folder)
    config = Config()
    config.CourseDirectory.course_id, config.CourseDirectory.assignment_id = course, "ps1"
    config.Exchange.cache = str(folder / "cache")
    config.Exchange.root = str(folder / "exchange")
    config.Exchange.assignment_dir = str(folder)
    # nbgrader's, as its documentation has it made: a folder that everybody can write to, with the release in it.
    outbound, inbound = folder / "exchange" / course / "outbound", folder / "exchange" / course / "inbound"
    shutil.copytree(folder / "ps1", outbound / "ps1")
    inbound.mkdir()
    (folder / "exchange").chmod(0o777)
    inbound.chmod(0o733)
    kinds = {"stock": default.ExchangeSubmit, "Campus": plugin.ExchangeSubmit}
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(told["rounds"]):
        for name, kind in kinds.items():
            taken[name].append(submitting(kind, config))
    json.dump(taken, sys.stdout)


if __name__ == "__main__":
    main()
