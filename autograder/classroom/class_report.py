"""`autograder report`: what a class got right and wrong in an exercise, and what to look at."""

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.classroom.course import Course, CourseError
from autograder.classroom.exam_state import CLASS_RESULTS, read_private, write_private
from autograder.classroom.export import Scores, read_scores
from autograder.classroom.report import QuestionResult, Result, gist, summary
from autograder.exam.sanitise import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

SLOWEST, MAX_NAMES, MAX_GIST = 5, 12, 160
NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")  # what differs between answers that are alike


@dataclass(frozen=True)
class QuestionLine:
    """A question: how many have all of its points, of how many, and the mean share of them."""

    id: str
    right: int
    count: int
    share: float


@dataclass(frozen=True)
class Group:
    """Students whose answers went wrong in the same way.

    Args:
        question: its id.
        what: the mistake's id, or what the check said where no mistake fits.
        students: their ids.
        named: whether it is a mistake of the catalogue.
    """

    question: str
    what: str
    students: list[str]
    named: bool


@dataclass(frozen=True)
class ClassReport:
    """An exercise of a class.

    Args:
        assignment: the exercise.
        max_score: its points.
        scores: points by student, late penalties taken off; only of those who handed in.
        statuses: how many submissions ended with each status.
        questions: in the notebook's order.
        mistakes: mistakes of the catalogue, most students first.
        alike: answers that no mistake fits, by what the check said, most students first.
        missing: who handed in nothing.
        late: points that being late cost, by student.
        waiting: who waits for points by hand.
        noted: warnings, by student.
        slowest: seconds of the slowest submissions, by student.
    """

    assignment: str
    max_score: float
    scores: dict[str, float] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    questions: list[QuestionLine] = field(default_factory=list)
    mistakes: list[Group] = field(default_factory=list)
    alike: list[Group] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    late: dict[str, float] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    noted: dict[str, list[str]] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Of the scores; 0 if there are none."""
        return statistics.mean(self.scores.values()) if self.scores else 0.0

    @property
    def median(self) -> float:
        """Of the scores; 0 if there are none."""
        return statistics.median(self.scores.values()) if self.scores else 0.0

    def as_json(self) -> dict[str, Any]:
        """All of it, with mean and median."""
        return asdict(self) | {"mean": self.mean, "median": self.median}


def note_results(root: Path, name: str, results: Iterable[Result]) -> None:
    """Keeps a run's results for reports and feedback, beside those of other students from earlier runs."""
    path = root / "_build" / "exam" / name / CLASS_RESULTS
    if path.parent.is_dir():
        write_private(path, read_private(path) | {result.student: asdict(result) for result in results})


def kept_results(course: Course, name: str) -> list[Result]:
    """The results of earlier runs, by student id; of those who are still in the class directory or the gradebook."""
    from autograder.classroom.roster import roster

    kept = read_private(course.root / "_build" / "exam" / name / CLASS_RESULTS)
    known = set(roster(course, name)) if kept else set()
    found = [kept[student] for student in sorted(kept) if student in known]
    return [_result(one) for one in found]


def kept_result(root: Path, name: str, student: str) -> Result | None:
    """The last result of a submission, if there is one."""
    path = root / "_build" / "exam" / name / CLASS_RESULTS
    kept = _read_once(path, path.stat().st_mtime_ns).get(student) if path.is_file() else None
    return _result(kept) if kept else None


@lru_cache(maxsize=1)
def _read_once(path: Path, changed: int) -> dict[str, Any]:
    """A class's results, read again only when they have `changed`: a page for each of thousands asks for them."""
    return read_private(path)


def _result(kept: dict[str, Any]) -> Result:
    return Result(**kept | {"questions": [QuestionResult(**question) for question in kept["questions"]]})


def class_report(course: Course, name: str) -> ClassReport:
    """The report on an exercise, with the points that the gradebook holds now.

    Raises:
        CourseError: if there is no such exercise, or it was not graded yet.
    """
    course.check_exercise(name)
    if not (results := kept_results(course, name)):
        raise CourseError(
            f"There must be results to report on: run `autograder grade {name}` first. Received none{course.hint}"
        )
    return make_report(results, read_scores(course, [name]))


