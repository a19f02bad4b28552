"""Enters results in the gradebook. Only the run's own process comes here, one submission after another."""

import contextlib
import math
import sqlite3
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.api import Base, Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from nbgrader.utils import compute_checksum, determine_grade, is_solution, is_task
from sqlalchemy.exc import SAWarning

from autograder.check_cells import grade_id, is_graded, is_marked
from autograder.classroom.course import Course, CourseError
from autograder.classroom.feedback import remove_feedback, remove_outdated_feedback
from autograder.classroom.gradebook_server import check_server
from autograder.classroom.hand_in_time import hand_in_time
from autograder.classroom.published import publish
from autograder.classroom.report import QuestionResult, question_result
from autograder.exam.verdict import Verdict

LOCK_SECONDS = 10.0  # how long to wait for another program that writes


@dataclass(frozen=True)
class Grades:
    """What the gradebook holds about a submission."""

    score: float
    max_score: float
    questions: list[QuestionResult]
    penalty: float = 0.0  # points that being late cost
    late: str = ""  # how late it was and what that cost, as a sentence; "" if nothing
    notes: list[str] = field(default_factory=list)  # warnings about what was entered


def check_gradebook(course: Course) -> None:
    """Looks whether the gradebook can be used, before anything is run. Whether it may be written: `check_places`.

    Raises:
        CourseError: if it is damaged, of an older nbgrader, locked by another program, or its server does not answer.
    """
    file = course.db_url.removeprefix("sqlite:///")
    if file == course.db_url:
        check_server(course.db_url)
        return
    if not Path(file).exists():
        return
    older = False
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=LOCK_SECONDS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
            older = _lacks_columns(connection)
            connection.rollback()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise CourseError(f"The gradebook must be a database that can be written. Received: {file}: {found}")
    if older:
        raise CourseError(
            f"The gradebook must be one of this nbgrader. Received: {file}, of an older one: make a copy of it, then "
            f"run `nbgrader db upgrade` in {course.root}"
        )


def _lacks_columns(connection: sqlite3.Connection) -> bool:
    """Whether a table lacks a column that this nbgrader asks for; one that is not there at all, nbgrader makes."""
    for table in Base.metadata.sorted_tables:
        there = {row[1] for row in connection.execute(f"PRAGMA table_info('{table.name}')")}
        if there and not there.issuperset(column.name for column in table.columns):
            return True
    return False


@contextlib.contextmanager
def one_engine() -> Iterator[None]:
    """Inside, gradebooks of one address share an engine, which keeps the statements that it has compiled.

    nbgrader makes an engine each time it looks into the gradebook, some seven times a submission.
    """
    make, made = api.create_engine, {}

    def kept(address: str, **options: Any) -> Any:
        key = f"{address} {options}"
        if key not in made:
            made[key] = make(address, **options)
        return made[key]

    api.create_engine = kept
    try:
        yield
    finally:
        api.create_engine = make
        for engine in made.values():
            engine.dispose()


def enrolled(course: Course) -> set[str]:
    """Whom the gradebook knows; nobody, if there is none yet.

    Raises:
        CourseError: if it cannot be used.
    """
    check_gradebook(course)
    file = course.db_url.removeprefix("sqlite:///")
    if file != course.db_url and not Path(file).exists():
        return set()
    with Gradebook(course.db_url, course.course_id) as gradebook:
        return {student.id for student in gradebook.students}


def enter(course: Course, student: str, name: str, notebook: NotebookNode, verdicts: dict[str, Verdict]) -> Grades:
    """Makes the gradebook say what marking decided, and the published notebook be this one, whatever was there before.

    They are compared each time: a gradebook may come from a backup, and points and hand-ins may change to and fro.
    Where they agree nothing is written, so that what an instructor graded by hand need not be looked at again.
    """
    published = publish(course, student, name, nbformat.writes(notebook))
    if not published.changed and _holds(course, student, name, notebook, verdicts):
        _assign_late_penalty(course, student, name, notebook)  # the due date may be another than last time
        grades = read_grades(course, student, name, notebook, verdicts)
        stale = remove_outdated_feedback(course.feedback(student, name), name, grades.score, grades.questions)
    else:
        grades = record(course, student, name, notebook, verdicts)
        stale = remove_feedback(course.feedback(student, name), name)
    late, penalty = _lateness(course, student, name)
    notes = [hand_in_time(course.submitted(student, name)).warning, published.note, stale, "" if penalty else late]
    return replace(grades, penalty=penalty, late=late if penalty else "", notes=[note for note in notes if note])


