"""A small course with one exercise of two quick questions, and a class graded once for all tests that look at it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import Result
from typer.testing import CliRunner

from autograder.cli import app
from autograder.notebooks import write_exercises
from autograder.sandbox.probe import probe
from tests.site.conftest import browser  # noqa: F401 - a fixture, here once for all files: two would not start

ROOT = Path(__file__).resolve().parents[2]
NAME = "01-class"
AXES, STEP = "answer-broadcast-embedding", "answer-denoise-step"
RIGHT = {
    AXES: "broadcast_embedding = lambda e: e[:, None, None]",
    STEP: "denoise_step = lambda image, desired, alpha: image - alpha * (image - desired)",
}
LOUD = "import sys\ndef broadcast_embedding(e):\n    print('a warning', file=sys.stderr)\n    return e[:, None, None]"
CELL_SECONDS = 15  # enough for an honest cell on a machine with much else to do
BIN = Path(sys.executable).parent
BARE_PATH = {**os.environ, "PATH": os.defpath}  # as when .venv/bin/autograder is called without activating .venv


@dataclass(frozen=True)
class SampleCourse:
    """A course directory, and how to fill it."""

    root: Path

    def released(self) -> nbformat.NotebookNode:
        return nbformat.read(self.root / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)

    def hand_in(self, student: str, answers: dict[str, str], change=None) -> None:
        """Puts a submission in place; `change` edits the notebook after the answers are in it."""
        notebook = self.released()
        for cell in notebook.cells:
            cell.source = answers.get(cell.id, cell.source)
        if change:
            change(notebook)
        self.hand_in_text(student, nbformat.writes(notebook))

    def hand_in_text(self, student: str, text: str, file: str = f"{NAME}.ipynb") -> None:
        path = self.root / "submitted" / student / NAME / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the environment in the course directory."""
        line = [str(BIN / command[0]), *command[1:]]
        return subprocess.run(line, cwd=self.root, env=BARE_PATH, capture_output=True, text=True, timeout=1200)

    def grade(self, *arguments: str) -> Result:
        """`autograder grade` in this process, which saves loading nbgrader once more."""
        return CliRunner().invoke(app, ["grade", *arguments, "--course", str(self.root)])

    def autograded(self, student: str) -> nbformat.NotebookNode:
        return nbformat.read(self.root / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)

    def scores(self) -> dict[str, float]:
        """Each submission's score in the gradebook."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.root / 'gradebook.db'}", "sd-unet") as gradebook:
            return {s.student.id: s.score for s in gradebook.assignment_submissions(NAME)}


@cache
def _problem() -> str:
    return probe().isolation


def need_sandbox() -> None:
    """Skips a test that grades where that would be refused; under CI=true it fails there instead."""
    if _problem() and os.environ.get("CI") != "true":
        pytest.skip(f"no sandbox: {_problem()}")


def new_course(root: Path, cell_seconds: int = 60) -> SampleCourse:
    need_sandbox()
    (root / "solutions" / NAME).mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "data" / f"{NAME}.py", root / "solutions" / NAME)
    shutil.copy(ROOT / "_config.yml", root)
    settings = (ROOT / "nbgrader_config.py").read_text()
    (root / "nbgrader_config.py").write_text(f"{settings}\nc.SitExam.cell_seconds = {cell_seconds}\n")
    write_exercises(root)
    return SampleCourse(root)


@pytest.fixture
def course(tmp_path: Path) -> SampleCourse:
    return new_course(tmp_path)


@dataclass(frozen=True)
class GradedClass:
    """What `autograder grade` did to a class."""

    course: SampleCourse
    command: subprocess.CompletedProcess[str]
    report: list[dict[str, Any]]
    process: int = 0  # the grader's number, while it ran

    def __getitem__(self, student: str) -> dict[str, Any]:
        return next(result for result in self.report if result["student"] == student)


def _skip_and_edit_checks(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.id in ("broadcast-embedding", "denoise-step"):
            cell.source, cell.metadata.tags = "pass", ["skip-execution"]


def _delete_a_check(notebook: nbformat.NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if cell.id != "broadcast-embedding"]


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> GradedClass:
    """One of each kind, graded by the command."""
    course = new_course(tmp_path_factory.mktemp("course"), cell_seconds=CELL_SECONDS)
    deaf = "import signal\nsignal.signal(14, signal.SIG_IGN)\ndef broadcast_embedding(e):\n    while True: pass"
    course.hand_in("right", RIGHT)
    course.hand_in("loud", {**RIGHT, AXES: LOUD})
    course.hand_in("stub", {})
    course.hand_in("mistaken", {**RIGHT, AXES: "broadcast_embedding = lambda e: e + 0"})
    course.hand_in("slow", {**RIGHT, STEP: "def denoise_step(*x):\n    while True: pass"})
    course.hand_in("stuck", {**RIGHT, AXES: deaf})
    course.hand_in("dead", {**RIGHT, STEP: "import os\ndef denoise_step(*x):\n    os._exit(1)"})
    course.hand_in("edited", {}, _skip_and_edit_checks)
    course.hand_in("deleted", RIGHT, _delete_a_check)
    course.hand_in_text("broken", '{"cells": [')
    course.hand_in_text("empty", "")
    course.hand_in_text("renamed", "{}", file="copy of it.ipynb")
    (course.root / "submitted" / "linked" / NAME).mkdir(parents=True)
    (course.root / "submitted" / "linked" / NAME / f"{NAME}.ipynb").symlink_to(course.root / "gradebook.db")
    line = [str(BIN / "autograder"), "grade", NAME, "--json", "report.json", "--seed", "7"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, cwd=course.root, env=BARE_PATH, text=True, **pipes) as process:
        command = subprocess.CompletedProcess(line, 0, *process.communicate(timeout=1200))
    command.returncode = process.returncode
    assert (course.root / "report.json").exists(), command.stderr
    return GradedClass(course, command, json.loads((course.root / "report.json").read_text()), process.pid)
