"""Every exercise in the session that grades: its solution gets all points, its stub none, both without a stray word."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.check_cells import is_check, questions_of
from autograder.classroom.exam_session import ExamSession, Settings
from autograder.classroom.exam_state import ExamState
from autograder.classroom.notebook_marker import Marked
from autograder.notebooks import exercise_names, source_notebook
from autograder.sandbox.inner.limits import Limits
from tests.classroom.conftest import ROOT

LIMITS = Limits(cell_seconds=60, notebook_seconds=200)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExamSession]:
    with ExamSession(tmp_path_factory.mktemp("course"), Settings(LIMITS)) as session:
        yield session


def sit_and_mark(session: ExamSession, notebook: NotebookNode, place: Path) -> Marked:
    """Runs a notebook, marks it and shows the verdicts in it."""
    marker = session.set_exam(questions_of(notebook), ExamState(place, 7, "tiny"))
    return marker.mark_notebook(notebook, session.run(notebook), LIMITS)


def errors(cell: NotebookNode) -> list[str]:
    return [output.evalue for output in cell.get("outputs", []) if output.output_type == "error"]


@pytest.mark.parametrize("name", exercise_names(ROOT))
def test_solution_of_each_exercise_has_all_points(session: ExamSession, name: str, tmp_path: Path):
    notebook = source_notebook(ROOT, name)
    marked = sit_and_mark(session, notebook, tmp_path)
    assert (marked.status, marked.reason) == ("graded", None)
    assert list(marked.verdicts) == questions_of(notebook)
    assert all(verdict.passed for verdict in marked.verdicts.values())
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert {cell.metadata.nbgrader.grade_id: errors(cell) for cell in code if errors(cell)} == {}
    assert sum(cell.metadata.nbgrader.points for cell in code if is_check(cell)) == 10
    assert not [output for cell in code for output in cell.outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize("name", exercise_names(ROOT))
def test_stub_of_each_exercise_has_no_points_and_says_plainly_why(session: ExamSession, name: str, tmp_path: Path):
    notebook = nbformat.read(ROOT / "exercises" / name / f"{name}.ipynb", as_version=4)
    marked = sit_and_mark(session, notebook, tmp_path)
    assert (marked.status, marked.reason) == ("graded", None)
    assert not any(verdict.passed or verdict.mistakes for verdict in marked.verdicts.values())
    for cell in notebook.cells:
        if is_check(cell):
            assert len(errors(cell)) == 1, cell.source
            assert "still to be written" in errors(cell)[0] or "not written yet" in errors(cell)[0]
        elif cell.cell_type == "code":
            kinds = {output.ename for output in cell.outputs if output.output_type == "error"}
            assert kinds <= {"NotImplementedError"}, cell.source
