"""Grades a class: every submission gets a status, a score in the gradebook and a plain reason."""

import contextlib
import json
import multiprocessing
import os
import queue
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbformat import NotebookNode

from autograder.classroom.course import Course
from autograder.classroom.gradebook import empty_gradebook, max_score, record, ungraded_notebook
from autograder.classroom.intake import Unusable, changed_cells, read_submission
from autograder.classroom.plugins import OUTCOME
from autograder.classroom.report import Result
from autograder.classroom.worker import RESULT, autograde, make_place

GRACE = 60.0  # seconds beyond the notebook's own limits before its process is killed


@dataclass(frozen=True)
class Options:
    """How to grade.

    Args:
        scale: the size of the papers, "tiny" or "full".
        device: for expected outputs: "auto", "cpu" or "gpu". Handed to the kernels; all three mean the CPU so far.
        seed: of the papers; None draws one, the same for the whole class.
        jobs: how many submissions run at once; None takes the number of this process's cores.
        students: their ids; None grades everyone who handed in.
    """

    scale: str = "tiny"
    device: str = "auto"
    seed: int | None = None
    jobs: int | None = None
    students: list[str] | None = None


@dataclass
class _Run:
    """What all submissions of a run share."""

    course: Course
    name: str
    released: str
    template: Path  # a gradebook with the exercise alone
    environment: dict[str, str]
    seconds: float  # until a worker is killed
    scratch: Path
    processes: set[Any] = field(default_factory=set)


@dataclass(frozen=True)
class _Outcome:
    """What became of one submission before anything was entered in the gradebook."""

    student: str
    status: str
    reason: str | None
    notebook: NotebookNode | None = None
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0


def grade(
    course: Course, name: str, options: Options, on_result: Callable[[Result], None] | None = None
) -> list[Result]:
    """Grades the submissions of one exercise into the course's gradebook.

    Args:
        course: the course directory.
        name: the exercise.
        options: how.
        on_result: called with each result as soon as it is in the gradebook.

    Returns:
        The results, by student id.

    Raises:
        CourseError: if there is nothing to grade.
    """
    students = course.students(name, options.students)
    context = _process_context()
    released = course.register(name)
    jobs = max(1, min(options.jobs or cores(), len(students)))
    with tempfile.TemporaryDirectory(prefix="autograder-") as scratch:
        run = _prepare(course, name, released, options, Path(scratch))
        with contextlib.closing(_outcomes(run, students, jobs, context)) as outcomes:
            results = [_enter(run, outcome, on_result) for outcome in outcomes]
    return sorted(results, key=lambda result: result.student)


def cores() -> int:
    """How many of the machine's cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _process_context() -> Any:
    """Starts, in the background, the process that workers fork from: it imports what they need, once."""
    context = multiprocessing.get_context("forkserver")
    modules = ("autograder.classroom.startup", "autograder.cli", "autograder.classroom.worker", "nbgrader.converters")
    context.set_forkserver_preload(list(modules))
    forkserver.ensure_running()
    return context


def _prepare(course: Course, name: str, released: str, options: Options, scratch: Path) -> _Run:
    template = scratch / "gradebook.db"
    course.register(name, db_url=empty_gradebook(template))
    seed = secrets.randbits(31) if options.seed is None else options.seed
    environment = {
        "AUTOGRADER_SCALE": options.scale,
        "AUTOGRADER_DEVICE": options.device,
        "AUTOGRADER_SEED": str(seed),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
    }
    if options.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    limits = course.config.RunToTheEnd
    seconds = float(limits.get("startup_timeout", 60)) + float(limits.get("notebook_timeout", 300)) + GRACE
    return _Run(course, name, released, template, environment, seconds, scratch)


# -------------------------------------------------------------------------------------- many at once, in processes


def _outcomes(run: _Run, students: list[str], jobs: int, context: Any) -> Generator[_Outcome, None, None]:
    """Yields the outcome of each submission as it is known."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
    for student in students:
        waiting.put(student)

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                done.put(_one(run, waiting.get_nowait(), context))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        for _ in students:
            yield done.get()
    finally:  # also after an interrupt: nothing more is started, and nothing that was stays
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()
        for process in list(run.processes):
            _kill(process)


def _one(run: _Run, student: str, context: Any) -> _Outcome:
    start = time.monotonic()
    try:
        outcome = _judge(run, student, context)
    except Exception as error:
        outcome = _Outcome(student, "error", f"the grader failed: {error!r}")
    return replace(outcome, seconds=round(time.monotonic() - start, 2))


def _judge(run: _Run, student: str, context: Any) -> _Outcome:
    content = read_submission(run.course.submitted(student, run.name), run.name)
    if isinstance(content, Unusable):
        return _not_run(run, student, content.status, content.reason)
    place = make_place(Path(tempfile.mkdtemp(dir=run.scratch)), run.template, student, run.name, content)
    try:
        arguments = (place, run.course.settings, run.name, run.environment)
        if not _ended(run, context.Process(target=autograde, args=arguments)):
            return _not_run(run, student, "timeout", f"it did not end within {run.seconds:g} s and was stopped")
        return replace(_read(run, place, student), warnings=changed_cells(content, run.released))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _not_run(run: _Run, student: str, status: str, reason: str) -> _Outcome:
    return _Outcome(student, status, reason, ungraded_notebook(run.released, status, reason))


def _ended(run: _Run, process: Any) -> bool:
    """Runs a worker to its end. Returns whether it ended by itself."""
    process.start()
    run.processes.add(process)
    process.join(run.seconds)
    finished = process.exitcode is not None
    _kill(process)
    run.processes.discard(process)
    return finished


def _kill(process: Any) -> None:
    """Ends a worker, its kernel and what the kernel started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid)
        for member in [*family.children(recursive=True), family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
    process.join(10)


def _read(run: _Run, place: Path, student: str) -> _Outcome:
    """What a worker left behind."""
    try:
        result = json.loads((place / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _not_run(run, student, "crashed", "its process ended without a result")
    if result["phase"] == "reading":
        return _not_run(run, student, "unreadable", f"nbgrader cannot read it: {result['error']}")
    if result["phase"] != "done":
        return _Outcome(student, "error", f"the grader failed: {result['error']}\n{result['trace']}")
    notebook = nbformat.read(place / "autograded" / student / run.name / f"{run.name}.ipynb", as_version=4)
    ended = notebook.metadata.pop(OUTCOME, {"status": "graded", "reason": None})
    return _Outcome(student, ended["status"], ended["reason"], notebook)


# ------------------------------------------------------------------------------------------- into the gradebook


def _enter(run: _Run, outcome: _Outcome, on_result: Callable[[Result], None] | None) -> Result:
    status, reason, score, questions = outcome.status, outcome.reason, None, []
    best = max_score(run.course, run.name)
    if outcome.notebook is not None:
        try:
            grades = record(run.course, outcome.student, run.name, outcome.notebook)
            score, best, questions = grades.score, grades.max_score, grades.questions
        except Exception as error:
            status, reason = "error", f"the gradebook refuses the result: {error!r}"
    result = Result(
        outcome.student, run.name, score, best, status, reason, outcome.warnings, outcome.seconds, questions
    )
    if on_result:
        on_result(result)
    return result
