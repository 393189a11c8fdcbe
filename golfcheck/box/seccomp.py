"""The system call filter of a box: it may start threads but no processes, and make no calls prone to kernel exploits.

A process limit is not enough: the kernel does not apply it to root, and containers often run as root.
"""

import errno
import platform
import struct

# linux/seccomp.h, linux/filter.h, linux/audit.h
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FLAGS_AT = 0, 4, 16
_CLONE_THREAD = 0x10000
_X32 = 0x40000000  # call numbers of the x32 ABI on x86-64 start here

# arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. Denied are calls that create in-memory
# files outside every limit (memfd_create), that inspect processes, or that expose large parts of the kernel which a
# predictor does not need.
_DENIED = {
    "x86_64": {
        "fork": 57, "vfork": 58, "ptrace": 101, "add_key": 248, "keyctl": 250, "perf_event_open": 298, "bpf": 321,
        "memfd_create": 319, "userfaultfd": 323, "io_uring_setup": 425,
    },
    "aarch64": {
        "ptrace": 117, "add_key": 217, "keyctl": 219, "perf_event_open": 241, "bpf": 280, "memfd_create": 279,
        "userfaultfd": 282, "io_uring_setup": 425,
    },
}  # fmt: skip
_ARCHITECTURES = {"x86_64": (0xC000003E, 56), "aarch64": (0xC00000B7, 220)}  # AUDIT_ARCH_*, and clone's number
_CLONE3 = 435
_OF_GPUS = {"memfd_create"}  # calls that a GPU's driver may need


def program(device: str) -> bytes | None:
    """Return the filter for bubblewrap's --seccomp, or None on a machine whose call numbers are not listed here."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return None
    architecture, clone = _ARCHITECTURES[machine]
    denied = [number for name, number in _DENIED[machine].items() if device == "cpu" or name not in _OF_GPUS]
    deny, missing, allow = (_RETURN, _ERRNO | errno.EPERM), (_RETURN, _ERRNO | errno.ENOSYS), (_RETURN, _ALLOW)
    # Each step is a BPF instruction: code, steps to skip if true, steps to skip if false, operand.
    steps: list[tuple[int, int, int, int]] = [(_LOAD, 0, 0, _ARCHITECTURE_AT)]
    steps += [(_IF_EQUAL, 1, 0, architecture), (deny[0], 0, 0, deny[1])]
    steps += [(_LOAD, 0, 0, _NUMBER_AT), (_IF_AT_LEAST, 0, 1, _X32), (deny[0], 0, 0, deny[1])]
    for number in denied:
        steps += [(_IF_EQUAL, 0, 1, number), (deny[0], 0, 0, deny[1])]
    # clone3's flags are in memory, where a filter cannot read them. If it is missing, the C library calls clone.
    steps += [(_IF_EQUAL, 0, 1, _CLONE3), (missing[0], 0, 0, missing[1])]
    steps += [(_IF_EQUAL, 1, 0, clone), (allow[0], 0, 0, allow[1])]
    steps += [(_LOAD, 0, 0, _FLAGS_AT), (_AND, 0, 0, _CLONE_THREAD)]
    steps += [(_IF_EQUAL, 0, 1, _CLONE_THREAD), (allow[0], 0, 0, allow[1]), (deny[0], 0, 0, deny[1])]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)
