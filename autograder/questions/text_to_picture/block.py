"""The right answer to exercise 12's question about the text block, part by part.

Shapes: B batch, T tokens, N heads, D head size, F = N·D features.
"""

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import Dense, Norm, add, gelu_exact, same, softmax
from autograder.questions.cross_attention.base import cut, join, matmul, scaled_by, turned
from autograder.questions.text_to_picture.base import not_before


def text_block(p, x, num_heads, head_size):
    """`(B, T, F)` to `(B, T, F)`."""
    p.features(num_heads, head_size)
    p.wide(num_heads, head_size)
    p.key_width(num_heads, head_size)
    heads = p.heads(num_heads, head_size)
    steps = {"attend": lambda x: _attend(p, x, heads), "feed": lambda x: _feed(p, x)}
    before = x
    for step in p.order():
        x = steps[step](x)
    return p.end(p.whole(x, before))


def _attend(p, x, heads):
    h = p.norm1(x)
    q, k, v = p.to_q(p.asks(h)), p.to_k(p.answers(h)), p.to_v(p.tells(h))  # (B, T, F) each
    q, k, v = p.cut_q(q, h, *heads), p.cut_k(k, h, *heads), p.cut_v(v, h, *heads)  # (B, N, T, D) each
    scores = p.scale(p.scores(q, p.turn(k)), q, k, *heads)  # (B, N, T, T)
    weights = p.late_mask(p.softmax(p.mask(scores, p.allowed(x))), p.allowed_late(x))
    out = p.out(p.join(p.average(weights, v), h, *heads))
    return p.after1(p.sum1(p.added1(out), p.path1(x)))


def _feed(p, x):
    h = p.dense1(p.norm2(x))  # (B, T, 4·F)
    out = p.dense2(p.gelu(h))
    return p.after2(p.sum2(p.added2(out), p.path2(x)))


def places(x):
    """Row and column numbers of a mask for the tokens of `x`, `(T, 1)` and `(1, T)`."""
    numbers = np.arange(x.shape[1])
    return numbers[:, None], numbers[None]


def allowed(compare=not_before):
    """Which token may look at which, `(T, T)`."""
    return lambda x: compare(*places(x))


def hidden(scores, mask):
    """The scores, far below all others where a token may not look."""
    return np.where(mask, scores, np.float32(-1e9))


BLOCK = Base(
    text_block,
    {
        "features": lambda n, d: n * d,
        "wide": lambda n, d: 4 * n * d,
        "key_width": lambda n, d: n * d,
        "heads": lambda n, d: (n, d),
        "order": lambda: ("attend", "feed"),
        "norm1": Norm("features"),
        "asks": same,
        "answers": same,
        "tells": same,
        "to_q": Dense("key_width"),
        "to_k": Dense("key_width"),
        "to_v": Dense("key_width"),
        "cut_q": cut,
        "cut_k": cut,
        "cut_v": cut,
        "turn": turned,
        "scores": matmul,
        "scale": scaled_by(lambda n, d: d**-0.5),
        "allowed": allowed(),
        "mask": hidden,
        "softmax": softmax(),
        "allowed_late": same,
        "late_mask": lambda weights, _: weights,
        "average": matmul,
        "join": join,
        "out": Dense("features"),
        "added1": same,
        "path1": same,
        "sum1": add,
        "after1": same,
        "norm2": Norm("features"),
        "dense1": Dense("wide"),
        "gelu": gelu_exact,
        "dense2": Dense("features"),
        "added2": same,
        "path2": same,
        "sum2": add,
        "after2": same,
        "whole": lambda x, before: x,
        "end": same,
    },
    variants=({"norm1": Norm("features", 1e-6), "norm2": Norm("features", 1e-6)},),
)
