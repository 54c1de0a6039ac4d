# attempts: 41 42 43 44 45 46 47
# expect: held
import os
import socket


def reach(*address, family=socket.AF_INET):
    with socket.socket(family) as s:
        s.settimeout(2)
        s.connect(address if family == socket.AF_INET else address[0])
        return f"reached {address}"


attempt(41, lambda: reach("192.0.2.1", 80))
attempt(41, lambda: reach("@ADDRESS@", int("@PORT@")))
attempt(42, lambda: socket.getaddrinfo("example.org", 80))
attempt(43, lambda: reach("127.0.0.1", int("@PORT@")))
attempt(44, lambda: reach("127.0.0.1", int("@HUB@")))
attempt(45, lambda: reach("\0campus-@MARK@", family=socket.AF_UNIX))
attempt(45, lambda: [line for line in open("/proc/net/unix") if "campus-@MARK@" in line])
attempt(46, lambda: reach("@SOCKET@", family=socket.AF_UNIX))
attempt(46, lambda: [name for name in os.environ if "SOCK" in name or "DBUS" in name or "TOKEN" in name])
attempt(47, lambda: reach("169.254.169.254", 80))
attempt(47, lambda: socket.socket(40, socket.SOCK_STREAM))  # AF_VSOCK: the machine's own host
attempt(47, lambda: socket.socket(17, socket.SOCK_RAW))  # AF_PACKET
