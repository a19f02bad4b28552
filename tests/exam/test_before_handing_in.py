"""`preflight` in a notebook: it says what would be graded, in Colab, in Jupyter and where it can see nothing."""

import json
import sys
import types
from pathlib import Path

import nbformat
import pytest

from autograder.exam import before_handing_in as module
from autograder.exam.before_handing_in import preflight, ran_in_order, read_notebook, report
from autograder.exam.guide import Progress, notebook_of
from autograder.exam.verdict import Verdict
from autograder.notebook_end import HAND_IN, add_preflight
from autograder.sitting import checks

NAME = "01-denoising"
QUESTIONS = list(notebook_of(NAME))


@pytest.fixture(scope="module")
def cells(root: Path) -> list[dict]:
    return json.loads((root / "exercises" / NAME / f"{NAME}.ipynb").read_text())["cells"]


def progress_of(right: list[str], wrong: tuple[str, ...] = (), unwritten: tuple[str, ...] = ()) -> Progress:
    progress = Progress()
    for question in right:
        progress.enter(Verdict(question, True, None, ""), None, True)
    for question in (*wrong, *unwritten):
        progress.enter(Verdict(question, False, None, ""), None, question in wrong)
    return progress


def look(monkeypatch, cells: list[dict], history: list[str] | None, progress: Progress, saved: bool = True) -> str:
    """The report on a notebook of these cells; without a history they were run once each, in order."""
    texts = [module._source(cell) for cell in cells if cell["cell_type"] == "code"]
    monkeypatch.setattr(module, "read_notebook", lambda exercise: (cells, saved))
    monkeypatch.setattr(module, "_history", lambda: texts if history is None else history)
    return report(NAME, progress)


def test_all_right_and_run_in_order_is_ready(cells: list[dict], monkeypatch):
    said = look(monkeypatch, cells, None, progress_of(QUESTIONS))
    assert "10 of 10 points" in said
    assert "from top to bottom" in said
    assert said.endswith("Ready to hand in.")


def test_each_question_has_its_outcome(cells: list[dict], monkeypatch):
    first, second, third, fourth = QUESTIONS
    said = look(monkeypatch, cells, None, progress_of([first], (second,), (third,)))
    lines = {line.split()[0]: " ".join(line.split()[2:]) for line in said.splitlines() if line.startswith("  ")}
    assert lines == {
        first: "right",
        second: "not right yet",
        third: "not written yet",
        fourth: "not checked in this session",
    }
    assert "2 of 10 points" in said
    assert "Ready" not in said


def test_deleted_and_edited_checks_are_named(cells: list[dict], monkeypatch):
    changed = [dict(cell) for cell in cells if cell["id"] != QUESTIONS[0]]
    edited = next(cell for cell in changed if cell["id"] == QUESTIONS[1])
    edited["source"] = [f"check('{QUESTIONS[1]}', lambda *x: 0)"]
    said = look(monkeypatch, changed, None, progress_of(QUESTIONS))
    gone = next(line for line in said.splitlines() if "Not in the notebook" in line)
    assert QUESTIONS[0] in gone
    assert QUESTIONS[1] in next(line for line in said.splitlines() if line.startswith("Changed"))
    assert "Ready" not in said


def test_another_order_is_told(cells: list[dict], monkeypatch):
    texts = [module._source(cell) for cell in cells if cell["cell_type"] == "code"]
    for history in ([*texts[:2], texts[1], *texts[2:]], texts[1:], ["1 + 1", *texts]):
        said = look(monkeypatch, cells, history, progress_of(QUESTIONS))
        assert "once each from top to bottom" in said
        assert "Ready" not in said


def test_run_in_order_counts_up_to_the_call_and_passes_over_empty_cells():
    cells = ["a = 1", "", "preflight('x')", "b = 2"]
    assert ran_in_order(cells, ["", "a = 1\n", "", "preflight('x')"])
    assert not ran_in_order(cells, ["", "a = 1", "preflight('x')", "b = 2", "preflight('x')"])


def test_what_cannot_be_read_is_said_and_holds_nothing_up(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    said = report(NAME, progress_of(QUESTIONS))
    assert "cannot be read" in said
    assert said.endswith("Ready to hand in.")


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": 3}', '{"cells": [1, {"source": 2}]}', ""])
def test_nothing_raises(monkeypatch, tmp_path: Path, capsys, content: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{NAME}.ipynb").write_text(content)
    preflight(NAME)
    preflight("no-exercise")
    preflight(None)  # type: ignore[arg-type]
    assert "exercise" in capsys.readouterr().out


def test_jupyter_tells_the_notebook_by_its_session(monkeypatch, tmp_path: Path, cells: list[dict]):
    path = tmp_path / "my copy.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert read_notebook(NAME) == (cells, True)


@pytest.mark.parametrize("answer", ["notebook", None])
def test_colab_is_asked_for_the_notebook_as_it_stands(monkeypatch, cells: list[dict], answer: str | None):
    colab = types.ModuleType("google.colab")
    given = {"ipynb": {"cells": cells}} if answer else None
    colab._message = types.SimpleNamespace(blocking_request=lambda what, timeout_sec: given)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert read_notebook(NAME) == (cells if answer else [], False)


def test_where_a_notebook_is_graded_it_says_a_line(capsys):
    checks.preflight(NAME)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_every_exercise_ends_with_it_and_it_has_no_name_in_the_gradebook(root: Path):
    for path in sorted((root / "exercises").glob("*/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        code, last = notebook.cells[-2:]
        assert f'preflight("{path.stem}")' in code.source
        assert "nbgrader" not in code.metadata
        assert last.source.startswith(HAND_IN)


def test_a_notebook_of_another_kind_stays_as_it_is():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Hand in with ...")])
    add_preflight(notebook, NAME)
    assert len(notebook.cells) == 1
