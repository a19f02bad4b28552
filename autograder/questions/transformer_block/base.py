"""The right answers of exercise 05, part by part.

Shapes: B batch, S tokens, C features of a token, T F tokens of the context and their features, N heads, D head size.
"""

import functools

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.inner_blocks import Asked, Heard, by_head
from autograder.questions.catalogue.operations import Dense, Norm, add, first, gelu_exact, gelu_tanh, multiply, same


def geglu(p, inputs, output_dim):
    """`(B, S, C)` to `(B, S, output_dim)`."""
    p.width(output_dim)
    a = p.halves(p.entrance(inputs))  # (B, S, 2·output_dim)
    return p.product(p.gated(p.open(p.value_half(a)), p.gelu(p.gate_half(a))))


def first_half(a):
    return a[..., : a.shape[-1] // 2]


def second_half(a):
    return a[..., a.shape[-1] // 2 :]


_GATED = {
    "width": lambda features: 2 * features,
    "halves": Dense("width"),
    "value_half": first_half,
    "gate_half": second_half,
    "gelu": gelu_tanh,
    "gated": multiply,
}
EXACT = {"gelu": gelu_exact}

GATED = Base(geglu, {"entrance": same, **_GATED, "open": same, "product": same}, variants=(EXACT,))


def transformer_block(p, tokens, context, dim, num_heads, head_size):
    """tokens `(B, S, C)` and context `(B, T, F)` to `(B, S, C)`; C is dim, and N·D."""
    own, told = p.heads1(num_heads, head_size), p.heads2(num_heads, head_size)
    p.width(p.wide(dim))
    text = p.text(context)
    steps = {
        "self": lambda x: _look_around(p, x, own),
        "cross": lambda x: _look_at_text(p, x, text, told),
        "feed": lambda x: _think(p, x),
    }
    x = tokens
    for step in p.order():
        x = steps[step](x)
    return p.end(p.whole(x, tokens))


def _look_around(p, x, factor):
    h = p.norm1(x)
    a = p.asked1(h, p.heard1(p.source1(h)), factor)
    return p.after1(p.sum1(p.out1(a), p.path1(x)))


def _look_at_text(p, x, text, factor):
    h = p.norm2(x)
    a = p.asked2(h, p.heard2(p.source2(text)), factor)
    return p.after2(p.sum2(p.out2(a), p.path2(x)))


def _think(p, x):
    a = p.halves(p.early(p.norm3(x)))  # (B, S, 8·C)
    g = p.gated(p.value_half(a), p.gelu(p.gate_half(a)))
    return p.after3(p.sum3(p.out3(p.last_dense(g)), p.path3(x)))


def self_cross_feed():
    """The order of the steps."""
    return "self", "cross", "feed"


def _step(number: int) -> dict:
    """The parts around each step: what is read, and what is added to what."""
    around = {"norm": Norm("features"), "out": same, "path": same, "sum": add, "after": same}
    return {f"{part}{number}": operation for part, operation in around.items()}


def _width(heads: str, values) -> int:
    """What all heads of an attention give together."""
    return len(values[heads])


def _attention(number: int) -> dict:
    width = functools.partial(_width, f"heads{number}")
    parts = {"heads": by_head, "source": same, "heard": Heard(width), "asked": Asked()}
    return {f"{part}{number}": operation for part, operation in parts.items()}


BLOCK = Base(
    transformer_block,
    {
        "order": self_cross_feed,
        "text": same,
        **_step(1),
        **_attention(1),
        **_step(2),
        **_attention(2),
        **_step(3),
        "wide": lambda dim: 4 * dim,
        "early": same,
        **_GATED,
        "last_dense": Dense("dim"),
        "whole": first,
        "end": same,
    },
    variants=(EXACT,),
)


def tokens_changed(p, tokens, changed, off):
    """How many tokens of the output are others when a token of the input, or a word of the context, is another."""
    sees, reads = p.sees(off), p.reads(off)
    return p.end(p.asked(changed, p.of_token(tokens, sees), p.of_word(tokens, reads)))


ABLATED = Base(
    tokens_changed,
    {
        "sees": lambda off: "self-attention" not in off,
        "reads": lambda off: "cross-attention" not in off,
        "of_token": lambda tokens, sees: tokens if sees else 1,
        "of_word": lambda tokens, reads: tokens if reads else 0,
        "asked": lambda changed, token, word: token if changed == "token" else word,
        "end": same,
    },
)
