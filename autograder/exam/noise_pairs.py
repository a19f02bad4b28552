"""Finds two known mistakes in random numbers, by their shapes and statistics, where no two draws are alike."""

from collections.abc import Iterable
from functools import cached_property

from autograder.exam.marking_mode import Mode
from autograder.exam.noise import SIGMAS, moments
from autograder.questions import Mistake
from autograder.questions.catalogue import Change, Evaluation, Pair, pairs
from autograder.sitting.paper import BASE, Answer, CaseAnswer


class NoisePairs:
    """Every two changes of a noise question's base that compose, on one paper: some hundred, tried one by one.

    Args:
        mode: compares answers; it knows the question and the paper.
        evaluation: of the question's base on the paper.
    """

    def __init__(self, mode: Mode, evaluation: Evaluation):
        self._mode, self._evaluation = mode, evaluation

    def find(self, answer: Answer) -> tuple[Mistake, ...]:
        """What all pairs that could give such numbers have in common; nothing if there are none."""
        return in_common(mistakes for mistakes, pair in self._pairs if self._could_be(answer, pair))

    @cached_property
    def _pairs(self) -> list[tuple[tuple[Mistake, Mistake], Pair]]:
        mistakes = {id(m.answer): m for m in self._mode.question.mistakes if isinstance(m.answer, Change)}
        both = pairs(tuple(m.answer for m in mistakes.values()), self._evaluation.base)
        return [((mistakes[id(pair.one)], mistakes[id(pair.other)]), pair) for pair in both]

    def _could_be(self, answer: Answer, pair: Pair) -> bool:
        glance = self._evaluation.glance(*pair.made, scratch=True)
        if not self._mode.alike(answer.cases[0], glance) or not _spread_alike(answer.cases[0], glance):
            return False
        return self._mode.agree(answer, self._evaluation.answer(*pair.made, scratch=True))


def _spread_alike(mine: CaseAnswer, theirs: CaseAnswer) -> bool:
    """Whether as many numbers are far from the mean: mean and spread alone do not tell what they were drawn from."""
    one, other = (moments(case.runs[BASE][0].astype("float64"))[2] for case in (mine, theirs))
    bound = SIGMAS * (48 / max(mine.runs[BASE][0].size, 1)) ** 0.5 * max(1.0, one / 3, other / 3)
    return bool(abs(one - other) <= bound)


def in_common(pairs: Iterable[tuple[Mistake, Mistake]]) -> tuple[Mistake, ...]:
    """What all of some pairs have in common, in the order of the first: both of its mistakes, one or none."""
    common: tuple[Mistake, ...] | None = None
    for pair in pairs:
        ids = {mistake.id for mistake in pair}
        common = pair if common is None else tuple(mistake for mistake in common if mistake.id in ids)
        if not common:
            break
    return common or ()
