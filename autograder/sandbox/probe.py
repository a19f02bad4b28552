"""What this machine can do to keep submissions in: each level, tried for real.

1. `groups`: bubblewrap, namespaces for each submission, and control groups for memory, processes and processor time.
2. `watchdog`: the same without control groups; limits by process, a user id of their own, and a look at their memory.
3. `none`: no sandbox. Grading refuses, unless it is told to go on all the same.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import bubblewrap
from autograder.sandbox.control_groups import Groups, NoGroups
from autograder.sandbox.worker import ONLY_LINUX

SCRIPT = """
import sys
sys.path[:] = {paths!r}
from autograder.sandbox.inner import seccomp
from autograder.sandbox.inner.namespaces import Isolation, try_isolation
problem = try_isolation(Isolation(True, {own!r}))
print(problem or f"filter={{seccomp.forbid_system_calls()}}")
sys.exit(1 if problem else 0)
"""
UNSEEN = "no network, no view of the course or your files, read-only system"


@dataclass(frozen=True)
class Support:
    """What was tried and what came of it: "" for what works, else why it does not.

    Args:
        isolation: bubblewrap, and inside it namespaces for each submission.
        groups: control groups.
        filter: the filter of system calls.
    """

    isolation: str
    groups: str
    filter: str

    @property
    def level(self) -> str:
        """The level: "groups", "watchdog" or "none"."""
        if self.isolation:
            return "none"
        return "watchdog" if self.groups else "groups"


def probe() -> Support:
    """Tries everything."""
    if sys.platform != "linux":
        return Support(ONLY_LINUX, ONLY_LINUX, ONLY_LINUX)
    problem, words = _try_isolation()
    if not problem and "filter=True" not in words:
        return Support(problem, _try_groups(), "this kernel or processor type has none that we know")
    return Support(problem, _try_groups(), problem)


def _try_groups() -> str:
    try:
        Groups().close()
    except NoGroups as error:
        return str(error)
    return ""


def _try_isolation() -> tuple[str, str]:
    if shutil.which("bwrap") is None:
        return "bubblewrap (the command bwrap) is not installed", ""
    with tempfile.TemporaryDirectory(prefix="autograder-probe-") as scratch:
        place = Path(scratch)
        place.chmod(0o755)
        line = bubblewrap.command(bubblewrap.lay_out(place / "package"), 0, [], "tensorflow")
        paths = bubblewrap.module_paths(bubblewrap.PLACE, isolated=True)
        line[-1] = SCRIPT.format(paths=paths, own=bubblewrap.own_users())
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, cwd="/")
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"bubblewrap does not run: {error}", ""
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or "no reason was given").splitlines()
        return f"bubblewrap cannot isolate a process: {lines[-1]}", done.stdout
    return "", done.stdout


def findings(found: Support) -> list[tuple[str, bool, str]]:
    """What `autograder doctor` prints: what is promised, whether it holds here, and how or why not."""
    root = bubblewrap.own_users()
    isolated, grouped = not found.isolation, found.level == "groups"
    user = "a user id of its own for each submission" if root else "your user id, in a user namespace of its own"
    by_process = "by process limits" if isolated else found.isolation
    watched = "the watchdog looks every 0.1 s" if isolated else found.isolation
    return [
        (UNSEEN, isolated, found.isolation or "bubblewrap"),
        ("submissions apart from each other", isolated, found.isolation or f"namespaces; {user}"),
        ("nothing outlives its submission", isolated, found.isolation or "a pid namespace for each submission"),
        ("dangerous system calls refused", isolated and not found.filter, found.filter or "a seccomp filter"),
        ("memory limit", isolated, "control group" if grouped else watched),
        ("limit on processes", isolated, "control group" if grouped else by_process),
        ("one core for each submission", grouped, "control group" if grouped else found.groups),
    ]
