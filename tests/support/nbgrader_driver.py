"""Runs nbgrader's commands, each in a fork of a process that has loaded them. One JSON object a line, in and out."""

import json
import os
import sys
import tempfile
import time
import traceback

import nbgrader.apps
import nbgrader.exchange.default  # noqa: F401 - loaded once, for all
from nbgrader.apps.nbgraderapp import main

import extensions.exchange.plugin  # noqa: F401


def run(asked: dict) -> int:
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["nbgrader", *asked["words"]]
    if asked["hurried"]:
        time.sleep = lambda seconds: None  # the pauses between tries
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


for line in sys.stdin:
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            status = run(json.loads(line))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        print(json.dumps({"status": status, "said": said.read().decode(errors="replace")}), flush=True)
