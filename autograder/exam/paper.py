"""Makes a question's paper from a seed."""

import numpy as np

from autograder.questions import Draw, Question
from autograder.sitting.paper import CasePaper, Paper

SCALES = ("tiny", "full")


def make_paper(question: Question, seed: int, scale: str = "tiny") -> Paper:
    """Draws the inputs of `question` and the keys of its weights.

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
    cases = []
    for case in question.cases(scale):
        inputs = {
            name: (draw.spread * rng.standard_normal(draw.shape)).astype("float32")
            for name, draw in case.inputs.items()
        }
        cases.append(CasePaper(question.kind, case.arguments, inputs))
    key_a, key_b = (int(key) for key in rng.choice(2**31, size=2, replace=False))
    return Paper(question.id, question.name, tuple(cases), (key_a, key_b))


def _draw(draw: Draw, rng: np.random.Generator) -> np.ndarray:
    return (draw.spread * rng.standard_normal(draw.shape)).astype("float32")
