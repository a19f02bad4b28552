"""Right SpatialTransformers around the stand-in for their transformer block."""

import keras
from keras import ops

from autograder.reference import GroupNorm
from autograder.sitting.stand_ins import BasicTransformerBlock


class Spatial(keras.layers.Layer):
    """A SpatialTransformer as the reference has it, with the stand-in for its block inside."""

    epsilon = 1e-5

    def __init__(self, num_heads, head_size, fully_connected=False):
        super().__init__()
        channels = num_heads * head_size
        self.norm = GroupNorm(self.epsilon)
        layers = keras.layers
        self.proj1, self.proj2 = (
            layers.Dense(channels) if fully_connected else layers.Conv2D(channels, 1) for _ in range(2)
        )
        self.transformer_block = BasicTransformerBlock(channels, num_heads, head_size)

    def build(self, input_shape):
        self.built = True  # the layers inside build themselves when they are called: no symbolic run, which is slow

    def call(self, inputs):
        x, context = inputs
        _, height, width, channels = x.shape
        tokens = ops.reshape(self.proj1(self.norm(x)), (-1, height * width, channels))
        tokens = self.transformer_block([tokens, context])
        return self.proj2(ops.reshape(tokens, (-1, height, width, channels))) + x


class OriginalEpsilon(Spatial):
    """With epsilon 1e-6, as diffusers and the original have it."""

    epsilon = 1e-6
