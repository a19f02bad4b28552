"""The small layers every block is made of: padded convolution, group normalisation, upsampling, gated GELU.

Shapes: B batch, H W height and width, C channels, G groups, S tokens, F features.
"""

import math

import keras
import numpy as np
from keras import ops

from autograder.reference.config import GROUPS
from autograder.reference.convolution import product_form


@keras.saving.register_keras_serializable(package="sd_unet_course")
class GlorotUniform(keras.initializers.GlorotUniform):
    """`keras.initializers.GlorotUniform`, drawn by NumPy: the same distribution, other numbers.

    Keras' draws in three passes over fresh memory, and on JAX compiles a program for every shape; at 866 million
    weights that is most of the time to build. Here a slice is drawn and scaled while it is in cache, from 16 random
    bits a number.

    Args:
        seed: integer, or None to draw one from Python's generator, which `keras.utils.set_random_seed` seeds.

    Reference: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
    """

    AT_ONCE = 2**18

    def __call__(self, shape, dtype=None):
        pixels, (fan_in, fan_out) = math.prod(shape[:-2]), shape[-2:]
        limit = math.sqrt(6 / (pixels * (fan_in + fan_out)))
        bits = np.random.SFC64(self.seed)
        values = np.empty(math.prod(shape), "float32")
        step, lowest = np.float32(2 * limit / 2**16), np.float32(limit * (1 / 2**16 - 1))
        for start in range(0, len(values), self.AT_ONCE):
            part = values[start : start + self.AT_ONCE]
            drawn = bits.random_raw(-(-len(part) // 4)).view("uint16")[: len(part)]
            np.multiply(drawn, step, out=part, dtype="float32")
            part += lowest
        return ops.cast(ops.convert_to_tensor(values.reshape(shape)), dtype or keras.config.floatx())


def dense(units, **kwargs):
    """A Dense layer whose kernel is drawn by the `GlorotUniform` of this file."""
    return keras.layers.Dense(units, kernel_initializer=GlorotUniform(), **kwargs)


class PaddedConv2D(keras.layers.Layer):
    """A 2D convolution that pads its input with `padding` zeros on each side, as PyTorch's does.

    Keras' `padding="same"` is not that: with stride 2 it pads 0 before and 1 after, which samples the picture one
    pixel further to the bottom right. The UNet's input, downsampling and output convolutions, and every 3x3
    convolution inside its blocks, are this layer.

    Args:
        filters: channels of the output.
        kernel_size: side of the square kernel.
        padding: zeros added on each of the four sides.
        strides: step of the kernel, the same along height and width.

    Call arguments:
        inputs: tensor `(B, H, W, C)`.

    Returns:
        Tensor `(B, (H + 2·padding - kernel_size) // strides + 1, likewise W, filters)`.

    Reference: KerasCV, `models/stable_diffusion/padded_conv2d.py`; `torch.nn.Conv2d`.
    """

    def __init__(self, filters, kernel_size, padding=0, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.padding, self.strides = filters, kernel_size, padding, strides
        # Without a stride, "same" pads symmetrically when the kernel is odd: no padded copy is needed.
        self.pads_itself = strides == 1 and 2 * padding + 1 == kernel_size
        self.conv = keras.layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same" if self.pads_itself else "valid",
            kernel_initializer=GlorotUniform(),
            dtype=self.dtype_policy,
            name="conv",
        )

    def build(self, input_shape):
        batch, *sides, channels = input_shape
        if not self.pads_itself:
            sides = [None if side is None else side + 2 * self.padding for side in sides]
        self.conv.build((batch, *sides, channels))
        self.built = True

    def compute_output_shape(self, input_shape):
        sides = [_conv_side(side, self.kernel_size, self.padding, self.strides) for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def call(self, inputs):
        _, height, width, _ = self.compute_output_shape(inputs.shape)
        kernel = self.conv.kernel
        form = product_form(kernel, self.strides, height, width)
        x = inputs
        if self.padding and (form or not self.pads_itself):
            around = (self.padding, self.padding)
            x = ops.pad(x, ((0, 0), around, around, (0, 0)))
        return form(x, kernel, self.strides, height, width) + self.conv.bias if form else self.conv(x)

    def get_config(self):
        own = {"filters": self.filters, "kernel_size": self.kernel_size}
        return super().get_config() | own | {"padding": self.padding, "strides": self.strides}


def _conv_side(side, kernel_size, padding, strides):
    return None if side is None else (side + 2 * padding - kernel_size) // strides + 1


class GroupNorm(keras.layers.Layer):
    """Group normalisation over the last axis in two passes over the picture.

    Each group of `C / groups` neighbouring channels is shifted to mean 0 and scaled to variance 1, over its channels
    and all pixels of one picture; then each channel has its own `gamma` and `beta`. The same function as
    `keras.layers.GroupNormalization(epsilon=epsilon)`; statistics are taken per channel first (one pass), joined
    within the group, and folded with gamma and beta into one multiply-add (the second pass).

    Args:
        epsilon: added to the variance. Keras' own default is 1e-3; the UNet's is 1e-5.
        groups: number of groups; divides C.

    Call arguments:
        inputs: tensor `(B, ..., C)`.

    Returns:
        Tensor of the inputs' shape and dtype. Statistics are computed in float32 whatever the dtype.

    Reference: Wu and He, "Group Normalization" (2018), section 3.
    """

    def __init__(self, epsilon=1e-5, groups=GROUPS, **kwargs):
        super().__init__(**kwargs)
        self.epsilon, self.groups = epsilon, groups

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(f"The channels must divide into {self.groups} groups. Received: input_shape={input_shape}")
        self.gamma = self.add_weight(shape=(channels,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(channels,), initializer="zeros", name="beta")
        self.built = True

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs):
        pixels = tuple(range(1, len(inputs.shape) - 1))
        channels = inputs.shape[-1]
        grouped = (-1, self.groups, channels // self.groups)
        mean, variance = ops.moments(ops.cast(inputs, "float32"), axes=pixels)  # (B, C)
        mean, variance = ops.reshape(mean, grouped), ops.reshape(variance, grouped)  # (B, G, C/G)
        # The group's variance: the mean variance within its channels plus the variance between their means.
        group_mean = ops.mean(mean, axis=-1, keepdims=True)
        group_variance = ops.mean(variance + ops.square(mean - group_mean), axis=-1, keepdims=True)
        gamma = ops.reshape(ops.cast(self.gamma, "float32"), grouped)
        beta = ops.reshape(ops.cast(self.beta, "float32"), grouped)
        scale = gamma * ops.rsqrt(group_variance + self.epsilon)
        shift = beta - group_mean * scale
        across = (-1, *(1 for _ in pixels), channels)
        scale, shift = ops.reshape(scale, across), ops.reshape(shift, across)  # (B, 1, .., C)
        return inputs * ops.cast(scale, inputs.dtype) + ops.cast(shift, inputs.dtype)

    def get_config(self):
        return super().get_config() | {"epsilon": self.epsilon, "groups": self.groups}


class Upsample(keras.layers.Layer):
    """Doubles height and width: each pixel becomes a 2x2 square of itself, then a 3x3 convolution smooths the edges.

    Stands once at the end of each of the first three groups of the up flow.

    Args:
        channels: channels of the output.

    Call arguments:
        inputs: tensor `(B, H, W, C)`.

    Returns:
        Tensor `(B, 2H, 2W, channels)`.

    Reference: diffusers, `models/upsampling.py`, `Upsample2D`; KerasCV, `diffusion_model.py`, `Upsample`.
    """

    convolution = PaddedConv2D  # a subclass may be made of another layer of the same signature

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.conv = self.convolution(channels, 3, padding=1, dtype=self.dtype_policy, name="conv")

    def build(self, input_shape):
        self.conv.build(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape):
        height, width = (None if side is None else 2 * side for side in input_shape[1:3])
        return (input_shape[0], height, width, self.channels)

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        x = ops.reshape(inputs, (-1, height, 1, width, 1, channels))
        x = ops.tile(x, (1, 1, 2, 1, 2, 1))  # (B, H, 2, W, 2, C)
        x = ops.reshape(x, (-1, 2 * height, 2 * width, channels))
        return self.conv(x)

    def get_config(self):
        return super().get_config() | {"channels": self.channels}


class GEGLU(keras.layers.Layer):
    """The gated linear unit with GELU: one Dense makes a value and a gate, the output is `value · gelu(gate)`.

    It is the first half of a transformer block's feed-forward network.

    Args:
        output_dim: features of the output; the Dense makes twice as many, the value first and then the gate.
        approximate: take GELU in its tanh form (KerasCV) instead of exactly (diffusers and the original).

    Call arguments:
        inputs: tensor `(B, S, F)`.

    Returns:
        Tensor `(B, S, output_dim)`.

    Reference: Shazeer, "GLU Variants Improve Transformer" (2020), section 2.
    """

    def __init__(self, output_dim, approximate=True, **kwargs):
        super().__init__(**kwargs)
        self.output_dim, self.approximate = output_dim, approximate
        self.dense = dense(2 * output_dim, dtype=self.dtype_policy, name="dense")

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_dim)

    def call(self, inputs):
        value, gate = ops.split(self.dense(inputs), 2, axis=-1)  # (B, S, output_dim) each
        return value * ops.gelu(gate, approximate=self.approximate)

    def get_config(self):
        return super().get_config() | {"output_dim": self.output_dim, "approximate": self.approximate}
