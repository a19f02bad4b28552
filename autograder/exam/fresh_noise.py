"""Recognises noise that was drawn where none belongs: it differs at each call, so it is known by its statistics alone.

What an answer with such noise gave, less what the base gives without it, must look like noise: normally distributed,
and with nothing in common with what the answer was given. Whatever a wrong formula makes of its inputs has.
"""

import numpy as np

from autograder.exam.noise import SIGMAS, correlation, moments
from autograder.questions.catalogue import Evaluation, Form, FreshNoise
from autograder.sitting.paper import BASE, Answer

LEAST = 100  # numbers; of fewer, statistics say too little


class DrawnAnew:
    """A base with noise in it, on a paper.

    Args:
        evaluation: of the base on the paper.
        noise: where it is.
        beside: what else is changed.
    """

    def __init__(self, evaluation: Evaluation, noise: FreshNoise, beside: Form | None = None):
        self._evaluation, self._noise, self._beside = evaluation, noise, beside or {}

    def explains(self, answer: Answer) -> bool:
        """Whether every case of `answer` is what the base gives, and noise."""
        made = (self._noise.zeros, self._noise.ones)
        without, with_ones = (self._evaluation.answer(self._beside, form, scratch=bool(self._beside)) for form in made)
        if any(case.error is not None for case in (*without.cases, *with_ones.cases)):
            return False
        cases = zip(answer.cases, without.cases, with_ones.cases, self._evaluation.paper.cases, strict=True)
        return all(
            len(mine.runs.get(BASE, [])) == len(none.runs[BASE]) == len(one.runs[BASE]) == 1
            and self._is_noise(mine.runs[BASE][0], none.runs[BASE][0], one.runs[BASE][0], list(paper.inputs.values()))
            for mine, none, one, paper in cases
        )

    def _is_noise(self, received: np.ndarray, none: np.ndarray, one: np.ndarray, inputs: list[np.ndarray]) -> bool:
        if not received.shape == none.shape == one.shape or received.size < LEAST or not np.isfinite(received).all():
            return False
        with np.errstate(all="ignore"):  # the noise may have no part in the result
            drawn = (received.astype("float64") - none) / (one.astype("float64") - none)
            spread = drawn.std() if self._noise.any_spread else 1.0
        if not np.isfinite(drawn).all() or spread < 1e-3:
            return False
        drawn, bound = drawn / spread, SIGMAS / drawn.size**0.5  # of a mean; see `noise`
        inputs = [array for array in inputs if array.shape == drawn.shape]
        alike = [correlation(drawn, array) for array in inputs]
        return (
            max(map(abs, (drawn.mean(), *alike))) <= bound
            and not any(_same_numbers(drawn, array) for array in inputs)
            and abs(drawn.std() - 1) <= bound / 2**0.5
            and abs(moments(drawn)[2] - 3) <= bound * 24**0.5
        )


def _same_numbers(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays hold the same numbers, but for a factor, in any order."""
    one, other = (np.sort((array / array.std()).ravel()) for array in (one, other))
    return np.allclose(one, other, atol=1e-3) or np.allclose(one, -other[::-1], atol=1e-3)
