"""The mistakes of exercise 05's first question: GEGLU with one thing changed each."""

import numpy as np

from autograder.questions.catalogue import Form, Same, change, generated, then, wired
from autograder.questions.catalogue import operations as o
from autograder.questions.transformer_block.base import GATED, first_half, second_half

GELUS = (o.gelu_tanh, o.gelu_exact)


def quick_gelu(x):
    """The rough form. Source: CLIP's model.py, QuickGELU."""
    return x * o.sigmoid(np.float32(1.702) * x)


def every_second(start: int):
    return lambda a: a[..., start::2]


def half_along(axis: int, index: int):
    return lambda a: np.split(a, 2, axis)[index]


def as_wide_as_output(features):
    return features


def four_times(features):
    return 4 * features


def first_quarter(a):
    return a[..., : a.shape[-1] // 4]


def the_rest(a):
    return a[..., a.shape[-1] // 4 :]


WHOLE: Form = {"width": as_wide_as_output, "value_half": o.same}  # a Dense layer that makes the value only
UNGATED: Form = WHOLE | {"gate_half": o.same}

_HALVES = (
    change("halves-swapped", value_half=second_half, gate_half=first_half),
    change("gate-from-value", gate_half=first_half),
    change("value-from-gate", value_half=second_half),
    change(
        "split-alternating",
        *({"value_half": every_second(start), "gate_half": every_second(1 - start)} for start in (0, 1)),
    ),
    change("split-of-batch", value_half=half_along(0, 0), gate_half=half_along(0, 1)),
    change("split-of-tokens", value_half=half_along(1, 0), gate_half=half_along(1, 1)),
)
_GATES = (
    change("gelu-on-both", open=Same("gelu")),
    change("gelu-in-dense", *({"halves": then(gelu)} for gelu in GELUS)),
    change("gelu-on-product", *({"gelu": o.same, "product": gelu} for gelu in GELUS)),
    change("gelu-before-dense", *({"gelu": o.same, "entrance": gelu} for gelu in GELUS)),
    change("value-missing", gated=o.second),
    change("gate-unused", gated=o.first),
    change("gate-added", gated=o.add),
    change("gate-subtracted", {"gated": o.subtract}, {"gated": o.subtract_from}),
    change("gate-averaged", gated=o.average),
    change("gate-concatenated", {"gated": o.concatenate}, {"gated": lambda v, g: o.concatenate(g, v)}),
    change("gate-matrix-product", gated=np.matmul),
    change("value-added", gated=lambda value, gate: value + value * gate),
    change("gate-quick-gelu", gelu=quick_gelu),
    change("gate-twice", *({"gelu": then(gelu)} for gelu in GELUS)),
)
_DENSES = (
    change(
        "dense-too-narrow",
        {"width": as_wide_as_output},
        WHOLE | {"gate_half": lambda a: a[..., :0]},
    ),
    change(
        "dense-too-wide",
        {"width": four_times},
        {"width": four_times, "value_half": first_quarter, "gate_half": the_rest},
    ),
    change("width-typed-in", *({"width": lambda features, width=width: width} for width in (2560, 640))),
    change("dense-not-split", gated=o.second, **UNGATED),
    change("dense-only", gated=o.first, **UNGATED),
    change("dense-gates-itself", UNGATED),
    change(
        "dense-twice",
        {"width": as_wide_as_output, "value_half": o.same, "gate_half": wired(o.Dense("output_dim"), "entrance")},
    ),
    change("norm-added", *({"entrance": o.Norm("features", epsilon)} for epsilon in (1e-5, 1e-3))),
)

SUBJECTS = {
    "gate": ("gelu",),
    "value": ("open",),
    "input": ("entrance",),
    "at-the-end": ("product",),
    "dense": ("halves",),
}
LEFT_OUT = (
    "gate-twice",  # in both forms of GELU: above
    "value-gelu",  # gelu-on-both
)

GEGLU_CHANGES = (
    *_HALVES,
    *_GATES,
    *_DENSES,
    *generated(GATED, SUBJECTS, {"gate-missing": "gelu-missing"}, LEFT_OUT),
)
