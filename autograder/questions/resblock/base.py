"""The right answers of exercise 03, part by part.

Shapes: B batch, H W height and width, C channels in, E features of the time embedding.
"""

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import Conv, Dense, Norm, add, first, same, silu


def broadcast_embedding(p, embeddings):
    """`(B, E)` to `(B, 1, 1, E)`."""
    return p.axes(p.features(embeddings))


def two_axes(e):
    return e[:, None, None]


BROADCAST = Base(broadcast_embedding, {"features": same, "axes": two_axes})


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
