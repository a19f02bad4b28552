"""A filter of system calls (seccomp): what no notebook needs is refused by the kernel."""

import ctypes
import platform
import struct

from autograder.sandbox.inner.system_calls import NEW_NAMESPACE, PR_SET_SECCOMP, prctl

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
CLONE, CLONE3 = (56, 220), (435, 435)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
ALLOW, REFUSE_EPERM, REFUSE_ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def system_call_filter(machine: str) -> bytes | None:
    """The filter of `forbid_system_calls` as a BPF program; None for a machine whose numbers we do not know."""
    if machine not in ARCHITECTURES:
        return None
    column, architecture = ARCHITECTURES[machine]
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    new_namespaces = sum(NEW_NAMESPACE.values()) | 0x02000000  # and a new cgroup namespace
    program = [
        _instruction(load, 4),  # the architecture of the call: 32-bit calls have other numbers
        _instruction(equal, architecture, 1),
        _instruction(give, KILL),
        _instruction(load, 0),
    ]
    if machine == "x86_64":  # the x32 form of every call
        program += [_instruction(at_least, 0x40000000, 0, 1), _instruction(give, REFUSE_ENOSYS)]
    for numbers in FORBIDDEN.values():
        program += [_instruction(equal, numbers[column], 0, 1), _instruction(give, REFUSE_EPERM)]
    program += [
        _instruction(equal, CLONE3[column], 0, 1),  # its flags are out of a filter's sight; libc falls back to clone
        _instruction(give, REFUSE_ENOSYS),
        _instruction(equal, CLONE[column], 0, 3),
        _instruction(load, 16),
        _instruction(any_bit, new_namespaces, 0, 1),
        _instruction(give, REFUSE_EPERM),
        _instruction(give, ALLOW),
    ]
    return b"".join(program)


def forbid_system_calls() -> bool:
    """Refuses, from now on and in all that this process starts, the calls in `FORBIDDEN`. Returns whether it could."""
    code = system_call_filter(platform.machine())
    if code is None:
        return False
    program = _Program(len(code) // 8, code)
    try:
        prctl(PR_SET_SECCOMP, 2, ctypes.byref(program))
    except OSError:  # a kernel built without it
        return False
    return True
