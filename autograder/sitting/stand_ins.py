"""Light layers that stand where a block belongs which is not written yet, or whose insides are not the question.

They have the reference's interfaces and check their inputs' shapes as it does; inside they are simple. Two kinds:

**In a learner's layer** (`BasicTransformerBlock`, `CrossAttention`, `GEGLU`): a few weights each, so that marking,
which tells weights apart by what they do, also tells one stand-in from another. They treat all tokens alike, as
attention does: the order of the pixels in the sequence is the learner's own.

**In a flow** (`PaddedConv2D`, `ResBlock`, `SpatialTransformer`, `Upsample`, all of `make_blocks()`): no weights. Each
computes one fixed function, drawn from its name, its arguments and its inputs' widths alone, so nothing depends on the
order in which a learner makes the blocks. These functions are how a wrong wiring shows:

- Each is another one for every width, every number of heads, kernel, padding and stride, and none is the identity: a
  block too many, too few, of another width or with other heads gives other values, or shapes that do not fit.
- None commutes with another, and each mixes its input's channels unevenly: blocks in another order, a skip from the
  wrong end, or the two halves of a concatenation swapped give other values.
- The time moves what a ResBlock gives, and the context what a SpatialTransformer gives: what is not passed on, or
  passed on from the wrong place, is missed. Sizes that cannot be right (a context for a time) are an error.
- Used again within one run (see `counting_uses`), a block computes another function each time: two blocks that share
  their weights are not two blocks, although they would give the same values.

Drawing needs the real thing. Inside `with replaced(ResBlock=...):` a stand-in's name makes a layer of that class.

Shapes: B batch, H W height and width, C channels, E embedding features, S query tokens, T context tokens, F features,
N heads, D head size.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
from keras import ops

from autograder.sitting.stand_in_layer import (
    StandIn,
    as_numpy,
    counting_uses,
    math_of,
    matrix,
    replaced,
    side,
    whole,
    windows,
)

__all__ = [
    "GEGLU",
    "BasicTransformerBlock",
    "CrossAttention",
    "PaddedConv2D",
    "ResBlock",
    "SpatialTransformer",
    "Upsample",
    "counting_uses",
    "make_blocks",
    "replaced",
]


def make_blocks(
    channels: tuple[int, ...] = (64, 128, 192, 192),
    head_size: int = 16,
    latent_channels: int = 4,
    context_dim: int = 32,
) -> SimpleNamespace:
    """The `blocks` of a flow: the four light layers, and the numbers they are to be made with."""
    return SimpleNamespace(
        PaddedConv2D=PaddedConv2D,
        ResBlock=ResBlock,
        SpatialTransformer=SpatialTransformer,
        Upsample=Upsample,
        channels=tuple(channels),
        head_size=head_size,
        latent_channels=latent_channels,
        context_dim=context_dim,
    )


def _one(inputs: Any, where: str) -> None:
    """An error that says what a block of one input is called on, if it is something else."""
    if isinstance(inputs, (list, tuple)) or len(inputs.shape) != 4:
        received = f"a list of {len(inputs)}" if isinstance(inputs, (list, tuple)) else tuple(inputs.shape)
        raise ValueError(f"{where} must be called on (B, H, W, C). Received: {received}")


def _pair(inputs: Any, names: str, ranks: tuple[int, int], where: str) -> tuple[Any, Any]:
    """The two inputs of a block, or an error that says what it is called on."""
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
        received = f"a list of {len(inputs)}" if isinstance(inputs, (list, tuple)) else type(inputs).__name__
        raise ValueError(f"{where} must be called on a list of two tensors, [{names}]. Received: {received}")
    shapes = [tuple(part.shape) for part in inputs]
    if tuple(map(len, shapes)) != ranks:
        axes = f"{ranks[0]} and {ranks[1]} axes"
        raise ValueError(f"{where} must be called on [{names}] with {axes}. Received: {shapes[0]}, {shapes[1]}")
    return inputs[0], inputs[1]


# ------------------------------------------------------------------------------------------------------- in a flow


class PaddedConv2D(StandIn):
    """Stands for a convolution of `kernel_size`, with zeros around, in steps of `strides`. Really is one: its kernel
    is a pattern over the pixels times a mixture of the channels."""

    def __init__(self, filters, kernel_size, padding=0, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size = whole("filters", filters), side("kernel_size", kernel_size)
        self.padding, self.strides = side("padding", padding), side("strides", strides)
        self.arguments = (self.filters, self.kernel_size, self.padding, self.strides)

    def check(self, inputs):
        _one(inputs, "PaddedConv2D")
        if any(side and side + 2 * self.padding < self.kernel_size for side in inputs.shape[1:3]):
            raise ValueError(
                "The kernel must not be larger than the padded feature map. Received: "
                f"x of shape {tuple(inputs.shape)}, kernel_size={self.kernel_size}, padding={self.padding}"
            )

    def build(self, input_shape):
        self.built = True

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        beyond = 2 * self.padding - self.kernel_size
        return (batch, *(side and (side + beyond) // self.strides + 1 for side in sides), self.filters)

    def call(self, inputs):
        pattern = matrix(f"{self._tag()} pixels", self.kernel_size**2, 1).ravel()
        x = self._mix(as_numpy(inputs), self.filters)
        self._used()
        return windows(x, pattern, self.kernel_size, self.padding, self.strides)


class ResBlock(StandIn):
    """Stands for a ResBlock: brings `x` to `output_dim` channels and tells it the time."""

    def __init__(self, output_dim, **kwargs):
        super().__init__(**kwargs)
        self.output_dim = whole("output_dim", output_dim)
        self.arguments = (self.output_dim,)

    def build(self, input_shape):
        self.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.output_dim)

    def check(self, inputs):
        _pair(inputs, "x, t_emb", (4, 2), "ResBlock")

    def call(self, inputs):
        x, t_emb = as_numpy(inputs)
        y = self._mix(x, self.output_dim, 1.5 * self._read(t_emb, "time"))
        self._used()
        return ops.convert_to_tensor(y)


class SpatialTransformer(StandIn):
    """Stands for a SpatialTransformer: every pixel sees the mean of all pixels and of the context."""

    def __init__(self, num_heads, head_size, fully_connected=False, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.head_size = whole("num_heads", num_heads), whole("head_size", head_size)
        self.fully_connected = fully_connected
        self.arguments = (self.num_heads, self.head_size)  # Dense or 1x1 convolution: both compute the same

    def build(self, input_shape):
        self.built = True

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def check(self, inputs):
        x, _ = _pair(inputs, "x, context", (4, 3), "SpatialTransformer")
        if x.shape[-1] != self.num_heads * self.head_size:
            raise ValueError(
                "The channels of `x` must be num_heads * head_size. Received: "
                f"x of shape {tuple(x.shape)}, num_heads={self.num_heads}, head_size={self.head_size}"
            )

    def call(self, inputs):
        x, context = as_numpy(inputs)
        y = self._mix(x, x.shape[-1], 2 * self._read(x, "pixels") + 3 * self._read(context, "context"))
        self._used()
        return ops.convert_to_tensor(y)


class Upsample(StandIn):
    """Stands for Upsample: doubles height and width, then mixes neighbours."""

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = whole("channels", channels)
        self.arguments = (self.channels,)

    def check(self, inputs):
        _one(inputs, "Upsample")

    def build(self, input_shape):
        self.built = True

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        return (batch, *(side and 2 * side for side in sides), self.channels)

    def call(self, inputs):
        x = self._mix(as_numpy(inputs), self.channels)
        x = math_of(x).repeat(math_of(x).repeat(x, 2, axis=1), 2, axis=2)
        pattern = matrix(f"{self._tag()} pixels", 9, 1).ravel()
        self._used()
        return windows(x, pattern, 3, 1, 1)


# --------------------------------------------------------------------------------------------- in a learner's layer


class BasicTransformerBlock(StandIn):
    """Stands for the transformer block of chapter 5: every token is moved by itself, by the mean of all tokens and by
    the mean of the context. It has three kernels.

    Call arguments:
        inputs: list of `tokens` `(B, S, dim)` and `context` `(B, T, F)`.
    """

    def __init__(self, dim, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        self.dim, self.num_heads, self.head_size = (
            whole(name, value) for name, value in (("dim", dim), ("num_heads", num_heads), ("head_size", head_size))
        )

    def check(self, inputs):
        tokens, _ = _pair(inputs, "tokens, context", (3, 3), "BasicTransformerBlock")
        if tokens.shape[-1] != self.dim:
            raise ValueError(f"`tokens` must have dim={self.dim} features. Received: {tuple(tokens.shape)}")

    def build(self, input_shape):
        (*_, dim), (*_, features) = input_shape
        self.own = self.add_weight(shape=(dim, dim), name="own")
        self.all = self.add_weight(shape=(dim, dim), name="all")
        self.told = self.add_weight(shape=(features, dim), name="told")
        self.built = True

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def call(self, inputs):
        tokens, context = inputs
        everyone = ops.mean(ops.tanh(ops.matmul(tokens, self.all)), axis=1, keepdims=True)  # (B, 1, dim)
        text = ops.mean(ops.tanh(ops.matmul(context, self.told)), axis=1, keepdims=True)
        moved = ops.tanh(ops.matmul(tokens, self.own) + 2 * everyone + 2 * text)
        return tokens + moved * _by_head(self.num_heads, self.head_size)


class CrossAttention(StandIn):
    """Stands for the attention of chapter 6: every token meets the mean of the context. It has two kernels.

    Call arguments:
        inputs: tensor `(B, S, F)`.
        context: tensor `(B, T, F')`, or None for the inputs themselves.

    Returns:
        Tensor `(B, S, N·D)`.
    """

    def __init__(self, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        self.num_heads, self.head_size = whole("num_heads", num_heads), whole("head_size", head_size)

    def check(self, inputs):
        if isinstance(inputs, (list, tuple)):
            what = "one tensor, with the context beside it as `context=`"
            raise ValueError(f"CrossAttention must be called on {what}. Received: a list of {len(inputs)}")

    def build(self, inputs_shape, context_shape=None):
        width = self.num_heads * self.head_size
        self.ask = self.add_weight(shape=(inputs_shape[-1], width), name="ask")
        self.answer = self.add_weight(shape=((context_shape or inputs_shape)[-1], width), name="answer")
        self.built = True

    def compute_output_shape(self, inputs_shape, context_shape=None):
        return (*inputs_shape[:-1], self.num_heads * self.head_size)

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        heard = ops.mean(ops.tanh(ops.matmul(context, self.answer)), axis=1, keepdims=True)  # (B, 1, N·D)
        return ops.tanh(ops.matmul(inputs, self.ask) + 2 * heard) * _by_head(self.num_heads, self.head_size)


class GEGLU(StandIn):
    """Stands for the GEGLU of chapter 5: one Dense layer and a tanh.

    Call arguments:
        inputs: tensor `(B, S, F)`.

    Returns:
        Tensor `(B, S, output_dim)`.
    """

    def __init__(self, output_dim, **kwargs):
        super().__init__(**kwargs)
        self.output_dim = whole("output_dim", output_dim)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.output_dim), name="kernel")
        self.bias = self.add_weight(shape=(self.output_dim,), name="bias")
        self.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_dim)

    def call(self, inputs):
        return ops.tanh(ops.matmul(inputs, self.kernel) + self.bias)


def _by_head(num_heads: int, head_size: int) -> np.ndarray:
    """A factor for each feature that is the same within a head: heads and their size swapped give other values."""
    return np.repeat(np.linspace(0.5, 1.5, num_heads), head_size).astype("float32")
