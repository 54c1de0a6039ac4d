# attempts: 28 29 30 31 32 33 34 35 36 37 38 39 51
# expect: held
import ctypes
import errno
import fcntl
import os
import pty
import signal
import stat
import subprocess
import threading

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    """A system call by its number; true where it was let through."""
    padded = [ctypes.c_long(a) for a in (*arguments, 0, 0, 0, 0, 0)[:5]]
    return libc.syscall(number, *padded) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS)


def program(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode == 0 and done.stdout


for number in (signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM):
    attempt(28, lambda: os.kill(1, number))
attempt(28, lambda: os.kill(os.getppid(), signal.SIGKILL))
attempt(29, lambda: call(101, 16, 1))  # ptrace(PTRACE_ATTACH)
attempt(29, lambda: open("/proc/1/mem", "wb"))
attempt(29, lambda: open("/proc/1/maps").read())
attempt(30, lambda: open("/proc/1/environ").read())
attempt(30, lambda: os.listdir("/proc/1/fd"))
attempt(30, lambda: os.listdir("/proc/1/root"))
attempt(30, lambda: os.listdir("/proc/1/cwd"))
attempt(30, lambda: [p for p in os.listdir("/proc") if p.isdecimal() and int(p) not in (1, os.getpid())])
links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
attempt(31, lambda: [os.readlink(p) for p in links if os.path.lexists(p) and stat.S_ISREG(os.stat(p).st_mode)])
attempt(31, lambda: [os.readlink(p) for p in links if os.path.lexists(p) and stat.S_ISDIR(os.stat(p).st_mode)])


def inject():
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, 0x5412, b"x")  # TIOCSTI
    return "typed"


attempt(32, inject)
attempt(32, lambda: os.open("/dev/tty", os.O_RDWR))
attempt(33, lambda: libc.unshare(0x10000000) == 0)
attempt(33, lambda: call(56, 0x10000000 | signal.SIGCHLD))  # clone(CLONE_NEWUSER)
attempt(33, lambda: call(435, 0, 0))  # clone3
attempt(34, lambda: libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) == 0)
attempt(34, lambda: call(428, 0, 0, 0))  # open_tree
attempt(34, lambda: libc.umount2(b"/run/kernel", 2) == 0)
attempt(34, lambda: os.unlink("/run/kernel/k-1") or "took the kernel's socket away")
for name in ("su", "sudo", "mount", "newgrp", "passwd"):
    attempt(
        35,
        lambda: (
            program(f"/usr/bin/{name}", "--version")
            and "CapEff:\t0000000000000000" not in open("/proc/self/status").read()
        ),
    )
attempt(35, lambda: "NoNewPrivs:\t1" not in open("/proc/self/status").read())
attempt(35, lambda: os.setuid(0) or os.getuid() == 0)
attempt(36, lambda: os.listdir("/sys/fs/cgroup"))
attempt(36, lambda: open("/proc/self/cgroup").read().count("slurm"))
attempt(37, lambda: program("/usr/bin/squeue"))
attempt(37, lambda: program("/usr/bin/sbatch", "--wrap=true"))
attempt(37, lambda: program("/usr/bin/scancel", "--user=root"))


def core():
    if (child := os.fork()) == 0:
        os.abort()
    return os.WCOREDUMP(os.waitpid(child, 0)[1])


attempt(38, core)
for number in (425, 321, 250, 298, 323):  # io_uring_setup, bpf, keyctl, perf_event_open, userfaultfd
    attempt(39, lambda: call(number, 0, 0))
for _ in range(64):
    threading.Thread(target=lambda: sum(range(10**6)), daemon=True).start()
attempt(51, lambda: len(os.sched_getaffinity(0)) > 1)
attempt(51, lambda: os.sched_setaffinity(0, range(64)) or "took more processors")
