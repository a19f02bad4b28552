"""What stands in for what while fast forms are on. Signatures are those of the plain forms."""

import functools
from collections.abc import Callable

import keras

from autograder.reference import unet
from autograder.reference.fast.attention import attend
from autograder.reference.fast.convolution import convolve
from autograder.reference.fast.group_norm import GroupNorm
from autograder.reference.fast.initialiser import GlorotUniform


def _drawn_fast(layer: type) -> Callable:
    """Makes layers of Keras whose kernel is drawn by the fast initialiser."""

    @functools.wraps(layer, updated=())
    def make(*args, **kwargs):
        return layer(*args, **{"kernel_initializer": GlorotUniform()} | kwargs)

    return make


FORMS: dict[Callable, Callable] = {
    keras.layers.Dense: _drawn_fast(keras.layers.Dense),
    keras.layers.Conv2D: _drawn_fast(keras.layers.Conv2D),
    keras.layers.GroupNormalization: GroupNorm,
    unet.convolve: convolve,
    unet.attend: attend,
}
