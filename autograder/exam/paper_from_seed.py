"""Makes a question's paper from a seed."""

from typing import Any

import numpy as np

from autograder.questions import Pick, Question, RandomInput
from autograder.scales import Scale
from autograder.sitting.paper import CasePaper, Paper
from autograder.sitting.sampling_stand_ins import TIMESTEPS

SHARES = 0.05, 0.95  # bounds: at 0 or 1 a half of a mixture would be missing, and a wrong one not show


def make_paper(question: Question, seed: int, scale: str = "tiny") -> Paper:
    """Draws the inputs of `question`, the numbers among its arguments and the keys of its weights.

    Args:
        question: what is asked.
        seed: the same seed gives the same paper; another one other numbers in the same shapes.
        scale: "tiny", or "full" for the widths of Stable Diffusion 2.

    Raises:
        ValueError: for an unknown scale.
    """
    if scale not in tuple(Scale):
        raise ValueError(f"`scale` must be one of {', '.join(Scale)}. Received: {scale!r}")
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
    if wanted.values in ("timesteps", "integer timesteps"):
        dtype = "float32" if wanted.values == "timesteps" else "int32"
        return rng.choice(TIMESTEPS, size=wanted.shape, replace=False).astype(dtype)
    if wanted.values == "shares":
        return rng.uniform(*SHARES, wanted.shape).astype("float32")
    if wanted.values == "booleans":
        others = int(np.prod(wanted.shape)) - 1
        mixed = rng.permutation(others) < rng.integers(1, others, endpoint=True)
        return np.append(False, mixed).reshape(wanted.shape)  # so not all that are True come first
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
