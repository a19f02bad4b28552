"""`autograder preflight`: what would be graded in a notebook, before it is handed in.

The notebook is rebuilt as grading rebuilds it, and the rebuilt one is run from top to bottom in a fresh kernel.
This has the rights of whoever calls it: it is for one's own notebook, or for a machine of CI.
"""

import tempfile
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.check_cells import checks_of, grade_id, is_answer
from autograder.classroom.collect import exercise_of
from autograder.classroom.course import Course, CourseError
from autograder.classroom.intake import Unusable
from autograder.classroom.notebook_reader import MAX_BYTES
from autograder.classroom.rebuild import rebuild
from autograder.classroom.report import MESSAGE_LIMIT, QuestionResult, gist
from autograder.exam.sanitise import NotPlainFile, plain_file, plain_text
from autograder.exam.verdict import SAY_ENOUGH
from autograder.notebooks import notebook_text, release, source_notebook

if TYPE_CHECKING:
    from rich.table import Table

SECONDS = 600  # of one cell


class Outcome(StrEnum):
    """What became of a check in a fresh run."""

    right = "right"
    wrong = "not right"
    unwritten = "not written yet"
    not_run = "not run"


@dataclass(frozen=True)
class Checked:
    """A check: its question, its points, what became of it, and what it said in a line."""

    question: str
    points: float
    outcome: Outcome
    said: str = ""


@dataclass(frozen=True)
class Preflight:
    """What grading would make of a notebook.

    Args:
        exercise: which it is.
        checks: in order.
        repairs: what grading would put right: checks that were edited or deleted, lost ids, and the like.
        notebook: the repaired notebook: the released one with the learner's text in it, without outputs.
    """

    exercise: str
    checks: list[Checked]
    repairs: list[str] = field(default_factory=list)
    notebook: NotebookNode = field(default_factory=nbformat.v4.new_notebook)

    @property
    def points(self) -> float:
        """Of what is right; papers of the exam have other numbers, and other sizes."""
        return sum(check.points for check in self.checks if check.outcome == Outcome.right)

    @property
    def ready(self) -> bool:
        """Whether every check is right and nothing had to be repaired."""
        return not self.repairs and all(check.outcome == Outcome.right for check in self.checks)


def preflight(course: Course, path: Path, run: bool = True) -> Preflight:
    """Looks at a notebook as grading would.

    Args:
        course: where the exercises come from.
        path: the notebook.
        run: whether to run it; without, only what is written and what would be repaired is said.

    Raises:
        CourseError: if it cannot be read, or is no exercise of the course.
    """
    try:
        content = plain_file(path, MAX_BYTES)
    except (NotPlainFile, OSError) as error:
        raise CourseError(f"The notebook must be a file that can be read. Received: {path}: {error}") from None
    exercise = exercise_of(content, path.name, course)
    if exercise is None:
        raise CourseError(f"The notebook must be an exercise of this course. Received: {path}")
    released = release(source_notebook(course.sources, exercise), exercise, course.config)
    rebuilt = rebuild(content, released, path.name)
    if isinstance(rebuilt, Unusable):
        raise CourseError(f"The notebook must be one that can be graded. Received: {rebuilt.reason}")
    stubs = _answers(nbformat.reads(released, as_version=4))
    unwritten = {key for key, text in _answers(rebuilt.notebook).items() if text.strip() in ("", stubs[key].strip())}
    ran = _run(rebuilt.notebook) if run else None
    checks = [_checked(cell, ran, unwritten) for cell in checks_of(rebuilt.notebook).values()]
    return Preflight(exercise, checks, rebuilt.warnings, rebuilt.notebook)


def _answers(notebook: NotebookNode) -> dict[str, str]:
    """The text of each answer cell, by its id."""
    return {grade_id(cell): cell.source for cell in notebook.cells if cell.cell_type == "code" and is_answer(cell)}


def _run(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The check cells after a run from top to bottom in a folder of its own, by their ids."""
    ran = nbformat.from_dict(notebook)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(ran, timeout=SECONDS, allow_errors=True, kernel_name="python3", resources=resources).execute()
    return checks_of(ran)


def _checked(cell: NotebookNode, ran: dict[str, NotebookNode] | None, unwritten: set[str]) -> Checked:
    question, most = grade_id(cell), float(cell.metadata.nbgrader.points)
    if f"answer-{question}" in unwritten:
        return Checked(question, most, Outcome.unwritten)
    if ran is None:
        return Checked(question, most, Outcome.not_run)
    done = ran[question]
    # An error, or a value: the points of an answer that has some without being right.
    failed = any(output.output_type in ("error", "execute_result") for output in done.get("outputs", []))
    outcome = Outcome.wrong if failed or not done.get("outputs") else Outcome.right
    said = gist(QuestionResult(question, 0.0, most, None, _said(done)))
    return Checked(question, most, outcome, said)


def _said(cell: NotebookNode) -> str:
    """What a check that was run in one's own kernel said last: there is nothing else of it there."""
    outputs = cell.get("outputs", [])
    printed = [output.text for output in outputs if output.output_type == "stream"]
    errors = [output for output in outputs if output.output_type == "error"]
    said = [o.evalue if o.ename in SAY_ENOUGH else f"{o.ename}: {o.evalue}" for o in errors]
    return plain_text([*printed, *said][-1], MESSAGE_LIMIT).strip() if printed or said else ""


def table(found: Preflight) -> "Table":
    """The checks, a line each."""
    from rich.table import Table
    from rich.text import Text

    shown = Table("check", "points", "outcome", "what it said")
    for check in found.checks:
        shown.add_row(check.question, f"{check.points:g}", check.outcome.value, Text(check.said))
    return shown


def repaired_text(found: Preflight) -> str:
    """The repaired notebook, to be handed in."""
    return notebook_text(found.notebook)
