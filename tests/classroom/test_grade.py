"""`autograder grade`: every submission gets a status, a score in the gradebook and a plain reason."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import determine_grade

from autograder.check_cells import checks_of
from autograder.notebooks import write_exercises
from tests.classroom.conftest import CELL_SECONDS, NAME, RIGHT, GradedClass, SampleCourse
from tests.classroom.test_corpus import leftovers

RESULT_KEYS = {"student", "assignment", "score", "max_score", "status", "reason", "warnings", "seconds", "questions"}
QUESTION_KEYS = {"id", "points", "max_points", "mistake", "message"}


@pytest.mark.parametrize(
    ("student", "status", "score"),
    [
        ("right", "graded", 10),
        ("loud", "graded", 10),  # a warning on stderr costs nothing
        ("stub", "graded", 0),
        ("mistaken", "graded", 6),
        ("slow", "timeout", 4),  # what ran before the limit keeps its points
        ("stuck", "timeout", 0),
        ("dead", "crashed", 4),
        ("edited", "graded", 0),
        ("deleted", "graded", 10),  # the released check stands in
        ("broken", "unreadable", 0),
        ("empty", "unreadable", 0),
        ("linked", "unreadable", 0),
        ("renamed", "missing", 0),
    ],
)
def test_grade_gives_each_kind_its_status_and_score(graded: GradedClass, student: str, status: str, score: float):
    result = graded[student]
    assert (result["status"], result["score"], result["max_score"]) == (status, score, 10)
    assert (result["reason"] is None) == (status == "graded")
    assert graded.course.scores()[student] == score


def test_grade_report_has_the_agreed_form(graded: GradedClass):
    assert [result["student"] for result in graded.report] == sorted(r["student"] for r in graded.report)
    assert len(graded.report) == 13
    for result in graded.report:
        assert set(result) >= RESULT_KEYS
        assert result["assignment"] == NAME
        assert isinstance(result["warnings"], list)
        assert result["seconds"] >= 0
        assert [q["id"] for q in result["questions"]] == ["broadcast-embedding", "denoise-step"]
        assert sum(q["points"] for q in result["questions"]) == result["score"]
        assert sum(q["max_points"] for q in result["questions"]) == result["max_score"]
        for question in result["questions"]:
            assert set(question) >= QUESTION_KEYS
            assert isinstance(question["message"], str)


def test_grade_names_the_mistake_apart_from_its_message(graded: GradedClass):
    axes = graded["mistaken"]["questions"][0]
    assert axes["mistake"] == "embedding-unchanged"
    assert re.search(r"Expected: float32 \((\d+), 1, 1, (\d+)\)\n +Received: float32 \(\1, \2\)\n", axes["message"])
    assert "Mistake:" not in axes["message"]
    assert all(q["mistake"] is None for q in graded["stub"]["questions"])
    assert "NotImplementedError" in graded["stub"]["questions"][0]["message"]


def test_grade_keeps_verdicts_as_data_and_shows_them_to_nbgrader(graded: GradedClass):
    """Formgrader and `nbgrader autograde` read points from outputs: those must say what marking decided."""
    kept = [json.loads(path.read_text()) for path in graded.course.root.glob(f"_build/exam/{NAME}/results/*.json")]
    assert {result["student"] for result in kept} == {result["student"] for result in graded.report}
    for result in kept:
        passed = {verdict["question"]: verdict["passed"] for verdict in result["verdicts"]}
        cells = checks_of(graded.course.autograded(result["student"]))
        assert {question: determine_grade(cell)[0] > 0 for question, cell in cells.items()} == passed
        questions = graded[result["student"]]["questions"]
        assert {question["id"]: question["points"] for question in questions} == {
            question: determine_grade(cell)[0] for question, cell in cells.items()
        }
        assert [question["mistakes"] for question in questions] == [v["mistakes"] for v in result["verdicts"]]


def test_grade_keeps_the_seed_to_itself(graded: GradedClass):
    """The same seed gives the same papers, so who knows it knows them."""
    state = graded.course.root / "_build" / "exam" / NAME
    assert json.loads((state / "exam.json").read_text())["seed"] == 7
    assert state.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in state.rglob("*"))


def test_grade_shows_what_a_right_answer_printed_and_then_its_verdict(graded: GradedClass):
    assert "broadcast-embedding: right" in graded["loud"]["questions"][0]["message"]
    cells = [cell for cell in graded.course.autograded("loud").cells if cell.id == "broadcast-embedding"]
    assert "a warning" in str(cells[0].outputs)


def test_grade_tells_what_was_changed_in_a_notebook(graded: GradedClass):
    assert graded["right"]["warnings"] == []
    assert any("broadcast-embedding" in warning and "changed" in warning for warning in graded["edited"]["warnings"])
    assert any("broadcast-embedding" in warning and "missing" in warning for warning in graded["deleted"]["warnings"])


def test_grade_reason_says_which_cell_and_limit(graded: GradedClass):
    assert "denoise-step" in graded["slow"]["reason"]
    assert f"{CELL_SECONDS} s" in graded["slow"]["reason"]
    assert "denoise-step" in graded["dead"]["reason"]
    assert "copy of it.ipynb" in graded["renamed"]["reason"]


def test_grade_succeeds_and_prints_a_table(graded: GradedClass):
    assert graded.command.returncode == 0, graded.command.stderr
    for word in ("mistaken", "embedding-unchanged", "6 / 10", "13/13"):
        assert word in graded.command.stdout + graded.command.stderr


def test_grade_leaves_no_process_and_no_file(graded: GradedClass):
    assert leftovers(graded.process) == []
    left = Path(tempfile.gettempdir()).glob("autograder-[0-9]*")
    ended = [path for path in left if not _alive(path.name.split("-")[1])]
    assert not ended


def test_leftovers_are_found(graded: GradedClass):
    walls = ["bwrap", "-c", "import time; time.sleep(60)", f"/autograder-{graded.process}-x/package"]
    left = subprocess.Popen(walls, executable=sys.executable)
    try:
        (found,) = leftovers(graded.process)
        assert found.startswith(f"{left.pid} ")
        assert leftovers(left.pid) == []  # behind another grader's walls
    finally:
        left.kill()
        left.wait()


def _alive(process: str) -> bool:
    return process.isdigit() and psutil.pid_exists(int(process))


def test_grade_publishes_a_notebook_for_every_submission(graded: GradedClass):
    for result in graded.report:
        cells = graded.course.autograded(result["student"]).cells
        assert any("nbgrader" in cell.metadata for cell in cells)
    assert "autograder" not in graded.course.autograded("slow").metadata


def test_grade_again_keeps_other_students_and_updates_the_one_named(course: SampleCourse):
    course.hand_in("one", RIGHT)
    course.hand_in("two", {})
    assert course.grade(NAME).exit_code == 0
    course.hand_in("two", RIGHT)
    course.hand_in("one", {})
    done = course.grade(NAME, "--student", "two", "--jobs", "1")
    assert done.exit_code == 0, done.output
    assert course.scores() == {"one": 10, "two": 10}


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["02-unknown"], "Received: '02-unknown'"),
        ([NAME], "Received none"),
        ([NAME, "--student", "nobody"], "Received: nobody"),
    ],
)
def test_grade_without_anything_to_grade_says_so(course: SampleCourse, arguments: list[str], received: str):
    if "--student" in arguments:
        course.hand_in("somebody", RIGHT)
    done = course.grade(*arguments)
    assert done.exit_code == 2
    assert received in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_grade_takes_sources_and_settings_from_the_clone(tmp_path: Path):
    """A directory with nothing but submissions is a course too."""
    (tmp_path / "submitted" / "one" / "03-resblock").mkdir(parents=True)
    done = SampleCourse(tmp_path).grade("03-resblock", "--json", str(tmp_path / "report.json"))
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "report.json").read_text())[0]["status"] == "missing"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "_build",
        "autograded",
        "gradebook.db",
        "report.json",
        "submitted",
    ]


def test_grade_with_a_damaged_gradebook_says_so_and_touches_nothing(course: SampleCourse):
    course.hand_in("right", RIGHT)
    (course.root / "gradebook.db").write_text("not a database, but someone's")
    done = course.grade(NAME)
    assert done.exit_code == 2
    assert "gradebook" in done.stderr
    assert (course.root / "gradebook.db").read_text() == "not a database, but someone's"


def test_grade_keeps_an_instructors_own_points(course: SampleCourse):
    course.hand_in("one", {})
    assert course.grade(NAME).exit_code == 0
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "sd-unet") as gradebook:
        gradebook.find_grade("broadcast-embedding", NAME, NAME, "one").manual_score = 3
        gradebook.db.commit()
    assert course.grade(NAME).exit_code == 0
    assert course.scores() == {"one": 3}


def test_grade_leaves_a_written_answer_to_the_instructor(course: SampleCourse):
    source = course.root / "solutions" / NAME / f"{NAME}.py"
    off, on = '"explain", "grade": false', '"explain", "grade": true, "points": 2'
    text = source.read_text().replace(off, on).replace(
        f'{on}, "locked": false, "schema_version": 3, "solution": false',
        f'{on}, "locked": false, "schema_version": 3, "solution": true',
    )  # fmt: skip
    source.write_text(text)
    write_exercises(course.root)
    course.hand_in("one", {**RIGHT, "explain": "Equal signs."})
    assert course.grade(NAME, "--json", str(course.root / "report.json")).exit_code == 0
    (result,) = json.loads((course.root / "report.json").read_text())
    assert (result["score"], result["max_score"]) == (10, 12)
    assert result["questions"][-1] == {
        "id": "explain",
        "points": 0,
        "max_points": 2,
        "mistake": None,
        "message": "Graded by hand.",
        "mistakes": [],
        "helped": [],
    }
