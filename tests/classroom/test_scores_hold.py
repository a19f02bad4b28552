"""What was entered is compared with the gradebook on each run: no score is silently another than the notebook's."""

import json
import shutil

from nbgrader.api import Gradebook

from autograder.notebooks import write_exercises
from tests.classroom.conftest import NAME, RIGHT, SampleCourse

MISTAKEN = {**RIGHT, "answer-broadcast-embedding": "broadcast_embedding = lambda e: e + 0"}


def graded(course: SampleCourse) -> dict[str, float]:
    """The scores of a run's report, which the gradebook must hold, too."""
    done = course.grade(NAME, "--json", str(course.root / "report.json"))
    assert done.exit_code == 0, done.output
    scores = {result["student"]: result["score"] for result in json.loads((course.root / "report.json").read_text())}
    assert course.scores() == scores
    return scores


def gradebook(course: SampleCourse) -> Gradebook:
    return Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "sd-unet")


def comments(course: SampleCourse) -> dict[str, str | None]:
    with gradebook(course) as book:
        return {c.name: c.auto_comment for c in book.find_submission_notebook(NAME, NAME, "ada").comments}


def test_score_follows_hand_ins_to_and_fro(course: SampleCourse):
    course.hand_in("boris", MISTAKEN)
    for answers, score in ((RIGHT, 10), ({}, 0), (RIGHT, 10)):
        course.hand_in("ada", answers)
        assert graded(course) == {"ada": score, "boris": 6}
        sources = [cell.source for cell in course.autograded("ada").cells]
        assert (RIGHT["answer-denoise-step"] in sources) == bool(answers)
        assert (comments(course)["answer-denoise-step"] == "No response.") == (not answers)


def test_score_follows_a_hand_in_whose_points_are_the_same(course: SampleCourse):
    for answer in ("one", "Write here.", "one"):
        course.hand_in("ada", {**RIGHT, "explain": answer})
        assert graded(course) == {"ada": 10}
        assert any(cell.source == answer for cell in course.autograded("ada").cells)


def test_score_is_entered_again_in_a_gradebook_from_a_backup(course: SampleCourse):
    book, backup = course.root / "gradebook.db", course.root / "backup.db"
    course.hand_in("ada", {})
    assert graded(course) == {"ada": 0}
    shutil.copy(book, backup)
    course.hand_in("ada", RIGHT)
    course.hand_in("boris", RIGHT)
    assert graded(course) == {"ada": 10, "boris": 10}
    shutil.copy(backup, book)
    assert graded(course) == {"ada": 10, "boris": 10}
    book.unlink()
    assert graded(course) == {"ada": 10, "boris": 10}


def test_score_follows_points_to_and_fro(course: SampleCourse):
    source = course.root / "solutions" / NAME / f"{NAME}.py"
    text = source.read_text()
    swapped = text.replace('"points": 4', '"points": 5').replace('"points": 6', '"points": 5')
    course.hand_in("ada", MISTAKEN)
    for content, score in ((text, 6), (swapped, 5), (text, 6)):
        source.write_text(content)
        write_exercises(course.root)
        assert graded(course) == {"ada": score}


def test_score_that_someone_else_wrote_is_put_right(course: SampleCourse):
    wrong = {"ada": 0.0, "boris": 3.5, "chen": None}
    for student in wrong:
        course.hand_in(student, RIGHT)
    assert set(graded(course).values()) == {10}
    with gradebook(course) as book:
        for student, number in wrong.items():
            book.find_grade("denoise-step", NAME, NAME, student).auto_score = number
        book.db.commit()
    assert graded(course) == {"ada": 10, "boris": 10, "chen": 10}


def test_score_that_holds_leaves_a_manual_grade_alone(course: SampleCourse):
    course.hand_in("ada", MISTAKEN)
    graded(course)
    with gradebook(course) as book:
        grade = book.find_grade("broadcast-embedding", NAME, NAME, "ada")
        grade.manual_score, grade.needs_manual_grade = 3, False
        book.db.commit()
    assert graded(course) == {"ada": 9}
    with gradebook(course) as book:
        assert not book.find_grade("broadcast-embedding", NAME, NAME, "ada").needs_manual_grade
