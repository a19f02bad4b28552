"""Attention that leaves out the padding: the mended function of exercise 06 in parts, and its mistakes.

Shapes: B batch, N heads, S query tokens, T context tokens, D head size.
"""

import numpy as np
from keras import ops

from autograder.questions.catalogue import Base, change
from autograder.questions.catalogue.operations import first, same, softmax
from autograder.questions.cross_attention.base import matmul, turned

NEVER = np.float32(-1e9)  # a score whose power of e is 0 in float32


def masked_attention(q, k, v, length):
    """q `(B, N, S, D)`, k and v `(B, N, T, D)` to `(B, N, S, D)`; tokens from number `length` on are padding."""
    scores = ops.matmul(q, ops.swapaxes(k, -1, -2)) / q.shape[-1] ** 0.5
    scores = ops.where(ops.arange(k.shape[2]) < length, scores, NEVER)
    return ops.matmul(ops.softmax(scores, axis=-1), v)


def masked(p, q, k, v, length):
    """The padding is masked before the softmax deals out its shares."""
    real = p.real(k, p.length(length))  # (T,)
    scores = p.masked(p.scale(p.scores(q, k), q), real)
    weights = p.masked_late(p.softmax(scores), real)
    return p.end(p.average(weights, v))


def _hidden(scores, real):
    return np.where(real, scores, NEVER)


def _zeros(x, real):
    return x * real.astype("float32")


MASKED = Base(
    masked,
    {
        "length": same,
        "real": lambda k, length: np.arange(k.shape[2]) < length,
        "scores": lambda q, k: matmul(q, turned(k)),
        "scale": lambda scores, q: scores * np.float32(q.shape[-1] ** -0.5),
        "masked": _hidden,
        "softmax": softmax(),
        "masked_late": first,
        "average": matmul,
        "end": same,
    },
)

MASKED_CHANGES = (
    change("fault-padding-left", masked=first, masked_late=_zeros),
    change("padding-as-a-score-of-0", masked=_zeros),
    change("padding-not-masked", masked=first),
    change("padding-alone", masked=lambda scores, real: np.where(real, NEVER, scores)),
    change("padding-one-token-too-many", length=lambda length: length + 1),
    change("padding-one-token-too-few", length=lambda length: length - 1),
    change("padding-at-the-front", real=lambda k, length: np.arange(k.shape[2])[::-1] < length),
    change("padding-made-small", masked=lambda scores, real: np.where(real, scores, np.float32(-1))),
    change(
        "padding-shared-out-by-count",
        masked=first,
        masked_late=lambda w, real: _zeros(w, real) / np.float32(real.mean()),
    ),
    change(
        "padding-takes-the-mean", masked=first, masked_late=lambda w, real: _zeros(w, real) / np.float32(real.sum())
    ),
    change("padding-divided-twice", masked_late=lambda weights, real: weights / np.float32(real.sum())),
    change("masked-softmax-over-queries", softmax=softmax(-2)),
    change("masked-scale-missing", scale=first),
)
