"""A class of what people really hand in, graded by `autograder grade`, by nbgrader's own command and by Formgrader's
button: three times the same right scores, in gradebooks that begin empty."""

import shutil
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.classroom.course import Course
from tests.classroom.conftest import CELL_SECONDS, NAME, RIGHT, ROOT, SampleCourse, new_course
from tests.classroom.test_browser import serve
from tests.classroom.test_hand_in_class import CLASS, HandIn

SETTINGS = "\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
DUE, LATE = datetime(2026, 3, 2, 10), "2026-03-02 12:00:00 UTC"
LATER, ELSEWHERE, OTHER = "late", "elsewhere", "another-exercise"
FEW = ["packages", "scratch-below", "magics", "stray-byte", "old-and-new", "\u0e2a\u0e21\u0e28\u0e23\u0e35+1"]
MANY = [student for student in CLASS if student.isprintable() and student != "drive"]


@dataclass(frozen=True)
class MixedClass:
    """A class, and the points that are right for each: None where nbgrader's own ways know of no submission."""

    course: SampleCourse
    right: dict[str, float | None]

    def held(self) -> dict[str, float]:
        """Each submission's points in the gradebook, without what being late cost."""
        with Gradebook(f"sqlite:///{self.course.root / 'gradebook.db'}", "sd-unet") as book:
            entered = book.assignment_submissions(NAME)
            return {one.student.id: one.score - (one.late_submission_penalty or 0) for one in entered}

    def expected(self, missing: float | None) -> dict[str, float]:
        found = {student: missing if points is None else points for student, points in self.right.items()}
        return {student: points for student, points in found.items() if points is not None}

    def begin_again(self) -> None:
        """Forgets every result, and enters the exercise with its due date in an empty gradebook."""
        for made in ("autograded", "feedback", "_build"):
            shutil.rmtree(self.course.root / made, ignore_errors=True)
        (self.course.root / "gradebook.db").unlink(missing_ok=True)
        Course.at(self.course.root).register(NAME)
        with Gradebook(f"sqlite:///{self.course.root / 'gradebook.db'}", "sd-unet") as book:
            book.update_or_create_assignment(NAME, duedate=DUE)


def hand_in(course: SampleCourse, student: str, one: HandIn) -> None:
    course.hand_in(student, one.answers, one.change)
    path = course.root / "submitted" / student / NAME / f"{NAME}.ipynb"
    path.write_bytes(one.rewrite(path.read_bytes()))


def mixed_class(root: Path, kinds: list[str], times: int) -> MixedClass:
    """Each kind as often as `times` says, and one each that is late, at a wrong place, and of another exercise."""
    course, right = new_course(root, CELL_SECONDS), {}
    with (root / "nbgrader_config.py").open("a") as settings:
        settings.write(SETTINGS)
    for number in range(times):
        for kind in kinds:
            student = f"{kind} {number}" if number else kind
            hand_in(course, student, CLASS[kind])
            right[student] = CLASS[kind].score
            if kind == "old-and-new":
                course.hand_in_text(student, solved(course), file=f"{NAME} (1).ipynb")
    course.hand_in(LATER, RIGHT)
    (root / "submitted" / LATER / NAME / "timestamp.txt").write_text(LATE)
    (root / "submitted" / ELSEWHERE).mkdir()
    (root / "submitted" / ELSEWHERE / f"{NAME}.ipynb").write_text(solved(course))
    course.hand_in_text(OTHER, (ROOT / "exercises" / "10-sampling" / "10-sampling.ipynb").read_text())
    return MixedClass(course, right | {LATER: 0, ELSEWHERE: None, OTHER: 0})


def solved(course: SampleCourse) -> str:
    notebook = course.released()
    for cell in notebook.cells:
        cell.source = RIGHT.get(cell.id, cell.source)
    return nbformat.writes(notebook)


def grade_three_ways(mixed: MixedClass) -> None:
    mixed.begin_again()
    done = mixed.course.grade(NAME)
    assert done.exit_code == 0, done.output
    assert mixed.held() == mixed.expected(missing=0)
    mixed.begin_again()
    plain = mixed.course.run("nbgrader", "autograde", NAME)
    assert plain.returncode == 0, plain.stderr
    assert mixed.held() == mixed.expected(missing=None)
    mixed.begin_again()
    press_every_button(mixed)
    assert mixed.held() == mixed.expected(missing=None)


def press_every_button(mixed: MixedClass) -> None:
    """Asks Formgrader's server to autograde each submission, as its page does."""
    for formgrader in serve(Course.at(mixed.course.root)):
        for student in mixed.expected(missing=None):
            path = f"formgrader/api/submission/{NAME}/{urllib.parse.quote(student)}/autograde"
            headers = {"Authorization": f"token {formgrader.token}"}
            request = urllib.request.Request(f"{formgrader.address}/{path}", headers=headers, method="POST", data=b"")
            with urllib.request.urlopen(request, timeout=300) as reply:
                text = reply.read().decode()
            assert '"success": true' in text, f"{student}: {text[-3000:]}"


@pytest.mark.classes
def test_mixed_class_has_the_same_right_scores_three_ways(tmp_path: Path):
    mixed = mixed_class(tmp_path, FEW, 1)
    assert len(mixed.right) == 9
    grade_three_ways(mixed)


@pytest.mark.classes
def test_mixed_class_of_thirty_has_the_same_right_scores_three_ways(tmp_path: Path):
    mixed = mixed_class(tmp_path, MANY, 2)
    assert len(mixed.right) >= 29
    grade_three_ways(mixed)
