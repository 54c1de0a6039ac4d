# attempts: 1 2 3 4 5 6 7 8 9 48
# expect: held
import os
import stat


def visible():
    """Everything that can be seen of the file system, programs aside."""
    for where, folders, names in os.walk("/"):
        if where == "/":
            folders[:] = [f for f in folders if f not in ("proc", "usr")]
        folders[:] = [f for f in folders if os.path.join(where, f) not in ("@ENVIRONMENT@", "@LINK@")]
        yield from (os.path.join(where, name) for name in (*folders, *names))


found = list(visible())
names = {os.path.basename(path) for path in found}


def no(*wanted):
    return [path for path in found if os.path.basename(path) in wanted]


attempt(1, lambda: no("gradebook.db"))
attempt(2, lambda: os.path.exists("@COURSE@") or no("submitted", "autograded"))
attempt(3, lambda: [path for path in found if path.endswith(".ipynb")])
attempt(4, lambda: os.listdir(os.path.dirname("@COURSE@")))
attempt(5, lambda: open("/etc/shadow").read())
attempt(6, lambda: [p for p in found if stat.S_ISSOCK(os.lstat(p).st_mode) and not p.startswith("/run/kernel/")])
attempt(7, lambda: no("slurm.conf", "slurmctld.log", "spool"))
attempt(8, lambda: no("jupyterhub.sqlite", "cookie-secret", "secrets"))
attempt(9, lambda: no(".ssh", "authorized_keys", "id_rsa", "id_ed25519"))
attempt(
    48, lambda: [p for p in found if "kernel" in p and stat.S_ISSOCK(os.lstat(p).st_mode) and "/run/kernel/k-" not in p]
)
