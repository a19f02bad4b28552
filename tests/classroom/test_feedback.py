"""The page that a learner gets back: what was wrong and where to read on top, for phones, without a network."""

import io
import re
import zipfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from docutils.nodes import make_id
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.addresses import anchor, chapter_path
from autograder.check_cells import checks_of
from autograder.classroom.class_list import ClassList, Student, returned_as
from autograder.classroom.class_report import note_results
from autograder.classroom.collect import collect
from autograder.classroom.course import Course
from autograder.classroom.exam_state import DOWNLOADS, forget_departed, read_private, write_private
from autograder.classroom.feedback import remove_outdated_feedback
from autograder.classroom.gradebook import enter, read_grades
from autograder.classroom.mathematics import mathml
from autograder.classroom.report import Result
from autograder.classroom.returning import make_feedback
from autograder.classroom.verdict_view import show_verdict, ungraded_notebook
from autograder.cli import app
from autograder.exam.verdict import NOT_RUN, Verdict, unmarked
from tests.classroom.test_safe_outputs import picture

NAME = "01-denoising"
WRONG = "\n".join(
    [
        "denoise-step: not right yet.",
        "  Called:   denoise_step(image (2, 5), desired (2, 5), alpha=0.3)",
        "  Received: values off by 0.4 (relative L2 error)",
        "  Cause:    1 of 2. The step goes <b>away</b> from the picture.",
        "  Why:      Each step makes the error bigger.",
        '  Read:     chapter 1, "One step"',
        "  Cause:    2 of 2. The share is taken twice.",
    ]
)
REPAIRS = ["the check `denoise` was edited; the released one was run"]
NAMES = {"ann": ("Ann", "Lee"), "bo": ("Bo", "Ng"), "none": ("", "")}


