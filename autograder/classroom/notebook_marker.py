"""Marks what a sitting handed in: verdicts as data, and a view of them in the notebook, where nbgrader looks."""

import hashlib
import pickle
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.check_cells import grade_id, is_check
from autograder.classroom.course import CourseError
from autograder.classroom.safe_outputs import MAX_NAME, OutputBudget
from autograder.classroom.verdict_view import show_error, show_verdict
from autograder.exam.marking import Marker
from autograder.exam.paper_from_seed import make_paper
from autograder.exam.part_points import with_part_points
from autograder.exam.sanitise import one_line
from autograder.exam.sheet_reader import MAX_MESSAGE, read_sheet
from autograder.exam.verdict import NOT_RUN, SAY_ENOUGH, STOPPED, TIME_LIMIT, Verdict, unmarked
from autograder.fair_settings import FairPoints
from autograder.questions import find
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.reader import CellRun, Sitting
from autograder.sitting.paper import Answer, Paper


@dataclass(frozen=True)
class Marked:
    """What marking a notebook gave.

    Args:
        status: of the submission.
        reason: why it did not run to its end; None if it did.
        verdicts: by question, in the notebook's order.
    """

    status: str
    reason: str | None
    verdicts: dict[str, Verdict]


class NotebookMarker:
    """The trusted side of one exam: its papers, and what right and wrong answers to them give.

    Args:
        questions: the ids, as in the exercise's check cells.
        seed: of the papers.
        scale: "tiny" or "full".
        device: where expected outputs are computed, as Keras names it.
        fair: how the points of questions are shared out.

    Raises:
        CourseError: for an id that is no question, or part points for a mistake that there is not.
    """

    def __init__(
        self,
        questions: list[str],
        seed: int,
        scale: str,
        device: str = "cpu:0",
        fair: Mapping[str, FairPoints] | None = None,
    ):
        self.fair = fair or {}
        try:
            asked = [find(question) for question in questions]
        except KeyError as error:
            raise CourseError(f"A check cell must ask a question that there is. {error.args[0]}") from error
        self.markers = {question.id: Marker(question, make_paper(question, seed, scale), device) for question in asked}
        for question, settings in self.fair.items():
            known = {mistake.id for mistake in self.markers[question].question.mistakes}
            if strange := sorted(settings.part_points.keys() - known):
                raise CourseError(f"part_points of {question} must name mistakes that it has. Received: {strange}")
        self.papers = [marker.paper for marker in self.markers.values()]

    @property
    def fingerprint(self) -> str:
        """Tells these papers from others."""
        return hashlib.sha256(pickle.dumps(self.papers)).hexdigest()

    def mark_notebook(self, notebook: NotebookNode, sitting: Sitting, limits: Limits) -> Marked:
        """Marks what a notebook's run gave, and puts outputs and a view of the verdicts into the notebook.

        Args:
            notebook: what was run; its code cells get their outputs.
            sitting: what that gave: hostile, but for its status.
            limits: that it ran under, for the reason.
        """
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        reason, verdicts, budget = _reason(cells, sitting, limits), {}, OutputBudget()
        for number, cell in enumerate(cells):
            run = sitting.cells.get(number)
            cell.outputs = budget.clean(run.outputs) if run else []
            cell.execution_count = number + 1 if run else None
            stopped = sitting.stopped_at == number
            if is_check(cell):
                verdicts[grade_id(cell)] = self._judge(cell, run, reason, stopped)
                show_verdict(cell, verdicts[grade_id(cell)])
            elif run is None:
                show_error(cell, *_not_run(reason, stopped))
        status = sitting.status if reason is None or sitting.status != "graded" else "timeout"
        return Marked(status, reason, verdicts)

    def _judge(self, cell: NotebookNode, run: CellRun | None, reason: str | None, stopped: bool) -> Verdict:
        """What a check cell's answer sheet earns. What the cell printed or showed has no part in it."""
        question = grade_id(cell)
        if run is None:
            name, text = _not_run(reason, stopped)
            return unmarked(question, text, name)
        if question in run.sheets:
            return self._mark(question, run.sheets[question])
        if run.late:
            return unmarked(question, f"{question}: the check was stopped at its time limit.", TIME_LIMIT)
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors:  # the learner's own words, in one line: they look like no verdict of ours
            name, text = one_line(errors[-1].ename, MAX_NAME), one_line(errors[-1].evalue, MAX_MESSAGE)
            return unmarked(question, f"{question}: {text if name in SAY_ENOUGH else f'{name}: {text}'}")
        text = f"{question}: the check gave no answer sheet. Does the name `check` stand for something else?"
        return unmarked(question, text)

    def _mark(self, question: str, sheet: bytes | bytearray) -> Verdict:
        marker = self.markers[question]
        answer = _read(sheet, marker.paper)
        verdict = marker.mark(answer)
        return with_part_points(marker, answer, verdict, self.fair[question]) if question in self.fair else verdict

    def passes(self, question: str, sheet: bytes | bytearray) -> bool:
        """Whether an answer sheet is right; nothing else of it is looked at."""
        marker = self.markers[question]
        return marker.passes(_read(sheet, marker.paper))


def _read(sheet: bytes | bytearray, paper: Paper) -> Answer:
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(sheet)
        file.flush()
        return read_sheet(Path(file.name), paper)


def _not_run(reason: str | None, stopped: bool) -> tuple[str, str]:
    """The name and the text of the error that a cell shows which did not run to its end."""
    reason = reason or "the notebook ended before"
    return (STOPPED, f"{reason}.") if stopped else (NOT_RUN, f"this cell did not run: {reason}.")


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
    name = grade_id(cells[number])
    return f"the cell {name}" if name else f"code cell {number + 1}"
