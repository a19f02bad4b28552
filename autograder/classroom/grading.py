"""Grades a class: every submission gets a status, a score in the gradebook and a plain reason.

Submissions run side by side in the sandbox; this process alone marks and writes. Each result is kept on disk before it
is entered in the gradebook, so a run that was stopped goes on where it was.
"""

import contextlib
import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

from autograder.check_cells import questions_of
from autograder.classroom.class_report import note_results
from autograder.classroom.course import Course
from autograder.classroom.exam_session import UNSANDBOXED, ExamSession, Refused, Settings
from autograder.classroom.exam_state import ExamState, forget_departed
from autograder.classroom.intake import shown, strange_id
from autograder.classroom.report import Result, absent_notes
from autograder.classroom.roster import roster
from autograder.classroom.side_by_side import SideBySide
from autograder.classroom.verdict_view import ungraded_notebook
from autograder.classroom.writable import check_places
from autograder.exam.verdict import Verdict
from autograder.notebooks import exercise_names, points_of, source_notebook
from autograder.sandbox.worker import Sitting, WorkerError

if TYPE_CHECKING:
    from autograder.classroom.notebook_marker import Marked


@dataclass(frozen=True)
class Options:
    """How to grade.

    Args:
        scale: the size of the papers, "tiny" or "full".
        device: for expected outputs: "auto", "cpu" or "gpu".
        seed: of the papers; None keeps that of an earlier run, or draws one, the same for the whole class.
        jobs: how many submissions run at once; None takes as many as there are cores to run them.
        students: their ids; None grades everyone who handed in.
        unsandboxed: whether submissions run without a sandbox; None leaves that to the course's settings.
        regrade: whether to forget earlier results: those of `students` alone, or else all, with new papers.
        dask: the address of a Dask scheduler whose workers run the submissions; None runs them on this machine.
    """

    scale: str = "tiny"
    device: str = "auto"
    seed: int | None = None
    jobs: int | None = None
    students: list[str] | None = None
    unsandboxed: bool | None = None
    regrade: bool = False
    dask: str | None = None


@dataclass
class _Run:
    """What all submissions of a run share."""

    course: Course
    name: str
    released: str
    points: float  # of all cells that are graded
    session: ExamSession
    state: ExamState
    notes: list[str]  # warnings that concern every submission
    anew: bool  # whether earlier results of these students do not count; for all, the state is made anew
    fingerprint: str = ""


