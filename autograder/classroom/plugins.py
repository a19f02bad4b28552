"""What nbgrader_config.py puts into nbgrader's autograding: it always ends, and only a check's error costs points.

nbgrader alone leaves no grade at all when a kernel dies or does not answer an interrupt, gives a check cell that never
ran its full points, and takes them away for a library's warning on stderr.
"""

import time
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Dict, Integer

OUTCOME = "autograder"  # key in the notebook's metadata: {"status": ..., "reason": ...}
NOT_RUN = "NotRun"


class RunToTheEnd(Execute):
    """Runs a notebook and always comes back with it: cells that could not run get an error as their output.

    How the run ended is written to the notebook's metadata; what ran before a time limit or a crash counts.
    """

    error_on_timeout = Dict(
        {
            "ename": "CellTimeoutError",
            "evalue": "stopped at the time limit",
            "traceback": ["Stopped at the time limit."],
        }
    ).tag(config=True)
    notebook_timeout = Integer(300, help="Seconds for all cells of a notebook together").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any, km: Any = None) -> tuple[NotebookNode, Any]:
        nb.metadata.pop(OUTCOME, None)  # not the learner's to say
        self._outcome = {"status": "graded", "reason": None}
        self._kernel_gone = False
        self._deadline = time.monotonic() + self.startup_timeout + self.notebook_timeout
        self._started = False
        self.timeout_func = self._seconds_for_cell
        nb, resources = super().preprocess(nb, resources, km)
        nb.metadata[OUTCOME] = self._outcome
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if cell.cell_type != "code":
            return cell, resources
        if not self._started:
            self._started = True
            self._deadline = time.monotonic() + self.notebook_timeout
        if time.monotonic() > self._deadline:
            self._stop("timeout", f"the notebook ran for more than {self.notebook_timeout} s")
        if self._kernel_gone:
            fail_cell(cell, NOT_RUN, f"this cell did not run: {self._outcome['reason']}.")
            return cell, resources
        try:
            return super().preprocess_cell(cell, resources, index)
        except DeadKernelError:
            self._stop("crashed", f"the kernel died while it ran {_label(cell, index)}")
        except CellTimeoutError:  # the interrupt at the time limit went unanswered
            self._stop("timeout", f"{_label(cell, index)} ran for more than {self._limit} s")
        fail_cell(cell, "Stopped", f"{self._outcome['reason']}.")
        return cell, resources

    def on_cell_executed(self, **kwargs: Any) -> None:
        super().on_cell_executed(**kwargs)
        if "header" not in kwargs["execute_reply"]:  # nbclient's own reply, in place of the kernel's, at the time limit
            self._note("timeout", f"{_label(kwargs['cell'], kwargs['cell_index'])} ran for more than {self._limit} s")

    def _seconds_for_cell(self, cell: NotebookNode) -> int:
        self._limit = max(1, min(self.timeout, round(self._deadline - time.monotonic())))
        return self._limit

    def _stop(self, status: str, reason: str) -> None:
        self._note(status, reason)
        self._kernel_gone = True

    def _note(self, status: str, reason: str) -> None:
        if self._outcome["status"] == "graded":  # the first thing that went wrong is the reason
            self._outcome = {"status": status, "reason": reason}


def _label(cell: NotebookNode, index: int) -> str:
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
    return f"the cell {grade_id}" if grade_id else f"cell {index + 1}"


class OnlyErrorsDecide(NbGraderPreprocessor):
    """In check cells, turns stderr text into stdout and a cell's value into a display: neither is taken for a grade."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if not is_grade(cell) or cell.cell_type != "code":
            return cell, resources
        for output in cell.outputs:
            if output.output_type == "stream":
                output.name = "stdout"
            elif output.output_type == "execute_result":
                output.output_type = "display_data"
                output.pop("execution_count", None)
        return cell, resources


def fail_cell(cell: NotebookNode, name: str, text: str) -> None:
    """Adds an error to a code cell's outputs; in a check cell that means no points."""
    cell.outputs = [
        *cell.get("outputs", []),
        NotebookNode(output_type="error", ename=name, evalue=text, traceback=[text]),
    ]
