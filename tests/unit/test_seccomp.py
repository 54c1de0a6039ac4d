"""The filter's verdicts, from running its instructions as Linux would (classic BPF, seccomp(2))."""

from __future__ import annotations

import errno
import struct

import pytest

from extensions.grading.sandbox import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS, NO_FAMILY = (0x00050000 | number for number in (errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT))
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386 = 0x40000003
machines = pytest.mark.parametrize("machine", ARCH)


def verdict(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    data = struct.pack("IIQ6Q", number, ARCH[machine] if arch is None else arch, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    code = [
        struct.unpack_from("HBBI", seccomp.program(machine), at) for at in range(0, len(seccomp.program(machine)), 8)
    ]
    accumulator, at = 0, 0
    while True:
        kind, if_true, if_false, value = code[at]
        at += 1
        if kind == 0x20:
            accumulator = struct.unpack_from("I", data, value)[0]
        elif kind == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[kind]
            at += if_true if holds else if_false


@machines
def test_every_named_call_is_refused_and_others_are_not(machine: str) -> None:
    column = list(ARCH).index(machine)
    refused = {numbers[column] for numbers in seccomp._REFUSED.values()} - {None}
    assert len(refused) > 50
    for number in range(470):
        answer = verdict(machine, number)
        if number in refused:
            assert answer == EPERM
        elif number == 435:
            assert answer == ENOSYS  # clone3
        elif number in (seccomp._SOCKET[column],):
            assert answer == NO_FAMILY  # AF_UNSPEC
        else:
            assert answer == ALLOW, number


@machines
def test_another_architectures_calls_end_the_process(machine: str) -> None:
    assert verdict(machine, 1, arch=I386) == KILL
    assert verdict(machine, 1, arch=0) == KILL


def test_x32_calls_end_the_process() -> None:
    assert verdict("x86_64", 0x40000000 | 101) == KILL


@machines
@pytest.mark.parametrize(
    ("flags", "let"),
    [(0x11, True), (0x003D0F00, True), (0x10000011, False), (0x00020011, False), (0x40000000, False), (0x91, False)],
)
def test_clone_makes_threads_and_processes_and_no_namespaces(machine: str, flags: int, let: bool) -> None:
    number = seccomp._CLONE[list(ARCH).index(machine)]
    assert verdict(machine, number, flags) == (ALLOW if let else EPERM)


@machines
@pytest.mark.parametrize(
    ("request_", "let"), [(0x5412, False), (0x541C, False), (0x5413, True), (0x7FFF00005412, False)]
)
def test_nothing_is_typed_into_a_terminal(machine: str, request_: int, let: bool) -> None:
    number = seccomp._IOCTL[list(ARCH).index(machine)]
    assert verdict(machine, number, 0, request_) == (ALLOW if let else EPERM)


@machines
@pytest.mark.parametrize(("family", "let"), [(1, True), (2, True), (10, True), (16, False), (17, False), (40, False)])
def test_only_families_that_a_network_namespace_closes(machine: str, family: int, let: bool) -> None:
    number = seccomp._SOCKET[list(ARCH).index(machine)]
    assert verdict(machine, number, family) == (ALLOW if let else NO_FAMILY)


def test_an_unknown_machine_has_no_filter_and_so_no_sandbox() -> None:
    with pytest.raises(KeyError):
        seccomp.program("riscv64")
