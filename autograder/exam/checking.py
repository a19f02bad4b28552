"""`check`: all three parts of a check (paper, sitting, marking) in the learner's own process.

Where a person runs the cells, a failed check prints what is wrong and lets *Run all* run on; anywhere else it raises.
"""

import functools
import secrets
from typing import Any

from autograder.exam.guide import PROGRESS, fair_points_of, more_help, points_so_far
from autograder.exam.helpers import with_right_helpers
from autograder.exam.in_notebook import Missing, made_in, somebody_is_there
from autograder.exam.marking import Marker
from autograder.exam.messages import advice, untouched
from autograder.exam.paper_from_seed import make_paper
from autograder.exam.part_points import with_part_points
from autograder.exam.verdict import Verdict
from autograder.questions import exercises, find
from autograder.sitting.missing_answer import MissingAnswer
from autograder.sitting.paper import Answer
from autograder.sitting.quiet import quiet
from autograder.sitting.run import sit, trouble_with_symbols


class CheckFailed(Exception):
    """Raised by `check` when an answer is not right and no person runs the cells. Its text is the feedback.

    Where mistakes have a name in the catalogue, the text's last line is `Mistake: <id>`, or `Mistake: <id>, <id>`.
    """

    def __init__(self, verdict: Verdict):
        self.verdict = verdict
        super().__init__(verdict.text)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the feedback alone, without the frames of the grader."""
        return [f"CheckFailed: {self}"]


def check(question_id: str, learner_object: Any) -> int | None:
    """Checks the answer to one question and says what is wrong.

    Prints a line when the answer is right, and an advice if it is a layer of which no model can be made. What the
    answer writes to stderr while it is checked is held back, so that a library's warning cannot cost points; it is
    printed to stdout at the end. In a notebook that a person runs, more is said: points so far, and help after
    several failures.

    Args:
        question_id: the question, as in the exercise's text, for example "resblock-same".
        learner_object: the learner's function or layer class.

    Returns:
        None; where no person runs the cells, the points of an answer that has some without being right. nbgrader takes
        them from there.

    Raises:
        CheckFailed: if the answer is not right and has no points, and no person runs the cells (see `in_notebook`);
            its text names the mistake where it is known.
        MissingAnswer: if there is no such object, likewise.
        KeyError: for an unknown question.
    """
    marker = _marker(question_id)
    if isinstance(learner_object, Missing):
        _missing(marker, learner_object.text)
        return None
    with quiet() as noise:
        answer = sit(marker.paper, learner_object)
        verdict = _shared_out(marker, learner_object, answer)
        right_layer = verdict.passed and marker.question.kind == "layer"
        trouble = trouble_with_symbols(marker.paper, learner_object) if right_layer else None
    if noise.text:
        print(f"Written to stderr while {marker.question.name} ran:\n{noise.text}")
    written = not untouched(answer)
    failures = PROGRESS.enter(verdict, learner_object, written)
    person = somebody_is_there()
    if not verdict.passed and not person and not verdict.points:
        raise CheckFailed(verdict)
    print(verdict.message if verdict.passed else f"CheckFailed: {verdict.text}")
    if trouble:
        print(advice(trouble))
    if person:
        _guide(marker, learner_object if written else None, failures)
    return None if person else verdict.points


def _shared_out(marker: Marker, made: Any, answer: Answer) -> Verdict:
    """The verdict on an answer, by the settings of its question in the notebook."""
    verdict = marker.mark(answer)
    if verdict.passed or untouched(answer):
        return verdict
    verdict = with_right_helpers(marker, made, verdict)
    fair = fair_points_of(marker.question.exercise).get(marker.question.id)
    return with_part_points(marker, answer, verdict, fair) if fair else verdict


def _missing(marker: Marker, text: str) -> None:
    if not somebody_is_there():
        raise MissingAnswer(text)
    print(f"CheckFailed: {text}")
    _guide(marker, None, 0)


def _guide(marker: Marker, made: Any, failures: int) -> None:
    """Says which definition was looked at, helps more after several failures, and counts the points."""
    where = made_in(made)
    looked_at = f"Looked at {where}." if where else ""
    for text in (looked_at, more_help(marker.question, marker.paper, failures), points_so_far(marker.question)):
        if text:
            print(text)


@functools.cache
def _marker(question_id: str) -> Marker:
    """One paper a question and session, so that a second try need not wait for right objects and known mistakes."""
    question = find(question_id)
    return Marker(question, make_paper(question, secrets.randbits(32)))


def doubted(blocks: dict[str, Any]) -> tuple[str, ...]:
    """The questions whose check does not pass an object of their name: as it said last, or says now.

    Args:
        blocks: objects by name, for example `{"ResBlock": ResBlock}`.
    """
    asked = [q for questions in exercises().values() for q in questions if q.name in blocks]
    return tuple(question.id for question in asked if not _passes(question.id, blocks[question.name]))


def _passes(question_id: str, made: Any) -> bool:
    verdict, last = PROGRESS.verdicts.get(question_id, (None, None))
    if verdict is not None and last is made:
        return verdict.alone
    marker = _marker(question_id)
    with quiet():
        return marker.passes(sit(marker.paper, made))
