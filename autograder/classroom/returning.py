"""`autograder feedback`: makes a class's pages, and a zip file of them that Moodle or Canvas takes back."""

import io
import zipfile
from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.converters import GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from autograder.classroom.course import Course, CourseError
from autograder.classroom.exam_state import DOWNLOADS, read_private
from autograder.classroom.feedback_page import FeedbackExporter
from autograder.classroom.gradebook import check_gradebook, enrolled
from autograder.notebooks import collecting_logger

EPOCH = (2000, 1, 1, 0, 0, 0)  # of the zip file's entries: the same pages give the same bytes


@dataclass(frozen=True)
class Returned:
    """Pages that were made.

    Args:
        pages: by student.
        names: what each is called in a zip file, by student.
        other: students whose hand-in did not come from an LMS, as far as `autograder collect` knows.
    """

    pages: dict[str, Path]
    names: dict[str, str] = field(default_factory=dict)
    other: list[str] = field(default_factory=list)


def make_feedback(course: Course, name: str, students: Collection[str] | None = None) -> Returned:
    """Makes the pages of an exercise, with the points and comments that the gradebook holds now.

    Args:
        course: the course directory.
        name: the exercise.
        students: whose; None is everyone who was graded.

    Raises:
        CourseError: if there is no such exercise, or nothing was graded yet.
    """
    course.check_exercise(name)
    check_gradebook(course)
    graded = {one for one in enrolled(course) if course.autograded(one, name).is_dir()}
    if missing := sorted(set(students or ()) - graded):
        raise CourseError(f"There must be graded notebooks of them. Received none of: {', '.join(missing)}")
    wanted = sorted(students or graded)
    if not wanted:
        raise CourseError(f"There must be graded notebooks: run `autograder grade {name}` first{course.hint}")
    for student in wanted:
        _generate(course, name, student)
    pages = {student: course.feedback(student, name) / f"{name}.html" for student in wanted}
    known = read_private(course.root / "_build" / "exam" / name / DOWNLOADS)
    names = {student: known.get(student) or f"{student}/{name}.html" for student in pages}
    return Returned(pages, names, [student for student in pages if student not in known])


def _generate(course: Course, name: str, student: str) -> None:
    """Runs nbgrader's own step on one submission."""
    config = deepcopy(course.config)
    config.CourseDirectory.root, config.CourseDirectory.db_url = str(course.root), course.db_url
    config.CourseDirectory.assignment_id, config.CourseDirectory.student_id = name, student
    config.GenerateFeedback.force = True
    config.GenerateFeedback.setdefault("exporter_class", FeedbackExporter)  # settings of before there was this page
    log, words = collecting_logger("feedback")
    try:
        GenerateFeedback(coursedir=CourseDirectory(config=config), config=config, log=log).start()
    except NbGraderException as error:
        said = "; ".join(dict.fromkeys(text.strip().splitlines()[-1] for text in words)) or str(error)
        raise CourseError(f"The page of {student} must be made. Received: {said}") from error


def feedback_zip(returned: Returned) -> bytes:
    """A zip file of the pages, under the names that the LMS takes them back by."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, page in returned.pages.items():
            entry = zipfile.ZipInfo(returned.names[student], EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, page.read_bytes())
    return held.getvalue()
