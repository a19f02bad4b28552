"""Which cells of an exercise are checks, and what they ask."""

from functools import lru_cache
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.notebooks import SourceError, source_notebook


def is_check(cell: NotebookNode) -> bool:
    """Whether a cell's points are decided by marking, not by hand."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def questions_of(notebook: NotebookNode) -> list[str]:
    """The questions that a released notebook asks, in order."""
    return [cell.metadata.nbgrader.grade_id for cell in notebook.cells if is_check(cell)]


@lru_cache(maxsize=64)
def asked_by(sources: Path, exercise: str) -> frozenset[str]:
    """The ids of an exercise's checks; none, if its source cannot be read.

    Args:
        sources: the directory with solutions/.
        exercise: its name.
    """
    try:
        return frozenset(questions_of(source_notebook(sources, exercise)))
    except (SourceError, OSError):
        return frozenset()
