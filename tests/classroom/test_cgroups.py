"""Control groups without the kernel: how they are named."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.classroom.sandbox.cgroups import Groups
from autograder.sitting.limits import Limits


def test_groups_made_at_the_same_time_are_different_ones(tmp_path: Path):
    """Two submissions in one group would share its limits, and the first to end would end the other."""
    groups = Groups.__new__(Groups)  # as after its constructor, on a directory in place of the kernel's
    groups._parents, groups._numbers = {"memory": tmp_path}, itertools.count(1)
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: groups.new(Limits()).places["memory"], range(400)))
    assert len(set(made)) == 400
