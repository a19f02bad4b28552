"""ResBlocks with one thing wrong each: what the mistakes of exercise 03 compute."""

import keras
from keras import ops

from autograder.reference import GroupNorm, PaddedConv2D, ResBlock


class Block(ResBlock):
    """A ResBlock cut into the parts that a mistake rearranges."""

    activation = staticmethod(ops.silu)

    def entry(self, x):
        return self.conv1(self.activation(self.norm1(x)))

    def time(self, t_emb):
        return self.dense(self.activation(t_emb))[:, None, None]

    def exit(self, h):
        return self.conv2(self.activation(self.norm2(h)))

    def shortcut(self, x):
        return x if self.residual_projection is None else self.residual_projection(x)

    def call(self, inputs):
        return self.forward(*inputs)

    def forward(self, x, t_emb):
        return self.exit(self.entry(x) + self.time(t_emb)) + self.shortcut(x)


def wired(forward):
    """A block with the reference's layers, wired by `forward(block, x, t_emb)`."""
    return type("ResBlock", (Block,), {"forward": forward})


def made(change):
    """A block wired right, whose layers `change(block)` replaced before they were built."""

    def __init__(self, output_dim):
        Block.__init__(self, output_dim)
        change(self)

    return type("ResBlock", (Block,), {"__init__": __init__})


def activated(activation):
    return type("ResBlock", (Block,), {"activation": staticmethod(activation)})


def norms(make):
    def change(block):
        block.norm1, block.norm2 = make(), make()

    return made(change)


def convs(make):
    def change(block):
        block.conv1, block.conv2 = make(block.output_dim), make(block.output_dim)

    return made(change)


def early_entry(block, x):
    """The entry flow with its swish before the normalisation."""
    return block.conv1(block.norm1(ops.silu(x)))


def early_exit(block, h):
    """The exit flow with its swish before the normalisation."""
    return block.conv2(block.norm2(ops.silu(h)))


class ValidPadding(Block):
    """Convolutions without padding: the picture shrinks by two pixels a convolution."""

    def build(self, input_shape):
        channels = input_shape[0][-1]
        self.conv1, self.conv2 = PaddedConv2D(self.output_dim, 3), PaddedConv2D(self.output_dim, 3)
        self.residual_projection = None if channels == self.output_dim else PaddedConv2D(self.output_dim, 1)
        self.built = True

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape[0]
        return (batch, height - 4, width - 4, self.output_dim)


class DenseWithoutBias(Block):
    def __init__(self, output_dim):
        super().__init__(output_dim)
        self.dense = keras.layers.Dense(output_dim, use_bias=False)


class ConvFirst(Block):
    """Convolution, normalisation, swish: the order of the first ResNets."""

    def build(self, input_shape):
        super().build(input_shape)
        inner_shape = (*input_shape[0][:-1], self.output_dim)
        self.norm1 = GroupNorm()
        self.norm1.build(inner_shape)

    def forward(self, x, t_emb):
        h = ops.silu(self.norm1(self.conv1(x))) + self.time(t_emb)
        return ops.silu(self.norm2(self.conv2(h))) + self.shortcut(x)


class AlwaysProjected(Block):
    """A 1x1 convolution on the shortcut even where the channel count stays."""

    def build(self, input_shape):
        super().build(input_shape)
        if self.residual_projection is None:
            self.residual_projection = PaddedConv2D(self.output_dim, 1)
            self.residual_projection.build(input_shape[0])


class LateWidth(Block):
    """The first convolution keeps the width of the input; the second one brings it to `output_dim`."""

    def build(self, input_shape):
        channels = input_shape[0][-1]
        self.dense = keras.layers.Dense(channels)
        self.conv1 = PaddedConv2D(channels, 3, padding=1)
        self.conv2 = PaddedConv2D(self.output_dim, 3, padding=1)
        self.residual_projection = PaddedConv2D(self.output_dim, 1)
        self.built = True


class Projection3x3(Block):
    def build(self, input_shape):
        super().build(input_shape)
        self.residual_projection = PaddedConv2D(self.output_dim, 3, padding=1)
        self.residual_projection.build(input_shape[0])


class ProjectionWithoutBias(Block):
    def build(self, input_shape):
        super().build(input_shape)
        self.residual_projection = keras.layers.Conv2D(self.output_dim, 1, use_bias=False)
        self.residual_projection.build(input_shape[0])
