"""Notebooks that grading passes over are named with what to do, in the report and in the table."""

import io
import json
import re
from pathlib import Path

import pytest

from autograder.classroom.course import Course
from autograder.classroom.feedback import remove_outdated_feedback
from autograder.classroom.report import QuestionResult, Result, table
from autograder.classroom.roster import roster
from autograder.classroom.strays import misplaced, strays
from tests.classroom.conftest import NAME, RIGHT, ROOT, STEP, SampleCourse

RESBLOCK = "03-resblock"
RELEASED = (ROOT / "exercises" / RESBLOCK / f"{RESBLOCK}.ipynb").read_text(encoding="utf-8")
SOLVED = RELEASED.replace("raise NotImplementedError", "return inputs  # raise NotImplementedError")
FURTHER = SOLVED.replace("return inputs", "return 2 * inputs")
OLDER = RELEASED.replace("Hand in", "Handing in").replace("import warnings", "import warnings as w")
OTHER = (ROOT / "exercises" / "05-transformer-block" / "05-transformer-block.ipynb").read_text(encoding="utf-8")


def put(root: Path, place: str, text: str) -> None:
    path = root / "submitted" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("graded", "beside", "says"),
    [
        (RELEASED, SOLVED, "holds no answers"),
        (OLDER, SOLVED, "holds no answers"),
        (SOLVED, OLDER, None),
        ("not a notebook", SOLVED, "holds no answers"),
        (SOLVED, FURTHER, "other answers"),
        (SOLVED, SOLVED, None),
        (SOLVED, RELEASED, None),
        (RELEASED, OTHER, None),
        (RELEASED, "{}", None),
    ],
)
def test_strays_compare_both_notebooks_of_a_directory(tmp_path: Path, graded: str, beside: str, says: str | None):
    put(tmp_path, f"mei/{RESBLOCK}/{RESBLOCK}.ipynb", graded)
    put(tmp_path, f"mei/{RESBLOCK}/{RESBLOCK} (1).ipynb", beside)
    found = strays(Course.at(tmp_path), "mei", RESBLOCK, RELEASED)
    assert len(found) == (says is not None)
    if says:
        assert says in found[0]
        assert f"{RESBLOCK} (1).ipynb" in found[0]


def test_strays_name_the_exercise_whose_notebook_it_is(tmp_path: Path):
    put(tmp_path, f"mei/{RESBLOCK}/{RESBLOCK}.ipynb", OTHER)
    (sentence,) = strays(Course.at(tmp_path), "mei", RESBLOCK, RELEASED)
    assert "submitted/mei/05-transformer-block" in sentence
    put(tmp_path, f"mei/{RESBLOCK}/{RESBLOCK}.ipynb", SOLVED)
    assert strays(Course.at(tmp_path), "mei", RESBLOCK, RELEASED) == []


@pytest.mark.parametrize(
    "place",
    [
        f"di/{RESBLOCK}.ipynb",
        f"di/{RESBLOCK} (1).ipynb",
        "di/03-Resblock/03-resblock.ipynb",
        f"di/{RESBLOCK}/{RESBLOCK}/{RESBLOCK}.ipynb",
        f"di/04-spatial-transformer/{RESBLOCK}.ipynb",
    ],
)
def test_misplaced_notebook_puts_its_student_on_the_roster(tmp_path: Path, place: str):
    put(tmp_path, place, SOLVED)
    course = Course.at(tmp_path)
    assert roster(course, RESBLOCK) == ["di"]
    found = misplaced(course, "di", RESBLOCK, RELEASED)
    assert place in found
    assert f"di/{RESBLOCK}/{RESBLOCK}.ipynb" in found


def test_misplaced_notebook_is_known_by_what_it_holds(tmp_path: Path):
    (tmp_path / "submitted" / "di" / RESBLOCK).mkdir(parents=True)
    put(tmp_path, "di/homework.ipynb", SOLVED)
    put(tmp_path, "di/05-transformer-block/05-transformer-block.ipynb", OTHER)
    assert "di/homework.ipynb" in misplaced(Course.at(tmp_path), "di", RESBLOCK, RELEASED)
    put(tmp_path, f"di/{RESBLOCK}/{RESBLOCK}.ipynb", SOLVED)
    assert misplaced(Course.at(tmp_path), "di", RESBLOCK, RELEASED) == ""


