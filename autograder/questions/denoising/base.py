"""The right answers of exercise 01, part by part."""

import math

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import divide, first, multiply, same, subtract


def _one_step(p, image, desired, alpha):
    share = p.share(p.difference(image, desired), p.weight(alpha))
    return p.result(p.moved(p.step(image, share)))


_STEP_PARTS = {
    "difference": subtract,
    "weight": same,
    "share": multiply,
    "step": subtract,
    "moved": same,
    "result": same,
}


def denoise_step(p, image, desired, alpha):
    """image and desired of one shape, any, to a picture of that shape."""
    return _one_step(p, image, desired, alpha)


STEP = Base(denoise_step, _STEP_PARTS)


def denoise(p, start, desired, alpha, steps):
    """start and desired of one shape, any, to all pictures, `(steps + 1, ...)`."""
    moved, pictures = start, p.begin(start)
    for index in p.turns(steps):
        image = p.image(moved, start)
        moved = _one_step(p, image, desired, p.rate(alpha, index, steps))
        pictures = p.keep(pictures, moved, image)
    return p.stack(p.chosen(pictures))


LOOP = Base(
    denoise,
    {
        "begin": lambda start: [start],
        "turns": range,
        "image": first,
        "rate": first,
        **_STEP_PARTS,
        "keep": lambda pictures, after, before: [*pictures, after],
        "chosen": same,
        "stack": np.stack,
    },
)


def remaining_error(p, alpha, steps):
    """The share of the first error that is left, a number."""
    return p.end(p.power(p.kept(alpha), p.count(steps)))


ERROR = Base(remaining_error, {"kept": lambda alpha: 1 - alpha, "count": same, "power": pow, "end": same})


def steps_needed(p, alpha, share):
    """The number of steps after which at most `share` of the first error is left."""
    steps = p.ratio(p.log_share(p.wanted(share)), p.log_kept(p.kept(alpha)))
    return p.end(p.whole(steps))


COUNT = Base(
    steps_needed,
    {
        "wanted": same,
        "log_share": math.log,
        "kept": lambda alpha: 1 - alpha,
        "log_kept": math.log,
        "ratio": divide,
        "whole": math.ceil,
        "end": same,
    },
)
