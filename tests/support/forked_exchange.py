"""Starts the exchange's process over and over, each time as a fork of one that has loaded it: a pid for each line."""

import os
import signal
import sys

from extensions.exchange.service.__main__ import main

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are nobody's to wait for
for _ in sys.stdin:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        main()
        os._exit(0)
    print(child, flush=True)
