"""The mistakes of exercise 01: the right answers with one thing changed each."""

import math

import numpy as np

from autograder.questions.catalogue import change, reads, then, wired
from autograder.questions.catalogue.operations import (
    add,
    average,
    first,
    multiply,
    relu,
    same,
    second,
    sigmoid,
    subtract,
    tanh,
)

# A wrong step is wrong in the loop over steps, too. What is read as "image" is the picture that the step starts from.
_IN_STEPS = (
    change("step-whole-way", {"moved": reads("desired")}, {"share": first}),
    change(
        "step-weights-swapped",
        {"weight": lambda alpha: 1 - alpha},
        {"difference": reads("desired", "image"), "step": reads("desired", "share")},
    ),
    change("step-change-only", step=lambda image, share: -share),
    change("step-difference-only", step=second),
    change("step-desired-forgotten", difference=first),
    change("step-desired-subtracted", difference=second),
    change("step-desired-added", difference=second, step=add),
    change("step-desired-share", difference=second, step=second),
    change("step-parentheses-missing", difference=first, moved=wired(subtract, "step", "desired")),
    change(
        "step-weight-missing",
        {"difference": first, "moved": wired(add, "step", "desired")},
        {"difference": first, "moved": wired(add, "share", "desired")},
    ),
    change("step-unchanged", moved=reads("image")),
    change("step-clipped", *({"result": lambda x, low=low: np.clip(x, low, 1)} for low in (0, -1)), {"result": relu}),
    change("step-squeezed", {"result": tanh}, {"result": sigmoid}),
    change("step-rounded", result=np.round),
    change("step-averaged", moved=wired(average, "image", "desired")),
    change("step-alpha-divided", share=lambda difference, alpha: difference / alpha),
    change("step-alpha-added", {"share": add}, {"share": subtract}),
    change(
        "step-alpha-fixed",
        *({"weight": lambda _, alpha=alpha: alpha} for alpha in (0.1, 0.2, 0.3)),
    ),
    change(
        "step-alpha-scaled",
        {"weight": lambda alpha: alpha / 2},
        {"weight": lambda alpha: 2 * alpha},
    ),
    change(
        "step-alpha-bent",
        {"weight": lambda alpha: alpha**2},
        {"weight": lambda alpha: alpha**0.5},
    ),
    change("step-from-desired", step=wired(subtract, "desired", "share")),
    change("step-mean-difference", difference=then(np.mean)),
    change("step-sum", difference=add),
    change("step-product", difference=multiply),
    change("step-absolute", difference=then(abs)),
    change("step-squared", difference=then(np.square)),
)

STEP_CHANGES = (
    change("step-away", {"step": add}, {"difference": reads("desired", "image")}),
    change(  # in a loop it soon overflows
        "step-parentheses-early",
        moved=wired(lambda image, weight, difference: (image - weight) * difference, "image", "weight", "difference"),
    ),
    *_IN_STEPS,
    change("step-half-precision", result=np.float16),
)


def _chosen(choose):
    """Of all pictures, others are stacked."""
    return {"chosen": choose}


def _joined(axis):
    return lambda pictures: np.concatenate(pictures, axis=axis)


LOOP_CHANGES = (
    change("denoise-start-missing", _chosen(lambda pictures: pictures[1:])),
    change("denoise-end-missing", _chosen(lambda pictures: pictures[:-1])),
    change("denoise-end-only", stack=lambda pictures: pictures[-1]),
    change("denoise-returns-early", _chosen(lambda pictures: pictures[:2])),
    change("denoise-kept-after-loop", _chosen(lambda pictures: [pictures[0], pictures[-1]])),
    change("denoise-step-too-many", turns=lambda steps: range(steps + 1)),
    change("denoise-steps-doubled", turns=lambda steps: range(2 * steps)),
    change("denoise-two-steps-each-turn", rate=lambda alpha, *_: 1 - (1 - alpha) ** 2),
    change("denoise-from-the-start", image=second),
    change("denoise-straight", difference=wired(subtract, "start", "desired")),
    change("denoise-alpha-shared-out", rate=lambda alpha, index, steps: alpha / steps),
    change(
        "denoise-alpha-changes",
        {"rate": lambda alpha, index, steps: alpha * index},
        {"rate": lambda alpha, index, steps: alpha * (index + 1)},
        {"rate": lambda alpha, index, steps: alpha / (index + 1)},
        {"rate": lambda alpha, index, steps: alpha ** (index + 1)},
    ),
    change("denoise-axis-last", stack=lambda pictures: np.stack(pictures, axis=-1)),
    change("denoise-axis-second", stack=lambda pictures: np.stack(pictures, axis=1)),
    change("denoise-no-new-axis", {"stack": _joined(0)}, {"stack": _joined(-1)}),
    change("denoise-list", stack=same),
    change("denoise-backwards", _chosen(lambda pictures: pictures[::-1])),
    change("denoise-start-twice", keep=lambda pictures, after, before: [*pictures, before]),
    change("denoise-start-doubled", _chosen(lambda pictures: [pictures[0], *pictures])),
    change("denoise-end-doubled", _chosen(lambda pictures: [*pictures, pictures[-1]])),
    change(
        "denoise-one-picture",
        _chosen(lambda pictures: [pictures[-1]] * len(pictures)),
        _chosen(lambda pictures: [pictures[0]] + [pictures[-1]] * (len(pictures) - 1)),
    ),
    change("denoise-away", {"step": add}, {"difference": reads("desired", "image")}),
    change("denoise-starts-at-desired", begin=wired(lambda desired: [desired], "desired")),
    *_IN_STEPS,
)


