"""What the stand-ins inside of a learner's layer compute (`sitting.stand_ins`), as parts of a base: in NumPy.

Shapes: B batch, S query tokens, T context tokens, C features of a token, F of a context token, N heads, D head size.
"""

from dataclasses import dataclass

import numpy as np

from autograder.questions.catalogue.operations import Layer, Number, Refused, product


def by_head(heads: int, size: int) -> np.ndarray:
    """A factor for each feature, `(N·D,)`, the same within a head: tells the number of heads from their size."""
    return np.repeat(np.linspace(0.5, 1.5, heads), size).astype("float32")


def fits_heads(tokens, factor):
    """The tokens, if they are as wide as all heads together.

    Raises:
        ValueError: if they are not.
    """
    np.broadcast_shapes(tokens.shape, factor.shape)
    return tokens


def both_tokens(tokens, context):
    """The tokens, if they and the context have three axes.

    Raises:
        Refused: if they have not, in the stand-in's words.
    """
    if (tokens.ndim, context.ndim) != (3, 3):
        called = "BasicTransformerBlock must be called on [tokens, context] with 3 and 3 axes"
        raise Refused(f"{called}. Received: {tokens.shape}, {context.shape}")
    return tokens


@dataclass(frozen=True)
class OfWidth(Layer):
    """The tokens, if they have as many features as the block was made for; it has no weights.

    Else it refuses them in the stand-in's words.
    """

    dim: Number

    numbers = ("dim",)

    def apply(self, weights, tokens):
        if tokens.shape[-1] != self.dim:
            raise Refused(f"`tokens` must have dim={self.dim} features. Received: {tokens.shape}")
        return tokens


@dataclass(frozen=True)
class InnerTransformer(Layer):
    """The transformer block's: each token is moved by itself, by all tokens and by the context.

    Its inputs are tokens `(B, S, C)`, context `(B, T, F)` and the factor `by_head`, `(C,)`.
    """

    def apply(self, weights, tokens, context, factor):
        dim = tokens.shape[-1]
        own = product(tokens, weights("own", (dim, dim)))
        everyone = mean_told(tokens, weights("all", (dim, dim)))
        text = mean_told(context, weights("told", (context.shape[-1], dim)))
        return tokens + np.tanh(own + 2 * everyone + 2 * text) * factor


def mean_told(tokens, kernel):
    """What all tokens tell together: `(B, T, F)` to `(B, 1, C)`."""
    return np.tanh(product(tokens, kernel)).mean(axis=1, keepdims=True)


@dataclass(frozen=True)
class Heard(Layer):
    """What an attention hears from a source `(B, T, F)`, one thing for all tokens: `(B, 1, width)`."""

    width: Number

    numbers = ("width",)

    def apply(self, weights, source):
        return mean_told(source, weights("answer", (source.shape[-1], self.width)))


@dataclass(frozen=True)
class Asked(Layer):
    """An attention's tokens `(B, S, C)` with what it has heard, cut into heads by the factor: `(B, S, N·D)`."""

    def apply(self, weights, tokens, heard, factor):
        return np.tanh(product(tokens, weights("ask", (tokens.shape[-1], len(factor)))) + 2 * heard) * factor


def refuses_list(*inputs):
    """An attention that is called on a list of both its inputs.

    Raises:
        Refused: in the stand-in's words.
    """
    what = "one tensor, with the context beside it as `context=`"
    raise Refused(f"CrossAttention must be called on {what}. Received: a list of 2")
