"""Control groups without the kernel: their names, their limits, and which of them are swept away."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.sandbox import control_groups
from autograder.sandbox.control_groups import Groups
from autograder.sandbox.inner.limits import Limits

LIMITS = Limits()
NO_PROCESS = 2**22 + 1  # more than Linux ever counts to


def test_groups_made_at_the_same_time_are_different_ones(tmp_path: Path):
    """Two submissions in one group would share its limits, and the first to end would end the other."""
    groups = Groups.__new__(Groups)  # as after its constructor, on a directory in place of the kernel's
    groups._parents, groups._numbers = {"memory": tmp_path}, itertools.count(1)
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: groups.new(Limits()).places["memory"], range(400)))
    assert len(set(made)) == 400


def test_groups_of_version_2_get_their_limits(tmp_path: Path):
    """The files that version 2 wants, in a directory that stands for the kernel's."""
    root = tmp_path / "cgroup"
    root.mkdir()
    (root / "cgroup.controllers").write_text("cpu memory pids\n")

    class Pretended(type(tmp_path)):  # the kernel fills a new directory with its files
        def mkdir(self, *arguments, **keywords):
            super().mkdir(*arguments, **keywords)
            for file in ("procs", "subtree_control"):
                (self / f"cgroup.{file}").touch()
            for file in ("memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"):
                (self / file).touch()
            (self / "cgroup.controllers").write_text("cpu memory pids\n")

        def rmdir(self):
            for file in self.glob("*.*"):
                file.unlink()
            super().rmdir()

    groups = Groups(Pretended(root))
    group = groups.new(LIMITS)
    place = group.places["memory"]
    assert (place / "memory.max").read_text() == str(LIMITS.memory_mb * 2**20)
    assert (place / "pids.max").read_text() == str(LIMITS.processes)
    assert (place.parent / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    (place / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.ran_out_of_memory()
    group.remove()
    groups.close()
    assert not list(root.glob("autograder-*"))


def test_groups_of_a_killed_run_are_swept_away_and_those_of_a_living_one_are_not(tmp_path: Path):
    """A living run may be in another pid namespace, where its number says nothing: its lock does."""
    dead, living = (tmp_path / f"{control_groups.NAME}-{NO_PROCESS}-{which}" for which in ("dead", "living"))
    for place in (dead, living):
        (place / "submission-1").mkdir(parents=True)
    held = control_groups.hold(living)
    assert held is not None
    control_groups._sweep(tmp_path)
    assert living.exists()
    assert not dead.exists()
    os.close(held)
    control_groups._sweep(tmp_path)
    assert not living.exists()
