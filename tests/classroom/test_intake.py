"""Names and timestamps of submissions: what nbgrader's pages and the grader would trip over is not taken."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from autograder.classroom import grading
from autograder.classroom.course import Course
from autograder.classroom.exam_session import Refused
from autograder.classroom.hand_in_time import HandInTime, hand_in_time, parse_time
from autograder.classroom.intake import harmless_id, shown, strange_id


@pytest.mark.parametrize("student", ["mei", "o'brien", "a.b_c-d@example.org", "José Núñez", "林小美", "(guest) 7"])
def test_student_id_may_be_a_name(student: str):
    assert strange_id(student) is None


@pytest.mark.parametrize(
    "student", ["<b>x</b>", 'a"b', "a&b", "a\\b", "a\nb", "\x1b[2J", "-rf", "*", "a[1]", "x" * 101, ""]
)
def test_student_id_is_nothing_that_a_page_would_run(student: str):
    assert strange_id(student)


@pytest.mark.parametrize("name", ["mei\x1b[2J", "\x1b[31m", "m\udce9i", "a\nb", "-\x07", "x\x00" * 99, "\u202egnp"])
def test_harmless_id_of_a_name_that_cannot_be_printed_is_one_that_can(name: str):
    student = harmless_id(name)
    assert strange_id(student) is None
    assert student.isprintable()
    assert harmless_id(student) == student
    assert student != harmless_id(name + "\x1b")


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


def test_hand_in_time_is_read_from_a_short_plain_file_alone(tmp_path: Path):
    path = tmp_path / "timestamp.txt"

    def unreadable() -> bool:
        found = hand_in_time(tmp_path)
        return found.when is None and "timestamp.txt" in found.warning

    assert hand_in_time(tmp_path) == HandInTime()
    path.write_text("2026-01-02 03:04:05 UTC\n")
    assert hand_in_time(tmp_path) == HandInTime(datetime(2026, 1, 2, 3, 4, 5))
    for content in (b"", b"\xff\xfe\x00", b"2026-01-02 03:04:05" + b" " * 1000):
        path.write_bytes(content)
        assert unreadable()
    path.unlink()
    os.mkfifo(path)
    assert unreadable()
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert unreadable()


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02 03:04:00 UTC",
        "2026-01-02 03:04",
        "2026-01-02T03:04:00Z",
        "2026-01-02 11:04:00 Asia/Taipei",
        "2026-01-02 11:04 +0800",
        "2026-01-01 19:04:00 -08:00",
        "2026-01-02 03:04:00.000 GMT",
    ],
)
def test_hand_in_time_is_kept_in_utc(text: str):
    assert parse_time(text) == HandInTime(datetime(2026, 1, 2, 3, 4))


@pytest.mark.parametrize("zone", ["PST", "../x", "..", "/etc", "/etc/passwd", "Mars/Base", "99999999999", "Asia"])
def test_hand_in_time_in_a_zone_that_is_none_counts_as_utc_with_a_warning(zone: str):
    found = parse_time(f"2026-01-02 03:04 {zone}")
    assert found.when == datetime(2026, 1, 2, 3, 4)
    assert zone in found.warning


@pytest.mark.parametrize(
    "text", ["", "soon", "03:04", "2026", "1 2 3", "0001-01-01 00:00 +0800", "10" * 40, "2026-13-01 00:00", "a b \0x"]
)
def test_hand_in_time_that_is_none_is_a_warning(text: str):
    assert parse_time(text).when is None
    assert parse_time(text).warning


def test_shown_names_are_one_plain_line():
    assert shown("a\nb\x1b[2J\u202e.ipynb") == "a?b?[2J?.ipynb"
    assert len(shown("x" * 300)) == 80
