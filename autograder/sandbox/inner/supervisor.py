"""Watches over one submission's processes from just outside their namespaces, and ends them when it must.

It runs no line of the submission. It ends the processes when the grader says so or is gone, when the time is up, or,
where no control group limits memory, when they together hold too much of it.
"""

import contextlib
import json
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox.inner import system_calls

TICK = 0.1  # seconds between looks at the memory


@dataclass(frozen=True)
class Watched:
    """What the supervisor watches.

    Args:
        first: the submission's first process.
        separate: whether that is the first of a pid namespace: when it dies, so do all the others.
        memory_mb: of memory that all its processes together may hold; None leaves that to a control group.
    """

    first: int
    separate: bool
    memory_mb: int | None


def adopt_orphans() -> None:
    """Makes this process the parent of all below it whose own parent ends, so that none is lost from sight."""
    with contextlib.suppress(OSError, AttributeError):
        system_calls.prctl(system_calls.PR_SET_CHILD_SUBREAPER, 1)


def watch(watched: Watched, leash: socket.socket, seconds: float) -> dict[str, Any]:
    """Waits until the last of the processes has ended.

    Args:
        watched: the submission's processes.
        leash: a socket to the grader: anything that comes, its end too, means stop.
        seconds: until it is stopped in any case.

    Returns:
        How it ended: `code` (exit status, negative for a signal), `stopped` ("", "grader", "time", "memory").
    """
    deadline, stopped = time.monotonic() + seconds, ""
    ended = os.pidfd_open(watched.first)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(leash, select.POLLIN | select.POLLHUP)
    while not stopped:
        left = deadline - time.monotonic()
        events = dict(poll.poll(max(0, 1000 * (min(left, TICK) if watched.memory_mb else left))))
        if ended in events:
            break
        if events:
            stopped = "grader"
        elif time.monotonic() >= deadline:
            stopped = "time"
        elif watched.memory_mb and held_mb(watched, "statm") > watched.memory_mb:
            stopped = "memory" if held_mb(watched, "smaps_rollup") > watched.memory_mb else ""
    if stopped:
        os.kill(watched.first, signal.SIGKILL)
    _, status = os.waitpid(watched.first, 0)
    _empty(watched)
    return {"code": os.waitstatus_to_exitcode(status), "stopped": stopped}


def _empty(watched: Watched) -> None:
    """Ends what the first process left behind, where that is not the kernel's doing."""
    while not watched.separate and (left := _below(os.getpid())):
        for process in left:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def report(leash: socket.socket, outcome: dict[str, Any]) -> None:
    """Tells the grader how it ended."""
    try:
        leash.sendall(json.dumps(outcome).encode())
    except OSError:  # the grader is gone
        os._exit(1)


def held_mb(watched: Watched, file: str) -> float:
    """Memory held by all processes of the submission.

    Args:
        watched: the submission's processes.
        file: "statm", quick, counts pages that processes share once for each; "smaps_rollup" divides them up.
    """
    # In a pid namespace of its own /proc shows the submission's processes alone: it was mounted there.
    processes = _numbers("/proc") if watched.separate else _below(os.getpid())
    return sum(_megabytes(process, file) for process in processes)


def _numbers(place: str) -> list[int]:
    return [int(name) for name in os.listdir(place) if name.isdigit()]  # noqa: PTH208 - of /proc, ten times a second


def _below(process: int) -> list[int]:
    """All processes that `process` started, and those started by them."""
    found, new = [], [process]
    while new:
        children: list[int] = []
        for parent in new:
            with contextlib.suppress(OSError):
                for task in _numbers(f"/proc/{parent}/task"):
                    children += map(int, Path(f"/proc/{parent}/task/{task}/children").read_text().split())
        new = [child for child in children if child not in found]
        found += new
    return found


def _megabytes(process: int, file: str) -> float:
    try:
        text = Path(f"/proc/{process}/{file}").read_text()
    except OSError:  # it has just ended
        return 0.0
    if file == "statm":
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    lines = [line for line in text.splitlines() if line.startswith("Pss:")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0
