"""`autograder report`: what the class got right and wrong, from made results, on the terminal, as files, as a page."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from autograder.classroom import class_report as module
from autograder.classroom.class_list import Student
from autograder.classroom.class_report import (
    ClassReport,
    first_lines,
    kept_results,
    make_report,
    note_results,
    on_terminal,
)
from autograder.classroom.course import Course, CourseError
from autograder.classroom.export import Score, Scores
from autograder.classroom.report import QuestionResult, Result
from autograder.classroom.report_page import as_csv, as_json, as_page, histogram

NAME = "03-resblock"
EVIL = '<script>alert("x")</script>'


def question(id: str, points: float, most: float, mistakes: list[str] = [], message: str = "") -> QuestionResult:  # noqa: B006
    return QuestionResult(id, points, most, mistakes[0] if mistakes else None, message, mistakes)


def result(student: str, questions: list[QuestionResult], status: str = "graded", **more) -> Result:
    points = sum(one.points for one in questions)
    return Result(
        student, NAME, points, 10.0, status, None, more.pop("warnings", []), more.pop("seconds", 2.0), questions
    )


def made(students: int = 40) -> tuple[list[Result], Scores]:
    """A class: every third forgets the residual, every fifth fails without a name, the last one is missing."""
    results = []
    for i in range(students - 1):
        same = (
            question("resblock-same", 0, 6, ["residual-forgotten", "epsilon-default"])
            if i % 3 == 0
            else question("resblock-same", 6, 6)
        )
        alike = f"Cause: the values are off by {i}.5e-{i}"
        project = (
            question("resblock-project", 0, 4, message=alike) if i % 5 == 0 else question("resblock-project", 4, 4)
        )
        results.append(result(f"student-{i:02}", [same, project], seconds=float(i)))
    results.append(result("absent", [], "missing"))
    scores = {(one.student, NAME): Score(one.score or 0.0, 0.0, False) for one in results}
    scores["student-01", NAME] = Score(9.0, 1.0, False)
    scores["student-02", NAME] = Score(10.0, 0.0, True)
    return results, Scores({NAME: 10.0}, {one.student: Student(one.student) for one in results}, scores)


@pytest.fixture
def report() -> ClassReport:
    return make_report(*made())


def test_report_counts_students_mistakes_and_questions(report: ClassReport):
    assert len(report.scores) == 39
    assert report.missing == ["absent"]
    same, project = report.questions
    assert (same.id, same.right, same.count, round(same.share, 4)) == ("resblock-same", 26, 39, round(26 / 39, 4))
    assert project.right == 31
    assert [(group.what, len(group.students)) for group in report.mistakes] == [
        ("epsilon-default", 13),
        ("residual-forgotten", 13),
    ]
    assert report.late == {"student-01": 1.0}
    assert report.waiting == ["student-02"]
    assert list(report.slowest) == [f"student-{i}" for i in (38, 37, 36, 35, 34)]


def test_answers_that_differ_in_numbers_only_are_one_group(report: ClassReport):
    (group,) = report.alike
    assert len(group.students) == 8
    assert not group.named
    assert "the values are off" in group.what


def test_mean_and_median_are_of_the_gradebooks_points(report: ClassReport):
    points = sorted(report.scores.values())
    assert report.scores["student-01"] == 9.0
    assert report.median == points[19]
    assert report.mean == pytest.approx(sum(points) / 39)
    assert f"{report.mean:.1f}" in first_lines(report)[0]
    assert "13 x epsilon-default" in first_lines(report)[1]


def test_terminal_fits_80_columns_and_40_students_fit_a_screen_or_so(report: ClassReport):
    file = io.StringIO()
    console = Console(file=file, width=80)
    for part in on_terminal(report):
        console.print(part)
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 60


def test_histogram_holds_every_student_once(report: ClassReport):
    bars = histogram(report)
    assert sum(count for _, count in bars) == 39
    assert bars[-1] == ("10", sum(points == 10 for points in report.scores.values()))


def test_page_is_whole_alone_and_lets_nothing_run():
    results, scores = made(5)
    evil = result(EVIL, [question("resblock-same", 0, 6, message=EVIL)], warnings=[EVIL])
    scores.scores[EVIL, NAME] = Score(0.0, 1.0, True)
    page = as_page(make_report([*results, evil], scores))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(src|href)\s*=|https?://|@import|url\(""", page)
    assert page.startswith("<!doctype html>")
    assert 'lang="en"' in page


def test_files_hold_everything_and_start_no_formula():
    results, scores = made(8)
    results.append(result("=cmd()", [question("resblock-same", 0, 6, message="=HYPERLINK()")]))
    report = make_report(results, scores)
    rows = list(csv.DictReader(io.StringIO(as_csv(report))))
    assert len(rows) == sum(len(group.students) for group in [*report.mistakes, *report.alike])
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    found = json.loads(as_json(report))
    assert found["mean"] == report.mean
    assert found["missing"] == ["absent"]


def test_empty_class_is_reported_too():
    _, scores = made(1)
    report = make_report([result("absent", [], "missing")], scores)
    assert (report.mean, report.median, report.questions) == (0.0, 0.0, [])
    assert "0 handed in, 1 missing" in first_lines(report)[0]
    assert "nobody" in as_page(report)


def test_results_are_kept_from_run_to_run_and_go_with_the_student(tmp_path: Path):
    course = Course.at(tmp_path)
    results, _ = made(4)
    for one in results:
        (tmp_path / "submitted" / one.student / NAME).mkdir(parents=True)
    note_results(course.root, NAME, results)
    assert kept_results(course, NAME) == []  # no exam was held here
    (tmp_path / "_build" / "exam" / NAME).mkdir(parents=True)
    note_results(course.root, NAME, results)
    again = result("student-01", [question("resblock-same", 1, 6)])
    note_results(course.root, NAME, [again])
    assert {one.student: one for one in kept_results(course, NAME)} == {one.student: one for one in [*results, again]}
    (tmp_path / "submitted" / "student-02" / NAME).rmdir()
    (tmp_path / "submitted" / "student-02").rmdir()
    assert "student-02" not in [one.student for one in kept_results(course, NAME)]


def test_report_before_grading_says_what_to_run(tmp_path: Path):
    with pytest.raises(CourseError, match="autograder grade 03-resblock"):
        module.class_report(Course.at(tmp_path), NAME)
    with pytest.raises(CourseError, match="must be one of"):
        module.class_report(Course.at(tmp_path), "13-nothing")
