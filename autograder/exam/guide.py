"""What a check says beyond its verdict: points so far, where to go next, and more help after several failures.

It holds for this session of the notebook and decides nothing. Points, headings and hints are those of the notebooks, in
`questions/notebooks/`, which `autograder exercises` writes; the words around them are in `guide.en.toml`.
"""

import functools
import json
import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

from autograder.exam.notes import arrays_in, can_be_seen
from autograder.exam.verdict import Verdict
from autograder.fair_settings import FairPoints
from autograder.questions import Question
from autograder.questions.catalogue import Evaluation, part_names
from autograder.questions.catalogue.texts import LANGUAGE
from autograder.sitting.paper import Paper

HINT_AFTER, SHAPES_AFTER = 2, 4  # failures of one kind
MOST_ROWS = 40


class Progress:
    """The verdicts of this session, by question."""

    def __init__(self) -> None:
        self.verdicts: dict[str, tuple[Verdict, Any]] = {}  # the last one, and the object that it is of
        self.failures: Counter[tuple] = Counter()
        self.unwritten: set[str] = set()  # questions whose last answer was still the stub

    def enter(self, verdict: Verdict, made: Any, written: bool) -> int:
        """Notes a verdict, and tells how often an answer has failed in this way; 0 for one that is not written."""
        self.verdicts[verdict.question] = verdict, made
        (self.unwritten.discard if written else self.unwritten.add)(verdict.question)
        if verdict.passed or not written:
            return 0
        kind = (verdict.question, *(verdict.mistakes or (verdict.stage or "",)))
        self.failures[kind] += 1
        return self.failures[kind]

    def earned(self, question_id: str, of: int) -> float:
        return self.verdicts[question_id][0].earned(of) if question_id in self.verdicts else 0

    def passed(self, question_id: str) -> bool:
        return question_id in self.verdicts and self.verdicts[question_id][0].passed

    def passed_alone(self, question_id: str) -> bool:
        return question_id in self.verdicts and self.verdicts[question_id][0].alone


PROGRESS = Progress()


@functools.cache
def words(language: str = LANGUAGE) -> dict[str, str]:
    """The sentences that are said, by name, with places for what goes into them."""
    return tomllib.loads(Path(__file__).with_name(f"guide.{language}.toml").read_text(encoding="utf-8"))


@functools.cache
def notebook_of(exercise: str) -> dict[str, dict[str, Any]]:
    """An exercise's questions in order: `points`, `heading`, `hint`, `check`, settings; empty if it is unknown."""
    file = files("autograder.questions") / "notebooks" / f"{exercise}.en.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def fair_points_of(exercise: str) -> dict[str, FairPoints]:
    """How the points of an exercise's questions are shared out."""
    return {key: FairPoints.of(cell, cell["points"]) for key, cell in notebook_of(exercise).items()}


def points_so_far(question: Question, progress: Progress = PROGRESS) -> str:
    """How many points the passed questions of the exercise make, and which question comes next."""
    cells = notebook_of(question.exercise)
    if question.id not in cells:
        return ""
    whole = sum(cell["points"] for cell in cells.values())
    done = sum(progress.earned(question_id, cell["points"]) for question_id, cell in cells.items())
    text = words()["points"].format(done=f"{done:g}", whole=whole)
    order = list(cells)
    here = order.index(question.id)
    left = [q for q in order[here:] + order[:here] if not progress.passed(q)]
    if not left:
        return f"{text} {words()['all']}"
    if left[0] == question.id:
        return f"{text} {words()['again']}"
    return f"{text} {words()['next'].format(heading=cells[left[0]]['heading'])}"


def more_help(question: Question, paper: Paper, failures: int) -> str:
    """What is unfolded after several failures of one kind: the notebook's hint, then the shapes along the way."""
    parts = []
    hint = notebook_of(question.exercise).get(question.id, {}).get("hint", "")
    if failures >= HINT_AFTER and hint:
        parts.append(f"{words()['hint']}\n{_indented(hint)}")
    if failures >= SHAPES_AFTER and (table := shapes_table(question, paper)):
        parts.append(f"{words()['shapes'].format(call=paper.call_text(paper.cases[0]))}\n{table}")
    return "\n".join(parts)


def shapes_table(question: Question, paper: Paper) -> str:
    """What a right answer makes on its way, in words, each with its shape; no number of it, and "" if it has none."""
    if question.base is None:
        return ""
    names, known = part_names(question.base), set[int]()
    rows: list[tuple[str, str]] = []
    for step in Evaluation(question.base, paper).steps():
        known |= {id(array) for array in arrays_in(step.inputs)}
        new = [array for array in arrays_in(step.value) if id(array) not in known and can_be_seen(array)]
        known |= {id(array) for array in new}
        if step.part in names and new:
            rows.append((names[step.part], ", ".join(str(array.shape) for array in new)))
    rows = list(dict.fromkeys(rows))
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"  {name:{width}}  {shape}" for name, shape in rows[:MOST_ROWS]]
    return "\n".join([*lines, "  ..."] if rows[MOST_ROWS:] else lines)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
