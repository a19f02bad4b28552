"""What an answer that is not right still earns, where its question's settings say so."""

from dataclasses import replace

import numpy as np

from autograder.exam.guide import words
from autograder.exam.marking import Marker
from autograder.exam.messages import untouched
from autograder.exam.verdict import Verdict
from autograder.fair_settings import FairPoints
from autograder.sitting.paper import BASE, Answer

COUNTED = ("close", "scalar", "integer")  # random numbers are right or not by all cases together


def with_part_points(marker: Marker, answer: Answer, verdict: Verdict, fair: FairPoints) -> Verdict:
    """The verdict with what the settings leave of the points, and a line that says so; as it was where that is none.

    Args:
        marker: of the question.
        answer: that was marked.
        verdict: on it.
        fair: the question's settings.
    """
    if verdict.passed or untouched(answer):
        return verdict
    known = fair.for_mistakes(verdict.mistakes)
    right = right_cases(marker, answer) if fair.by_cases else 0
    counted = fair.for_cases(right, len(answer.cases))
    points = max(known, counted)
    if not points:
        return verdict
    some = words()["cases"].format(right=right, all=len(answer.cases))
    why = words()["only_this"] if known >= counted else some
    line = words()["part"].format(points=points, whole=fair.points, why=why)
    return replace(verdict, points=points, message=f"{verdict.message}\n{line}")


def right_cases(marker: Marker, answer: Answer) -> int:
    """How many cases are right by one accepted variant; none of an answer that is the same whatever is asked."""
    if marker.question.marking not in COUNTED or len(answer.cases) < 2 or _says_one_thing(marker, answer):
        return 0
    variants = [marker.right(number) for number in range(len(marker.question.accepted))]
    return max(sum(_agrees(marker, answer, right, n) for n in range(len(answer.cases))) for right in variants)


def _agrees(marker: Marker, answer: Answer, right: Answer, number: int) -> bool:
    mine, theirs = (replace(whole, cases=[whole.cases[number]]) for whole in (answer, right))
    return marker.mode.agree(mine, theirs)


def _says_one_thing(marker: Marker, answer: Answer) -> bool:
    """Whether an answer gives the same in every case where it gives anything, and a right one does not."""
    return _alike(answer) and not _alike(marker.right())


def _alike(answer: Answer) -> bool:
    given = [case.runs[BASE] for case in answer.cases if case.error is None and BASE in case.runs]
    if not given:
        return True
    return all(len(one) == len(given[0]) and all(map(np.array_equal, one, given[0])) for one in given)
