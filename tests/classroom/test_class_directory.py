"""`autograder init`: the class directory that it makes is graded in, with the course's own copy gone."""

import sqlite3
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.classroom import class_directory, course, exporters
from autograder.cli import app
from tests.classroom.conftest import NAME, RIGHT, ROOT, SampleCourse, need_sandbox
from tests.test_private_files import PRIVATE, passed_over


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class directory of a course of one exercise, which had submissions before and whose points sum to 25."""
    clone, place = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("place") / "autumn"
    for file in ("nbgrader_config.py", "_config.yml", ".gitignore"):
        (clone / file).write_text((ROOT / file).read_text())
    source = clone / "solutions" / NAME / f"{NAME}.py"
    source.parent.mkdir(parents=True)
    text = (ROOT / "tests" / "classroom" / "data" / f"{NAME}.py").read_text()
    source.write_text(text.replace('"points": 4', '"points": 19'))
    (place / "submitted" / "mei" / NAME).mkdir(parents=True)
    done = CliRunner().invoke(app, ["init", str(place), "--sources", str(clone)])
    assert done.exit_code == 0, done.stderr
    assert "README.md" in done.stdout
    return place


def test_class_directory_says_what_comes_next(made: Path):
    text = (made / "README.md").read_text()
    assert text.startswith("# autumn\n")
    assert f"autograder grade {NAME}" in text
    assert f"exercises/{NAME}/{NAME}.ipynb" in {str(path.relative_to(made)) for path in made.rglob("*.ipynb")}


def test_class_directory_keeps_students_data_out_of_commits(made: Path, tmp_path: Path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text((made / ".gitignore").read_text())
    assert passed_over(tmp_path, PRIVATE) == set(PRIVATE)
    shared = ["README.md", "nbgrader_config.py", f"solutions/{NAME}/{NAME}.py", f"exercises/{NAME}/{NAME}.ipynb"]
    assert passed_over(tmp_path, shared) == set()


def test_class_directory_is_graded_in_without_the_clone(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    need_sandbox()
    for module in (course, exporters, class_directory):
        monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    place = SampleCourse(made)
    place.hand_in("mei", RIGHT)
    place.hand_in("evil\\", RIGHT)
    done = place.grade(NAME)
    assert done.exit_code == 1
    assert "25 / 25" in done.stdout
    assert place.scores() == {"mei": 25}
    assert "- " in next(line for line in done.stdout.splitlines() if "evil" in line)
    with sqlite3.connect(made / "gradebook.db") as book:
        assert book.execute("SELECT name FROM assignment").fetchall() == [(NAME,)]


def test_class_directory_replaces_nothing(made: Path):
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    done = CliRunner().invoke(app, ["init", str(made)])
    assert done.exit_code == 2
    assert "nothing in it is replaced" in done.stderr
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before


def test_class_directory_without_a_copy_of_the_course_says_what_to_name(tmp_path: Path):
    done = CliRunner().invoke(app, ["init", str(tmp_path / "class"), "--sources", str(tmp_path)])
    assert done.exit_code == 2
    assert "--sources" in done.stderr
    assert "without solutions/" in done.stderr
    assert not (tmp_path / "class").exists()
