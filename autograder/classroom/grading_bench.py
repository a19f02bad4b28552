"""Times `autograder grade` beside stock `nbgrader autograde`: `python -m autograder.classroom.grading_bench FILE`.

Both grade the same class on the same cores, in turns (A B A B), start-up included. Stock means nbgrader's own steps and
kernel without this package's; the checks in the notebooks are the same, and run in that kernel.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat

from autograder.classroom.course import CHECKOUT
from autograder.classroom.sample_class import NAME, STUDENTS, answers, hand_in
from autograder.notebooks import load_config, notebook_text, release, source_notebook, write_if_changed

OURS, STOCK = "autograder grade", "nbgrader autograde, as it comes"
STOCK_SETTINGS = """
c.Autograde.exporter_class = "nbconvert.exporters.NotebookExporter"
c.Autograde.autograde_preprocessors = [
    "nbgrader.preprocessors.Execute",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Execute.startup_timeout = c.Execute.iopub_timeout = 120  # a busy machine is no reason to lose a submission
c.Execute.timeout = 300
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback"]
"""
BIN = Path(sys.executable).parent


def make_class(place: Path, size: int) -> Path:
    """A course directory with `size` submissions: the sample class's kinds, one after another."""
    (place / "solutions" / NAME).mkdir(parents=True)
    for file in ("nbgrader_config.py", "_config.yml", f"solutions/{NAME}/{NAME}.py"):
        shutil.copyfile(CHECKOUT / file, place / file)
    source = source_notebook(place, NAME)
    (place / "solutions" / NAME / f"{NAME}.ipynb").write_text(notebook_text(source), encoding="utf-8")
    released = release(source, NAME, load_config(place))
    kinds = list(STUDENTS)
    for number in range(size):
        notebook = nbformat.reads(hand_in(released, answers(kinds[number % len(kinds)])), as_version=4)
        # No two alike, so that nothing can be remembered from one for another.
        notebook.cells.append(nbformat.v4.new_markdown_cell(f"Submission {number}."))
        path = place / "submitted" / f"student-{number:04d}" / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(notebook_text(notebook), encoding="utf-8")
    return place


def _fresh(place: Path) -> None:
    for made in ("autograded", "feedback", "_build"):
        shutil.rmtree(place / made, ignore_errors=True)
    for file in place.glob("gradebook.db*"):
        file.unlink()


def _run(place: Path, line: list[str]) -> None:
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        line, cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(line)} failed: {done.stderr[-1500:]}")


def time_ours(place: Path, jobs: int) -> float:
    """Seconds that `autograder grade` takes for the class, from an empty gradebook."""
    _fresh(place)
    start = time.perf_counter()
    _run(place, [str(BIN / "autograder"), "grade", NAME, "--jobs", str(jobs)])
    return time.perf_counter() - start


def time_stock(place: Path) -> float:
    """Seconds that stock `nbgrader autograde` takes; making the assignment known to the gradebook is not counted."""
    _fresh(place)
    _run(place, [str(BIN / "nbgrader"), "generate_assignment", NAME, "--force"])
    start = time.perf_counter()
    _run(place, [str(BIN / "nbgrader"), "autograde", NAME])
    return time.perf_counter() - start


def scores(place: Path) -> dict[str, float]:
    """Every student's score in the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{place / 'gradebook.db'}", "sd-unet") as gradebook:
        return {entry.student.id: entry.score for entry in gradebook.assignment_submissions(NAME)}


def run_bench(size: int, rounds: int, jobs: int, stock_size: int) -> dict[str, Any]:
    """Times both, in turns.

    Args:
        size: of the class.
        rounds: how often each grades it.
        jobs: submissions at once in ours; stock has no such thing.
        stock_size: how many of the class stock grades, where there is no time for all.
    """
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="autograder-bench-") as scratch:
        ours = make_class(Path(scratch, "ours"), size)
        stock = make_class(Path(scratch, "stock"), stock_size)
        with (stock / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
            settings.write(STOCK_SETTINGS)
        for number in range(rounds):
            rows += [
                _row(STOCK, number, stock_size, time_stock(stock)),
                _row(OURS, number, size, time_ours(ours, jobs)),
            ]
        alike = {key: value for key, value in scores(ours).items() if int(key[-4:]) < stock_size} == scores(stock)
    each = {what: min(row["each"] for row in rows if row["what"] == what) for what in (STOCK, OURS)}
    machine = {"processor": platform.machine(), "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    return {
        "size": size,
        "jobs": jobs,
        "machine": machine,
        "rows": rows,
        "ratio": each[STOCK] / each[OURS],
        "alike": alike,
    }


def _row(what: str, number: int, size: int, seconds: float) -> dict[str, Any]:
    load = round(os.getloadavg()[0], 2)
    row = {"what": what, "round": number + 1, "submissions": size, "seconds": seconds}
    row |= {"each": seconds / size, "load": load}
    print(f"{what}: {size} in {seconds:.1f} s, {row['each']:.2f} s each (load {load})", file=sys.stderr, flush=True)
    return row


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the JSON file to write")
    parser.add_argument("--size", type=int, default=30, help="of the class")
    parser.add_argument("--stock-size", type=int, help="how many of them stock nbgrader grades [default: all]")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    result = run_bench(chosen.size, chosen.rounds, chosen.jobs, chosen.stock_size or chosen.size)
    write_if_changed(chosen.file, json.dumps(result, indent=2) + "\n")
    print(f"ratio {result['ratio']:.1f}, the same scores: {result['alike']}")


if __name__ == "__main__":
    import autograder.classroom.startup  # noqa: F401 - before nbformat

    main()