def _lateness(course: Course, student: str, name: str) -> tuple[str, float]:
    """How late a submission was, as a sentence, and the points it cost."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        submission = gradebook.find_submission(name, student)
        seconds, penalty = submission.total_seconds_late, float(submission.late_submission_penalty or 0)
    if seconds <= 0:
        return "", 0.0
    late = f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{math.ceil(seconds / 60)} minutes"
    return f"handed in {late} late: {f'{penalty:g}' if penalty else 'no'} points were taken off", penalty


def _holds(course: Course, student: str, name: str, notebook: NotebookNode, verdicts: dict[str, Verdict]) -> bool:
    """Whether the gradebook's automatic points, comments and time are those of this notebook and its verdicts."""
    try:
        with Gradebook(course.db_url, course.course_id) as gradebook:
            submission = gradebook.find_submission_notebook(name, name, student)
            timestamp = hand_in_time(course.submitted(student, name)).when
            scores = {grade.name: grade.auto_score for grade in submission.grades}
            comments = {comment.name: comment.auto_comment for comment in submission.comments}
            entered = gradebook.find_submission(name, student).timestamp
    except MissingEntry:
        return False
    due = dict.fromkeys(scores, 0.0) | _earned(notebook, verdicts)
    said = comments | {grade_id(cell): _comment(cell) for cell in notebook.cells if _is_written(cell)}
    return scores == due and comments == said and timestamp in (None, entered)


def _is_written(cell: NotebookNode) -> bool:
    return is_solution(cell) or is_task(cell)


def _comment(cell: NotebookNode) -> str | None:
    """What nbgrader's `SaveAutoGrades` notes about an answer."""
    untouched = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell) and not is_task(cell)
    return "No response." if untouched else None


def _earned(notebook: NotebookNode, verdicts: dict[str, Verdict]) -> dict[str, float | None]:
    """The automatic points of each graded cell: by its verdict, and none yet for what is graded by hand."""
    points: dict[str, float | None] = {}
    for key, cell in _graded_cells(notebook).items():
        if is_marked(cell):
            points[key] = verdicts[key].earned(float(cell.metadata.nbgrader.points)) if key in verdicts else 0.0
        else:
            points[key] = determine_grade(cell)[0]
    return points


def record(course: Course, student: str, name: str, notebook: NotebookNode, verdicts: dict[str, Verdict]) -> Grades:
    """Enters a notebook's comments and the points of its verdicts, through nbgrader's own last steps."""
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own use of SQLAlchemy
    with Gradebook(course.db_url, course.course_id) as gradebook:
        gradebook.update_or_create_student(student)
        timestamp = hand_in_time(course.submitted(student, name)).when
        gradebook.update_or_create_submission(name, student, **({"timestamp": timestamp} if timestamp else {}))
    SaveAutoGrades(config=course.config).preprocess(notebook, _resources(course, student, name))
    _enter_points(course, student, name, _earned(notebook, verdicts))
    _assign_late_penalty(course, student, name, notebook)
    return read_grades(course, student, name, notebook, verdicts)


def _assign_late_penalty(course: Course, student: str, name: str, notebook: NotebookNode) -> None:
    AssignLatePenalties(config=course.config).preprocess(notebook, _resources(course, student, name))


def _resources(course: Course, student: str, name: str) -> dict[str, dict[str, str]]:
    """What nbgrader's preprocessors want to know of a submission."""
    return {"nbgrader": {"student": student, "assignment": name, "notebook": name, "db_url": course.db_url}}


def read_grades(
    course: Course, student: str, name: str, notebook: NotebookNode, verdicts: dict[str, Verdict]
) -> Grades:
    """The gradebook's points, with what marking decided."""
    cells = _graded_cells(notebook)
    with Gradebook(course.db_url, course.course_id) as gradebook:
        submission = gradebook.find_submission_notebook(name, name, student)
        grades = {grade.name: (float(grade.score or 0), float(grade.max_score)) for grade in submission.grades}
        score = max(0.0, float(submission.score) - float(submission.late_submission_penalty or 0))
        max_score = float(submission.max_score)
    order = [key for key in cells if key in grades] + sorted(grades.keys() - cells.keys())
    questions = [question_result(key, *grades[key], verdicts.get(key), key in cells) for key in order]
    return Grades(score, max_score, questions)


def _graded_cells(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {grade_id(cell): cell for cell in notebook.cells if is_graded(cell)}


def _enter_points(course: Course, student: str, name: str, earned: dict[str, float | None]) -> None:
    """Enters automatic points in place of those that nbgrader reads from outputs; 0 for a cell that is not there."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for grade in gradebook.find_submission_notebook(name, name, student).grades:
            grade.auto_score = earned.get(grade.name, 0.0)
            if grade.name not in earned:
                grade.needs_manual_grade = False
        gradebook.db.commit()