def _of_arguments(formula):
    """Another formula altogether."""
    return {"power": wired(formula, "alpha", "count")}


ERROR_CHANGES = (
    change(
        "remaining-linear",
        _of_arguments(lambda alpha, steps: 1 - alpha * steps),
        _of_arguments(lambda alpha, steps: max(0, 1 - alpha * steps)),
    ),
    change("remaining-of-what-went", end=then(lambda left: 1 - left)),
    change("remaining-of-last-step", end=then(multiply, "alpha")),
    change("remaining-alpha-power", kept=same),
    change("remaining-power-first", kept=same, end=then(lambda left: 1 - left)),
    change("remaining-power-swapped", power=lambda kept, steps: steps**kept),
    change("remaining-multiplied", power=multiply),
    change("remaining-exponential", _of_arguments(lambda alpha, steps: math.exp(-alpha * steps))),
    change("remaining-squared", {"end": then(lambda left: left**2)}, {"count": lambda steps: 2 * steps}),
    change("remaining-root", {"end": then(lambda left: left**0.5)}, {"count": lambda steps: steps / 2}),
    change("remaining-one-step", power=first),
    change("remaining-step-more", {"count": lambda steps: steps + 1}, {"end": then(multiply, "kept")}),
    change(
        "remaining-step-fewer",
        {"count": lambda steps: steps - 1},
        {"count": lambda steps: max(steps - 1, 0)},
    ),
    change("remaining-grows", kept=lambda alpha: 1 + alpha),
    change("remaining-exponent-negative", {"count": then(lambda steps: -steps)}, {"end": then(lambda left: 1 / left)}),
    change("remaining-alpha-shared-out", kept=wired(lambda alpha, steps: 1 - alpha / steps, "alpha", "steps")),
    change("remaining-sign", kept=then(lambda kept: -kept)),
    change("remaining-harmonic", _of_arguments(lambda alpha, steps: 1 / (1 + alpha * steps))),
    change("remaining-percent", end=then(lambda left: 100 * left)),
    change(
        "remaining-rounded",
        {"end": then(int)},
        *({"end": then(lambda left, digits=digits: round(left, digits))} for digits in (0, 1, 2, 3)),
    ),
    change("remaining-alpha-fixed", *({"kept": lambda _, kept=kept: kept} for kept in (0.9, 0.8, 0.7, 0.5))),
    change("remaining-steps-fixed", *({"count": lambda _, count=count: count} for count in (2, 5, 10, 60))),
    change(
        "remaining-all-steps",
        {"power": lambda kept, steps: kept ** np.arange(steps + 1)},
        {"power": lambda kept, steps: [kept**step for step in range(steps + 1)]},
        {"power": lambda kept, steps: kept ** np.arange(1, steps + 1)},
        {"power": lambda kept, steps: [kept**step for step in range(1, steps + 1)]},
    ),
)

COUNT_CHANGES = (
    change("count-rounded-down", whole=math.floor),
    change("count-at-least-one", {"whole": lambda steps: math.floor(steps) + 1}, {"end": lambda steps: max(steps, 1)}),
    change("count-one-more", end=lambda steps: steps + 1),
    change("count-one-fewer", end=lambda steps: steps - 1),
    change("count-rounded", whole=round),
    change("count-not-whole", whole=same),
    change("count-negative", end=lambda steps: -steps),
    change("count-of-alpha", kept=same),
    change("count-until-share-is-gone", wanted=lambda share: 1 - share),
    change("count-logarithms-swapped", ratio=lambda share, kept: kept / share),
    change("count-by-alpha-each-time", ratio=wired(lambda alpha, share: (1 - share) / alpha, "alpha", "share")),
    change("count-one-over-alpha", ratio=wired(lambda alpha, _: 1 / alpha, "alpha", "share")),
    change("count-divided-by-alpha", ratio=wired(lambda log_share, alpha: -log_share / alpha, "log_share", "alpha")),
    change("count-share-fixed", *({"wanted": lambda _, share=share: share} for share in (0.01, 0.05, 0.1, 0.5))),
)
