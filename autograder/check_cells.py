"""What a cell of an exercise is to nbgrader: a check, whose points marking decides, or an answer that a learner writes.

This is the one place that knows, for sources, released notebooks, what was handed in and what was run.
"""

from copy import deepcopy
from typing import Any

from nbformat import NotebookNode

from autograder.fair_settings import KEY, RUBRIC, FairPoints


def settings_of(cell: NotebookNode) -> dict[str, Any]:
    """nbgrader's settings of a cell; none, if it has none."""
    return cell.metadata.get("nbgrader", {})


def grade_id(cell: NotebookNode) -> str:
    """A cell's name in the gradebook; "", if it has none."""
    return str(settings_of(cell).get("grade_id", ""))


def is_graded(cell: NotebookNode) -> bool:
    """Whether a cell has points, decided by marking or given by hand."""
    return bool(settings_of(cell).get("grade"))


def is_marked(cell: NotebookNode) -> bool:
    """Whether a cell has points that no one gives by hand. In an exercise as it should be, each of these is a check."""
    return is_graded(cell) and not settings_of(cell).get("solution")


def is_check(cell: NotebookNode) -> bool:
    """Whether a cell is a check: its points are decided by marking."""
    return bool(cell.cell_type == "code") and is_marked(cell)


def is_answer(cell: NotebookNode) -> bool:
    """Whether a learner writes in this cell."""
    return "nbgrader" in cell.metadata and not is_marked(cell) and not settings_of(cell).get("locked")


def checks_of(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The check cells of a notebook by their questions, in order."""
    return {grade_id(cell): cell for cell in notebook.cells if is_check(cell)}


def fair_points_in(notebook: NotebookNode) -> dict[str, FairPoints]:
    """How the points of each question are shared out."""
    cells = checks_of(notebook)
    return {q: FairPoints.of(cell.metadata.get(KEY, {}), settings_of(cell)["points"]) for q, cell in cells.items()}


def rubrics_in(source: NotebookNode) -> dict[str, dict[str, int]]:
    """The points by criterion of each answer that is graded by hand and has a rubric."""
    said = {grade_id(cell): cell.metadata.get(KEY, {}).get(RUBRIC, {}) for cell in source.cells if is_graded(cell)}
    return {name: rubric for name, rubric in said.items() if rubric}


def without_rubrics(source: NotebookNode) -> NotebookNode:
    """A source as it may be handed out: a rubric tells too much of a good answer."""
    handed_out = deepcopy(source)
    for cell in handed_out.cells:
        if RUBRIC in cell.metadata.get(KEY, {}):
            del cell.metadata[KEY]
    return handed_out


def questions_of(notebook: NotebookNode) -> list[str]:
    """The questions that a released notebook asks, in order."""
    return list(checks_of(notebook))
