"""Names and timestamps of submissions: what nbgrader's pages and the grader would trip over is not taken."""

import os
from pathlib import Path

import pytest

from autograder.classroom import grading
from autograder.classroom.course import Course
from autograder.classroom.exam_session import Refused
from autograder.classroom.intake import STUDENT_ID, shown, timestamp_of


@pytest.mark.parametrize("student", ["mei", "o'brien", "a.b_c-d@example.org", "José Núñez", "林小美", "(guest) 7"])
def test_student_id_may_be_a_name(student: str):
    assert STUDENT_ID.fullmatch(student)


@pytest.mark.parametrize(
    "student", ["<b>x</b>", 'a"b', "a&b", "a\\b", "a\nb", "\x1b[2J", "-rf", "*", "a[1]", "x" * 101, ""]
)
def test_student_id_is_nothing_that_a_page_would_run(student: str):
    assert not STUDENT_ID.fullmatch(student)


def test_grade_refuses_a_strange_id_with_its_own_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_session(*_):
        raise Refused("there is no sandbox here")

    monkeypatch.setattr(grading, "ExamSession", no_session)
    for student in ("<img src=x>", "mei"):
        (tmp_path / "submitted" / student / "03-resblock").mkdir(parents=True)
    strange, mei = grading.grade(Course.at(tmp_path), "03-resblock", grading.Options())
    assert (strange.student, strange.status, strange.score) == ("<img src=x>", "refused", None)
    assert "student's id" in (strange.reason or "")
    assert (mei.student, mei.reason) == ("mei", "there is no sandbox here")


def test_timestamp_is_read_from_a_short_plain_file_alone(tmp_path: Path):
    assert timestamp_of(tmp_path) == ""
    path = tmp_path / "timestamp.txt"
    path.write_text("2026-01-02 03:04:05 UTC\n")
    assert timestamp_of(tmp_path) == "2026-01-02 03:04:05 UTC"
    for content in (b"\xff\xfe\x00", b"x" * 1000):
        path.write_bytes(content)
        assert timestamp_of(tmp_path) == ""
    path.unlink()
    os.mkfifo(path)
    assert timestamp_of(tmp_path) == ""
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert timestamp_of(tmp_path) == ""


def test_shown_names_are_one_plain_line():
    assert shown("a\nb\x1b[2J\u202e.ipynb") == "a?b?[2J?.ipynb"
    assert len(shown("x" * 300)) == 80
