"""What a forked process does, before it runs a submission, to be a stranger to every other one."""

import contextlib
import os
import resource
import secrets
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.inner import seccomp, system_calls
from autograder.sandbox.inner.limits import Limits

TMP = "/tmp"
RESULTS_FD = 230  # out of the way of code that closes "all" descriptors
OPEN_FILES = 256


@dataclass(frozen=True)
class Isolation:
    """How far a submission is isolated from the others.

    Args:
        separate: whether it gets namespaces of its own. Without, it runs with the rights of who started the grading.
        own_user: whether it runs under a user id of its own (only root can give one).
    """

    separate: bool
    own_user: bool


def enter_namespaces(isolation: Isolation) -> None:
    """Enters new namespaces. Processes started from now on are in a new pid namespace too.

    An ordinary user needs a new user namespace for that, in which it has every right, over nothing but the rest.
    """
    if not isolation.separate:
        return
    spaces = ("mount", "ipc", "uts", "net", "pid")
    user, group = os.getuid(), os.getgid()
    if system_calls.may_mount():
        system_calls.unshare(*spaces)
    else:
        system_calls.unshare("user", *spaces)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    system_calls.mount(None, "/", system_calls.MS_REC | system_calls.MS_PRIVATE)


def mount_own_places(isolation: Isolation, limits: Limits) -> None:
    """Gives the first process of the new pid namespace its own /proc and empty, small places to write."""
    if not isolation.separate:
        return
    plain = system_calls.MS_NOSUID | system_calls.MS_NODEV
    size = f"size={limits.disk_mb}m,nr_inodes=8192,mode=1777"
    system_calls.mount("tmpfs", TMP, plain, size)
    with contextlib.suppress(FileNotFoundError):
        system_calls.mount("tmpfs", "/dev/shm", plain, size)
        terminals = system_calls.MS_NOSUID | system_calls.MS_NOEXEC
        system_calls.mount("devpts", "/dev/pts", terminals, "newinstance,ptmxmode=0666,mode=620")
    system_calls.mount("proc", "/proc", plain | system_calls.MS_NOEXEC)


def join_control_groups(descriptors: list[int]) -> None:
    """Enters the control groups whose `cgroup.procs` files are open as `descriptors`, and closes them."""
    for descriptor in descriptors:
        os.write(descriptor, b"0")
        os.close(descriptor)


def close_all_but(descriptor: int) -> int:
    """Closes every open file but `descriptor`; input is empty, what is written past Python is dropped."""
    os.dup2(descriptor, RESULTS_FD, inheritable=False)
    os.closerange(3, RESULTS_FD)
    os.closerange(RESULTS_FD + 1, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") > 0 else 65536)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return RESULTS_FD


def drop_rights(isolation: Isolation, limits: Limits) -> None:
    """Sets the limits that the kernel keeps by process, and drops every right that a notebook does not need."""
    seconds = round(limits.notebook_seconds) + 1
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, limits.disk_mb * 2**20),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    if not isolation.separate:
        return
    system_calls.bound_capabilities()
    if isolation.own_user:
        user = 10**9 + secrets.randbelow(10**9)  # nobody's, and not the last one's
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        # The change of user took this: its /proc/self is to be its own.
        system_calls.prctl(system_calls.PR_SET_DUMPABLE, 1)
    if isolation.own_user or _processes_are_counted_by_namespace():
        resource.setrlimit(resource.RLIMIT_NPROC, (limits.processes, limits.processes))
    system_calls.drop_capabilities()
    seccomp.forbid_system_calls()


def try_isolation(isolation: Isolation) -> str:
    """Isolates a process that does nothing. Returns "" if that works, else what does not."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            enter_namespaces(isolation)
            first = os.fork()
            if first == 0:
                mount_own_places(isolation, Limits())
                drop_rights(isolation, Limits())
                alone = not isolation.separate or [p.name for p in Path("/proc").iterdir() if p.name.isdigit()] == ["1"]
                os._exit(0 if alone else 1)
            status = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
        except OSError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as words:
        problem = words.read(1000).decode(errors="replace")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return problem or (f"a process cannot be isolated (status {status})" if status else "")


def start_session(isolation: Isolation) -> None:
    """A session of its own, normal signals, and a home directory in the private place."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    # Without a sandbox, too, each submission has a directory of its own: it imports what lies there.
    home = Path(TMP, "home") if isolation.separate else Path(tempfile.mkdtemp(dir=os.environ["AUTOGRADER_PLACE"]))
    home.mkdir(exist_ok=True)
    os.chdir(home)
    os.environ.update(HOME=str(home), TMPDIR=TMP if isolation.separate else str(home))


def _processes_are_counted_by_namespace() -> bool:
    """Whether RLIMIT_NPROC counts a user's processes in each user namespace apart: since Linux 5.14."""
    version = [int(part) for part in os.uname().release.split("-")[0].split(".")[:2] if part.isdigit()]
    return version >= [5, 14]
