"""System calls that student code may not make, as a seccomp filter (seccomp(2), Linux's uapi headers)."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from extensions.grading.sandbox.linux import prctl

# Name -> number on x86_64, on aarch64 (None: it has no such call). From 424 on they are the same everywhere.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Other processes' memory and files.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    # Parts of the kernel in which holes were found again and again.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "personality": (135, 92),
    # Namespaces and mounts.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # Memory that no limit of ours counts.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    # Its own share of the processors.
    "sched_setaffinity": (203, 122),
    # The machine.
    "acct": (163, 89),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "settimeofday": (164, 170),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "vhangup": (153, 58),
}
_CLONE3 = 435
_CLONE = (56, 220)
_IOCTL = (16, 29)
_SOCKET = (41, 198)
_NAMESPACES = 0x7E020080  # every CLONE_NEW*
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6: a network namespace closes these, not every other family

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in struct seccomp_data; arguments by their lower half
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | number)


def program(machine: str) -> bytes:
    """The filter for a machine as uname(1) names it, in classic BPF. Raises KeyError for an unknown machine."""
    column, arch = _MACHINES[machine]
    load_number = _instruction(_LOAD, _NUMBER)

    def only(number: int, rest: list[bytes]) -> list[bytes]:
        """``rest`` for this system call alone; it ends in a verdict or goes on."""
        return [load_number, _instruction(_JUMP_EQ, number, 0, len(rest)), *rest]

    code = [
        _instruction(_LOAD, _ARCH),
        _instruction(_JUMP_EQ, arch, 1, 0),
        _instruction(_RETURN, _KILL),  # a 32-bit call on a 64-bit machine has other numbers
        load_number,
    ]
    if machine == "x86_64":
        code += [_instruction(_JUMP_GE, 0x40000000, 0, 1), _instruction(_RETURN, _KILL)]  # x32 as well
    for numbers in _REFUSED.values():
        if (number := numbers[column]) is not None:
            code += [_instruction(_JUMP_EQ, number, 0, 1), _refuse(errno.EPERM)]
    # Its flags lie in memory, where no filter sees them; the C library then takes clone.
    code += [_instruction(_JUMP_EQ, _CLONE3, 0, 1), _refuse(errno.ENOSYS)]
    code += only(
        _CLONE[column],
        [_instruction(_LOAD, _FIRST), _instruction(_JUMP_SET, _NAMESPACES, 0, 1), _refuse(errno.EPERM)],
    )
    inject, linux = _TERMINAL_INJECTION
    code += only(
        _IOCTL[column],
        [
            _instruction(_LOAD, _SECOND),
            _instruction(_JUMP_EQ, inject, 1, 0),
            _instruction(_JUMP_EQ, linux, 0, 1),
            _refuse(errno.EPERM),
        ],
    )
    families = [_instruction(_JUMP_EQ, family, len(_FAMILIES) - at, 0) for at, family in enumerate(_FAMILIES)]
    code += only(_SOCKET[column], [_instruction(_LOAD, _FIRST), *families, _refuse(errno.EAFNOSUPPORT)])
    code.append(_instruction(_RETURN, _ALLOW))
    return b"".join(code)


def install() -> None:
    """Put this process, and all that it starts, under the filter for good. Needs no_new_privs. Raises OSError."""
    code = program(os.uname().machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(header, len(header))
    prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(holder))
