"""nbgrader's own commands work in the course directory, with the same results."""

import pytest

from tests.classroom.conftest import NAME, RIGHT, STEP, GradedClass, SampleCourse


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> SampleCourse:
    """A class graded by nbgrader's commands alone, on a fresh clone: exercises/ is there, a gradebook is not."""
    from tests.classroom.conftest import new_course

    course = new_course(tmp_path_factory.mktemp("plain"))
    course.hand_in("right", RIGHT)
    course.hand_in("dead", {**RIGHT, STEP: "import os\ndef denoise_step(*x):\n    os._exit(1)"})
    (course.root / "submitted" / "right" / NAME / "os.py").write_text("raise SystemExit('a file beside the notebook')")
    source = course.root / "solutions" / NAME / f"{NAME}.py"
    source.write_text(source.read_text().replace("Two questions", "Just two questions"))  # its notebook is older now
    for command in (["generate_assignment", NAME, "--force"], ["autograde", NAME], ["generate_feedback", NAME]):
        done = course.run("nbgrader", *command)
        assert done.returncode == 0, done.stderr
    return course


def test_plain_nbgrader_gives_the_same_scores(plain: SampleCourse):
    assert plain.scores() == {"right": 10, "dead": 4}


def test_plain_nbgrader_releases_the_same_bytes(plain: SampleCourse):
    assert "Just two questions" in plain.released().cells[0].source
    done = plain.run("autograder", "exercises", "--check")
    assert done.returncode == 0, done.stderr


def test_plain_nbgrader_takes_no_python_file_along(plain: SampleCourse):
    assert not list((plain.root / "autograded").glob("**/*.py"))
    assert not list((plain.root / "exercises").glob("**/*.py"))


def test_plain_nbgrader_feedback_says_what_happened(plain: SampleCourse):
    text = (plain.root / "feedback" / "dead" / NAME / f"{NAME}.html").read_text()
    assert "its process ended" in text


def test_feedback_follows_autograder_grade_for_every_submission(graded: GradedClass):
    done = graded.course.run("nbgrader", "generate_feedback", NAME)
    assert done.returncode == 0, done.stderr
    pages = {path.parts[-3]: path.read_text() for path in graded.course.root.glob(f"feedback/*/{NAME}/*.html")}
    assert set(pages) == {result["student"] for result in graded.report}
    assert "Mistake: embedding-unchanged" in pages["mistaken"]
    assert "unreadable" in pages["broken"]
