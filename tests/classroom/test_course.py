"""nbgrader's own settings of where things lie hold for `autograder`, too."""

from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory

from autograder.classroom.course import Course, CourseError
from tests.classroom.conftest import ROOT

NAME = "03-resblock"
SETTINGS = (ROOT / "nbgrader_config.py").read_text()
LAYOUTS = {
    "usual": {},
    "other names": {"submitted_directory": "handed_in", "autograded_directory": "marked", "feedback_directory": "back"},
    "exercise first": {"directory_structure": "{nbgrader_step}/{assignment_id}/{student_id}"},
    "with more in a name": {"directory_structure": "{nbgrader_step}/of-{student_id}.d/{assignment_id}"},
}


def class_in(place: Path, **more: str) -> Course:
    place.mkdir(exist_ok=True)
    lines = [f"c.CourseDirectory.{key} = {value!r}\n" for key, value in more.items()]
    (place / "nbgrader_config.py").write_text("".join([SETTINGS, *lines]))
    return Course.at(place)


@pytest.mark.parametrize("more", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_course_finds_submissions_where_nbgrader_does(tmp_path: Path, more: dict[str, str]):
    course = class_in(tmp_path, **more)
    theirs = CourseDirectory(config=course.config)
    for student in ("o'brien", "ada"):
        assert str(course.submitted(student, NAME)) == theirs.format_path(theirs.submitted_directory, student, NAME)
        assert str(course.autograded(student, NAME)) == theirs.format_path(theirs.autograded_directory, student, NAME)
        assert str(course.feedback(student, NAME)) == theirs.format_path(theirs.feedback_directory, student, NAME)
        course.submitted(student, NAME).mkdir(parents=True)
    course.submitted("chen", "04-other").mkdir(parents=True)
    course.submitted(".hidden", NAME).mkdir(parents=True)
    assert course.students(NAME) == ["ada", "o'brien"]


def test_course_takes_submissions_from_outside(tmp_path: Path):
    course = class_in(tmp_path / "class", submitted_directory=str(tmp_path / "inbox"))
    (tmp_path / "inbox" / "ada" / NAME).mkdir(parents=True)
    assert course.students(NAME) == ["ada"]


def test_course_root_is_what_its_own_settings_say(tmp_path: Path):
    (tmp_path / "data").mkdir()
    assert class_in(tmp_path / "a", root=str(tmp_path / "data")).root == tmp_path / "data"
    assert class_in(tmp_path / "b").root == tmp_path / "b"
    with pytest.raises(CourseError, match="must be a directory"):
        class_in(tmp_path / "c", root=str(tmp_path / "nowhere"))


def test_course_without_settings_of_its_own_stays_where_it_is(tmp_path: Path):
    assert Course.at(tmp_path).root == tmp_path
