"""The sample class of `make course`: graded by the course's real checks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.classroom.sample_class import BROKEN, NAME, STUDENTS, make_sample_class
from tests.classroom.conftest import BARE_PATH, BIN, need_sandbox


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    need_sandbox()
    place = tmp_path_factory.mktemp("sample") / "class"
    subprocess.run([sys.executable, "-m", "autograder.classroom.sample_class", str(place)], check=True)
    command = [str(BIN / "autograder"), "grade", NAME, "--course", str(place), "--json", str(place / "report.json")]
    subprocess.run(command, check=True, env=BARE_PATH, cwd=place.parent)
    return {result["student"]: result for result in json.loads((place / "report.json").read_text())}


def named(result: dict) -> dict[str, str]:
    return {question["id"]: question["mistake"] for question in result["questions"] if question["mistake"]}


def test_sample_class_right_answer_has_all_points(report: dict[str, dict]):
    assert report["ada"]["score"] == report["ada"]["max_score"] == 10
    assert report["ada"]["warnings"] == []


@pytest.mark.parametrize(
    ("student", "mistake", "questions"),
    [
        ("boris", "residual-forgotten", {"resblock-same", "resblock-project"}),
        ("chen", "embedding-without-swish", {"resblock-same", "resblock-project"}),
        ("dalia", "projection-3x3", {"resblock-project"}),
    ],
)
def test_sample_class_mistake_is_named(report: dict[str, dict], student: str, mistake: str, questions: set[str]):
    assert named(report[student]) == dict.fromkeys(questions, mistake)
    assert report[student]["score"] == 10 - 2 * len(questions)


def test_sample_class_untouched_and_broken_get_nothing(report: dict[str, dict]):
    assert (report["emeka"]["status"], report["emeka"]["score"]) == ("graded", 0)
    assert (report[BROKEN]["status"], report[BROKEN]["score"]) == ("unreadable", 0)
    assert set(report) == {*STUDENTS, BROKEN}


def test_sample_class_spares_a_directory_that_is_not_its_own(tmp_path: Path):
    (tmp_path / "gradebook.db").write_text("a teacher's")
    with pytest.raises(FileExistsError, match="empty"):
        make_sample_class(tmp_path)
    assert (tmp_path / "gradebook.db").read_text() == "a teacher's"
