"""The UNet's random weights, drawn by NumPy."""

import math

import keras
import numpy as np
from keras import ops


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
