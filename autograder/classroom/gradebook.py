"""Enters results in the gradebook. Only the run's own process comes here, one submission after another."""

import contextlib
import sqlite3
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from nbgrader.utils import is_grade, parse_utc
from sqlalchemy.exc import SAWarning

from autograder.classroom.course import Course, CourseError
from autograder.classroom.intake import timestamp_of
from autograder.classroom.report import NOT_RUN, QuestionResult, fail_cell, read_check

LOCK_SECONDS = 10.0  # how long to wait for another program that writes


@dataclass(frozen=True)
class Grades:
    """What the gradebook holds about a submission."""

    score: float
    max_score: float
    questions: list[QuestionResult]


def check_gradebook(course: Course) -> None:
    """Looks whether the gradebook can be read and written, before anything is run.

    Raises:
        CourseError: if it is damaged, locked by another program, or read-only.
    """
    file = course.db_url.removeprefix("sqlite:///")
    if file == course.db_url or not Path(file).exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=LOCK_SECONDS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
            connection.rollback()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise CourseError(f"The gradebook must be a database that can be written. Received: {file}: {found}")


def students_with_grades(course: Course, name: str) -> set[str]:
    """Who has grades for an exercise in the gradebook."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        try:
            return {submission.student_id for submission in gradebook.assignment_submissions(name)}
        except MissingEntry:
            return set()


def record(course: Course, student: str, name: str, notebook: NotebookNode) -> Grades:
    """Publishes an autograded notebook and enters its points, through nbgrader's own last steps."""
    _publish(course, student, name, notebook)
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own use of SQLAlchemy
    with Gradebook(course.db_url, course.course_id) as gradebook:
        gradebook.update_or_create_student(student)
        timestamp = _timestamp(course.submitted(student, name))
        gradebook.update_or_create_submission(name, student, **({"timestamp": timestamp} if timestamp else {}))
    resources = {"nbgrader": {"student": student, "assignment": name, "notebook": name, "db_url": course.db_url}}
    SaveAutoGrades(config=course.config).preprocess(notebook, resources)
    _zero_absent_checks(course, student, name, notebook)
    AssignLatePenalties(config=course.config).preprocess(notebook, resources)
    return read_grades(course, student, name, notebook)


def read_grades(course: Course, student: str, name: str, notebook: NotebookNode) -> Grades:
    """The gradebook's points, with what the autograded notebook's checks said."""
    cells = _graded_cells(notebook)
    with Gradebook(course.db_url, course.course_id) as gradebook:
        submission = gradebook.find_submission_notebook(name, name, student)
        grades = {grade.name: (float(grade.score or 0), float(grade.max_score)) for grade in submission.grades}
        score = max(0.0, float(submission.score) - float(submission.late_submission_penalty or 0))
        max_score = float(submission.max_score)
    order = [key for key in cells if key in grades] + sorted(grades.keys() - cells.keys())
    questions = [QuestionResult(key, *grades[key], *read_check(cells.get(key))) for key in order]
    return Grades(score, max_score, questions)


def ungraded_notebook(released: str, status: str, reason: str) -> NotebookNode:
    """The exercise as released, each check marked as failed for one reason: what stands for a submission not run."""
    notebook = nbformat.reads(released, as_version=4)
    text = f"not graded ({status}): {reason}."
    notice = nbformat.v4.new_markdown_cell("**This submission has no points.** It is shown as it was released.")
    notice.id = "not-graded"
    for cell in _graded_cells(notebook).values():
        if cell.cell_type == "code":
            fail_cell(cell, NOT_RUN, text)
    notebook.cells.insert(0, notice)
    return notebook


def _graded_cells(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if is_grade(cell)}


def _zero_absent_checks(course: Course, student: str, name: str, notebook: NotebookNode) -> None:
    """A check whose cell was deleted would stay without any grade."""
    present = _graded_cells(notebook).keys()
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for grade in gradebook.find_submission_notebook(name, name, student).grades:
            if grade.name not in present:
                grade.auto_score, grade.needs_manual_grade = 0, False
        gradebook.db.commit()


def _timestamp(directory: Path) -> datetime | None:
    try:
        return parse_utc(timestamp_of(directory) or None)
    except (ValueError, OverflowError):
        return None


def _publish(course: Course, student: str, name: str, notebook: NotebookNode) -> None:
    """Puts the notebook where nbgrader's commands and Formgrader look for it, read-only like theirs."""
    directory = course.autograded(student, name)
    directory.mkdir(parents=True, exist_ok=True)
    part = directory / f".{name}.part"
    part.write_text(nbformat.writes(notebook), encoding="utf-8")
    part.chmod(0o444)
    part.replace(directory / f"{name}.ipynb")
