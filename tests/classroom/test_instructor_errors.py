"""What an instructor can get wrong is told in a sentence, before anything runs, with what to do."""

import contextlib
import io
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from rich.console import Console
from typer.testing import CliRunner

from autograder.classroom import course as course_module
from autograder.classroom.course import Course, CourseError
from autograder.classroom.exam_state import ExamState
from autograder.classroom.gradebook import check_gradebook
from autograder.classroom.report import Result, table
from autograder.classroom.writable import check_places
from autograder.cli import app

NAME = "03-resblock"
NOBODY = 65534
WRITTEN = (f"autograded/mei/{NAME}", f"feedback/mei/{NAME}", f"_build/exam/{NAME}")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("3-resblok", NAME), ("03-ResBlock", NAME), ("resblock", NAME), ("10", "10-sampling"), ("homework", "")],
)
def test_wrong_name_of_an_exercise_lists_them_and_suggests_the_likely_one(tmp_path: Path, written: str, meant: str):
    with pytest.raises(CourseError) as error:
        Course.at(tmp_path).check_exercise(written)
    assert "01-denoising" in str(error.value)
    assert (f"Did you mean {meant}?" in str(error.value)) == bool(meant)


def test_course_outside_a_clone_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(course_module, "CHECKOUT", tmp_path / "site-packages")
    with pytest.raises(CourseError, match=r"solutions/ and _config\.yml"):
        Course.at(tmp_path)


@pytest.mark.parametrize("column", ["late_submission_penalty", "auto_comment"])
def test_gradebook_of_an_older_nbgrader_is_found_before_anything_runs(tmp_path: Path, column: str):
    course = Course.at(tmp_path)
    check_gradebook(course)
    Gradebook(course.db_url, course.course_id).close()
    check_gradebook(course)
    name = "comment" if column == "auto_comment" else "submitted_notebook"
    with sqlite3.connect(tmp_path / "gradebook.db") as book:
        columns = {row[1] for row in book.execute(f"PRAGMA table_info('{name}')")}
        assert column in columns
        book.execute(f"CREATE TABLE older AS SELECT {', '.join(sorted(columns - {column}))} FROM {name}")
        book.execute(f"DROP TABLE {name}")
        book.execute(f"ALTER TABLE older RENAME TO {name}")
    with pytest.raises(CourseError, match="nbgrader db upgrade"):
        check_gradebook(course)


@contextlib.contextmanager
def anyone() -> Iterator[None]:
    """An ordinary user's rights: root's know no read-only folder."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(me)


@pytest.fixture
def open_class() -> Iterator[Path]:
    """A class directory that everyone may write, graded once."""
    with tempfile.TemporaryDirectory() as place:
        for folder in ("", *WRITTEN):
            (Path(place) / folder).mkdir(parents=True, exist_ok=True)
        for folder in [Path(place), *Path(place).rglob("*")]:
            folder.chmod(0o777)
        yield Path(place)


@pytest.mark.parametrize("closed", ["", *WRITTEN, "autograded", "feedback"])
def test_read_only_folder_is_found_before_anything_runs(open_class: Path, closed: str):
    course = Course.at(open_class)
    with anyone():
        check_places(course, NAME, ["mei", "new"])
    (open_class / closed).chmod(0o555)
    with anyone(), pytest.raises(CourseError, match="read-only for you") as error:
        check_places(course, NAME, ["mei", "new"])
    assert (f"{closed}/" if closed else str(open_class)) in str(error.value)
    (open_class / closed).chmod(0o777)


def test_read_only_gradebook_is_found_before_anything_runs(open_class: Path):
    course, file = Course.at(open_class), open_class / "gradebook.db"
    sqlite3.connect(file).executescript("CREATE TABLE one (two); INSERT INTO one VALUES (3)")
    file.chmod(0o666)
    with anyone():
        check_places(course, NAME, ["mei"])
    file.chmod(0o444)
    with anyone(), pytest.raises(CourseError, match=r"gradebook\.db, which is read-only"):
        check_places(course, NAME, ["mei"])


def test_place_that_is_a_file_is_found_before_anything_runs(tmp_path: Path):
    (tmp_path / "submitted" / "mei" / NAME).mkdir(parents=True)
    (tmp_path / "autograded").write_text("not a folder")
    done = CliRunner().invoke(app, ["grade", NAME, "--course", str(tmp_path)])
    assert done.exit_code == 2
    assert "Received: autograded, which is read-only" in done.stderr
    assert not (tmp_path / "gradebook.db").exists()


@pytest.mark.parametrize("command", [["grade", NAME], ["report", NAME], ["export"]])
def test_command_outside_a_class_directory_says_what_makes_one(tmp_path: Path, command: list[str]):
    done = CliRunner().invoke(app, [*command, "--course", str(tmp_path)])
    assert done.exit_code == 2
    assert "autograder init DIR" in done.stderr
    assert not list(tmp_path.iterdir())


def test_regrade_that_was_stopped_goes_on_with_its_own_papers(tmp_path: Path):
    first = ExamState.open(tmp_path, NAME, "tiny")
    first.finish()
    stopped = ExamState.open(tmp_path, NAME, "tiny", again=True)
    stopped.save("key", {"student": "ada"})
    for again in (True, False, True):
        going_on = ExamState.open(tmp_path, NAME, "tiny", again=again)
        assert going_on.seed == stopped.seed != first.seed
        assert going_on.load("key") == {"student": "ada"}
    going_on.finish()
    assert ExamState.open(tmp_path, NAME, "tiny", again=True).load("key") is None


def test_reason_that_a_whole_class_shares_is_told_once():
    def shown(reasons: list[str], warnings: Sequence[str] = ()) -> str:
        told = list(warnings)
        results = [Result(f"student-{n}", NAME, None, 10.0, "refused", r, told, 0.0) for n, r in enumerate(reasons)]
        console = Console(width=140, record=True, file=io.StringIO())
        console.print(table(results))
        return console.export_text()

    assert shown(["there is no sandbox here"] * 3).count("there is no sandbox") == 1
    assert shown(["there is no sandbox here", "a strange name"]).count("there is no sandbox") == 1
    assert shown(["a strange name"]).count("a strange name") == 1
    mixed = shown(["there is no sandbox here"] * 9 + ["a strange name"])
    assert mixed.count("there is no sandbox") == mixed.count("a strange name") == 1
    assert "9 of 10: there is no sandbox here" in mixed
    unsafe = shown(["there is no sandbox here"] * 3, ["graded without a sandbox"])
    assert unsafe.count("graded without a sandbox") == 1


def test_source_that_breaks_a_rule_is_one_line_and_no_traceback(tmp_path: Path):
    from tests.classroom.conftest import ROOT

    source = tmp_path / "solutions" / "01-class" / "01-class.py"
    source.parent.mkdir(parents=True)
    text = (ROOT / "tests" / "classroom" / "data" / "01-class.py").read_text()
    source.write_text(text.replace('"points": 4', '"points": 0'))
    for file in ("_config.yml", "nbgrader_config.py"):
        (tmp_path / file).write_text((ROOT / file).read_text())
    (tmp_path / "submitted" / "ada" / "01-class").mkdir(parents=True)
    done = CliRunner().invoke(app, ["grade", "01-class", "--course", str(tmp_path), "--unsandboxed"])
    assert done.exit_code == 2
    assert "Received: 0" in done.stderr
    assert len(done.stderr.strip().splitlines()[-1]) < 200
