"""What this machine can do to keep submissions in: each step of the ladder, tried for real.

1. `groups`: bubblewrap, namespaces for each submission, and control groups for memory, processes and processor time.
2. `watchdog`: the same without control groups; limits by process, a user id of their own, and a look at their memory.
3. `none`: no walls. Grading refuses, unless it is told to go on all the same.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.classroom.sandbox import walls
from autograder.classroom.sandbox.cgroups import Groups, NoGroups
from autograder.classroom.sandbox.worker import ONLY_LINUX

PROBE = """
import sys
sys.path[:] = {paths!r}
from autograder.sitting import kernel
from autograder.sitting.rooms import Rooms, try_rooms
problem = try_rooms(Rooms(True, {own!r}))
print(problem or f"filter={{kernel.forbid_system_calls()}}")
sys.exit(1 if problem else 0)
"""


@dataclass(frozen=True)
class Footing:
    """What was tried and what came of it: "" for what works, else why it does not.

    Args:
        walls: bubblewrap, and inside it namespaces for each submission.
        groups: control groups.
        filter: the filter of system calls.
    """

    walls: str
    groups: str
    filter: str

    @property
    def step(self) -> str:
        """The step of the ladder: "groups", "watchdog" or "none"."""
        if self.walls:
            return "none"
        return "watchdog" if self.groups else "groups"


def footing() -> Footing:
    """Tries everything."""
    if sys.platform != "linux":
        return Footing(ONLY_LINUX, ONLY_LINUX, ONLY_LINUX)
    problem, words = _try_walls()
    if not problem and "filter=True" not in words:
        return Footing(problem, _try_groups(), "this kernel or processor type has none that we know")
    return Footing(problem, _try_groups(), problem)


def _try_groups() -> str:
    try:
        Groups().close()
    except NoGroups as error:
        return str(error)
    return ""


def _try_walls() -> tuple[str, str]:
    if shutil.which("bwrap") is None:
        return "bubblewrap (the command bwrap) is not installed", ""
    with tempfile.TemporaryDirectory(prefix="autograder-probe-") as scratch:
        place = Path(scratch)
        place.chmod(0o755)
        line = walls.command(walls.lay_out(place / "package"), 0, [], "tensorflow")
        line[-1] = PROBE.format(paths=walls.module_paths(walls.PLACE, walled=True), own=walls.own_users())
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, cwd="/")
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"bubblewrap does not run: {error}", ""
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or "no reason was given").splitlines()
        return f"bubblewrap cannot wall a process in: {lines[-1]}", done.stdout
    return "", done.stdout


def findings(found: Footing) -> list[tuple[str, bool, str]]:
    """What `autograder doctor` prints: what is promised, whether it holds here, and how or why not."""
    root = walls.own_users()
    walled, grouped = not found.walls, found.step == "groups"
    user = "a user id of its own for each submission" if root else "your user id, in a user namespace of its own"
    watched = "the watchdog looks every 0.1 s" if walled else found.walls
    return [
        ("no network, no view of the course or your files, read-only system", walled, found.walls or "bubblewrap"),
        ("submissions apart from each other", walled, found.walls or f"namespaces; {user}"),
        ("nothing outlives its submission", walled, found.walls or "a pid namespace for each submission"),
        ("dangerous system calls refused", walled and not found.filter, found.filter or "a seccomp filter"),
        ("memory limit", walled, "control group" if grouped else watched),
        ("limit on processes", walled, "control group" if grouped else "by process limits" if walled else found.walls),
        ("one core for each submission", grouped, "control group" if grouped else found.groups),
    ]
