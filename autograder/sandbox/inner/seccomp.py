"""A filter of system calls (seccomp): what no notebook needs is refused by the kernel."""

import ctypes
import platform
import struct
from collections.abc import Iterable

from autograder.sandbox.inner.system_calls import NEW_NAMESPACE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, prctl

# Calls that no notebook needs and that attacks on the kernel, or messages from one submission to the next, are made of.
# Name: (number on x86-64, number on arm64).
FORBIDDEN = {
    "ptrace": (101, 117),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "memfd_create": (319, 279),  # memory that no process's size shows
    "memfd_secret": (447, 447),
    "shmget": (29, 194),  # likewise
    "semget": (64, 190),  # likewise
    "msgget": (68, 186),  # likewise
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "swapon": (167, 224),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "acct": (163, 89),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "personality": (135, 92),
}
# All that decoding a picture takes.
MEMORY_ALONE = {
    "read": (0, 63),
    "write": (1, 64),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "brk": (12, 214),
    "madvise": (28, 233),
    "futex": (202, 98),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "sched_yield": (24, 124),
    "clock_gettime": (228, 113),
    "getrandom": (318, 278),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
CLONE, CLONE3 = (56, 220), (435, 435)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
ALLOW, REFUSE_EPERM, REFUSE_ENOLCK, REFUSE_ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050025, 0x00050026, 0x80000000

# What the kernel holds for a process without counting it as its memory.
FCNTL, SETSOCKOPT = (72, 25), (54, 208)
RANGE_LOCKS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW: one file takes any number of them
BUFFER_SIZES = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF, SO_SNDBUFFORCE, SO_RCVBUFFORCE


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


LOAD, EQUAL, AT_LEAST, ANY_BIT, GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE = 0, 4  # where a call's number and architecture stand, in bytes


def _argument(index: int) -> int:
    """Where the low half of a call's argument stands, on a machine that stores it first."""
    return 16 + 8 * index


def _native_calls_alone(machine: str) -> list[bytes]:
    """Ends a process that calls by the numbers of another architecture: 32-bit programs have other ones."""
    program = [
        _instruction(LOAD, ARCHITECTURE),
        _instruction(EQUAL, ARCHITECTURES[machine][1], 1),
        _instruction(GIVE, KILL),
        _instruction(LOAD, NUMBER),
    ]
    if machine == "x86_64":  # the x32 form of every call
        program += [_instruction(AT_LEAST, 0x40000000, 0, 1), _instruction(GIVE, REFUSE_ENOSYS)]
    return program


def _refused_if(number: int, index: int, values: Iterable[int], refusal: int) -> list[bytes]:
    """Refuses a call if one of its arguments is one of `values`; leaves the number loaded for what comes next."""
    wanted = [*values]
    tests = [_instruction(EQUAL, value, len(wanted) - i, 0) for i, value in enumerate(wanted[:-1], start=1)]
    tests += [_instruction(EQUAL, wanted[-1], 0, 1)]
    body = [_instruction(LOAD, _argument(index)), *tests, _instruction(GIVE, refusal), _instruction(LOAD, NUMBER)]
    return [_instruction(EQUAL, number, 0, len(body)), *body]


def system_call_filter(machine: str) -> bytes | None:
    """The filter of `forbid_system_calls` as a BPF program; None for a machine whose numbers we do not know."""
    if machine not in ARCHITECTURES:
        return None
    column = ARCHITECTURES[machine][0]
    new_namespaces = sum(NEW_NAMESPACE.values()) | 0x02000000  # and a new cgroup namespace
    program = _native_calls_alone(machine)
    for numbers in FORBIDDEN.values():
        program += [_instruction(EQUAL, numbers[column], 0, 1), _instruction(GIVE, REFUSE_EPERM)]
    program += _refused_if(FCNTL[column], 1, RANGE_LOCKS, REFUSE_ENOLCK)
    program += _refused_if(SETSOCKOPT[column], 2, BUFFER_SIZES, REFUSE_EPERM)
    program += [
        _instruction(EQUAL, CLONE3[column], 0, 1),  # its flags are out of a filter's sight; libc falls back to clone
        _instruction(GIVE, REFUSE_ENOSYS),
        _instruction(EQUAL, CLONE[column], 0, 3),
        _instruction(LOAD, _argument(0)),
        _instruction(ANY_BIT, new_namespaces, 0, 1),
        _instruction(GIVE, REFUSE_EPERM),
        _instruction(GIVE, ALLOW),
    ]
    return b"".join(program)


def memory_alone_filter(machine: str) -> bytes | None:
    """The filter of `allow_memory_alone`; None for a machine whose numbers we do not know."""
    if machine not in ARCHITECTURES:
        return None
    program = _native_calls_alone(machine)
    for numbers in MEMORY_ALONE.values():
        program += [_instruction(EQUAL, numbers[ARCHITECTURES[machine][0]], 0, 1), _instruction(GIVE, ALLOW)]
    return b"".join([*program, _instruction(GIVE, REFUSE_EPERM)])


def forbid_system_calls() -> bool:
    """Refuses, from now on and in all that this process starts, the calls in `FORBIDDEN`. Returns whether it could."""
    return _install(system_call_filter(platform.machine()))


def allow_memory_alone() -> bool:
    """Refuses, from now on, every call that is not in `MEMORY_ALONE`. Returns whether it could."""
    try:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    except (OSError, AttributeError):  # not Linux
        return False
    return _install(memory_alone_filter(platform.machine()))


def _install(code: bytes | None) -> bool:
    if code is None:
        return False
    program = _Program(len(code) // 8, code)
    try:
        prctl(PR_SET_SECCOMP, 2, ctypes.byref(program))
    except OSError:  # a kernel built without it
        return False
    return True
