"""Right transformer blocks around the stand-in for their attentions."""

import keras

from autograder.reference import GEGLU
from autograder.sitting.stand_ins import CrossAttention


class Block(keras.layers.Layer):
    """A transformer block as the reference has it, with stand-ins for its attentions inside."""

    epsilon, approximate = 1e-5, True

    def __init__(self, dim, num_heads, head_size):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (keras.layers.LayerNormalization(epsilon=self.epsilon) for _ in range(3))
        self.attn1, self.attn2 = (CrossAttention(num_heads, head_size) for _ in range(2))
        self.geglu = GEGLU(4 * dim, approximate=self.approximate)
        self.dense = keras.layers.Dense(dim)

    def build(self, input_shape):
        self.built = True  # the layers inside build themselves when they are called: no symbolic run, which is slow

    def call(self, inputs):
        x, context = inputs
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context=context) + x
        return self.dense(self.geglu(self.norm3(x))) + x


class ExactBlock(Block):
    """With the exact GELU, as diffusers and the original have it."""

    approximate = False


class OriginalEpsilonBlock(Block):
    """With epsilon 1e-6, as other transformers have it."""

    epsilon = 1e-6