def make_report(results: list[Result], scores: Scores) -> ClassReport:
    """The report on results of one exercise, with the gradebook's points.

    Args:
        results: of a class, each student once.
        scores: what the gradebook holds of this exercise.
    """
    name = results[0].assignment
    reported = {result.student for result in results}
    every = scores.scores.items()
    held = {student: score for (student, exercise), score in every if exercise == name and student in reported}
    handed_in = [result for result in results if result.status != "missing"]
    slow = sorted(handed_in, key=lambda result: -result.seconds)[:SLOWEST]
    return ClassReport(
        assignment=name,
        max_score=scores.maxima[name],
        scores={one.student: held[one.student].points for one in handed_in if one.student in held},
        statuses=summary(results),
        questions=_questions(handed_in),
        mistakes=_groups(handed_in, named=True),
        alike=_groups(handed_in, named=False),
        missing=[result.student for result in results if result.status == "missing"],
        late={student: score.penalty for student, score in sorted(held.items()) if score.penalty},
        waiting=sorted(student for student, score in held.items() if score.waiting),
        noted={result.student: result.warnings for result in results if result.warnings},
        slowest={result.student: result.seconds for result in slow if result.seconds},
    )


def _questions(results: list[Result]) -> list[QuestionLine]:
    by_id: dict[str, list[QuestionResult]] = defaultdict(list)
    for question in (question for result in results for question in result.questions if question.max_points):
        by_id[question.id].append(question)
    return [
        QuestionLine(
            id,
            sum(one.points >= one.max_points for one in found),
            len(found),
            statistics.mean(one.points / one.max_points for one in found),
        )
        for id, found in by_id.items()
    ]


def _groups(results: list[Result], named: bool) -> list[Group]:
    """Students by what went wrong: by the mistakes that were named, or by what the check said without its numbers."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    texts: dict[tuple[str, str], str] = {}
    for result in results:
        for question in result.questions:
            if question.points >= question.max_points:
                continue
            mistakes = question.mistakes or ([question.mistake] if question.mistake else [])
            if named:
                for mistake in mistakes:
                    found[question.id, mistake].append(result.student)
            elif not mistakes:
                text = one_line(gist(question), MAX_GIST)
                key = (question.id, NUMBER.sub("#", text))
                texts.setdefault(key, text)
                found[key].append(result.student)
    groups = [Group(key[0], texts.get(key, key[1]), students, named) for key, students in found.items()]
    return sorted(groups, key=lambda group: (-len(group.students), group.question, group.what))


def first_lines(report: ClassReport) -> list[str]:
    """The class in a few lines: how many, how good, and the mistakes that most students made."""
    count = len(report.scores)
    lines = [
        f"{report.assignment}: {count} handed in, {len(report.missing)} missing; "
        f"mean {report.mean:.1f}, median {report.median:g} of {report.max_score:g}"
    ]
    top = [f"{len(group.students)} x {group.what} ({group.question})" for group in report.mistakes[:3]]
    return [*lines, *([f"To explain again: {'; '.join(top)}"] if top else [])]


def on_terminal(report: ClassReport) -> "list[RenderableType]":
    """The report for 80 columns: lines, and tables of questions, mistakes and answers that are alike."""
    from rich.table import Table
    from rich.text import Text

    questions = Table("question", "right", "of", "mean")
    for line in report.questions:
        questions.add_row(line.id, str(line.right), str(line.count), f"{line.share:.0%}")
    wrong = Table("students", "question", "what", "who")
    for group in [*report.mistakes, *report.alike]:
        wrong.add_row(str(len(group.students)), group.question, Text(group.what), Text(listed(group.students)))
    said = [Text(line) for line in [*first_lines(report), *_to_do(report)]]
    return [*said, questions, wrong]


def _to_do(report: ClassReport) -> list[str]:
    lines = []
    if report.missing:
        lines.append(f"Missing: {listed(report.missing)}")
    if report.waiting:
        lines.append(f"Waiting for points by hand: {listed(report.waiting)}")
    if report.late:
        lines.append(f"Late: {listed([f'{student} (-{points:g})' for student, points in report.late.items()])}")
    if report.noted:
        lines.append(f"With warnings: {listed(list(report.noted))}")
    if report.slowest:
        slow = [f"{student} {seconds:.0f} s" for student, seconds in report.slowest.items()]
        lines.append(f"Slowest: {listed(slow)}")
    return lines


def listed(names: list[str]) -> str:
    """Names in one line, the first ones and how many more."""
    names = [one_line(name, 100) for name in names]
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