@dataclass
class _Taken:
    """A submission that was read, and run if it could be and had to be."""

    student: str
    key: str = ""
    status: str = "graded"
    reason: str | None = None
    notebook: NotebookNode | None = None
    warnings: list[str] = field(default_factory=list)
    around: list[str] = field(default_factory=list)  # warnings about what lies beside it, found anew on each run
    seconds: float = 0.0
    sitting: Sitting | None = None
    marked: "Marked | None" = None
    again: dict[str, list[str]] = field(default_factory=dict)  # what is to run once more, by question
    second: dict[str, Sitting | None] = field(default_factory=dict)  # and what that gave
    kept: dict[str, Any] | None = None


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
        CourseError: if there is nothing to grade, or the gradebook or a place to write to cannot be used.
        OSError: if the state of the run cannot be written.
    """
    course.check_exercise(name)
    everyone = roster(course, name, options.students)
    strange = {student: reason for student in everyone if (reason := strange_id(student))}
    students = [student for student in everyone if student not in strange]
    check_places(course, name, students)
    points = float(points_of(source_notebook(course.sources, name)))  # a source that breaks a rule ends it here
    said = {shown(student): reason for student, reason in strange.items()}
    settings = replace(Settings.of(course.config), scale=options.scale, device=options.device)
    if options.unsandboxed is not None:
        settings = replace(settings, unsandboxed=options.unsandboxed)
    try:
        with _session(course, settings, options.dask) as session:
            from autograder.classroom.gradebook import one_engine

            with one_engine():
                run = _prepare(course, name, options, session)
                results = _refused(name, points, said, on_result)
                jobs = max(1, min(options.jobs or session.at_once, len(students)))
                with contextlib.closing(_sittings(run, students, jobs)) as sittings:
                    results += [_finish(run, taken, on_result) for taken in sittings]
                if not options.students:
                    run.state.finish()
    except Refused as refusal:
        return _refused(name, points, said | dict.fromkeys(students, str(refusal)), on_result)
    results.sort(key=lambda result: result.student)
    note_results(course.root, name, results)
    return results


def _session(course: Course, settings: Settings, dask: str | None) -> ExamSession:
    """Where submissions run: on this machine, or on those of a Dask scheduler."""
    if not dask:
        return ExamSession(course.root, settings)
    from autograder.classroom.dask_session import DaskSession

    return DaskSession(course.root, settings, dask)


def _refused(
    name: str, points: float, reasons: dict[str, str], on_result: Callable[[Result], None] | None
) -> list[Result]:
    """The results of students who are not graded, each with its reason."""
    results = [Result(student, name, None, points, "refused", reason, [], 0.0) for student, reason in reasons.items()]
    if on_result:
        for result in results:
            on_result(result)
    return results


def _prepare(course: Course, name: str, options: Options, session: ExamSession) -> _Run:
    """Enters the exercise in the gradebook and sets its exam."""
    from autograder.classroom.gradebook import enrolled

    forget_departed(course.root, enrolled(course).union(*map(course.homes, exercise_names(course.sources))))
    released = course.register(name)
    notebook = nbformat.reads(released, as_version=4)
    state = ExamState.open(course.root, name, options.scale, options.seed, options.regrade and not options.students)
    notes = [UNSANDBOXED] if session.settings.unsandboxed else []
    points, anew = float(points_of(notebook)), options.regrade and bool(options.students)
    run = _Run(course, name, released, points, session, state, notes, anew)
    marker = session.set_exam(questions_of(notebook), state, source_notebook(course.sources, name))
    run.fingerprint = marker.fingerprint + (json.dumps(session.rubrics) if session.rubrics else "")
    return run


# ------------------------------------------------------------------------------------------ many at once, in threads


def _sittings(run: _Run, students: list[str], jobs: int) -> Generator[_Taken, None, None]:
    """Reads and runs the submissions, `jobs` at a time; yields each when it is done, marked if it was run."""
    firsts = [partial(_take, run, student) for student in students]
    return SideBySide(firsts, jobs, partial(_mark_sitting, run)).results()


def _take(run: _Run, student: str) -> _Taken:
    """Reads one submission and runs it, unless an earlier run did. Never raises."""
    from autograder.classroom.intake import Unusable
    from autograder.classroom.rebuild import rebuild_submission
    from autograder.classroom.strays import misplaced, strays

    start, taken = time.monotonic(), _Taken(student)
    try:
        found = rebuild_submission(run.course.submitted(student, run.name), run.name, run.released)
        taken.around = [
            *run.course.notes_on_name(student, run.name),
            *strays(run.course, student, run.name, run.released),
            *(f"a worker at {where} grades nothing: {why}" for where, why in run.session.refused.items()),
        ]
        if isinstance(found, Unusable):
            elsewhere = misplaced(run.course, student, run.name, run.released) if found.status == "missing" else ""
            taken.status, taken.reason = found.status, "; ".join(filter(None, [found.reason, elsewhere]))
        else:
            taken.notebook, taken.warnings = found.notebook, [*found.warnings]
        taken.key = _key(run, taken)
        if run.anew:
            run.state.forget(taken.key)
        taken.kept = run.state.load(taken.key)
        if taken.kept is None and taken.notebook is not None:
            taken.sitting = run.session.run(taken.notebook)
    except Exception as error:
        taken.status, taken.reason, taken.notebook = "error", f"the grader failed: {error!r}", None
        if isinstance(error, WorkerError):
            taken.reason = f"the grader failed: {error}"
    taken.seconds = round(time.monotonic() - start, 2)
    return taken


def _sit_again(run: _Run, taken: _Taken) -> _Taken:
    """Runs an answer whose helper is wrong once more, within what is left of the submission's time. Never raises."""
    start = time.monotonic()
    for question, cells in taken.again.items():
        used = taken.seconds + time.monotonic() - start
        taken.second[question] = run.session.sit_again(cells, used)
    taken.seconds = round(taken.seconds + time.monotonic() - start, 2)
    return taken