def graded_notebook(released: str, passed: bool) -> tuple[nbformat.NotebookNode, dict[str, Verdict]]:
    """A notebook as grading publishes it, with a picture, a long line and a formula of the learner's own."""
    notebook = nbformat.reads(released, as_version=4)
    verdicts = {}
    for question, cell in checks_of(notebook).items():
        verdicts[question] = Verdict(question, True, None, f"{question}: right.")
        if not passed and question == "denoise-step":
            verdicts[question] = Verdict(question, False, "step-away", WRONG, ("step-away",))
        elif not passed and question == "denoise":
            verdicts[question] = unmarked(question, "denoise: its cell was not run.", NOT_RUN)
        cell.outputs = []
        show_verdict(cell, verdicts[question])
    for cell in notebook.cells:
        if cell.id == "explain":
            cell.source = (
                "It ends *there*: $x_t = \\frac{1}{2}$, and $$\\sum_{i=0}^{1000} a_i + b_i + c_i + d_i + e_i$$"
            )
        elif cell.id == "answer-denoise-step":
            cell.source = "denoise_step = lambda image, desired, alpha: " + " + ".join(["image"] * 60)
            shown = nbformat.v4.new_output("display_data", {"image/png": picture()})
            cell.outputs = [shown, nbformat.v4.new_output("stream", text="x" * 300 + "\x1b[31m red\x1b[0m")]
    return notebook, verdicts


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Three who were graded: one wrong in two questions, one right, one who handed in nothing."""
    course = Course.at(tmp_path_factory.mktemp("feedback"))
    released = course.register(NAME)
    (course.root / "_build" / "exam" / NAME).mkdir(parents=True)
    results = []
    for student in NAMES:
        notebook, verdicts = graded_notebook(released, student == "bo")
        if student == "none":
            notebook, verdicts = ungraded_notebook(released, "missing", "nothing was handed in")
        grades = enter(course, student, NAME, notebook, verdicts)
        status, repairs = ("missing", []) if student == "none" else ("graded", REPAIRS)
        said = {"questions": grades.questions, "repairs": repairs}
        results.append(Result(student, NAME, grades.score, 10, status, None, ["for the teacher"], 0.1, **said))
    note_results(course.root, NAME, results)
    with Gradebook(course.db_url, course.course_id) as book:
        for student, (first, last) in NAMES.items():
            book.update_or_create_student(student, first_name=first, last_name=last)
        book.find_comment("answer-denoise-step", NAME, NAME, "ann").manual_comment = "Well said: $a^2$"
        book.db.commit()
    done = CliRunner().invoke(app, ["feedback", NAME, "--course", str(course.root)])
    assert done.exit_code == 0, done.output
    return course


def page_of(course: Course, student: str) -> Path:
    return course.feedback(student, NAME) / f"{NAME}.html"


def soup_of(course: Course, student: str) -> BeautifulSoup:
    return BeautifulSoup(page_of(course, student).read_text(encoding="utf-8"), "html.parser")


def test_page_says_on_top_what_was_wrong_and_where_to_read(course: Course):
    soup = soup_of(course, "ann")
    assert soup.html["lang"] == "en"
    assert soup.select_one(".score").text == "5 of 10 points"
    questions = soup.select(".questions > li")
    assert [one.a["href"] for one in questions] == [f"#{id}" for id in checks_of_release(course)]
    assert questions[0].a.text == "1. One step"
    assert ["wrong" in one["class"] for one in questions] == [True, True, False, False]
    causes = questions[0].select(".cause")
    assert "The step goes <b>away</b> from the picture." in causes[0].text
    assert "Each step makes the error bigger." in causes[0].text
    assert causes[0].a["href"].endswith("/book/01-denoising.html#one-step")
    assert "The share is taken twice." in causes[1].text
    assert "its cell was not run" in questions[1].text
    assert "NotRun" not in questions[1].text
    assert soup.select_one("#notebook").find_previous("h2", id="questions")


def checks_of_release(course: Course) -> list[str]:
    return list(checks_of(nbformat.reads(course.register(NAME), as_version=4)))


def test_page_tells_repairs_and_comments_but_nothing_for_teachers(course: Course):
    text = page_of(course, "ann").read_text()
    assert REPAIRS[0] in text
    assert "for the teacher" not in text
    soup = soup_of(course, "ann")
    place = soup.select_one("#comments").find_next("a")["href"]
    assert "Well said" in soup.select_one(place).text
    assert "No response." not in soup_of(course, "none").text


def test_page_names_its_student_and_nobody_else(course: Course):
    for student, (first, last) in NAMES.items():
        text = page_of(course, student).read_text()
        assert (f"{first} {last}".strip() or student) in text
        assert not [other for other in NAMES.values() if all(other) and other != (first, last) and other[0] in text]


def test_page_needs_no_network_and_runs_nothing(course: Course):
    for student in NAMES:
        soup = soup_of(course, student)
        assert not soup.select("script, link, iframe, object, [onclick], [onerror]")
        assert all(image["src"].startswith("data:image/") and image["alt"] for image in soup.select("img"))
        assert "@import" not in soup.style.text
        assert "url(" not in soup.style.text
    assert soup_of(course, "ann").select("img")


def test_formulas_are_set_as_mathml(course: Course):
    soup = soup_of(course, "ann")
    assert soup.select("#explain math mfrac")
    assert soup.select('#explain math[display="block"] munderover')
    assert not re.search(r"\$[^$\n]+\$", " ".join(cell.text for cell in soup.select(".text")))


def test_formulas_that_cannot_be_set_or_would_act_stand_as_text():
    bad, link, fine = mathml([("\\frac{", False), ("\\href{javascript:alert(1)}{x}", False), ("<b>", True)])
    assert "<math" in fine
    assert "<b>" not in fine
    assert "href=" not in link
    assert "\\frac{" in bad


def test_missing_hand_in_is_said(course: Course):
    soup = soup_of(course, "none")
    assert "Nothing was handed in" in soup.select_one(".notice").text
    assert soup.select_one(".score").text == "0 of 10 points"
    assert not soup.select(".cause")  # one reason, told once


def test_mistakes_are_told_only_where_the_notebook_shows_the_same(course: Course, tmp_path: Path):
    released = course.register(NAME)
    notebook, verdicts = graded_notebook(released, passed=False)
    grades = read_grades(course, "ann", NAME, notebook, verdicts)
    old = [replace(one, message="denoise-step: old.\n  Cause:    An old cause.") for one in grades.questions]
    kept = Result("ann", NAME, 5.0, 10, "graded", None, [], 0.1, grades.questions)
    note_results(course.root, NAME, [replace(kept, questions=old)])
    CliRunner().invoke(app, ["feedback", NAME, "--course", str(course.root), "--student", "ann"])
    page = soup_of(course, "ann")
    note_results(course.root, NAME, [replace(kept, repairs=REPAIRS)])
    CliRunner().invoke(app, ["feedback", NAME, "--course", str(course.root), "--student", "ann"])
    assert "An old cause." not in page.text
    assert not page.select(".cause")
    assert soup_of(course, "ann").select(".cause")


def test_right_helpers_that_stood_in_are_told(course: Course):
    said = "denoise: right, with a right denoise_step in the place of yours."
    notebook, verdicts = graded_notebook(course.register(NAME), passed=True)
    verdicts["denoise"] = replace(verdicts["denoise"], message=said, helped=("denoise-step",))
    show_verdict(checks_of(notebook)["denoise"], verdicts["denoise"])
    grades = enter(course, "bo", NAME, notebook, verdicts)
    note_results(course.root, NAME, [Result("bo", NAME, 10.0, 10, "graded", None, [], 0.1, grades.questions)])
    make_feedback(course, NAME, ["bo"])
    question = soup_of(course, "bo").select(".questions > li")[1]
    assert "in the place of yours" in question.select_one(".cause").text
    assert "right" in question["class"]


def test_settings_of_before_there_was_this_page_make_it_too(course: Course):
    older = deepcopy(course.config)
    del older.GenerateFeedback["exporter_class"]
    page_of(course, "bo").unlink()
    make_feedback(replace(course, config=older), NAME, ["bo"])
    assert soup_of(course, "bo").select(".questions")


def test_page_that_says_other_points_is_removed(course: Course):
    notebook, verdicts = graded_notebook(course.register(NAME), passed=True)
    grades = read_grades(course, "bo", NAME, notebook, verdicts)
    place = page_of(course, "bo").parent
    assert not remove_outdated_feedback(place, NAME, grades.score, grades.questions)
    assert page_of(course, "bo").exists()
    less = [replace(grades.questions[0], points=1.0), *grades.questions[1:]]
    text = page_of(course, "bo").read_text()
    assert "autograder feedback" in remove_outdated_feedback(place, NAME, grades.score, less)
    assert not page_of(course, "bo").exists()
    place.mkdir(parents=True, exist_ok=True)
    page_of(course, "bo").write_text(text.replace("autograder:points", "x"))
    assert remove_outdated_feedback(place, NAME, grades.score, grades.questions)
    CliRunner().invoke(app, ["feedback", NAME, "--course", str(course.root), "--student", "bo"])
    assert page_of(course, "bo").exists()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1366, "light")])
def test_page_fits_and_axe_finds_nothing(course: Course, browser, width: int, scheme: str):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(90_000)
    page = context.new_page()
    for student in ("ann", "none"):
        page.goto(page_of(course, student).as_uri(), wait_until="load")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page).response["violations"]
        assert not found, [(rule["id"], rule["nodes"][0]["target"]) for rule in found]
    context.close()


# ------------------------------------------------------------------------------------------- back to the LMS

MOODLE = "Ann Lee_81234_assignsubmission_file"
CALLED = {
    MOODLE: f"{MOODLE}/{NAME}.html",
    f"{MOODLE}_": f"{MOODLE}_/{NAME}.html",
    f"{MOODLE}_01-denoising.ipynb": f"{MOODLE}_{NAME}.html",
    "leeann_LATE_4711_90001_01-denoising-1.ipynb": "leeann_LATE_4711_90001_01-denoising-1.html",
    "leeann_4711_90001_Untitled.ipynb.txt": "leeann_4711_90001_Untitled.html",
    "ann": "",
}


@pytest.mark.parametrize(("name", "called"), CALLED.items())
def test_page_is_called_as_the_lms_takes_it_back(name: str, called: str):
    assert returned_as(name, NAME) == called


def test_a_learner_cannot_have_their_page_sent_to_others(root: Path, tmp_path: Path):
    notebook = (root / "exercises" / NAME / f"{NAME}.ipynb").read_bytes()
    with zipfile.ZipFile(tmp_path / "moodle.zip", "w") as archive:
        archive.writestr(f"{MOODLE}/Bo Ng_81235_assignsubmission_file_/{NAME}.ipynb", notebook)
    people = ClassList([Student("ann", "Ann", "Lee"), Student("bo", "Bo", "Ng")])
    collect(Course.at(tmp_path), [tmp_path / "moodle.zip"], people)
    assert read_private(tmp_path / "_build" / "exam" / NAME / DOWNLOADS) == {"ann": f"{MOODLE}/{NAME}.html"}


@pytest.mark.parametrize("called", [called for called in CALLED.values() if called])
def test_names_are_read_by_the_rules_of_moodle_and_canvas(called: str):
    """Moodle takes four or five parts between `_` of a name on the way, the second a number; Canvas the first two
    parts of the file's name that are numbers, the user's and the file's."""
    if "assignsubmission" in called:
        info = called.split("/")[0].split("_", 4)
        assert (info[1], info[2:4]) == ("81234", ["assignsubmission", "file"])
    else:
        numbers = [part for part in called.split("_") if part.isdigit()]
        assert numbers[:2] == ["4711", "90001"]


