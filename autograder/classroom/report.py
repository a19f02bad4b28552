"""What a run says about each submission: the JSON report and the table."""

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode

from autograder.exam.sanitise import one_line
from autograder.notebooks import write_if_changed

if TYPE_CHECKING:
    from rich.table import Table

STATUSES = ("graded", "missing", "unreadable", "timeout", "memory", "crashed", "refused", "error")
NOT_SCORED = ("refused", "error")  # the grader's own fault: no score, and the command's exit status is 1
NOT_RUN = "NotRun"  # the error of a cell that did not run
VERDICTS = ("CheckFailed", "MissingAnswer")  # the errors whose text is feedback as it stands
MISTAKE = re.compile(r"Mistake: (?P<ids>[a-z0-9-]+(, [a-z0-9-]+)*)")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
MESSAGE_LIMIT = 4000  # characters
ABSENT = " is not there while a notebook is graded"
MAX_WARNINGS = 4  # of one submission in the table; the report has all


@dataclass(frozen=True)
class QuestionResult:
    """One question of one submission: the gradebook's points, and what its check said.

    `mistake` is the first of `mistakes`, the catalogue's ids of all that were found.
    """

    id: str
    points: float
    max_points: float
    mistake: str | None
    message: str
    mistakes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """One submission. The fields are the keys of the JSON report."""

    student: str
    assignment: str
    score: float | None
    max_score: float
    status: str
    reason: str | None
    warnings: list[str]
    seconds: float
    questions: list[QuestionResult] = field(default_factory=list)
    penalty: float = 0.0  # points taken off for being late; `score` is without them


def fail_cell(cell: NotebookNode, name: str, text: str) -> None:
    """Adds an error to a code cell's outputs; in a check cell that means no points."""
    cell.outputs = [
        *cell.get("outputs", []),
        NotebookNode(output_type="error", ename=name, evalue=text, traceback=[f"{name}: {text}"]),
    ]


def read_check(id: str, points: float, max_points: float, cell: NotebookNode | None) -> QuestionResult:
    """A question's points, with what its autograded check cell says."""
    mistakes, message = _said(cell)
    return QuestionResult(id, points, max_points, mistakes[0] if mistakes else None, message, mistakes)


def _said(cell: NotebookNode | None) -> tuple[list[str], str]:
    """The catalogue's ids of the mistakes that a check named, and its message."""
    if cell is None:
        return [], "The notebook has no cell for this check."
    if cell.cell_type != "code":
        return [], "Graded by hand."
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    if not errors:
        return [], _printed(cell)
    verdicts = [error for error in errors if error.ename in VERDICTS]
    error = (verdicts or errors)[-1]
    if not verdicts:
        return [], _shown(": ".join(part for part in (error.ename, error.evalue) if part))
    *lines, last = error.evalue.rstrip().splitlines() or [""]
    named = MISTAKE.fullmatch(last)
    return (named["ids"].split(", "), _shown("\n".join(lines))) if named else ([], _shown(error.evalue))


def _printed(cell: NotebookNode) -> str:
    """The last thing printed: marking's own line comes after whatever the answer printed."""
    printed = [output.text for output in cell.get("outputs", []) if output.output_type == "stream"]
    return _shown(printed[-1]) if printed else ""


def _shown(text: str) -> str:
    text = ANSI.sub("", text).strip()
    return text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + " ..."


def write_report(results: list[Result], path: Path) -> None:
    """Writes the JSON report: a list, one object a submission, by student id."""
    write_if_changed(path, json.dumps([asdict(result) for result in results], indent=2, ensure_ascii=False) + "\n")


def table(results: list[Result]) -> "Table":
    """The scores and the mistakes named, for people."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=results[0].assignment if results else None, title_justify="left")
    for heading, side in (("student", "left"), ("score", "right"), ("status", "left"), ("what was wrong", "left")):
        shown.add_column(heading, justify=side, overflow="fold")  # type: ignore[arg-type]
    shared = _shared_reason(results)
    if shared:
        shown.caption, shown.caption_justify = Text(f"all: {one_line(shared, MESSAGE_LIMIT)}"), "left"
        results = [replace(result, reason=None) for result in results]
    for result in results:
        score = "-" if result.score is None else f"{result.score:g} / {result.max_score:g}"
        faults = [one_line(line, MESSAGE_LIMIT) for line in _faults(result)]  # names, too, may hold a terminal's codes
        shown.add_row(Text(one_line(result.student, 100)), score, result.status, Text("\n".join(faults)))
    return shown


def _shared_reason(results: list[Result]) -> str:
    """The one reason for which a whole class was not scored, such as a machine without a sandbox; or ""."""
    reasons = {(result.status, result.reason) for result in results}
    status, reason = reasons.pop() if len(reasons) == 1 and len(results) > 1 else ("", None)
    return reason or "" if status in NOT_SCORED else ""


def _faults(result: Result) -> list[str]:
    """A line for each thing that cost points, and the first warnings."""
    lines = [result.reason] if result.reason else []
    for question in result.questions:
        if question.points < question.max_points and (question.mistake or result.status == "graded"):
            lines.append(f"{question.id}: {', '.join(question.mistakes) or question.mistake or gist(question)}")
    lines += [f"warning: {warning}" for warning in result.warnings[:MAX_WARNINGS]]
    if len(result.warnings) > MAX_WARNINGS:
        lines.append(f"and {len(result.warnings) - MAX_WARNINGS} more warnings, in the report (--json FILE)")
    return lines


def gist(question: QuestionResult) -> str:
    """The line of a message that says most: its cause, or else the first."""
    lines = [line.strip() for line in question.message.splitlines() if line.strip()] or ["no points"]
    causes = [line.removeprefix("Cause:").strip() for line in lines if line.startswith("Cause:")]
    return (causes or lines)[0].removeprefix(f"{question.id}: ")


def absent_notes(packages: list[str]) -> list[str]:
    """The warnings about packages that a submission imported and that there are not."""
    return [f"{package}{ABSENT}" for package in packages]


def absent_packages(results: list[Result]) -> dict[str, int]:
    """How many submissions imported each package that there is not, the most wanted first."""
    told = [warning.removesuffix(ABSENT) for r in results for warning in r.warnings if warning.endswith(ABSENT)]
    return dict(Counter(told).most_common())


def summary(results: list[Result]) -> dict[str, Any]:
    """How many submissions ended with each status, in the order of `STATUSES`."""
    counted = {status: sum(result.status == status for result in results) for status in STATUSES}
    return {status: count for status, count in counted.items() if count}
