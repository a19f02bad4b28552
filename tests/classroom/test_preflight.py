"""`autograder preflight`: what would be graded, what would be repaired, and what a fresh run says."""

import json
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder.classroom.course import Course, CourseError
from autograder.classroom.preflight import Outcome, preflight
from autograder.cli import app

NAME = "01-denoising"
ANSWERS = {
    "answer-denoise-step": "def denoise_step(image, desired, alpha):\n    return image + alpha * (desired - image)",
    "answer-denoise": (
        "def denoise(image, desired, alpha, steps):\n    images = [image]\n    for _ in range(steps):\n"
        "        images.append(denoise_step(images[-1], desired, alpha))\n    return np.stack(images)"
    ),
    "answer-remaining-error": "def remaining_error(alpha, steps):\n    return (1 - alpha) ** steps",
    "answer-count-steps": (
        "def steps_needed(alpha, share):\n    steps = 0\n    while (1 - alpha) ** steps > share:\n        steps += 1\n"
        "    return steps"
    ),
}


@pytest.fixture
def written(root: Path, tmp_path: Path):
    """Writes the exercise with answers in it, changed by `edit`, and gives its path."""

    def write(answers: dict[str, str], edit=lambda notebook: None) -> Path:
        notebook = nbformat.read(root / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = answers.get(grade_id, cell.source)
        edit(notebook)
        path = tmp_path / "my notebook.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


def outcomes(found) -> list[Outcome]:
    return [check.outcome for check in found.checks]


def test_right_notebook_is_ready(root: Path, written):
    found = preflight(Course.at(root), written(ANSWERS))
    assert found.exercise == NAME
    assert outcomes(found) == [Outcome.right] * 4
    assert (found.points, found.ready, found.repairs) == (10, True, [])


def test_wrong_and_unwritten_answers_are_told_apart(root: Path, written):
    wrong = ANSWERS["answer-denoise-step"].replace("+ alpha", "- alpha")
    found = preflight(
        Course.at(root), written({"answer-denoise-step": wrong, "answer-denoise": ANSWERS["answer-denoise"]})
    )
    # The second one calls the first, and is right with a right one in its place.
    assert outcomes(found) == [Outcome.wrong, Outcome.right, Outcome.unwritten, Outcome.unwritten]
    assert found.checks[0].said
    assert "`denoise_step`" in found.checks[1].said
    assert not found.ready


def test_edited_and_deleted_checks_are_put_back(root: Path, written, tmp_path: Path):
    def cheat(notebook):
        by_id = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
        by_id["denoise-step"].source = 'print("right")'
        notebook.cells.remove(by_id["denoise"])

    path = written(ANSWERS | {"answer-denoise-step": "def denoise_step(*_):\n    return 0"}, cheat)
    found = preflight(Course.at(root), path, run=False)
    assert outcomes(found) == [Outcome.not_run] * 4
    assert any("denoise-step was changed" in sentence for sentence in found.repairs)
    assert any("denoise is missing" in sentence for sentence in found.repairs)
    repaired = tmp_path / "repaired.ipynb"
    command = ["preflight", str(path), "--course", str(root), "--no-run", "--repair", str(repaired)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1, done.output
    assert "denoise is missing" in done.output
    again = preflight(Course.at(root), repaired)
    assert again.repairs == []
    assert outcomes(again)[0] == Outcome.wrong
    assert CliRunner().invoke(app, command).exit_code == 2, "an existing file is not overwritten"


def test_what_is_no_exercise_is_refused(root: Path, tmp_path: Path):
    other = tmp_path / "other.ipynb"
    other.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    for path, told in ((other, "must be an exercise"), (tmp_path / "gone.ipynb", "can be read")):
        with pytest.raises(CourseError, match=told):
            preflight(Course.at(root), path)
