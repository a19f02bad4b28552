"""How verdicts look in a notebook: outputs that people read, and from which nbgrader takes points.

It is a view. What marking decided is kept as data, and nothing reads it back from here but nbgrader's own commands, for
which it says the same: an error in a check cell means no points, a number as its value that many of them.
"""

from collections.abc import Mapping

import nbformat
from nbformat import NotebookNode

from autograder.check_cells import checks_of, grade_id
from autograder.exam.verdict import NOT_RUN, Verdict, unmarked


def show_verdict(cell: NotebookNode, verdict: Verdict) -> None:
    """Makes a check cell say what was decided. What it printed stays beside it, as something that does not count."""
    cell.outputs = [_harmless(output) for output in cell.outputs if output.output_type != "error"]
    if verdict.passed:
        cell.outputs.append(_text(verdict.message))
    elif verdict.points:
        cell.outputs += [_text(f"{verdict.error}: {verdict.text}"), _value(verdict.points)]
    else:
        show_error(cell, verdict.error, verdict.text)


def _text(text: str) -> NotebookNode:
    return NotebookNode(output_type="stream", name="stdout", text=f"{text}\n")


def _value(points: int) -> NotebookNode:
    """The value of a check cell, which nbgrader takes for its points."""
    data = NotebookNode({"text/plain": str(points)})
    return NotebookNode(output_type="execute_result", execution_count=None, metadata=NotebookNode(), data=data)


def show_error(cell: NotebookNode, name: str, text: str) -> None:
    """Adds an error to a code cell's outputs; in a check cell that means no points."""
    error = NotebookNode(output_type="error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
    cell.outputs = [*cell.get("outputs", []), error]


def show_rubrics(notebook: NotebookNode, rubrics: Mapping[str, Mapping[str, int]]) -> None:
    """Puts a rubric below each answer that has one, where who grades by hand reads it, and later the learner."""
    from autograder.exam.guide import words  # it loads Keras

    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if rubric := rubrics.get(grade_id(cell)):
            lines = [words()["rubric"].format(points=sum(rubric.values())), ""]
            lines += [f"- {points}: {criterion}" for criterion, points in rubric.items()]
            shown = nbformat.v4.new_markdown_cell("\n".join(lines))
            shown.id = f"rubric-{grade_id(cell)}"
            cells.append(shown)
    notebook.cells = cells


def show_ungraded(notebook: NotebookNode, text: str) -> dict[str, Verdict]:
    """Marks each check of a released notebook as failed for one reason. Returns the verdicts by question."""
    verdicts = {question: unmarked(question, text, NOT_RUN) for question in checks_of(notebook)}
    for question, cell in checks_of(notebook).items():
        show_verdict(cell, verdicts[question])
    return verdicts


def ungraded_notebook(released: str, status: str, reason: str) -> tuple[NotebookNode, dict[str, Verdict]]:
    """What stands for a submission that was not run: the exercise as released, without points, and its verdicts."""
    notebook = nbformat.reads(released, as_version=4)
    verdicts = show_ungraded(notebook, f"not graded ({status}): {reason}.")
    notice = nbformat.v4.new_markdown_cell("**This submission has no points.** It is shown as it was released.")
    notice.id = "not-graded"
    notebook.cells.insert(0, notice)
    return notebook, verdicts


def _harmless(output: NotebookNode) -> NotebookNode:
    """An output of a check cell that nbgrader takes for nothing: it reads points from stderr and values."""
    if output.output_type == "stream":
        output.name = "stdout"
    elif output.output_type == "execute_result":
        output.output_type = "display_data"
        output.pop("execution_count", None)
    return output
