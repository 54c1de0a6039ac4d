# attempts: 60
# expect: held
import builtins
import glob
import os
import sys

attempt(
    60,
    lambda: [
        p
        for d in ("/tmp", "/dev/shm", "/home", os.path.expanduser("~"))
        for p in glob.glob(f"{d}/*left*") + glob.glob(f"{d}/.left*")
    ],
)
attempt(60, lambda: hasattr(builtins, "left") or "LEFT" in os.environ or "left" in sys.modules or "left" in globals())
attempt(60, lambda: [p for p in os.listdir("/proc") if p.isdecimal() and int(p) > 2])
