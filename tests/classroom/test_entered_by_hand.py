"""What an instructor entered stays: points, comments, due dates, edits of a published notebook."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.classroom.course import Course
from autograder.classroom.exam_state import forget_departed
from autograder.classroom.published import note_published, publish
from tests.classroom.conftest import NAME, RIGHT, STEP, SampleCourse

HALF = {**RIGHT, STEP: "denoise_step = None"}
LATE = "2026-03-02 12:00:00 UTC"


def graded(course: SampleCourse) -> dict[str, dict[str, Any]]:
    """A run's report by student."""
    done = course.grade(NAME, "--json", str(course.root / "report.json"))
    assert done.exit_code == 0, done.output
    return {result["student"]: result for result in json.loads((course.root / "report.json").read_text())}


def gradebook(course: SampleCourse) -> Gradebook:
    return Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "sd-unet")


def hand_in_at(course: SampleCourse, student: str, when: str) -> None:
    (course.root / "submitted" / student / NAME / "timestamp.txt").write_text(when)


def test_points_and_comments_given_by_hand_stay_through_every_run(course: SampleCourse):
    course.hand_in("ada", HALF)
    assert graded(course)["ada"]["score"] == 4
    with gradebook(course) as book:
        book.find_grade("denoise-step", NAME, NAME, "ada").manual_score = 2
        book.find_comment("answer-denoise-step", NAME, NAME, "ada").manual_comment = "Well put."
        book.db.commit()
    for answers in (HALF, {**HALF, "explain": "More."}, {}):
        course.hand_in("ada", answers)
        assert graded(course)["ada"]["score"] == (6 if answers else 2)
        with gradebook(course) as book:
            assert book.find_comment("answer-denoise-step", NAME, NAME, "ada").manual_comment == "Well put."


def test_due_date_that_is_set_or_extended_later_holds_at_the_next_run(course: SampleCourse):
    with (course.root / "nbgrader_config.py").open("a") as settings:
        settings.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    course.hand_in("ada", RIGHT)
    hand_in_at(course, "ada", LATE)
    assert graded(course)["ada"]["reason"] is None
    with gradebook(course) as book:
        book.update_or_create_assignment(NAME, duedate=datetime(2026, 3, 2, 10))
    late = graded(course)["ada"]
    assert (late["score"], late["penalty"], late["status"]) == (0, 10, "graded")
    assert "2.0 hours late" in late["reason"]
    assert "10 points" in late["reason"]
    assert course.scores() == {"ada": 10}  # nbgrader keeps the penalty apart
    assert "2.0 hours" in course.grade(NAME).output
    with gradebook(course) as book:
        book.update_or_create_assignment(NAME, duedate=datetime(2026, 3, 3))
    in_time = graded(course)["ada"]
    assert (in_time["score"], in_time["penalty"], in_time["reason"]) == (10, 0, None)


def test_late_hand_in_without_a_penalty_is_a_warning_and_so_is_a_strange_timestamp(course: SampleCourse):
    for student, when in (("ada", LATE), ("boris", "2026-03-02 09:00 ../x"), ("chen", "yesterday")):
        course.hand_in(student, RIGHT)
        hand_in_at(course, student, when)
    graded(course)
    with gradebook(course) as book:
        book.update_or_create_assignment(NAME, duedate=datetime(2026, 3, 2, 11, 30))
    report = graded(course)
    assert {result["score"] for result in report.values()} == {10}
    assert {result["reason"] for result in report.values()} == {None}
    for student, word in (("ada", "30 minutes late"), ("boris", "../x"), ("chen", "timestamp.txt")):
        assert any(word in warning for warning in report[student]["warnings"]), report[student]


def test_edit_in_a_published_notebook_stays_until_there_is_a_newer_hand_in(course: SampleCourse):
    path = course.root / "autograded" / "ada" / NAME / f"{NAME}.ipynb"
    course.hand_in("ada", HALF)
    graded(course)
    edited = course.autograded("ada")
    edited.cells.append(nbformat.v4.new_markdown_cell("Nearly: think of `alpha`."))
    path.chmod(0o644)
    nbformat.write(edited, path)
    for _ in range(2):
        result = graded(course)["ada"]
        assert result["score"] == 4
        assert any("edit stays" in warning for warning in result["warnings"])
        assert course.autograded("ada") == edited
    course.hand_in("ada", RIGHT)
    result = graded(course)["ada"]
    assert result["score"] == 10
    assert "Nearly" not in path.read_text()
    (kept,) = (course.root / "_build" / "exam" / NAME / "edited").iterdir()
    assert nbformat.read(kept, as_version=4) == edited
    assert any(kept.name in warning for warning in result["warnings"])
    assert graded(course)["ada"]["warnings"] == []


def test_edit_in_a_published_notebook_is_set_aside_by_nbgraders_autograde(course: SampleCourse):
    path = course.root / "autograded" / "ada" / NAME / f"{NAME}.ipynb"
    course.hand_in("ada", RIGHT)
    course.grade(NAME)
    again = ("nbgrader", "autograde", NAME, "--student=ada", "--force")
    assert course.run(*again).returncode == 0
    assert not (course.root / "_build" / "exam" / NAME / "edited").exists()
    path.chmod(0o644)
    path.write_text(path.read_text().replace("Two questions", "Well done: two questions"))
    done = course.run(*again)
    assert done.returncode == 0, done.stderr
    (kept,) = (course.root / "_build" / "exam" / NAME / "edited").iterdir()
    assert "Well done" in kept.read_text()
    assert kept.name in done.stderr
    assert graded(course)["ada"]["warnings"] == []  # what nbgrader wrote is no edit


@pytest.mark.parametrize("damage", ["", "{", "[]", "\udc80"])
def test_publish_replaces_what_is_no_notebook(tmp_path: Path, damage: str):
    course = Course.at(tmp_path)
    path = course.autograded("ada", NAME) / f"{NAME}.ipynb"
    text = nbformat.writes(nbformat.v4.new_notebook())
    assert publish(course, "ada", NAME, text).changed
    path.chmod(0o644)
    path.write_bytes(damage.encode("utf-8", "surrogateescape"))
    assert publish(course, "ada", NAME, text).changed
    assert path.read_text() == text
    assert not publish(course, "ada", NAME, text).changed


def test_edits_of_who_is_gone_are_deleted_with_the_rest(tmp_path: Path):
    course = Course.at(tmp_path)
    first, edit, second = (
        nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_raw_cell(text, id="a")])) for text in "abc"
    )
    for student in ("ada", "boris"):
        publish(course, student, NAME, first)
        path = course.autograded(student, NAME) / f"{NAME}.ipynb"
        path.chmod(0o644)
        path.write_text(edit)
        assert publish(course, student, NAME, second).note
        note_published(tmp_path, student, NAME, second)
    forget_departed(tmp_path, {"boris"})
    left = [path.name for path in tmp_path.glob("_build/exam/*/edited/*")]
    assert len(left) == 1
    assert "boris" in left[0]
    assert len(list(tmp_path.glob("_build/exam/*/published/*"))) == 1
