"""`autograder export`: the gradebook's points as files that Canvas and Moodle take, and as a plain table.

Points given by hand and late penalties are in them. Texts can never start a formula in a spreadsheet.

References: Canvas, "How do I import grades in the Gradebook?" and its example file; Moodle, "Grade import".
"""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from nbgrader.api import Gradebook

from autograder.classroom.class_list import ClassList, Student
from autograder.classroom.course import Course, CourseError
from autograder.classroom.gradebook import check_gradebook
from autograder.classroom.gradebook_server import without_password

# What begins a formula, in East Asian width, too, at the start of a cell, or of what a spreadsheet that separates by
# semicolons or tabs makes a cell of.
SIGN = "=+\\-@\uff1d\uff0b\uff0d\uff20"
FORMULA = re.compile(rf"(^|[;\t\r\n])(?=[\s\"'\ufeff\u200b]*[{SIGN}]|^[\t\r\n])")


class Format(StrEnum):
    """Whom a file is for."""

    canvas = "canvas"
    moodle = "moodle"
    csv = "csv"


@dataclass(frozen=True)
class Score:
    """A student's points for an exercise.

    Args:
        points: with those given by hand, without what being late cost.
        penalty: points that being late cost.
        waiting: whether something in it is still to be graded by hand.
    """

    points: float
    penalty: float
    waiting: bool


@dataclass(frozen=True)
class Scores:
    """What the gradebook holds of some exercises.

    Args:
        maxima: the points of each exercise, in the order of the columns.
        students: the class, by id.
        scores: by student and exercise; who handed in nothing has none.
    """

    maxima: dict[str, float]
    students: dict[str, Student]
    scores: dict[tuple[str, str], Score]

    @property
    def waiting(self) -> list[tuple[str, str]]:
        """Student and exercise of what is still to be graded by hand."""
        return sorted(key for key, score in self.scores.items() if score.waiting)


def read_scores(course: Course, names: Iterable[str] = (), students: ClassList | None = None) -> Scores:
    """Reads the gradebook.

    Args:
        course: the course directory.
        names: exercises; none is all that the gradebook has.
        students: who is exported; None is everyone whom the gradebook knows.

    Raises:
        CourseError: if there is no gradebook, or an exercise is not in it.
    """
    check_gradebook(course)
    listed = (students or ClassList.enrolled(course)).students
    if not listed:
        raise CourseError(
            f"The gradebook must know students. Received none, from {without_password(course.db_url)}{course.hint}"
        )
    with Gradebook(course.db_url, course.course_id) as gradebook:
        known = {assignment.name: float(assignment.max_score) for assignment in gradebook.assignments}
        wanted = list(dict.fromkeys(names)) or sorted(known)
        if absent := [name for name in wanted if name not in known]:
            there = ", ".join(sorted(known)) or "nothing"
            raise CourseError(f"The gradebook must have the exercise; it has {there}. Received: {', '.join(absent)}")
        scores = {
            (submission.student.id, name): _score(submission)
            for name in wanted
            for submission in gradebook.assignment_submissions(name)
            if submission.student.id in listed
        }
    return Scores({name: known[name] for name in wanted}, listed, scores)


def _score(submission) -> Score:
    penalty = float(submission.late_submission_penalty or 0)
    return Score(max(0.0, float(submission.score) - penalty), penalty, bool(submission.needs_manual_grade))


def export(scores: Scores, format: Format) -> str:
    """The text of a CSV file; a cell is empty where nothing was handed in."""
    head, *rows = {Format.canvas: _canvas, Format.moodle: _moodle, Format.csv: _plain}[format](scores)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return file.getvalue()


def _canvas(scores: Scores) -> Iterable[list]:
    """Canvas knows students by `ID`, and takes the line of possible points for what it is by its first cell."""
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *scores.maxima]
    yield ["    Points Possible", "", "", "", "", *scores.maxima.values()]
    for student in _by_name(scores):
        name = ", ".join(part for part in (student.last_name, student.first_name) if part) or student.id
        yield [name, student.lms_user_id, student.id, student.email, "", *_points(scores, student.id)]


def _moodle(scores: Scores) -> Iterable[list]:
    yield ["ID number", "First name", "Last name", "Email address", *(f"Assignment: {n} (Real)" for n in scores.maxima)]
    for student in _by_name(scores):
        known = [student.id, student.first_name, student.last_name, student.email]
        yield [*known, *_points(scores, student.id)]


def _plain(scores: Scores) -> Iterable[list]:
    columns = [f"{name}{kind}" for name in scores.maxima for kind in ("", " max", " late penalty", " by hand")]
    yield ["id", "first_name", "last_name", "email", "lms_user_id", *columns, "total", "total max"]
    for student in _by_name(scores):
        cells: list = []
        for name, most in scores.maxima.items():
            score = scores.scores.get((student.id, name))
            cells += ["", most, "", ""] if score is None else [score.points, most, score.penalty, _hand(score)]
        total = sum(points for points in _points(scores, student.id) if points != "")
        known = [student.id, student.first_name, student.last_name, student.email, student.lms_user_id]
        yield [*known, *cells, total, sum(scores.maxima.values())]


def _hand(score: Score) -> str:
    return "waiting" if score.waiting else ""


def _points(scores: Scores, student: str) -> list:
    found = [scores.scores.get((student, name)) for name in scores.maxima]
    return ["" if score is None else score.points for score in found]


def _by_name(scores: Scores) -> list[Student]:
    return sorted(scores.students.values(), key=lambda s: (s.last_name.casefold(), s.first_name.casefold(), s.id))


def safe_cell(cell: object) -> object:
    """A number as it is, without a needless `.0`; a text such that no spreadsheet takes it for a formula."""
    if isinstance(cell, float):
        return f"{cell:.10g}"
    return FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell
