"""Exercise 02: the timestep as sines and cosines, padding of two kinds, and the two Dense layers after the sines."""

import keras
from keras import ops

from autograder.questions.catalogue import Texts
from autograder.questions.inputs.base import COLUMN, EMBEDDING, PADDED, TIME
from autograder.questions.inputs.changes import COLUMN_CHANGES, CONV_CHANGES, EMBEDDING_CHANGES, TIME_CHANGES
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.reference import PaddedConv2D, timestep_embedding

EXERCISE = "02-inputs"


class _ConvWithPadding(keras.layers.Layer):
    """The padded convolution in plain Keras layers: what most answers look like."""

    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__()
        self.pad = keras.layers.ZeroPadding2D(padding)
        self.conv = keras.layers.Conv2D(filters, kernel_size, strides=strides)

    def call(self, inputs):
        return self.conv(self.pad(inputs))


class TimeEmbedding(keras.layers.Layer):
    """The time MLP: Dense, swish, Dense, each Dense with four times the UNet's first width.

    Args:
        channels: the UNet's first width, 320 in Stable Diffusion 2.

    Call arguments:
        inputs: sines and cosines, `(B, channels)`.

    Returns:
        Tensor `(B, 4 · channels)`.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/diffusion_model.py`, `DiffusionModelV2`.
    """

    def __init__(self, channels):
        super().__init__()
        self.dense1 = keras.layers.Dense(4 * channels)
        self.dense2 = keras.layers.Dense(4 * channels)

    def call(self, inputs):
        return self.dense2(ops.silu(self.dense1(inputs)))


def first_column(side, kernel_size, strides):
    """The column under the centre of the kernel in the first output, with Keras' padding "same"."""
    outputs = -(-side // strides)
    zeros = max((outputs - 1) * strides + kernel_size - side, 0)
    return kernel_size // 2 - zeros // 2


def _embedding_cases(scale):
    arguments = {
        "tiny": ((5, (32, 10000)), (3, (18, 200)), (2, (6, 10000)), (4, ())),
        "full": ((7, (320, 10000)), (4, (640, 5000)), (3, ())),
    }[scale]
    return tuple(Case(values, {"timesteps": RandomInput((batch,), values="timesteps")}) for batch, values in arguments)


def _conv_cases(scale):
    """Even sides and odd ones, with and without a stride and padding, and the defaults."""
    sizes = {
        "tiny": (
            ((2, 8, 6, 5), (7, 3, 1, 2)),
            ((3, 7, 10, 4), (6, 3, 1, 2)),
            ((2, 9, 6, 5), (4, 3, 1, 1)),
            ((2, 12, 10, 3), (5, 5, 2, 2)),
            ((2, 8, 7, 5), (6, 1)),
            ((2, 6, 7, 3), (4, 3)),
        ),
        "full": (((2, 16, 12, 320), (320, 3, 1, 2)), ((2, 8, 15, 4), (320, 3, 1, 1)), ((2, 8, 6, 320), (640, 1))),
    }[scale]
    return tuple(Case(arguments, {"inputs": RandomInput(shape, spread=1.0)}) for shape, arguments in sizes)


def _column_cases(_):
    """Kernels of which one half or another number of zeros shows, and one stride that leaves nothing to pad."""
    bounds = ((8, 3, 2), (9, 3, 2), (10, 5, 2), (9, 5, 3), (13, 7, 3), (12, 5, 4))
    return (Case((Pick(20, 99), 3, 1), {}), *(Case(sizes, {}) for sizes in bounds), Case((12, 1, 3), {}))


def _time_cases(scale):
    sizes = ((2, 320), (3, 64)) if scale == "full" else ((2, 12), (3, 20), (5, 8))
    return tuple(Case((channels,), {"inputs": RandomInput((batch, channels), spread=1.0)}) for batch, channels in sizes)


_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="timestep-embedding",
        exercise=EXERCISE,
        name="timestep_embedding",
        kind="function",
        cases=_embedding_cases,
        accepted=(timestep_embedding,),
        base=EMBEDDING,
        mistakes=_TEXTS.of(EMBEDDING_CHANGES),
        section="The time: a number as 320 numbers",
        tolerance=1e-3,  # an angle may be 999, and float32 has seven digits: other ways to compute it differ by 1e-4
    ),
    Question(
        id="padded-conv",
        exercise=EXERCISE,
        name="PaddedConv2D",
        kind="layer",
        cases=_conv_cases,
        accepted=(PaddedConv2D, _ConvWithPadding),
        base=PADDED,
        mistakes=_TEXTS.of(CONV_CHANGES),
        section="The latent: a padded convolution",
    ),
    Question(
        id="guess-first-column",
        exercise=EXERCISE,
        name="first_column",
        kind="function",
        cases=_column_cases,
        accepted=(first_column,),
        base=COLUMN,
        mistakes=_TEXTS.of(COLUMN_CHANGES),
        section='Why `padding="same"` is not the same',
        marking="integer",
    ),
    Question(
        id="time-embedding",
        exercise=EXERCISE,
        name="TimeEmbedding",
        kind="layer",
        cases=_time_cases,
        accepted=(TimeEmbedding,),
        base=TIME,
        mistakes=_TEXTS.of(TIME_CHANGES),
        section="The time MLP",
    ),
)
