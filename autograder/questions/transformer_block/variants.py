"""GEGLUs and transformer blocks with one thing wrong each: what the mistakes of exercise 05 compute."""

import keras
from keras import ops

from autograder.reference import GEGLU
from autograder.sitting.stand_ins import CrossAttention

SELF, CROSS = "self", "cross"  # the two attentions of a block


def tanh_gelu(a):
    return ops.gelu(a, approximate=True)


def exact_gelu(a):
    return ops.gelu(a, approximate=False)


class Gated(keras.layers.Layer):
    """A right GEGLU, cut into the steps that a mistake changes."""

    use_bias = True
    gelu = staticmethod(tanh_gelu)

    def __init__(self, output_dim):
        super().__init__()
        self.output_dim = output_dim
        self.dense = keras.layers.Dense(self.width(), use_bias=self.use_bias)

    def build(self, input_shape):
        self.built = True  # the layers inside build themselves when they are called: no symbolic run, which is slow

    def width(self):
        return 2 * self.output_dim

    def split(self, a):
        return ops.split(a, 2, axis=-1)

    def combine(self, value, gate):
        return value * self.gelu(gate)

    def call(self, inputs):
        return self.combine(*self.split(self.dense(inputs)))


def gated(gelu=tanh_gelu, **steps):
    """A GEGLU with some steps replaced: methods by functions of the same arguments, or class attributes."""
    return type("GEGLU", (Gated,), {"gelu": staticmethod(gelu), **steps})


def combined(combine):
    """A GEGLU that gives `combine(value, gate)`."""
    return gated(combine=lambda self, value, gate: combine(value, gate))


def two_denses(gelu):
    """Value and gate each have a Dense of their own."""

    def __init__(self, output_dim):
        keras.layers.Layer.__init__(self)
        self.value, self.gate = keras.layers.Dense(output_dim), keras.layers.Dense(output_dim)

    def call(self, inputs):
        return self.value(inputs) * gelu(self.gate(inputs))

    return type("GEGLU", (keras.layers.Layer,), {"__init__": __init__, "call": call})


def ungated(gelu):
    """A Dense and a GELU: the feed-forward network of a plain transformer."""
    return gated(gelu, width=lambda self: self.output_dim, call=lambda self, inputs: gelu(self.dense(inputs)))


class Block(keras.layers.Layer):
    """A right transformer block around the stand-in for attention, cut into the parts that a mistake rearranges."""

    epsilon, approximate = 1e-5, True

    def __init__(self, dim, num_heads, head_size):
        super().__init__()
        self.dim = dim
        self.norm1, self.norm2, self.norm3 = (self.norm() for _ in range(3))
        self.attn1, self.attn2 = (self.attention(step, num_heads, head_size) for step in (SELF, CROSS))
        self.geglu, self.dense = self.gated(4 * dim), self.last_dense()

    def build(self, input_shape):
        self.built = True  # the layers inside build themselves when they are called: no symbolic run, which is slow

    def norm(self):
        return keras.layers.LayerNormalization(epsilon=self.epsilon)

    def gated(self, width):
        return GEGLU(width, approximate=self.approximate)

    def attention(self, step, num_heads, head_size):
        return CrossAttention(num_heads, head_size)

    def last_dense(self):
        return keras.layers.Dense(self.dim)

    def own(self, x):
        return self.attn1(self.norm1(x))

    def told(self, x, context):
        return self.attn2(self.norm2(x), context=context)

    def feed(self, x):
        return self.dense(self.geglu(self.norm3(x)))

    def forward(self, x, context):
        x = self.own(x) + x
        x = self.told(x, context) + x
        return self.feed(x) + x

    def call(self, inputs):
        return self.forward(*inputs)


class ExactBlock(Block):
    """With the exact GELU, as diffusers and the original have it."""

    approximate = False


class OriginalEpsilonBlock(Block):
    """With epsilon 1e-6, as other transformers have it."""

    epsilon = 1e-6


def wired(forward):
    """A block with the right layers, wired by `forward(block, x, context)`."""
    return type("BasicTransformerBlock", (Block,), {"forward": forward})


def stepped(own=None, told=None, feed=None):
    """A block with some of its three steps replaced, the sums around them right: functions of block, x (, context)."""
    steps = {"own": own, "told": told, "feed": feed}
    return type("BasicTransformerBlock", (Block,), {name: step for name, step in steps.items() if step})


def made(**makers):
    """A block wired right, with layers made in another way: `norm(block)`, `attention(block, step, num_heads,
    head_size)`, `gated(block, width)` or `last_dense(block)`.
    """
    return type("BasicTransformerBlock", (Block,), makers)


def resized(factor):
    """A block whose GEGLU is `factor` times as wide as its tokens."""
    return made(gated=lambda self, width: GEGLU(factor * self.dim))


def heads_swapped(*steps):
    """A block whose attentions of `steps` are made with number of heads and head size in the wrong order."""

    def attention(self, step, num_heads, head_size):
        return CrossAttention(head_size, num_heads) if step in steps else CrossAttention(num_heads, head_size)

    return made(attention=attention)


class ContextNormalised(Block):
    """A fourth LayerNorm, for the context."""

    def __init__(self, dim, num_heads, head_size):
        super().__init__(dim, num_heads, head_size)
        self.norm_context = self.norm()

    def told(self, x, context):
        return super().told(x, self.norm_context(context))


class WithoutDense(Block):
    """GEGLU itself brings the tokens to their width."""

    def __init__(self, dim, num_heads, head_size):
        super().__init__(dim, num_heads, head_size)
        self.geglu, self.dense = self.gated(dim), keras.layers.Identity()


def also_own(block, x):
    return block.own(x) + x


def also_told(block, x, context):
    return block.told(x, context) + x


def fed(block, x):
    return block.feed(x) + x


def rest(block, x, context):
    """The second and the third step, done right."""
    return fed(block, also_told(block, x, context))


def unnormalised(block, x, context):
    x = block.attn1(x) + x
    x = block.attn2(x, context=context) + x
    return block.dense(block.geglu(x)) + x


def post_norm(block, x, context):
    x = block.norm1(block.attn1(x) + x)
    x = block.norm2(block.attn2(x, context=context) + x)
    return block.norm3(block.dense(block.geglu(x)) + x)


def from_start(block, x, context):
    """Each step is added to the block's input instead of to the step before it."""
    y = block.own(x) + x
    y = block.told(y, context) + x
    return block.feed(y) + x


def feed_first(block, x, context):
    x = block.feed(x) + x
    x = block.own(x) + x
    return block.told(x, context) + x
