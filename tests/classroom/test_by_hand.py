"""What instructors give by hand and by settings: extra credit, comments, late penalties; several of them at once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.check_cells import checks_of
from autograder.classroom.course import Course
from autograder.classroom.export import read_scores
from autograder.classroom.gradebook import enter
from autograder.classroom.late import PerDay
from autograder.classroom.verdict_view import show_verdict
from autograder.exam.verdict import Verdict, unmarked

NAME = "01-denoising"
ANSWER = "answer-denoise-step"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class whose exercise has a written answer with two points."""
    course = Course.at(tmp_path_factory.mktemp("by-hand"))
    source = (course.sources / "solutions" / NAME / f"{NAME}.py").read_text()
    line = next(line for line in source.splitlines() if '"grade_id": "explain"' in line)
    graded = line.replace('"grade": false', '"grade": true, "points": 2').replace(
        '"solution": false', '"solution": true'
    )
    assert graded != line
    (course.root / "solutions" / NAME).mkdir(parents=True)
    (course.root / "solutions" / NAME / f"{NAME}.py").write_text(source.replace(line, graded))
    for file in ("_config.yml", "nbgrader_config.py"):
        (course.root / file).write_bytes((course.sources / file).read_bytes())
    return Course.at(course.root)


def enter_result(course: Course, student: str, right: set[str]) -> float:
    """Enters what marking decided as `autograder grade` does; returns the score."""
    notebook = nbformat.reads(course.register(NAME), as_version=4)
    verdicts = {}
    for question, cell in checks_of(notebook).items():
        passed = question in right
        verdicts[question] = (
            Verdict(question, True, None, "right.") if passed else unmarked(question, f"{question}: not right yet.")
        )
        cell.outputs = []
        show_verdict(cell, verdicts[question])
    for cell in notebook.cells:
        if cell.id == "explain":
            cell.source = "It ends at the second picture."
    return enter(course, student, NAME, notebook, verdicts).score


def by_hand(course: Course, do: Callable[[Gradebook], None]) -> None:
    with Gradebook(course.db_url, course.course_id) as book:
        do(book)
        book.db.commit()


def test_regrading_after_a_mended_check_keeps_what_was_given_by_hand(course: Course):
    assert enter_result(course, "ann", {"denoise-step"}) == 2

    def give(book: Gradebook) -> None:
        book.find_grade("denoise", NAME, NAME, "ann").manual_score = 1
        book.find_grade("denoise-step", NAME, NAME, "ann").extra_credit = 0.5
        book.find_comment(ANSWER, NAME, NAME, "ann").manual_comment = "Short and clear."

    by_hand(course, give)
    assert read_scores(course, [NAME]).waiting == [("ann", NAME)]
    # The mended check finds one more right: its points come in, the rest stays, the written answer still waits.
    assert enter_result(course, "ann", {"denoise-step", "count-steps"}) == 6.5
    assert read_scores(course, [NAME]).waiting == [("ann", NAME)]
    with Gradebook(course.db_url, course.course_id) as book:
        assert book.find_grade("denoise", NAME, NAME, "ann").score == 1
        assert book.find_grade("denoise-step", NAME, NAME, "ann").extra_credit == 0.5
        assert book.find_comment(ANSWER, NAME, NAME, "ann").comment == "Short and clear."


def test_points_of_a_written_answer_end_the_waiting_and_stay(course: Course):
    enter_result(course, "bo", set())

    def give(book: Gradebook) -> None:
        grade = book.find_grade("explain", NAME, NAME, "bo")
        grade.manual_score, grade.needs_manual_grade = 2, False

    by_hand(course, give)
    assert read_scores(course, [NAME]).scores["bo", NAME].points == 2
    assert enter_result(course, "bo", {"denoise"}) == 5
    assert read_scores(course, [NAME]).scores["bo", NAME].points == 5


def test_several_graders_at_once_lose_nothing(course: Course):
    students = [f"student-{number}" for number in range(4)]
    for student in students:
        enter_result(course, student, set())
    errors: list[BaseException] = []

    def comment(who: str) -> None:
        try:
            for student in students:
                cell = ANSWER if who == "first" else "answer-denoise"
                with Gradebook(course.db_url, course.course_id) as book:
                    book.find_comment(cell, NAME, NAME, student).manual_comment = f"{who} to {student}"
                    book.db.commit()
        except BaseException as error:
            errors.append(error)

    graders = [threading.Thread(target=comment, args=(who,)) for who in ("first", "second")]
    for grader in graders:
        grader.start()
    for student in students:  # meanwhile the class is graded again
        enter_result(course, student, {"denoise-step"})
    for grader in graders:
        grader.join()
    assert errors == []
    with Gradebook(course.db_url, course.course_id) as book:
        for student in students:
            assert book.find_comment(ANSWER, NAME, NAME, student).comment == f"first to {student}"
            assert book.find_comment("answer-denoise", NAME, NAME, student).comment == f"second to {student}"
            assert book.find_submission_notebook(NAME, NAME, student).score == 2


@pytest.mark.parametrize(
    ("late", "penalty"),
    [
        (timedelta(minutes=15), None),
        (timedelta(minutes=16), 1),
        (timedelta(days=1, minutes=15), 1),
        (timedelta(days=1, minutes=16), 2),
        (timedelta(days=30), 5),
    ],
)
def test_penalty_grows_by_the_day(late: timedelta, penalty: float | None):
    assert (
        PerDay(points=1, grace_minutes=15, most=5).late_submission_penalty("ann", 10, late.total_seconds()) == penalty
    )


def test_penalty_is_never_more_than_the_score():
    assert PerDay(points=4).late_submission_penalty("ann", 3, 1) == 3


def test_penalty_of_the_guide_is_taken_off(course: Course):
    settings = course.root / "nbgrader_config.py"
    guide = (Path(__file__).parents[2] / "book" / "teach-set-up.md").read_text()
    lines = [line for line in guide.splitlines() if line.startswith(("c.AssignLate", "c.PerDay"))]
    assert len(lines) == 4
    settings.write_text("\n".join([settings.read_text(), *lines]))
    late = Course.at(course.root)
    place = late.submitted("mei", NAME)
    place.mkdir(parents=True)
    (place / "timestamp.txt").write_text("2026-10-10 12:00:00 UTC\n")
    late.register(NAME)
    by_hand(late, lambda book: book.update_or_create_assignment(NAME, duedate="2026-10-08 23:59 UTC"))
    assert enter_result(late, "mei", {"denoise-step", "denoise"}) == 3  # 5 points, and two days have begun
    score = read_scores(late, [NAME]).scores["mei", NAME]
    assert (score.points, score.penalty) == (3, 2)
