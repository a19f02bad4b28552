"""Marks what a sitting handed in and writes the verdicts into the notebook, where nbgrader looks for points."""

import hashlib
import pickle
import tempfile
from pathlib import Path

from nbformat import NotebookNode

from autograder.classroom.check_cells import is_check
from autograder.classroom.course import CourseError
from autograder.classroom.report import NOT_RUN, VERDICTS, fail_cell
from autograder.classroom.safe_outputs import MAX_NAME, OutputBudget
from autograder.exam.marking import Marker
from autograder.exam.paper_from_seed import make_paper
from autograder.exam.sanitise import one_line
from autograder.exam.sheet_reader import MAX_MESSAGE, read_sheet
from autograder.exam.verdict import Verdict
from autograder.questions import find
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.reader import CellRun, Sitting


class NotebookMarker:
    """The trusted side of one exam: its papers, and what right and wrong answers to them give.

    Args:
        questions: the ids, as in the exercise's check cells.
        seed: of the papers.
        scale: "tiny" or "full".
        device: where expected outputs are computed, as Keras names it.

    Raises:
        CourseError: for an id that is no question.
    """

    def __init__(self, questions: list[str], seed: int, scale: str, device: str = "cpu:0"):
        try:
            asked = [find(question) for question in questions]
        except KeyError as error:
            raise CourseError(f"A check cell must ask a question that there is. {error.args[0]}") from error
        self.markers = {question.id: Marker(question, make_paper(question, seed, scale), device) for question in asked}
        self.papers = [marker.paper for marker in self.markers.values()]

    @property
    def fingerprint(self) -> str:
        """Tells these papers from others."""
        return hashlib.sha256(pickle.dumps(self.papers)).hexdigest()

    def mark_notebook(self, notebook: NotebookNode, sitting: Sitting, limits: Limits) -> tuple[str, str | None]:
        """Puts outputs and verdicts into the notebook that was run.

        Args:
            notebook: what was run; its code cells get their outputs.
            sitting: what that gave: hostile, but for its status.
            limits: that it ran under, for the reason.

        Returns:
            The status and the reason, None if it ran to its end.
        """
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        reason = _reason(cells, sitting, limits)
        budget = OutputBudget()
        for number, cell in enumerate(cells):
            run = sitting.cells.get(number)
            cell.outputs = budget.clean(run.outputs) if run else []
            cell.execution_count = number + 1 if run else None
            if is_check(cell):
                self._judge(cell, run, reason, stopped=sitting.stopped_at == number)
            elif run is None:
                _not_run(cell, reason, stopped=sitting.stopped_at == number)
        status = sitting.status if reason is None or sitting.status != "graded" else "timeout"
        return status, reason

    def _judge(self, cell: NotebookNode, run: CellRun | None, reason: str | None, stopped: bool) -> None:
        """Makes the outputs of a check cell say what marking decided, and nothing else that counts."""
        question = cell.metadata.nbgrader.grade_id
        errors = [output for output in cell.outputs if output.output_type == "error"]
        cell.outputs = [_harmless(output) for output in cell.outputs if output.output_type != "error"]
        if run is not None and question in run.sheets:
            self._write_verdict(cell, self._mark(question, run.sheets[question]))
        elif run is None:
            _not_run(cell, reason, stopped)
        elif run.late:
            fail_cell(cell, "TimeLimit", f"{question}: the check was stopped at its time limit.")
        elif errors:
            # A learner's class may have any name, and its text any form: in one line it looks like no verdict of ours.
            name, text = one_line(errors[-1].ename, MAX_NAME), one_line(errors[-1].evalue, MAX_MESSAGE)
            fail_cell(cell, "CheckFailed", f"{question}: {text if name in VERDICTS else f'{name}: {text}'}")
        else:
            text = f"{question}: the check gave no answer sheet. Does the name `check` stand for something else?"
            fail_cell(cell, "CheckFailed", text)

    def _mark(self, question: str, sheet: bytes) -> Verdict:
        marker = self.markers[question]
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            file.write(sheet)
            file.flush()
            return marker.mark(read_sheet(Path(file.name), marker.paper))

    @staticmethod
    def _write_verdict(cell: NotebookNode, verdict: Verdict) -> None:
        if verdict.passed:
            cell.outputs.append(NotebookNode(output_type="stream", name="stdout", text=f"{verdict.message}\n"))
            return
        fail_cell(cell, "CheckFailed", verdict.text)


def _harmless(output: NotebookNode) -> NotebookNode:
    """An output of a check cell that nbgrader takes for nothing: it reads points from stderr and values."""
    if output.output_type == "stream":
        output.name = "stdout"
    elif output.output_type == "execute_result":
        output.output_type = "display_data"
        output.pop("execution_count", None)
    return output


def _not_run(cell: NotebookNode, reason: str | None, stopped: bool) -> None:
    reason = reason or "the notebook ended before"
    if stopped:
        fail_cell(cell, "Stopped", f"{reason}.")
    else:
        fail_cell(cell, NOT_RUN, f"this cell did not run: {reason}.")


def _reason(cells: list[NotebookNode], sitting: Sitting, limits: Limits) -> str | None:
    """Why the notebook did not run to its end, naming the cell."""
    if sitting.reason is not None:
        return f"{sitting.reason}, in {_label(cells, sitting.stopped_at)}"
    late = [number for number, run in sitting.cells.items() if run.late]
    if late:
        return f"it ran for more than {limits.cell_seconds:g} s, in {_label(cells, late[0])}"
    if any(number not in sitting.cells for number in range(len(cells))):
        return f"the notebook ran for more than {limits.notebook_seconds:g} s"
    return None


def _label(cells: list[NotebookNode], number: int | None) -> str:
    if number is None or not 0 <= number < len(cells):
        return "no cell of its own"
    grade_id = cells[number].metadata.get("nbgrader", {}).get("grade_id")
    return f"the cell {grade_id}" if grade_id else f"code cell {number + 1}"
