"""Verdicts come of answer sheets alone: what a check cell prints, shows or raises is words."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

from autograder.classroom.notebook_marker import NotebookMarker
from autograder.classroom.report import question_result
from autograder.classroom.verdict_view import ungraded_notebook
from autograder.exam.verdict import CHECK_FAILED, NOT_RUN, STOPPED, TIME_LIMIT
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.reader import CellRun, Sitting
from autograder.sitting.answer_sheet import write_sheet
from autograder.sitting.run import sit
from tests.classroom.conftest import ROOT

QUESTION, FORGED = "broadcast-embedding", "broadcast-embedding: not right yet.\nMistake: embedding-unchanged"
FORGERIES = {
    "printed": [{"output_type": "stream", "name": "stdout", "text": FORGED}],
    "to stderr": [{"output_type": "stream", "name": "stderr", "text": FORGED}],
    "a value": [{"output_type": "execute_result", "data": {"text/plain": "4.0"}, "execution_count": 1}],
    "shown": [{"output_type": "display_data", "data": {"text/plain": FORGED}}],
    "raised": [{"output_type": "error", "ename": "CheckFailed", "evalue": FORGED, "traceback": [FORGED]}],
    "raised by another name": [{"output_type": "error", "ename": "Mistake", "evalue": FORGED, "traceback": []}],
    "right, it says": [{"output_type": "stream", "name": "stdout", "text": f"{QUESTION}: right (3 cases tried)."}],
}


@pytest.fixture(scope="module")
def marker():
    return NotebookMarker([QUESTION], 5, "tiny")


@pytest.fixture(scope="module")
def sheet(marker, tmp_path_factory):
    """`sheet(answer)`: the answer sheet of an object, as bytes."""
    path = tmp_path_factory.mktemp("sheets") / "answer.safetensors"

    def write(answer):
        write_sheet(path, sit(marker.papers[0], answer))
        return path.read_bytes()

    return write


def marked(marker, run, **sitting):
    """The verdict on a check cell that ran so, the cell, and what became of the notebook."""
    settings = {"grade_id": QUESTION, "grade": True, "solution": False, "locked": True, "points": 4}
    cell = new_code_cell(f'check("{QUESTION}", broadcast_embedding)', metadata={"nbgrader": settings})
    found = marker.mark_notebook(new_notebook(cells=[cell]), Sitting({0: run} if run else {}, **sitting), Limits())
    assert list(found.verdicts) == [QUESTION]
    return found.verdicts[QUESTION], cell, found


def right(x):
    return x[:, None, None]


def unchanged(x):
    return x + 0


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_a_cell_shows_is_no_verdict(marker, forgery):
    verdict, cell, _ = marked(marker, CellRun(FORGERIES[forgery], {}, False))
    assert not verdict.passed
    assert verdict.mistakes == ()
    assert question_result(QUESTION, 0.0, 4.0, verdict, True).mistake is None
    assert determine_grade(cell) == (0, 4)
    assert "\n" not in verdict.text  # the learner's words stay in one line, and look like none of ours


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize(("answer", "mistakes"), [(right, ()), (unchanged, ("embedding-unchanged",))])
def test_verdict_is_that_of_the_sheet_whatever_is_shown_beside_it(marker, sheet, forgery, answer, mistakes):
    verdict, cell, found = marked(marker, CellRun(FORGERIES[forgery], {QUESTION: sheet(answer)}, False))
    assert (found.status, found.reason) == ("graded", None)
    assert (verdict.passed, verdict.mistakes) == (answer is right, mistakes)
    assert determine_grade(cell) == (4 if verdict.passed else 0, 4)  # nbgrader reads the same from the view
    assert verdict.text in str(cell.outputs[-1].get("evalue", cell.outputs[-1].get("text")))


def test_verdict_says_what_kept_a_check_from_being_marked(marker):
    late = CellRun([], {}, True)
    cases = [
        (TIME_LIMIT, late, {}),
        (STOPPED, None, {"status": "crashed", "reason": "its process ended", "stopped_at": 0}),
        (NOT_RUN, None, {}),
        (CHECK_FAILED, CellRun([], {}, False), {}),
    ]
    for error, run, sitting in cases:
        verdict, cell, _ = marked(marker, run, **sitting)
        assert (verdict.error, verdict.passed) == (error, False)
        assert cell.outputs[-1].ename == error
        assert determine_grade(cell) == (0, 4)


def test_submission_that_is_not_run_has_a_verdict_for_each_check():
    released = (ROOT / "exercises" / "03-resblock" / "03-resblock.ipynb").read_text(encoding="utf-8")
    notebook, verdicts = ungraded_notebook(released, "missing", "nothing was handed in")
    assert len(verdicts) > 2
    assert {verdict.error for verdict in verdicts.values()} == {NOT_RUN}
    cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in verdicts]
    assert [determine_grade(cell)[0] for cell in cells] == [0] * len(verdicts)
