"""Group normalisation in two passes over the picture.

Shapes: B batch, C channels, G groups.
"""

import keras
from keras import ops

from autograder.reference.config import GROUPS


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
