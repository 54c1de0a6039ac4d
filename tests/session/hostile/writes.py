# attempts: 10 11 12 13 14 15 16 17 18 19 20 21 23 50
# expect: held
import contextlib
import os
import threading

here = os.getcwd()
attempt(10, lambda: os.symlink("/etc/passwd", "ps1.ipynb"))
attempt(11, lambda: os.link("/usr/bin/env", "env") or "linked to a file of the machine")
attempt(12, lambda: os.mkfifo("result.json"))
attempt(13, lambda: os.mknod("disk", 0o060600, os.makedev(8, 0)) or "made a device")
attempt(14, lambda: open("../../../escaped-@MARK@", "w").write("x"))
attempt(15, lambda: open("new\nline-\u202e\udcff-@MARK@", "w").close())
attempt(18, lambda: open("sparse", "w").truncate(2**40))
attempt(19, lambda: os.chmod(os.open("suid", os.O_CREAT | os.O_WRONLY), 0o4755))


def many():
    for number in range(1_000_000):
        open(f"many-{number}", "w").close()
    return "a million files"


def much():
    with open("much", "wb") as file:
        for _ in range(2048):
            file.write(bytes(2**20))
    return "two GiB"


def shared():
    with open("/dev/shm/much", "wb") as file:
        for _ in range(2048):
            file.write(bytes(2**20))
    return "two GiB"


def unnamed():
    return os.memfd_create("x")


attempt(16, many)
for name in os.listdir("."):
    if name.startswith("many-"):
        os.unlink(name)
attempt(17, much)
os.unlink("much")
attempt(50, shared)
os.unlink("/dev/shm/much")
attempt(50, unnamed)
attempt(50, lambda: __import__("ctypes").CDLL(None).shmget(0, 2**30, 0o1666) >= 0)


def swap():
    # It ends silently: the traceback of a thread that fails is output of the cell that runs then, and costs its points.
    with contextlib.suppress(OSError):
        while True:
            for target in ("/etc/passwd", "/proc/1/environ"):
                os.symlink(target, "swap-new")
                os.replace("swap-new", "swap")
            open("swap-new", "w").write("plain")
            os.replace("swap-new", "swap")


threading.Thread(target=swap, daemon=True).start()
attempt(21, lambda: None)
kernels = os.path.expanduser("~/.local/share/jupyter/kernels/python3")
os.makedirs(kernels)
attempt(23, lambda: open(f"{kernels}/kernel.json", "w").write("{}") and False)
os.chmod("suid", 0)
attempt(20, lambda: os.chmod(".", 0))
