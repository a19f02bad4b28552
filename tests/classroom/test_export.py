"""`autograder export`: the gradebook's points as Canvas, Moodle and spreadsheets take them."""

import csv
import io
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.classroom.class_list import ClassList, Student
from autograder.classroom.course import Course, CourseError
from autograder.classroom.export import Format, export, read_scores
from autograder.cli import app

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own use of SQLAlchemy
ANN = Student("ann", "Ann", "Lee", "ann@example.org", "4711")
EVIL = Student("evil", "=HYPERLINK(1)", "@SUM(A1)", "+1@example.org", "")
NAMES = ("01-denoising", "02-inputs")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Two exercises: ann has 7 of 10 and 1 of 2 by hand, one point off for being late; evil has the second only."""
    course = Course.at(tmp_path)
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for name in NAMES:
            gradebook.add_assignment(name)
            gradebook.add_notebook(name, name)
            gradebook.add_grade_cell("check", name, name, max_score=10, cell_type="code")
            gradebook.add_grade_cell("explain", name, name, max_score=2, cell_type="markdown")
        for one in (ANN, EVIL):
            gradebook.add_student(one.id, first_name=one.first_name, last_name=one.last_name, email=one.email)
        gradebook.find_student("ann").lms_user_id = "4711"
        points = {("01-denoising", "ann"): (7, 1, False), ("02-inputs", "ann"): (10, None, True)}
        points["02-inputs", "evil"] = (2.5, 0, False)
        for (name, student), (auto, by_hand, waiting) in points.items():
            gradebook.add_submission(name, student)
            check = gradebook.find_grade("check", name, name, student)
            check.auto_score, check.needs_manual_grade = auto, False
            explain = gradebook.find_grade("explain", name, name, student)
            explain.manual_score, explain.needs_manual_grade = by_hand, waiting
        gradebook.find_submission_notebook("01-denoising", "01-denoising", "ann").late_submission_penalty = 1
        gradebook.db.commit()
    return course


def rows(course: Course, format: Format, **options) -> list[dict[str, str]]:
    text = export(read_scores(course, **options), format)
    return list(csv.DictReader(io.StringIO(text)))


def test_canvas_file_has_its_columns_and_the_line_of_possible_points(course: Course):
    possible, ann, evil = sorted(rows(course, Format.canvas), key=lambda row: row["SIS User ID"])
    assert list(ann) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *NAMES]
    assert possible["Student"] == "    Points Possible"
    assert [possible[name] for name in NAMES] == ["12", "12"]
    assert (ann["Student"], ann["ID"], ann["01-denoising"], ann["02-inputs"]) == ("Lee, Ann", "4711", "7", "10")
    assert (evil["01-denoising"], evil["02-inputs"]) == ("", "2.5")


def test_moodle_file_maps_by_id_number_and_address(course: Course):
    by_id = {row["ID number"]: row for row in rows(course, Format.moodle)}
    assert by_id["ann"]["Email address"] == "ann@example.org"
    assert by_id["ann"]["Assignment: 01-denoising (Real)"] == "7"
    assert by_id["evil"]["Assignment: 01-denoising (Real)"] == ""


def test_table_has_penalties_totals_and_what_waits(course: Course):
    by_id = {row["id"]: row for row in rows(course, Format.csv)}
    ann = by_id["ann"]
    assert (ann["01-denoising"], ann["01-denoising max"], ann["01-denoising late penalty"]) == ("7", "12", "1")
    assert (ann["01-denoising by hand"], ann["02-inputs by hand"]) == ("", "waiting")
    assert (ann["total"], ann["total max"]) == ("17", "24")
    assert (by_id["evil"]["total"], by_id["evil"]["01-denoising"]) == ("2.5", "")


@pytest.mark.parametrize("format", list(Format))
def test_no_text_starts_a_formula_and_every_number_stays_one(course: Course, format: Format):
    text = export(read_scores(course), format)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert any("HYPERLINK" in cell for cell in cells)
    assert "2.5" in cells


def test_export_takes_chosen_exercises_and_a_class_list(course: Course):
    chosen = read_scores(course, ["02-inputs"], ClassList([ANN, Student("new", "New", "Comer")]))
    assert list(chosen.maxima) == ["02-inputs"]
    by_id = {row["id"]: row for row in csv.DictReader(io.StringIO(export(chosen, Format.csv)))}
    assert set(by_id) == {"ann", "new"}
    assert by_id["new"]["02-inputs"] == ""


def test_export_says_what_it_lacks(course: Course, tmp_path: Path):
    with pytest.raises(CourseError, match=r"01-denoising, 02-inputs.*03-resblock"):
        read_scores(course, ["03-resblock"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="must know students"):
        read_scores(Course.at(tmp_path / "empty"))


def test_command_writes_a_file_and_says_what_is_not_final(course: Course, tmp_path: Path):
    file = tmp_path / "grades.csv"
    done = CliRunner().invoke(app, ["export", "--format", "canvas", "-o", str(file), "--course", str(course.root)])
    assert done.exit_code == 0, done.output
    assert file.read_text() == export(read_scores(course), Format.canvas)
    assert "ann 02-inputs" in done.output
    assert CliRunner().invoke(app, ["export", "--format", "excel", "--course", str(course.root)]).exit_code == 2
