# attempts: 22 24 26 27 60
# expect: held
# What it leaves behind is looked for by a later submission (later.py), and on the machine.
import builtins
import os
import subprocess
import sys

for path in ("/tmp/left-@MARK@", "/dev/shm/left-@MARK@", "/home/left-@MARK@", os.path.expanduser("~/.left-@MARK@")):
    try:
        open(path, "w").write("left")
    except OSError:
        pass
os.makedirs(os.path.expanduser("~/.ipython/profile_default/startup"), exist_ok=True)
open(os.path.expanduser("~/.ipython/profile_default/startup/00.py"), "w").write("left = 1")
builtins.left = "left"
os.environ["LEFT"] = "left"
sys.modules["left"] = os
subprocess.Popen(["/usr/bin/setsid", "/bin/sleep", "987654"])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time

        time.sleep(987654)
    os._exit(0)
for number in (22, 24, 26, 27, 60):
    attempt(number, lambda: None)
