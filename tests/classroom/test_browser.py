"""Graded notebooks in a real browser: in Formgrader and in feedback pages, nothing of a submission runs."""

import contextlib
import re
import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.classroom.course import Course
from autograder.classroom.gradebook import enter
from autograder.classroom.rebuild import Rebuilt, rebuild
from autograder.classroom.safe_outputs import clean_outputs
from autograder.classroom.verdict_view import show_error
from autograder.exam.verdict import unmarked
from autograder.notebooks import write_exercises
from tests.classroom.conftest import BARE_PATH, BIN
from tests.classroom.corpus import CONV, NAME, RIGHT, STEP
from tests.classroom.test_corpus import HONEST, new_class
from tests.classroom.test_safe_outputs import ACTIVE, SCRIPTS, picture

STUDENT = "mallory"
RUN = "window.RAN=(window.RAN||0)+1"
TAGS = f"<script>{RUN}</script><img src=x onerror={RUN}><svg onload={RUN}></svg><b onclick={RUN}>words</b>"
VERDICT = unmarked("padded-conv", f"padded-conv: {TAGS}")
HREFS = """() => [...document.querySelectorAll('#notebook :is(a, area)[href]')].map(a => a.getAttribute('href') || '')
    .filter(href => !/^(https?:|#|[/])/.test(href))"""
HANDLERS = """() => [...document.querySelectorAll('#notebook *')].filter(element =>
    [...element.attributes].some(attribute => attribute.name.startsWith('on'))).map(element => element.outerHTML)"""
FRAMES = "() => [...document.querySelectorAll('#notebook :is(script, iframe, object, embed, svg, form)')].length"


def hostile_notebook(released: str) -> nbformat.NotebookNode:
    """A graded notebook of a submission that has scripts wherever a submission has a say."""
    notebook = nbformat.reads(released, as_version=4)
    for cell in notebook.cells:
        if cell.id == "explain":
            cell.source = "\n\n".join([TAGS, *SCRIPTS.values()]).replace("alert(1)", RUN)
        elif cell.id in (STEP, CONV):
            cell.source = f"# {TAGS}\n{RIGHT[cell.id]}"
    notebook.cells += [nbformat.v4.new_markdown_cell(text.replace("alert(1)", RUN)) for text in SCRIPTS.values()]
    notebook.cells.append(nbformat.v4.new_code_cell(f"%%html\n{TAGS}"))
    notebook.metadata.update(widgets={"x": {"state": TAGS}}, title=TAGS, authors=[{"name": TAGS}])
    rebuilt = rebuild(nbformat.writes(notebook).encode(), released)
    assert isinstance(rebuilt, Rebuilt)
    for cell in rebuilt.notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = clean_outputs(hostile_outputs())
        if cell.id == "padded-conv":
            show_error(cell, VERDICT.error, VERDICT.text)
    return rebuilt.notebook


def hostile_outputs() -> list[dict]:
    shown = {"text/plain": TAGS, **dict.fromkeys(ACTIVE, TAGS)}
    return [
        {
            "output_type": "stream",
            "name": "stdout",
            "text": f"words {TAGS} \x1b]8;;javascript:{RUN}\x07link\x1b]8;;\x07",
        },
        {"output_type": "display_data", "data": shown, "metadata": {"text/html": {"isolated": True}}},
        {"output_type": "execute_result", "data": {"image/svg+xml": f"<svg onload={RUN}/>"}, "execution_count": TAGS},
        {"output_type": "display_data", "data": {"image/png": f'" onerror="{RUN}', "image/jpeg": picture(form="JPEG")}},
        {"output_type": "display_data", "data": {"image/png": picture()}, "metadata": {"image/png": {"width": TAGS}}},
        {"output_type": "error", "ename": TAGS, "evalue": TAGS, "traceback": [TAGS, f"\x1b[31m{TAGS}\x1b[0m"]},
    ]


