"""Right answers to exercise 02 written very differently pass; tolerances separate right from nearly right."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.comparing import relative_error
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.questions.inputs import TimeEmbedding
from autograder.reference import PaddedConv2D, timestep_embedding
from autograder.sitting.paper import BASE
from autograder.sitting.run import sit


def by_loops(timesteps, dim=320, max_period=10000):
    """Python floats, one number at a time."""
    half = dim // 2
    rows = []
    for t in np.asarray(timesteps):
        angles = [float(t) / max_period ** (i / half) for i in range(half)]
        rows.append([math.cos(a) for a in angles] + [math.sin(a) for a in angles])
    return np.array(rows)


def by_einsum(timesteps, dim=320, max_period=10000):
    """All in float32 tensors; the sine as a shifted cosine."""
    index = ops.arange(dim // 2, dtype="float32")
    frequencies = ops.exp(-ops.log(float(max_period)) * index / (dim // 2))
    angles = ops.einsum("b,f->bf", ops.cast(timesteps, "float32"), frequencies)
    return ops.concatenate([ops.cos(angles), ops.cos(angles - math.pi / 2)], axis=1)


def by_complex_exponential(timesteps, dim=320, max_period=10000):
    """Real and imaginary part of exp(i · angle)."""
    frequencies = np.geomspace(1, 1 / max_period, dim // 2, endpoint=False)
    turned = np.exp(1j * np.outer(timesteps, frequencies))
    return np.hstack([turned.real, turned.imag]).astype("float32")


def by_factor(timesteps, dim=320, max_period=10000):
    """Each frequency is the one before times a factor; the columns are filled into an array."""
    half, factor = dim // 2, max_period ** (-2 / dim)
    rows = np.empty((len(timesteps), dim), "float32")
    frequency = 1.0
    for i in range(half):
        rows[:, i] = np.cos(np.asarray(timesteps) * frequency)
        rows[:, half + i] = np.sin(np.asarray(timesteps) * frequency)
        frequency *= factor
    return rows


def by_one_sine(timesteps, dim=320, max_period=10000):
    """All numbers of a row at once: the sine, with a quarter turn added in the first half."""
    angles = ops.outer(timesteps, max_period ** (-np.arange(dim // 2, dtype="float32") / (dim / 2)))
    quarter = np.repeat([np.pi / 2, 0], dim // 2).astype("float32")
    return ops.sin(ops.tile(angles, (1, 2)) + quarter)


class RawConv(keras.layers.Layer):
    """Weights by `add_weight`, the convolution by `ops.conv`, the padding by joining zeros."""

    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__()
        self.sizes = filters, kernel_size, padding, strides

    def build(self, shape):
        filters, kernel, _, _ = self.sizes
        self.shift = self.add_weight(shape=(filters,), name="shift")
        self.mix = self.add_weight(shape=(kernel, kernel, shape[-1], filters), name="mix")

    def call(self, x):
        _, _, padding, strides = self.sizes
        b, h, _, c = x.shape
        if padding:
            column = ops.zeros((b, h, padding, c))
            x = ops.concatenate([column, x, column], axis=2)
            row = ops.zeros((b, padding, x.shape[2], c))
            x = ops.concatenate([row, x, row], axis=1)
        return ops.conv(x, self.mix, strides=strides, padding="valid") + self.shift


class PatchesDense(keras.layers.Layer):
    """Cuts out patches and gives each to a Dense layer."""

    def __init__(self, channels_out, size, padding=0, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.size, self.padding, self.step = size, padding, strides
        self.dense = keras.layers.Dense(channels_out)

    def call(self, x):
        x = ops.pad(x, ((0, 0), (self.padding,) * 2, (self.padding,) * 2, (0, 0)))
        high, wide = ((side - self.size) // self.step + 1 for side in x.shape[1:3])
        patches = [
            x[:, i : i + self.step * (high - 1) + 1 : self.step, j : j + self.step * (wide - 1) + 1 : self.step]
            for i in range(self.size)
            for j in range(self.size)
        ]
        return self.dense(ops.concatenate(patches, axis=-1))


class SlicedConv(keras.layers.Layer):
    """Convolves at every pixel and keeps those that the stride meets; the picture is laid into an array of zeros."""

    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__()
        self.padding, self.strides = padding, strides
        self.conv = keras.layers.Conv2D(filters, (kernel_size, kernel_size), padding="valid")

    def call(self, x):
        b, h, w, c = x.shape
        zeros = ops.zeros((b, h + 2 * self.padding, w + 2 * self.padding, c))
        x = ops.slice_update(zeros, (0, self.padding, self.padding, 0), x)
        return self.conv(x)[:, :: self.strides, :: self.strides]


class SumOfShifts(keras.layers.Layer):
    """One product for each place in the kernel, added up."""

    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__()
        self.filters, self.size, self.strides = filters, kernel_size, strides
        self.pad = keras.layers.ZeroPadding2D(padding)

    def build(self, shape):
        self.bias = self.add_weight(shape=(1, 1, 1, self.filters), name="bias")
        self.kernel = self.add_weight(shape=(self.size**2, shape[-1], self.filters), name="kernel")

    def call(self, x):
        x, s = self.pad(x), self.strides
        high, wide = (s * ((side - self.size) // s) + 1 for side in x.shape[1:3])
        y = self.bias
        for place in range(self.size**2):
            i, j = divmod(place, self.size)
            y = y + ops.matmul(x[:, i : i + high : s, j : j + wide : s], self.kernel[place])
        return y


class FunctionalConv(keras.layers.Layer):
    """A functional model inside, built when the input is known."""

    def __init__(self, *sizes):
        super().__init__()
        self.sizes = sizes

    def build(self, shape):
        filters, kernel, padding, strides = (*self.sizes, *(0, 1)[len(self.sizes) - 2 :])
        x = keras.Input(shape[1:])
        padded = keras.layers.ZeroPadding2D(((padding, padding), (padding, padding)))(x)
        self.model = keras.Model(x, keras.layers.Conv2D(filters, kernel, strides)(padded))

    def call(self, x):
        return self.model(x)


class ListOfLayers(keras.layers.Layer):
    def __init__(self, channels):
        super().__init__()
        dense = keras.layers.Dense
        self.flow = [dense(4 * channels), keras.layers.Activation("swish"), dense(4 * channels)]

    def call(self, x):
        for layer in self.flow:
            x = layer(x)
        return x


class RawMLP(keras.layers.Layer):
    """By `add_weight`, made in reverse order, swish by its formula, products by einsum."""

    def __init__(self, channels):
        super().__init__()
        self.wide = 4 * channels

    def build(self, shape):
        self.d = self.add_weight(shape=(self.wide,), name="a")
        self.c = self.add_weight(shape=(self.wide, self.wide), name="b")
        self.b = self.add_weight(shape=(self.wide,), name="c")
        self.a = self.add_weight(shape=(shape[-1], self.wide), name="d")

    def call(self, x):
        h = ops.einsum("be,eh->bh", x, self.a) + self.b
        h = h / (1 + ops.exp(-h))
        return ops.einsum("bh,hk->bk", h, self.c) + self.d


class TwoInOne(keras.layers.Layer):
    """EinsumDense layers that cut the width into four."""

    def __init__(self, channels):
        super().__init__()
        self.grow = keras.layers.EinsumDense("bc,cqw->bqw", (4, channels), bias_axes="qw")
        self.mix = keras.layers.EinsumDense("bqw,qwk->bk", 4 * channels, bias_axes="k")

    def call(self, x):
        return self.mix(keras.activations.swish(self.grow(x)))


def sequential(channels):
    """No class at all: a function that makes a model."""
    width = 4 * channels
    return keras.Sequential([keras.layers.Dense(width, activation="silu"), keras.layers.Dense(width)])


def convolutions(channels):
    """1x1 convolutions in place of Dense layers."""
    x = keras.Input((channels,))
    h = keras.layers.Conv2D(4 * channels, 1, activation="silu")(keras.layers.Reshape((1, 1, channels))(x))
    return keras.Model(x, keras.layers.Flatten()(keras.layers.Conv2D(4 * channels, 1)(h)))


def by_trying(side, kernel_size, strides):
    """Where a real convolution looks: its kernel copies its centre out of a picture of column numbers."""
    columns = np.tile(np.arange(side, dtype="float32") + 1, (side, 1))[None, :, :, None]
    centre = np.zeros((kernel_size, kernel_size, 1, 1), "float32")
    centre[kernel_size // 2, kernel_size // 2] = 1
    seen = ops.convert_to_numpy(ops.conv(columns, centre, strides=strides, padding="same"))
    return int(seen[0, seen.shape[1] // 2, 0, 0]) - 1


def by_remainder(side, kernel_size, strides):
    zeros = kernel_size - strides if side % strides == 0 else kernel_size - side % strides
    return (kernel_size - 1) // 2 - max(0, zeros) // 2


def by_last_output(side, kernel_size, strides):
    """The last kernel begins `(outputs - 1) * strides` behind the first, and ends with the last zero."""
    last = range(0, side, strides)[-1]
    return float((kernel_size - 1) / 2 - np.floor(max(last + kernel_size - side, 0) / 2))


ANSWERS = [
    *(("guess-first-column", answer) for answer in (by_trying, by_remainder, by_last_output)),
    *(
        ("timestep-embedding", answer)
        for answer in (by_loops, by_einsum, by_complex_exponential, by_factor, by_one_sine)
    ),
    *(("padded-conv", answer) for answer in (RawConv, PatchesDense, SlicedConv, SumOfShifts, FunctionalConv)),
    *(("time-embedding", answer) for answer in (ListOfLayers, RawMLP, TwoInOne, sequential, convolutions)),
]


@pytest.mark.parametrize(("question_id", "answer"), ANSWERS)
@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_inputs_accept_other_ways_of_writing(question_id, answer, scale):
    question = find(question_id)
    paper = make_paper(question, 3, scale)
    verdict = Marker(question, paper).mark(sit(paper, answer))
    assert verdict.passed, verdict.message


def padded_and_convolved(zeros, convolution_padding):
    """A learner's layer with a padding that does not depend on the argument, or that is Keras' own."""

    class PaddedConv(keras.layers.Layer):
        def __init__(self, filters, kernel_size, padding=0, strides=1):
            super().__init__()
            self.pad = keras.layers.ZeroPadding2D(zeros(padding))
            self.conv = keras.layers.Conv2D(filters, kernel_size, strides, padding=convolution_padding)

        def call(self, inputs):
            return self.conv(self.pad(inputs))

    return PaddedConv


@pytest.mark.parametrize(
    ("mistake", "answer"),
    [
        ("conv-same-always", padded_and_convolved(lambda padding: 0, "same")),
        ("conv-same-on-top", padded_and_convolved(lambda padding: padding, "same")),
        ("conv-padding-fixed", padded_and_convolved(lambda padding: 1, "valid")),
    ],
)
def test_padded_conv_names_mistakes_of_plain_keras_layers(mistake, answer):
    question = find("padded-conv")
    paper = make_paper(question, 3)
    assert Marker(question, paper).mark(sit(paper, answer)).mistake == mistake


@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_timestep_embedding_tolerance_has_room_on_both_sides(scale):
    """Float64 and other formulas stay below a third of the tolerance; a period off by 1 % is three times above it."""
    question = find("timestep-embedding")

    def nearly(timesteps, dim=320, max_period=10000):
        return timestep_embedding(timesteps, dim, 1.01 * max_period)

    for seed in range(5):
        paper = make_paper(question, seed, scale)
        right, wrong = sit(paper, timestep_embedding), sit(paper, nearly)
        others = [sit(paper, answer) for answer in (by_loops, by_einsum, by_complex_exponential)]
        for index, case in enumerate(right.cases):
            expected = case.runs[BASE][0]
            assert max(relative_error(o.cases[index].runs[BASE][0], expected) for o in others) < question.tolerance / 3
            assert relative_error(wrong.cases[index].runs[BASE][0], expected) > 3 * question.tolerance


def test_layers_tolerance_has_room_for_other_ways_of_writing():
    """Rounding in other orders of summation stays below a tenth of the tolerance."""
    for question_id, reference, rewritten in (
        ("padded-conv", PaddedConv2D, RawConv),
        ("time-embedding", TimeEmbedding, RawMLP),
    ):
        question = find(question_id)
        paper = make_paper(question, 1, "full")
        one, other = (sit(paper, answer, base_only=True) for answer in (reference, rewritten))
        for mine, theirs in zip(other.cases, one.cases, strict=True):
            assert relative_error(mine.runs[BASE][0], theirs.runs[BASE][0]) < question.tolerance / 10
