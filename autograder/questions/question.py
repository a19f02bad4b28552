"""The parts of a question: cases at random, right answers, known mistakes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RandomInput:
    """An input array of random numbers, float32, another for each paper.

    Args:
        shape: of the array. Within a case all dimensions differ, so that a swapped axis cannot pass.
        spread: its standard deviation. Small enough that an epsilon of 1e-3 shows, large enough that 1e-6 and 1e-5
            do not: at 0.5, an epsilon e moves a normalised output by about e / (2 · 0.25).
        values: "normal" for normally distributed numbers, "timesteps" for whole numbers from 0 to 999, all different,
            "integer timesteps" for the same as int32, "shares" for numbers between 0 and 1 that are near neither,
            "booleans" for False and then both, of each at least one.
    """

    shape: tuple[int, ...]
    spread: float = 0.5
    values: str = "normal"


@dataclass(frozen=True, eq=False)
class Pick:
    """A number among a case's arguments that is drawn for each paper, so that no constant passes.

    One `Pick` object used in several places of a question's cases is one number.

    Args:
        low, high: bounds of the number, both included. Two ints give an int, else a float with three decimals.
    """

    low: float
    high: float


@dataclass(frozen=True)
class Case:
    """One call of the object, at one size. Fields as in `autograder.sitting.CasePaper`; arguments may be `Pick`s."""

    arguments: tuple[Any, ...]
    inputs: dict[str, RandomInput]
    by_name: bool = False
    widths: dict[str, Any] | None = None


@dataclass(frozen=True)
class Mistake:
    """A known mistake: an answer that is wrong in one way.

    Args:
        id: its name in the catalogue, in reports and in tests.
        answer: an object that makes this mistake and no other, or a `catalogue.Change` of the question's base.
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
        kind: "function", "layer", "sampling", "training", "start", "pipeline", "flow" or "model", see
            `autograder.sitting.CasePaper`.
        cases: makes the cases for a scale: "tiny", or "full" for the widths of Stable Diffusion 2.
        accepted: the right answers: the reference first, then its accepted variants.
        mistakes: the known mistakes. The most specific come first.
        section: heading of the chapter that explains the block.
        base: the right answer in parts, which the mistakes that are a `catalogue.Change` change.
        tolerance: relative L2 error up to which an output is right.
        marking: how answers are compared, see `autograder.exam.marking_mode`: "close" (tensors and weights, within the
            tolerance), "scalar" (one number, within the tolerance), "integer" (one whole number, exactly) or "noise"
            (random numbers: by what noise must be like; the last argument of a case is the seed).
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
    marking: str = "close"
    base: Any = None