@dataclass(frozen=True)
class Formgrader:
    """A running Jupyter server with nbgrader's Formgrader."""

    course: Course
    address: str
    token: str

    def open(self, page, path: str) -> None:
        """Opens one of Formgrader's pages, logged in."""
        page.set_extra_http_headers({"Authorization": f"token {self.token}"})
        page.goto(f"{self.address}/formgrader/{path}", wait_until="load")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class with one graded notebook full of scripts, and honest ones still to be graded."""
    root = tmp_path_factory.mktemp("browser")
    new_class(root, {"cell_seconds": 60})
    course = Course.at(root)
    released = course.register(NAME)
    HONEST.hand_in(released, course.submitted(STUDENT, NAME) / f"{NAME}.ipynb")
    enter(course, STUDENT, NAME, hostile_notebook(released), {"padded-conv": VERDICT})
    for number in range(3):
        HONEST.hand_in(released, course.submitted(f"student-{number}", NAME) / f"{NAME}.ipynb")
    return course


@pytest.fixture(scope="module")
def formgrader(course: Course) -> Iterator[Formgrader]:
    yield from serve(course)


def serve(course: Course) -> Iterator[Formgrader]:
    """Starts Formgrader's server on the loopback, and ends it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, config = secrets.token_hex(8), course.root / "config"
    config.mkdir(exist_ok=True)
    (config / "jupyter_server_config.py").write_text(
        "c.ServerApp.jpserver_extensions = {'nbgrader.server_extensions.formgrader': True}\n"
    )
    line = [str(BIN / "jupyter"), "server", "--no-browser", f"--port={port}", "--port-retries=0", "--allow-root"]
    line += [f"--IdentityProvider.token={token}", "--ip=127.0.0.1", f"--ServerApp.root_dir={course.root}"]
    variables = {**BARE_PATH, "JUPYTER_CONFIG_DIR": str(config), "PATH": f"{BIN}:{BARE_PATH['PATH']}"}
    log = (course.root / "server.log").open("w")
    server = subprocess.Popen(line, cwd=course.root, env=variables, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not answers(f"{address}/api/status?token={token}"):
            assert server.poll() is None, (course.root / "server.log").read_text()[-3000:]
            assert time.monotonic() < deadline, (course.root / "server.log").read_text()[-3000:]
            time.sleep(0.5)
        yield Formgrader(course, address, token)
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.fixture
def page(browser):
    """A page that reaches this machine alone, and remembers who it asked for what."""
    context = browser.new_context()
    context.set_default_timeout(90_000)  # milliseconds, on a machine that does much else
    page = context.new_page()
    page.asked, page.dialogs = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("dialog", lambda dialog: (page.dialogs.append(dialog.message), dialog.dismiss()))
    local = re.compile(r"^(http://127\.0\.0\.1|file:|data:)")
    page.route("**/*", lambda route: route.continue_() if local.match(route.request.url) else route.abort())
    yield page
    context.close()


def assert_nothing_runs(page) -> None:
    for link in page.query_selector_all("#notebook b, #notebook a"):
        if "words" in (link.text_content() or "") and not (link.get_attribute("href") or "#").startswith("http"):
            link.dispatch_event("click")
    page.wait_for_timeout(500)
    assert page.evaluate("window.RAN") is None
    assert page.dialogs == []
    assert not [url for url in page.asked if "evil.example" in url]
    assert page.evaluate(HREFS) == []
    assert page.evaluate(HANDLERS) == []
    assert page.evaluate(FRAMES) == 0


def test_feedback_page_runs_nothing_of_a_submission(course: Course, page):
    line = [str(BIN / "nbgrader"), "generate_feedback", NAME, "--student", STUDENT, "--force"]
    done = subprocess.run(line, cwd=course.root, env=BARE_PATH, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    page.goto((course.root / "feedback" / STUDENT / NAME / f"{NAME}.html").as_uri(), wait_until="load")
    assert_nothing_runs(page)
    text = page.inner_text("#notebook")
    assert "<script>" in text
    assert "padded-conv: <script>" in text
    assert page.locator("#notebook img[src^='data:image/']").count() >= 2


def test_formgrader_page_runs_nothing_of_a_submission(formgrader: Formgrader, page):
    with Gradebook(formgrader.course.db_url, formgrader.course.course_id) as gradebook:
        number = gradebook.find_submission_notebook(NAME, NAME, STUDENT).id
    formgrader.open(page, f"submissions/{number}/")
    page.wait_for_selector("#notebook .score")
    assert_nothing_runs(page)
    assert "<script>" in page.inner_text("#notebook")
    assert page.evaluate("document.title") == NAME


def test_browser_tests_see_a_script_where_one_runs(page):
    page.goto("data:text/html,<div id=notebook></div>", wait_until="load")
    assert_nothing_runs(page)
    page.evaluate(f"document.querySelector('#notebook').innerHTML = '<img src=x onerror={RUN}>'")
    with pytest.raises(AssertionError):
        assert_nothing_runs(page)


def test_formgraders_button_grades_a_class(formgrader: Formgrader, page):
    grade_by_button(formgrader, page)
    for number in range(3):
        path = formgrader.course.autograded(f"student-{number}", NAME) / f"{NAME}.ipynb"
        assert "denoise-step: right" in path.read_text()


def grade_by_button(formgrader: Formgrader, page, seconds: float = 120) -> list[str]:
    """Presses the autograde button of everyone who is not graded yet. Returns the scores shown."""
    formgrader.open(page, f"manage_submissions/{NAME}")
    page.wait_for_selector("tbody tr .student-id")
    rows = page.locator("tbody tr").filter(has_text="needs autograding")
    while rows.count():
        row = page.locator("tbody tr").filter(has_text=rows.first.locator(".student-id").inner_text())
        row.locator(".autograde a").click()
        row.filter(has_text="graded").filter(has_not_text="needs autograding").wait_for(timeout=1000 * seconds)
        page.locator(".modal.in .modal-footer button").click()
        page.locator(".modal").wait_for(state="detached")
    return page.locator("tbody tr .score").all_inner_texts()


def test_formgrader_takes_an_instructors_points_for_a_written_answer(tmp_path: Path, page):
    """As the guide says: the cell's line is changed in the source, and the points given in Formgrader stay."""
    new_class(tmp_path, {"cell_seconds": 60})
    source = tmp_path / "solutions" / NAME / f"{NAME}.py"
    line = next(line for line in source.read_text().splitlines() if '"grade_id": "explain"' in line)
    by_hand = line.replace('"grade": false', '"grade": true, "points": 2').replace(
        '"solution": false', '"solution": true'
    )
    source.write_text(source.read_text().replace(line, by_hand))
    course = Course.at(tmp_path)
    write_exercises(tmp_path)
    HONEST.hand_in(course.register(NAME), course.submitted("mei", NAME) / f"{NAME}.ipynb")
    grade = [str(BIN / "autograder"), "grade", NAME]
    subprocess.run(grade, cwd=tmp_path, env=BARE_PATH, check=True, capture_output=True, timeout=300)

    def score() -> float:
        with Gradebook(course.db_url, course.course_id) as gradebook:
            return gradebook.find_submission(NAME, "mei").score

    assert score() == 10
    with Gradebook(course.db_url, course.course_id) as gradebook:
        number = gradebook.find_submission_notebook(NAME, NAME, "mei").id
    with contextlib.contextmanager(serve)(course) as formgrader:
        formgrader.open(page, f"submissions/{number}/")
        page.wait_for_load_state("networkidle")  # the points there are have come, and the fields listen
        points = page.locator("input.score:not([disabled])")
        points.last.fill("1.5")
        with page.expect_response(lambda reply: "/api/grade/" in reply.url and reply.request.method == "PUT"):
            points.last.press("Tab")
    assert score() == 11.5
    subprocess.run([*grade, "--regrade"], cwd=tmp_path, env=BARE_PATH, check=True, capture_output=True, timeout=300)
    assert score() == 11.5
