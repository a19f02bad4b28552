"""The right answers of exercise 03, part by part.

Shapes: B batch, H W height and width, C channels in, E features of the time embedding.
"""

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import Conv, Dense, Norm, add, first, same, silu, subtract


def broadcast_embedding(p, embeddings):
    """`(B, E)` to `(B, 1, 1, E)`."""
    return p.axes(p.features(embeddings))


def two_axes(e):
    return e[:, None, None]


BROADCAST = Base(broadcast_embedding, {"features": same, "axes": two_axes})


def group_norm(p, x, groups):
    """x `(B, H, W, C)` to the same shape, every group of channels with mean 0 and variance 1."""
    grouped = p.grouped(x, groups)  # (B, H, W, groups, C / groups)
    deviation = p.deviation(p.safe(p.variance(grouped)))
    return p.ungrouped(p.divided(p.centred(grouped, p.mean(grouped)), deviation), x)


def in_groups(x, groups):
    return x.reshape(*x.shape[:3], groups, -1)


def mean_over(*axes):
    return lambda grouped: np.mean(grouped, axis=axes, keepdims=True)


def variance_over(*axes):
    return lambda grouped: np.var(grouped, axis=axes, keepdims=True)


GROUP_NORM = Base(
    group_norm,
    {
        "grouped": in_groups,
        "mean": mean_over(1, 2, 4),
        "variance": variance_over(1, 2, 4),
        "safe": lambda variance: variance + np.float32(1e-5),
        "deviation": np.sqrt,
        "centred": subtract,
        "divided": lambda centred, deviation: centred / deviation,
        "ungrouped": lambda grouped, x: grouped.reshape(x.shape),
    },
)


def norm_swish_conv(p, x, filters):
    """x `(B, H, W, C)` to `(B, H, W, filters)`: one half of the block."""
    return p.half_end(p.half_conv(p.half_swish(p.half_norm(x))))


HALF = Base(norm_swish_conv, {"half_norm": Norm(), "half_swish": silu, "half_conv": Conv("filters"), "half_end": same})


def time_shift(p, x, t_emb, filters):
    """x `(B, H, W, filters)` and t_emb `(B, E)` to x's shape."""
    return p.end(p.join(x, p.axes(p.dense(p.swish_t(t_emb)))))


SHIFT = Base(time_shift, {"swish_t": silu, "dense": Dense("filters"), "axes": two_axes, "join": add, "end": same})


def resblock(p, x, t_emb, output_dim):
    """x `(B, H, W, C)` and t_emb `(B, E)` to `(B, H, W, output_dim)`."""
    e = p.axes(p.dense(p.swish_t(t_emb)))  # (B, 1, 1, output_dim)
    h = p.early(x, e)
    h = p.conv1(p.swish1(p.norm1(h)))  # (B, H, W, output_dim)
    h = p.join(h, e)
    s = p.shortcut(x)
    h = p.middle(h, s)
    h = p.norm2(h)
    h = p.after_norm(h, e)
    h = p.conv2(p.swish2(h))
    h = p.late(h, e)
    return p.end(p.residual(h, s))


_PARTS = {
    "swish_t": silu,
    "dense": Dense("output_dim"),
    "axes": two_axes,
    "early": first,
    "norm1": Norm(),
    "swish1": silu,
    "conv1": Conv("output_dim"),
    "join": add,
    "shortcut": same,
    "middle": first,
    "norm2": Norm(),
    "after_norm": first,
    "swish2": silu,
    "conv2": Conv("output_dim"),
    "late": first,
    "residual": add,
    "end": same,
}

SAME = Base(resblock, _PARTS)
PROJECT = Base(resblock, {**_PARTS, "shortcut": Conv("output_dim", 1)})
