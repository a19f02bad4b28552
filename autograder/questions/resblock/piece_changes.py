"""The mistakes of exercise 03's pieces: group normalisation by hand, half a block, the time added.

Shapes: B batch, H W height and width, C channels, N groups.
"""

import numpy as np

from autograder.questions.catalogue import Form, change, generated, swapped, wired
from autograder.questions.catalogue.operations import Conv, Dense, add, after, first, same, second, silu, subtract_from
from autograder.questions.resblock.base import HALF, SHIFT, mean_over, two_axes, variance_over


def _over(*axes: int) -> Form:
    """Both statistics over other axes of `(B, H, W, N, C / N)`."""
    return {"mean": mean_over(*axes), "variance": variance_over(*axes)}


def _strided(x, groups):
    """Channels dealt out to the groups in turn, like cards."""
    return np.swapaxes(x.reshape(*x.shape[:3], -1, groups), 3, 4)


GROUP_NORM_CHANGES = (
    change("fault-group-norm-left", _over(0, 1, 2, 4)),
    change("fault-left-in-mean", mean=mean_over(0, 1, 2, 4)),
    change("fault-left-in-variance", variance=variance_over(0, 1, 2, 4)),
    change("fault-over-one-group", _over(1, 2, 3, 4)),
    change("fault-over-everything", _over(0, 1, 2, 3, 4)),
    change("fault-over-pixels-only", _over(1, 2)),
    change("fault-over-channels-only", _over(4), _over(3, 4)),
    change("fault-over-the-batch-only", _over(0)),
    change("fault-over-one-side-only", _over(2, 4), _over(1, 4)),
    change("fault-sizes-swapped", grouped=lambda x, groups: x.reshape(*x.shape[:3], -1, groups)),
    change(
        "fault-groups-dealt-out",
        grouped=_strided,
        ungrouped=lambda grouped, x: np.swapaxes(grouped, 3, 4).reshape(x.shape),
    ),
    change("fault-groups-fixed", *({"grouped": lambda x, _, n=n: x.reshape(*x.shape[:3], n, -1)} for n in (2, 4))),
    change("fault-mean-kept", centred=first),
    change("fault-mean-alone", {"centred": second}, {"centred": lambda grouped, mean: 0 * grouped + mean}),
    change("fault-mean-turned-round", centred=subtract_from),
    change("fault-variance-kept", divided=first),
    change("fault-variance-not-rooted", deviation=same),
    change("fault-variance-multiplied", divided=lambda centred, deviation: centred * deviation),
    change("fault-epsilon-default", safe=lambda variance: variance + np.float32(1e-3)),
    change("fault-still-grouped", ungrouped=first),
)

HALF_CHANGES = (
    change("half-swish-first", swapped(HALF, "half_norm", "half_swish")),
    change("half-swish-last", swapped(HALF, "half_swish", "half_conv")),
    change("half-convolution-first", swapped(HALF, "half_norm", "half_swish", "half_conv")),
    change(
        "half-input-added-early",
        {"half_swish": wired(lambda h, x: silu(h) + x, "half_norm", "x")},
        {"half_swish": lambda h: silu(h) + h},
    ),
    change("half-with-shortcut", half_end=lambda h: h + h),
    change("half-width-typed-in", *({"half_conv": Conv(width)} for width in (320, 64))),
    *generated(
        HALF,
        {"half-norm": ("half_norm",), "half-swish": ("half_swish",), "half-conv": ("half_conv",)},
        leave_out=tuple(
            f"half-swish-{kind}" for kind in ("elu", "hard-swish", "leaky-relu", "mish", "softmax", "softplus")
        ),
    ),
)

SHIFT_CHANGES = (
    change("shift-swish-after", swapped(SHIFT, "swish_t", "dense")),
    change("shift-swish-both", axes=after(silu, two_axes)),
    change("shift-scaled", join=lambda x, e: x * (1 + e)),
    change("shift-axes", axes=lambda e: e[:, None]),
    change("shift-channels-first", axes=lambda e: e[:, :, None, None]),
    change("shift-flat", axes=same),
    change("shift-end-activated", end=silu),
    change("shift-twice", join=lambda x, e: add(add(x, e), e)),
    change("shift-width-typed-in", *({"dense": Dense(width)} for width in (320, 64))),
    *generated(
        SHIFT,
        {"shift-swish": ("swish_t",), "shift-dense": ("dense",), "shift-join": ("join",)},
        leave_out=(
            *(f"shift-swish-{kind}" for kind in ("elu", "hard-swish", "leaky-relu", "mish", "softmax", "softplus")),
            "shift-join-second-doubled",  # shift-twice
        ),
    ),
)
