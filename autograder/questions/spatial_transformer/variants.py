"""SpatialTransformers with one thing wrong each: what the mistakes of exercise 04 compute."""

import keras
from keras import ops

from autograder.reference import GroupNorm
from autograder.sitting.stand_ins import BasicTransformerBlock


class Spatial(keras.layers.Layer):
    """A right SpatialTransformer around the stand-in for its transformer block, cut into the parts that a mistake
    rearranges.
    """

    use_bias, kernel_size = True, 1

    def __init__(self, num_heads, head_size, fully_connected=False):
        super().__init__()
        self.num_heads, self.head_size, self.fully_connected = num_heads, head_size, fully_connected
        self.norm = self.make_norm()
        self.proj1, self.proj2 = self.projection(), self.projection()
        self.transformer_block = self.make_block(num_heads * head_size)

    def build(self, input_shape):
        self.built = True  # the layers inside build themselves when they are called: no symbolic run, which is slow

    def make_norm(self):
        return GroupNorm(1e-5)

    def projection(self):
        channels = self.num_heads * self.head_size
        if self.fully_connected and self.kernel_size == 1:
            return keras.layers.Dense(channels, use_bias=self.use_bias)
        return keras.layers.Conv2D(channels, self.kernel_size, padding="same", use_bias=self.use_bias)

    def make_block(self, channels):
        return BasicTransformerBlock(channels, self.num_heads, self.head_size)

    def entry(self, x):
        return self.proj1(self.norm(x))

    def to_tokens(self, x):
        return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))

    def to_image(self, tokens, x):
        return ops.reshape(tokens, (-1, *x.shape[1:]))

    def mixed(self, x, context):
        """From the projected feature map to the one before the second projection."""
        return self.to_image(self.transformer_block([self.to_tokens(x), context]), x)

    def forward(self, x, context):
        return self.proj2(self.mixed(self.entry(x), context)) + x

    def call(self, inputs):
        return self.forward(*inputs)


class OriginalEpsilon(Spatial):
    """With epsilon 1e-6, as diffusers and the original have it."""

    def make_norm(self):
        return GroupNorm(1e-6)


def wired(forward):
    """A SpatialTransformer with the right layers, wired by `forward(layer, x, context)`."""
    return type("SpatialTransformer", (Spatial,), {"forward": forward})


def made(**parts):
    """A SpatialTransformer wired right, with parts made in another way: methods or class attributes."""
    return type("SpatialTransformer", (Spatial,), parts)


def transposed_tokens(layer, x):
    """Columns instead of rows one after the other."""
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, x.shape[1] * x.shape[2], x.shape[3]))


def scrambled_tokens(layer, x):
    """Channels first, then a reshape to (tokens, channels): every token holds numbers of many pixels."""
    return ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, x.shape[1] * x.shape[2], x.shape[3]))


def scrambled_image(layer, tokens, x):
    image = ops.reshape(tokens, (-1, x.shape[3], x.shape[1], x.shape[2]))
    return ops.transpose(image, (0, 2, 3, 1))


def joined_batch(layer, x, context):
    """The pixels of all pictures as one sequence."""
    y = layer.entry(x)
    tokens = ops.reshape(y, (1, -1, y.shape[-1]))
    return layer.proj2(layer.to_image(layer.transformer_block([tokens, context[:1]]), x)) + x