def test_zip_goes_back_under_the_names_that_collect_saw(course: Course, root: Path, tmp_path: Path):
    notebook = (root / "exercises" / NAME / f"{NAME}.ipynb").read_bytes()
    roster = tmp_path / "class.csv"
    roster.write_text("id,first_name,last_name,lms_user_id\nann,Ann,Lee,4711\nbo,Bo,Ng,4712\n")
    with zipfile.ZipFile(tmp_path / "moodle.zip", "w") as archive:
        archive.writestr(f"{MOODLE}/{NAME}.ipynb", notebook)
    line = ["--course", str(course.root), "--roster", str(roster)]
    done = CliRunner().invoke(app, ["collect", str(tmp_path / "moodle.zip"), *line])
    assert done.exit_code == 0, done.output
    made = tmp_path / "feedback.zip"
    for where in (["--zip"], ["--zip", "-o", str(made)]):
        done = CliRunner().invoke(app, ["feedback", NAME, "--course", str(course.root), *where])
        assert done.exit_code == 0, done.output
    assert (course.root / "feedback" / f"{NAME}.zip").read_bytes() == made.read_bytes()
    assert "bo, none" in done.output
    with zipfile.ZipFile(io.BytesIO(made.read_bytes())) as archive:
        names = {f"{MOODLE}/{NAME}.html": "ann", f"bo/{NAME}.html": "bo", f"none/{NAME}.html": "none"}
        assert sorted(archive.namelist()) == sorted(names)
        for name, student in names.items():
            assert archive.read(name) == page_of(course, student).read_bytes()


