"""The few Linux system calls that Python's library does not offer, by way of libc."""

import ctypes
import os
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
