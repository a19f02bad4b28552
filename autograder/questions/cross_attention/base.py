"""The right answers of exercise 06, part by part.

Shapes: B batch, S query tokens, T context tokens, N heads, D head size, F and G features of a query's and a context's
token.
"""

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import Dense, first, same, softmax


def td_dot(p, a, b):
    """a `(B, N, S, D)` and b `(B, N, D, T)` to `(B, N, S, T)`."""
    return p.end(p.product(p.left(a), p.right(b)))


def matmul(a, b):
    return a @ b


def turned(a):
    """The last two axes swapped."""
    return np.swapaxes(a, -1, -2)


TD_DOT = Base(td_dot, {"left": same, "right": same, "product": matmul, "end": same})


def attend(p, inputs, context, num_heads, head_size):
    """inputs `(B, S, F)` and context `(B, T, G)` to `(B, S, N·D)`."""
    p.width(num_heads, head_size)
    context = p.answering(context, inputs)
    q, k, v = p.of_q(p.to_q(inputs)), p.of_k(p.to_k(context)), p.of_v(p.to_v(context))
    q = p.cut_q(q, inputs, num_heads, head_size)  # (B, N, S, D)
    k = p.cut_k(k, context, num_heads, head_size)  # (B, N, T, D)
    v = p.cut_v(v, context, num_heads, head_size)
    scores = p.scores(q, p.turn(k))  # (B, N, S, T)
    scores = p.scale(scores, q, k, num_heads, head_size)
    weights = p.softmax(p.mask(scores))
    weights = p.late_scale(weights, num_heads, head_size)
    out = p.average(weights, p.as_is(v))  # (B, N, S, D)
    out = p.join(out, inputs, num_heads, head_size)  # (B, S, N·D)
    return p.end(p.out(p.before_out(out)), inputs)


def self_attention(p, inputs, num_heads, head_size):
    """inputs `(B, S, F)` to `(B, S, N·D)`."""
    return attend(p, inputs, inputs, num_heads, head_size)


def cross_attention(p, inputs, context, num_heads, head_size):
    return attend(p, inputs, context, num_heads, head_size)


def cut(a, tokens, num_heads, head_size):
    """`(B, S, N·D)` to `(B, N, S, D)`, with as many tokens as `tokens` `(B, S, F)` has."""
    return a.reshape(-1, tokens.shape[1], num_heads, head_size).transpose(0, 2, 1, 3)


def join(out, tokens, num_heads, head_size):
    """`(B, N, S, D)` to `(B, S, N·D)`, with as many tokens as `tokens` has."""
    return joined_in_order(0, 2, 1, 3)(out, tokens, num_heads, head_size)


def joined_in_order(*axes):
    """A join that first brings the axes of `(B, N, S, D)` in another order."""
    return lambda out, tokens, n, d: out.transpose(axes).reshape(-1, tokens.shape[1], n * d)


def scaled_by(factor):
    """The scores times `factor(N, D)`."""
    return lambda scores, q, k, n, d: scores * np.float32(factor(n, d))


_PARTS = {
    "width": lambda n, d: n * d,
    "answering": first,
    "to_q": Dense("width", bias=False),
    "to_k": Dense("width", bias=False),
    "to_v": Dense("width", bias=False),
    "of_q": same,
    "of_k": same,
    "of_v": same,
    "cut_q": cut,
    "cut_k": cut,
    "cut_v": cut,
    "turn": turned,
    "scores": matmul,
    "scale": scaled_by(lambda n, d: d**-0.5),
    "mask": same,
    "softmax": softmax(),
    "late_scale": first,
    "as_is": same,
    "average": matmul,
    "join": join,
    "before_out": same,
    "out": Dense("width"),
    "end": first,
}

SELF = Base(self_attention, _PARTS)
CROSS = Base(cross_attention, _PARTS)