def _key(run: _Run, taken: _Taken) -> str:
    """What the result is kept under: the same submission to the same papers."""
    cells = [(c.cell_type, c.source) for c in taken.notebook.cells] if taken.notebook else [taken.status, taken.reason]
    return run.state.key(taken.student, run.fingerprint, run.released, json.dumps([cells, taken.warnings]))


# ------------------------------------------------------------------------------------- marking, and into the gradebook


def _finish(run: _Run, taken: _Taken, on_result: Callable[[Result], None] | None) -> Result:
    """Marks a submission, keeps the result and enters it in the gradebook."""
    try:
        if taken.status != "error":
            taken.kept = taken.kept or _mark(run, taken)
        result = _enter(run, taken)
    except Exception as error:
        reason = f"the result could not be entered: {_plain(error)}"
        result = _result(run, taken, "error", reason)
    if on_result:
        on_result(result)
    return result


def _mark_sitting(run: _Run, taken: _Taken) -> Callable[[], _Taken] | None:
    """Marks what a sitting gave, once. Returns the second sitting that it asks for, if any."""
    if taken.sitting is None or taken.notebook is None:
        return None
    start = time.monotonic()
    try:
        taken.warnings += absent_notes(taken.sitting.absent)
        limits = run.session.settings.limits
        taken.marked = run.session.marker.mark_notebook(taken.notebook, taken.sitting, limits)
        taken.again = run.session.second_sittings(taken.notebook, taken.marked)
    except Exception as error:
        taken.status, taken.reason = "error", f"the grader failed: {error!r}"
    taken.sitting = None
    taken.seconds = round(taken.seconds + time.monotonic() - start, 2)
    return partial(_sit_again, run, taken) if taken.again else None


def _mark(run: _Run, taken: _Taken) -> dict[str, Any]:
    """Keeps the verdicts on a submission, as data and in the notebook that shows them."""
    notebook, marked = taken.notebook, taken.marked
    if notebook is None or marked is None:
        notebook, verdicts = ungraded_notebook(run.released, taken.status, taken.reason or "")
    else:
        run.session.take_second(notebook, marked, taken.second)
        taken.status, taken.reason, verdicts = marked.status, marked.reason, marked.verdicts
    kept = {
        "student": taken.student,
        "status": taken.status,
        "reason": taken.reason,
        "warnings": [*run.notes, *taken.warnings],
        "repairs": taken.warnings,
        "seconds": taken.seconds,
        "verdicts": [verdict.as_json() for verdict in verdicts.values()],
        "notebook": nbformat.writes(notebook),
    }
    run.state.save(taken.key, kept)
    return kept


def _enter(run: _Run, taken: _Taken) -> Result:
    from autograder.classroom.gradebook import enter

    if taken.status == "error" or taken.kept is None:
        return _result(run, taken, "error", taken.reason)
    kept, student = taken.kept, taken.student
    notebook = nbformat.reads(kept["notebook"], as_version=4)
    verdicts = {verdict.question: verdict for verdict in map(Verdict.from_json, kept["verdicts"])}
    grades = enter(run.course, student, run.name, notebook, verdicts)
    taken.warnings, taken.seconds = [*taken.around, *grades.notes, *kept["warnings"]], kept["seconds"]
    reason = "; ".join(filter(None, [kept["reason"], grades.late])) or None
    result = _result(run, taken, kept["status"], reason)
    said = {"questions": grades.questions, "penalty": grades.penalty, "repairs": kept.get("repairs", [])}
    return replace(result, score=grades.score, max_score=grades.max_score, **said)


def _result(run: _Run, taken: _Taken, status: str, reason: str | None) -> Result:
    return Result(taken.student, run.name, None, run.points, status, reason, taken.warnings, taken.seconds)


def _plain(error: Exception) -> str:
    """The first line of an error: SQLAlchemy's others are the statement and a link."""
    return (str(error) or type(error).__name__).splitlines()[0][:300]