def test_misplaced_links_are_not_followed(tmp_path: Path):
    put(tmp_path, f"other/{RESBLOCK}/{RESBLOCK}.ipynb", SOLVED)
    (tmp_path / "submitted" / "di").symlink_to(tmp_path / "submitted" / "other")
    (tmp_path / "submitted" / "eve").mkdir()
    (tmp_path / "submitted" / "eve" / "deep").symlink_to(tmp_path / "submitted" / "other")
    course = Course.at(tmp_path)
    assert misplaced(course, "di", RESBLOCK, RELEASED) == misplaced(course, "eve", RESBLOCK, RELEASED) == ""


def test_table_shows_the_first_warnings_and_counts_the_others():
    from rich.console import Console

    warnings = [f"[bold]warning {number}" for number in range(9)]
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(table([Result("mei", NAME, 0.0, 10.0, "graded", None, warnings, 0.1)]))
    text = console.export_text()
    assert "[bold]warning 0" in text
    assert "[bold]warning 8" not in text
    assert "5 more" in text


def test_grade_reports_everyone_with_what_to_do(course: SampleCourse):
    course.hand_in("ada", RIGHT)
    course.hand_in("mei", {})
    course.hand_in("boris", RIGHT)
    assert course.grade(NAME).exit_code == 0
    solved = (course.root / "submitted" / "ada" / NAME / f"{NAME}.ipynb").read_text()
    course.hand_in_text("mei", solved, file=f"{NAME} (1).ipynb")
    put(course.root, f"di/{NAME}.ipynb", solved)
    for path in (course.root / "submitted" / "boris" / NAME, course.root / "submitted" / "boris"):
        for file in path.glob("*.ipynb"):
            file.unlink()
        path.rmdir()
    done = course.grade(NAME, "--json", str(course.root / "report.json"))
    assert done.exit_code == 0, done.output
    report = {one["student"]: one for one in json.loads((course.root / "report.json").read_text())}
    assert {student: (one["status"], one["score"]) for student, one in report.items()} == {
        "ada": ("graded", 10),
        "boris": ("missing", 0),
        "di": ("missing", 0),
        "mei": ("graded", 0),
    }
    assert any(f"{NAME} (1).ipynb" in warning for warning in report["mei"]["warnings"])
    assert f"di/{NAME}.ipynb" in report["di"]["reason"]
    shown = re.sub(r"[^\w().-]+", " ", done.output)
    assert f"{NAME} (1).ipynb" in shown
    assert f"di {NAME}.ipynb" in shown
    assert course.scores() == {"ada": 10, "boris": 0, "di": 0, "mei": 0}


PAGE = """<h4>{n} (Score: {0} / 10.0)</h4><ol>
<li><a href="#a">Test cell</a> (Score: {1} / 4.0)</li><li><a href="#b">Test cell</a> (Score: {2} / 6.0)</li></ol>"""


@pytest.mark.parametrize(
    ("shown", "removed"),
    [((9.67, 4.0, 5.67), False), ((10.0, 4.0, 6.0), True), ((9.67, 3.67, 6.0), True), (None, True)],
)
def test_feedback_that_shows_other_points_is_removed(tmp_path: Path, shown: tuple[float, ...] | None, removed: bool):
    page = tmp_path / f"{NAME}.html"
    page.write_text(PAGE.format(*shown, n=NAME) if shown else "something else")
    held = [QuestionResult("a", 4.0, 4.0, None, ""), QuestionResult("b", 17 / 3, 6.0, None, "")]
    assert bool(remove_outdated_feedback(tmp_path, NAME, 29 / 3, held)) == removed
    assert page.exists() != removed
    page.unlink(missing_ok=True)
    assert not remove_outdated_feedback(tmp_path, NAME, 29 / 3, held)


def test_feedback_is_never_older_than_the_score(course: SampleCourse):
    from nbgrader.api import Gradebook

    page = course.root / "feedback" / "ada" / NAME / f"{NAME}.html"

    def feedback() -> str:
        done = course.run("nbgrader", "generate_feedback", NAME)
        assert done.returncode == 0, done.stderr
        return page.read_text()

    course.hand_in("ada", {**RIGHT, STEP: "denoise_step = None"})
    course.grade(NAME)
    assert '<p class="score">4 of 10 points</p>' in feedback()
    course.grade(NAME)
    assert page.exists()
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "sd-unet") as book:
        book.find_grade("denoise-step", NAME, NAME, "ada").manual_score = 2
        book.db.commit()
    course.grade(NAME)
    assert not page.exists()
    assert '<p class="score">6 of 10 points</p>' in feedback()
    course.hand_in("ada", RIGHT)
    done = course.grade(NAME)
    assert not page.exists()
    assert "feedback" in done.output
