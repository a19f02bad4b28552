"""Which cells of an exercise are checks, and what they ask."""

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution


def is_check(cell: NotebookNode) -> bool:
    """Whether a cell's points are decided by marking, not by hand."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def questions_of(notebook: NotebookNode) -> list[str]:
    """The questions that a released notebook asks, in order."""
    return [cell.metadata.nbgrader.grade_id for cell in notebook.cells if is_check(cell)]
