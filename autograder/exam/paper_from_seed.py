"""Makes a question's paper from a seed."""

from typing import Any

import numpy as np

from autograder.questions import Pick, Question, RandomInput
from autograder.sitting.paper import CasePaper, Paper

SCALES = ("tiny", "full")
TIMESTEPS = 1000


def make_paper(question: Question, seed: int, scale: str = "tiny") -> Paper:
    """Draws the inputs of `question`, the numbers among its arguments and the keys of its weights.

    Args:
        question: what is asked.
        seed: the same seed gives the same paper; another one other numbers in the same shapes.
        scale: "tiny", or "full" for the widths of Stable Diffusion 2.

    Raises:
        ValueError: for an unknown scale.
    """
    if scale not in SCALES:
        raise ValueError(f"`scale` must be one of {', '.join(SCALES)}. Received: {scale!r}")
    rng = np.random.default_rng([seed, *question.id.encode()])
    picked: dict[Pick, Any] = {}
    cases = []
    for case in question.cases(scale):
        inputs = {name: _drawn(wanted, rng) for name, wanted in case.inputs.items()}
        arguments = tuple(_pick(argument, rng, picked) for argument in case.arguments)
        cases.append(CasePaper(question.kind, arguments, inputs, case.by_name, case.widths))
    key_a, key_b = (int(key) for key in rng.choice(2**31, size=2, replace=False))
    return Paper(question.id, question.name, tuple(cases), (key_a, key_b))


def _drawn(wanted: RandomInput, rng: np.random.Generator) -> np.ndarray:
    if wanted.values == "timesteps":
        return rng.choice(TIMESTEPS, size=wanted.shape, replace=False).astype("float32")
    return (wanted.spread * rng.standard_normal(wanted.shape)).astype("float32")


def _pick(argument: Any, rng: np.random.Generator, picked: dict[Pick, Any]) -> Any:
    """The argument itself, or the number that a `Pick` stands for: the same one wherever that `Pick` stands."""
    if not isinstance(argument, Pick):
        return argument
    if argument not in picked:
        low, high = argument.low, argument.high
        if isinstance(low, int) and isinstance(high, int):
            picked[argument] = int(rng.integers(low, high, endpoint=True))
        else:
            picked[argument] = round(float(rng.uniform(low, high)), 3)
    return picked[argument]
