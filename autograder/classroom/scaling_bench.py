"""Times `autograder grade --dask` with more and more workers: `python -m autograder.classroom.scaling_bench FILE`.

The scheduler and its workers, one thread each, are processes of this machine, so that beyond its cores more of them
cannot help: the file says how many cores there were. Apart stands what the one process that marks and writes needs of
the processor for a submission: that part stays with one process, however many machines there are.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.classroom.course import Course
from autograder.classroom.grading import Options, grade
from autograder.classroom.grading_bench import make_class
from autograder.classroom.report import Result
from autograder.classroom.sample_class import NAME
from autograder.whole_files import write_whole


@dataclass
class Clock:
    """When results came: seconds of the clock, and of this process's own processor time."""

    came: list[tuple[float, float]] = field(default_factory=list)
    scores: dict[str, float | None] = field(default_factory=dict)

    def __call__(self, result: Result) -> None:
        self.came.append((time.perf_counter(), time.process_time()))
        self.scores[result.student] = result.score


def time_round(size: int, workers: int) -> tuple[dict[str, Any], dict[str, float | None]]:
    """Grades a class with so many workers. Returns the row, and each student's score."""
    from distributed import LocalCluster

    clock, load = Clock(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="autograder-bench-") as scratch:
        place = make_class(Path(scratch, "class"), size)
        options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "local_directory": scratch}
        with LocalCluster(n_workers=workers, **options) as cluster:  # type: ignore[no-untyped-call]
            start = time.perf_counter()
            grade(Course.at(place), NAME, Options(seed=1, dask=cluster.scheduler_address), clock)
    (first, used), (last, used_last) = clock.came[0], clock.came[-1]
    row = {
        "workers": workers,
        "submissions": size,
        "seconds": round(last - start, 2),
        "start": round(first - start, 2),
        "per_minute": round(60 * (size - 1) / (last - first), 2),
        "marking_each": round((used_last - used) / (size - 1), 4),
        "load": round(load, 2),
    }
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row, clock.scores


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the JSON file to write")
    parser.add_argument("--size", type=int, default=40, help="of the class")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="how many, one after another")
    chosen = parser.parse_args()
    rounds = [time_round(chosen.size, workers) for workers in chosen.workers]
    machine = {"processor": platform.machine(), "cores": len(os.sched_getaffinity(0))}
    alike = all(scores == rounds[0][1] for _, scores in rounds)
    result = {"machine": machine, "rows": [row for row, _ in rounds], "alike": alike}
    write_whole(chosen.file, json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    import autograder.classroom.startup  # noqa: F401 - before nbformat

    main()
