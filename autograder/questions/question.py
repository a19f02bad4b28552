"""The parts of a question: cases to draw, right answers, known mistakes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Draw:
    """An input array to be drawn from a normal distribution.

    Args:
        shape: of the array. Within a case all dimensions differ, so that a swapped axis cannot pass.
        spread: its standard deviation. Small enough that an epsilon of 1e-3 shows, large enough that 1e-6 and 1e-5
            do not: at 0.5, an epsilon e moves a normalised output by about e / (2 · 0.25).
    """

    shape: tuple[int, ...]
    spread: float = 0.5


@dataclass(frozen=True)
class Case:
    """One call of the object, at one size. Fields as in `autograder.sitting.CasePaper`."""

    arguments: tuple[Any, ...]
    inputs: dict[str, Draw]


@dataclass(frozen=True)
class Mistake:
    """A known mistake: an answer that is wrong in one way.

    Args:
        id: its name in the catalogue, in reports and in tests.
        answer: an object that makes this mistake and no other.
        cause: what is wrong, in one sentence, said to the learner. Never the code of the right answer.
        why: why it matters.
        section: heading of the chapter that explains it.
    """

    id: str
    answer: Any
    cause: str
    why: str
    section: str


@dataclass(frozen=True)
class Question:
    """One question of an exercise.

    Args:
        id: of the question and of its check cell.
        exercise: the exercise and the chapter it belongs to, for example "03-resblock".
        name: what the learner's object is called.
        kind: "function" or "layer".
        cases: makes the cases for a scale: "tiny", or "full" for the widths of Stable Diffusion 2.
        accepted: the right answers: the reference first, then its accepted variants.
        mistakes: the known mistakes. The most specific come first.
        section: heading of the chapter that explains the block.
        tolerance: relative L2 error up to which an output is right.
    """

    id: str
    exercise: str
    name: str
    kind: str
    cases: Callable[[str], tuple[Case, ...]]
    accepted: tuple[Any, ...]
    mistakes: tuple[Mistake, ...]
    section: str
    tolerance: float = 1e-4