def test_names_of_an_lms_go_with_the_student(tmp_path: Path):
    path = tmp_path / "_build" / "exam" / NAME / DOWNLOADS
    path.parent.mkdir(parents=True)
    write_private(path, {"ann": MOODLE, "bo": "x"})
    forget_departed(tmp_path, ["ann"])
    assert read_private(path) == {"ann": MOODLE}


def test_feedback_before_grading_says_what_to_run(tmp_path: Path):
    done = CliRunner().invoke(app, ["feedback", NAME, "--course", str(tmp_path)])
    assert done.exit_code == 2
    assert f"autograder grade {NAME}" in done.output


# --------------------------------------------------------------------------------------------------- addresses


@pytest.fixture(scope="module")
def headings(root: Path) -> dict[int, set[str]]:
    texts = {int(path.name[:2]): path.read_text() for path in (root / "book").glob("[01]*-*.md")}
    return {number: set(re.findall(r"^#+ (.+)$", text, re.MULTILINE)) for number, text in texts.items()}


def test_chapters_and_sections_have_the_addresses_that_sphinx_gives_them(root: Path, headings: dict[int, set[str]]):
    for number, found in headings.items():
        path = chapter_path(number)
        assert (root / path).with_suffix(".md").is_file(), path
        for heading in found:
            plain = re.sub(r"[`*]|\{[^}]*\}", "", heading)
            assert anchor(plain) == make_id(plain)
    assert chapter_path(99) == ""


def test_every_section_that_a_message_names_has_an_address(headings: dict[int, set[str]]):
    from autograder.questions import exercises

    addresses = {number: {make_id(heading) for heading in found} for number, found in headings.items()}
    for questions in exercises().values():
        for question in questions:
            number = int(question.exercise[:2])
            for section in {question.section, *(mistake.section for mistake in question.mistakes)}:
                assert make_id(section) in addresses[number], (question.id, section)
                assert chapter_path(number, section).endswith(f"#{make_id(section)}")
