"""What a run says about each submission: the JSON report and the table."""

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.exam.sanitise import one_line
from autograder.exam.verdict import CHECK_FAILED, Verdict
from autograder.notebooks import write_if_changed

if TYPE_CHECKING:
    from rich.table import Table

STATUSES = ("graded", "missing", "unreadable", "timeout", "memory", "crashed", "refused", "error")
NOT_SCORED = ("refused", "error")  # the grader's own fault: no score, and the command's exit status is 1
BY_HAND = "Graded by hand."
NO_CELL = "The notebook has no cell for this check."
ANSI = re.compile(r"\x1b\[[0-9;]*m")
MESSAGE_LIMIT = 4000  # characters
ABSENT = " is not there while a notebook is graded"
MAX_WARNINGS = 4  # of one submission in the table; the report has all


@dataclass(frozen=True)
class QuestionResult:
    """One question of one submission: the gradebook's points, and what its check said.

    `mistake` is the first of `mistakes`, the catalogue's ids of all that were found. `helped` are the earlier questions
    whose right objects stood in for the learner's own.
    """

    id: str
    points: float
    max_points: float
    mistake: str | None
    message: str
    mistakes: list[str] = field(default_factory=list)
    helped: list[str] = field(default_factory=list)


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
    repairs: list[str] = field(default_factory=list)  # of the warnings those on the hand-in itself, for its learner


def question_result(id: str, points: float, max_points: float, verdict: Verdict | None, there: bool) -> QuestionResult:
    """A question's points in the gradebook, with what marking decided.

    Args:
        id: the question's.
        points: it has.
        max_points: it can have.
        verdict: None for what is graded by hand.
        there: whether the notebook has a cell for it.
    """
    if verdict is None:
        return QuestionResult(id, points, max_points, None, BY_HAND if there else NO_CELL)
    said = verdict.message if verdict.error == CHECK_FAILED else f"{verdict.error}: {verdict.message}"
    told = (verdict.mistake, shown_text(said), list(verdict.mistakes), list(verdict.helped))
    return QuestionResult(id, points, max_points, *told)


def shown_text(text: str) -> str:
    """A text without a terminal's colours, and not longer than a report takes."""
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
    results, shared = _without_shared(results)
    if shared:
        shown.caption, shown.caption_justify = Text("\n".join(one_line(line, MESSAGE_LIMIT) for line in shared)), "left"
    for result in results:
        score = "-" if result.score is None else f"{result.score:g} / {result.max_score:g}"
        faults = [one_line(line, MESSAGE_LIMIT) for line in _faults(result)]  # names, too, may hold a terminal's codes
        shown.add_row(Text(one_line(result.student, 100)), score, result.status, Text("\n".join(faults)))
    return shown


def _without_shared(results: list[Result]) -> tuple[list[Result], list[str]]:
    """The results without what is told of many at once, and that: such as a machine without a sandbox.

    That is a reason for which several were not scored, and a warning that everyone has.
    """
    reasons = Counter(result.reason for result in results if result.reason and result.status in NOT_SCORED)
    shared = {reason: count for reason, count in reasons.items() if count > 1}
    everywhere = [w for w in results[0].warnings if all(w in r.warnings for r in results)] if len(results) > 1 else []
    bare = [
        replace(
            result,
            reason=None if result.status in NOT_SCORED and result.reason in shared else result.reason,
            warnings=[warning for warning in result.warnings if warning not in everywhere],
        )
        for result in results
    ]
    lines = [f"{_share(count, len(results))}: {reason}" for reason, count in shared.items()]
    return bare, [*lines, *(f"all: warning: {warning}" for warning in everywhere)]


def _share(count: int, of: int) -> str:
    return "all" if count == of else f"{count} of {of}"


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
