"""How answers to a question are compared: one class a marking mode, and what they share.

A mode decides whether two answers to the same paper are the same answer. Right is what is the same as an accepted
variant; a known mistake is recognised in the same way.
"""

from abc import ABC, abstractmethod

import numpy as np

from autograder.questions import Question
from autograder.sitting.paper import Answer, CaseAnswer, Paper


class Mode(ABC):
    """Compares answers to one question on one paper.

    Args:
        question: what was asked.
        paper: what the answers' objects were run on.

    Attributes:
        combines: whether two answers of one kind are the same numbers, so that pairs of mistakes and stages are looked
            up by them: not where answers are compared by their statistics.
    """

    combines = True

    def __init__(self, question: Question, paper: Paper):
        self.question, self.paper = question, paper

    @abstractmethod
    def agree(self, answer: Answer, other: Answer) -> bool:
        """Whether two answers count as the same."""

    @abstractmethod
    def alike(self, mine: CaseAnswer, theirs: CaseAnswer) -> bool:
        """Whether the first run of one case could come of the same answer: quick, and never a wrong no."""

    @abstractmethod
    def first_finding(self, answer: Answer, right: Answer) -> tuple[int, str]:
        """The first case that is wrong, and the most specific thing that can be said about it."""

    @abstractmethod
    def expected(self, right: CaseAnswer) -> str:
        """What a right answer gives, without its values."""

    @abstractmethod
    def received(self, case: CaseAnswer, right: CaseAnswer) -> str:
        """What the answer gave, where it raised nothing."""


def outputs_text(outputs: list[np.ndarray]) -> str:
    """Outputs by dtype and shape: `float32 (2, 4, 6, 64)`. Many of one dtype share the word."""
    if len(outputs) > 3 and len({array.dtype for array in outputs}) == 1:
        return f"{len(outputs)} of {outputs[0].dtype}: {'; '.join(str(array.shape) for array in outputs)}"
    return "; ".join(f"{array.dtype} {array.shape}" for array in outputs) or "nothing"
