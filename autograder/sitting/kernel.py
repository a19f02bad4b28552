"""The few Linux system calls that Python's library does not offer, by way of libc."""

import ctypes
import os
import platform
import struct
from pathlib import Path

NEW_NAMESPACE = {
    "mount": 0x00020000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 16384, 1 << 18
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 4, 22, 24, 36, 38
LAST_CAPABILITY = 63

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

_libc = ctypes.CDLL(None, use_errno=True)


def may_mount() -> bool:
    """Whether this process has the right (CAP_SYS_ADMIN) to make namespaces and mounts without a user namespace."""
    lines = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:")]
    return bool(lines) and bool(int(lines[0].split()[1], 16) >> 21 & 1)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare(*namespaces: str) -> None:
    """Leaves the named namespaces for new ones (`pid` holds for the processes started from now on)."""
    flags = 0
    for namespace in namespaces:
        flags |= NEW_NAMESPACE[namespace]
    _call("unshare", ctypes.c_int(flags))


def mount(kind: str | None, target: str, flags: int, options: str = "") -> None:
    """mount(2), of a file system without a device, or with `kind` None of new flags on an old one."""
    source = kind.encode() if kind else None
    arguments = (source, target.encode(), source, ctypes.c_ulong(flags), options.encode() or None)
    _call("mount", *arguments)


def prctl(option: int, argument: int, *more: object) -> None:
    """prctl(2)."""
    rest = [ctypes.c_ulong(0) if i >= len(more) else more[i] for i in range(3)]
    _call("prctl", ctypes.c_int(option), ctypes.c_ulong(argument), *rest)


def bound_capabilities() -> None:
    """Makes sure that no program this process starts can gain a special right; needs one itself, so it comes first."""
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # beyond the last one this kernel knows
            break
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Gives up every special right for good."""
    header = struct.pack("=Ii", 0x20080522, 0)
    _call("capset", ctypes.create_string_buffer(header), ctypes.create_string_buffer(24))


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
    new_rooms = sum(NEW_NAMESPACE.values()) | 0x02000000  # and a new cgroup namespace
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
        _instruction(any_bit, new_rooms, 0, 1),
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
