"""Control groups: limits that hold for all processes of a submission together. Both versions of them."""

import contextlib
import fcntl
import itertools
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox.inner.limits import Limits

ROOT = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds
NEEDED = ("memory", "pids")  # without these two there is no use in the rest
NAME = "autograder"


class NoGroups(OSError):
    """This process may not make control groups; the text says why."""


@dataclass
class Group:
    """The control group of one submission: one directory, or in version 1 one for each controller."""

    places: dict[str, Path]
    _before: dict[str, int] = field(default_factory=dict)

    def descriptors(self) -> list[int]:
        """Open `cgroup.procs` files: a process enters by writing 0 to each."""
        return [os.open(place / "cgroup.procs", os.O_WRONLY) for place in dict.fromkeys(self.places.values())]

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended a process here for want of memory."""
        place = self.places["memory"]
        with contextlib.suppress(OSError):
            for file in ("memory.events", "memory.oom_control"):
                if (place / file).exists():
                    words = dict(line.split() for line in (place / file).read_text().splitlines())
                    return int(words.get("oom_kill", 0)) > 0
        return False

    def peak_mb(self) -> float | None:
        """The most memory held at once."""
        for file in ("memory.peak", "memory.max_usage_in_bytes"):
            with contextlib.suppress(OSError, ValueError):
                return round(int((self.places["memory"] / file).read_text()) / 2**20, 1)
        return None

    def remove(self) -> None:
        """Ends whatever is still in it, and removes it."""
        for _ in range(100):
            for place in dict.fromkeys(self.places.values()):
                with contextlib.suppress(OSError):
                    for process in (place / "cgroup.procs").read_text().split():
                        os.kill(int(process), 9)
                with contextlib.suppress(OSError):
                    place.rmdir()
            if not any(place.exists() for place in self.places.values()):
                return
            time.sleep(0.02)


class Groups:
    """Makes control groups below one of this run's own.

    Args:
        root: where the kernel shows them.

    Raises:
        NoGroups: if there are none that this process may make.
    """

    def __init__(self, root: Path = ROOT):
        self._numbers = itertools.count(1)  # asked from several threads: two of one number would end each other
        _sweep(root)
        name = f"{NAME}-{os.getpid()}-{secrets.token_hex(4)}"
        version_2 = (root / "cgroup.controllers").exists()
        self._parents = _version_2(root, name) if version_2 else _version_1(root, name)
        self._held = [held for place in dict.fromkeys(self._parents.values()) if (held := hold(place)) is not None]
        try:
            self.new(Limits()).remove()
        except OSError as error:
            self.close()
            raise NoGroups(f"a control group cannot be set up: {error}") from error

    def new(self, limits: Limits) -> Group:
        """A group with the limits of one submission."""
        name = f"submission-{next(self._numbers)}"
        places = {}
        for controller, parent in self._parents.items():
            places[controller] = parent / name
            places[controller].mkdir(exist_ok=True)
        for controller, file, value in _settings(limits):
            if controller in places and (places[controller] / file).exists():
                (places[controller] / file).write_text(value)
        return Group(places)

    def close(self) -> None:
        """Removes the run's own groups."""
        while self._held:
            os.close(self._held.pop())
        for parent in dict.fromkeys(self._parents.values()):
            for place in [*parent.glob("submission-*"), parent]:
                with contextlib.suppress(OSError):
                    place.rmdir()


def _settings(limits: Limits) -> list[tuple[str, str, str]]:
    memory = str(limits.memory_mb * 2**20)
    return [
        ("memory", "memory.max", memory),
        ("memory", "memory.swap.max", "0"),
        ("memory", "memory.oom.group", "1"),
        ("memory", "memory.limit_in_bytes", memory),
        ("memory", "memory.memsw.limit_in_bytes", memory),
        ("pids", "pids.max", str(limits.processes)),
        ("cpu", "cpu.max", f"{PERIOD} {PERIOD}"),  # one core: a submission cannot slow the others
        ("cpu", "cpu.cfs_period_us", str(PERIOD)),
        ("cpu", "cpu.cfs_quota_us", str(PERIOD)),
    ]


def hold(place: Path) -> int | None:
    """Locks a directory until the descriptor that is returned is closed, if nowhere by dying; None if another does.

    A lock tells the living from the dead where a process number cannot: in another pid namespace it means nothing.
    """
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(root: Path) -> None:
    """Removes the groups of runs that were killed."""
    for pattern in (f"{NAME}-*", f"*/{NAME}-*", f"*/*/{NAME}-*", f"*/*/*/{NAME}-*"):
        for place in root.glob(pattern):
            process = place.name.split("-")[1]
            if process.isdigit() and not Path("/proc", process).exists():
                with contextlib.suppress(OSError):
                    if (held := hold(place)) is not None:
                        for below in [*place.glob("submission-*"), place]:
                            with contextlib.suppress(OSError):
                                below.rmdir()
                        os.close(held)


def _own() -> dict[str, str]:
    """The groups that this process is in, by controller; version 2's has the empty name."""
    found = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path.lstrip("/")))
    return found


def _version_1(root: Path, name: str) -> dict[str, Path]:
    parents: dict[str, Path] = {}
    own = _own() if root == ROOT else {}
    for controller in (*NEEDED, "cpu"):
        place = root / controller / own.get(controller, "") / name
        try:
            place.mkdir(exist_ok=True)
            parents[controller] = place
        except OSError as error:
            if controller in NEEDED:
                for made in parents.values():
                    made.rmdir()
                raise NoGroups(f"no control group for {controller}: {error.strerror}") from error
    return parents


def _version_2(root: Path, name: str) -> dict[str, Path]:
    """A group beside our own, or, as root, at the top: one with processes in it may have no limited groups below."""
    own = root / _own().get("", "") if root == ROOT else root
    problem: Exception | None = None
    for above in [own.parent, root] if own != root else [root]:
        place = above / name
        try:
            place.mkdir(exist_ok=True)
            there = (place / "cgroup.controllers").read_text().split()
            wanted = [controller for controller in (*NEEDED, "cpu") if controller in there]
            if not set(NEEDED) <= set(wanted):
                raise NoGroups(f"control groups here limit {', '.join(there) or 'nothing'} alone")
            (place / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in wanted))
            return dict.fromkeys(wanted, place)
        except OSError as error:
            problem = error
            with contextlib.suppress(OSError):
                place.rmdir()
    raise NoGroups(f"no control group with limits: {problem}")
