"""Right SpatialTransformers and reshapes written very differently pass; nearly right ones stay out with a margin."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.comparing import relative_error
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.questions.spatial_transformer.accepted import Spatial
from autograder.sitting.paper import BASE
from autograder.sitting.run import sit
from autograder.sitting.stand_ins import BasicTransformerBlock
from tests.questions.right_answers import assert_accepted


class AsTheArticle(keras.layers.Layer):
    """Layers made in `__init__`, a 1x1 convolution or a Dense layer, two reshapes in `call`."""

    def __init__(self, num_heads, head_size, fully_connected=False, **kwargs):
        super().__init__(**kwargs)
        self.norm = keras.layers.GroupNormalization(epsilon=1e-5)
        channels = num_heads * head_size
        self.proj1 = self.make(channels, fully_connected)
        self.transformer_block = BasicTransformerBlock(channels, num_heads, head_size)
        self.proj2 = self.make(channels, fully_connected)

    def make(self, channels, fully_connected):
        return keras.layers.Dense(channels) if fully_connected else keras.layers.Conv2D(channels, 1)

    def call(self, inputs):
        inputs, context = inputs
        _, h, w, c = inputs.shape
        x = ops.reshape(self.proj1(self.norm(inputs)), (-1, h * w, c))
        x = ops.reshape(self.transformer_block([x, context]), (-1, h, w, c))
        return self.proj2(x) + inputs


class OnTokens(keras.layers.Layer):
    """`add_weight` in another order, statistics by hand, both projections on the tokens, one reshape at the end."""

    def __init__(self, heads, size, dense=False):
        super().__init__()
        self.block, self.c = BasicTransformerBlock(heads * size, heads, size), heads * size

    def build(self, shapes):
        self.out = self.add_weight(shape=(self.c, self.c), name="a")
        self.shift = self.add_weight(shape=(self.c,), name="b")
        self.into = self.add_weight(shape=(self.c, self.c), name="c")
        self.offset = self.add_weight(shape=(self.c,), name="d")
        self.gain, self.beta = (self.add_weight(shape=(self.c,), name=name) for name in "ef")

    def call(self, inputs):
        x, context = inputs
        b, h, w, c = x.shape
        groups = ops.reshape(x, (b, h * w, 32, c // 32))
        mean = ops.mean(groups, axis=(1, 3), keepdims=True)
        variance = ops.var(groups, axis=(1, 3), keepdims=True)
        tokens = ops.reshape((groups - mean) / ops.sqrt(variance + 1e-5), (b, h * w, c)) * self.gain + self.beta
        tokens = ops.einsum("btc,cd->btd", tokens, self.into) + self.offset
        tokens = ops.einsum("btc,cd->btd", self.block([tokens, context]), self.out) + self.shift
        return x + ops.reshape(tokens, x.shape)


class Functional(keras.layers.Layer):
    """A functional model inside; projections as EinsumDense; the layers made in `build`."""

    def __init__(self, num_heads, head_size, fully_connected=False):
        super().__init__()
        self.sizes = num_heads, head_size

    def build(self, shapes):
        x, context = (keras.Input(shape[1:]) for shape in shapes)
        _, h, w, c = shapes[0]
        y = keras.layers.GroupNormalization(32, epsilon=1e-5)(x)
        y = keras.layers.EinsumDense("bhwc,cd->bhwd", (h, w, c), bias_axes="d")(y)
        y = keras.layers.Reshape((h * w, c))(y)
        y = BasicTransformerBlock(c, *self.sizes)([y, context])
        y = keras.layers.EinsumDense("btc,cd->btd", (h * w, c), bias_axes="d")(y)
        self.model = keras.Model([x, context], keras.layers.Add()([keras.layers.Reshape((h, w, c))(y), x]))

    def call(self, inputs):
        return self.model(inputs)


class ByColumns(AsTheArticle):
    """Column by column, on both ways: the order of the tokens is the learner's own."""

    def call(self, inputs):
        x, context = inputs
        _, h, w, c = x.shape
        tokens = ops.reshape(ops.transpose(self.proj1(self.norm(x)), (0, 2, 1, 3)), (-1, w * h, c))
        columns = ops.reshape(self.transformer_block([tokens, context]), (-1, w, h, c))
        return self.proj2(ops.transpose(columns, (0, 2, 1, 3))) + x


class Sequence(keras.layers.Layer):
    """Tokens before anything else: Keras' GroupNorm and convolutions of width 1 on the sequence."""

    def __init__(self, num_heads, head_size, fully_connected=False):
        super().__init__()
        self.block = BasicTransformerBlock(num_heads * head_size, num_heads, head_size)
        self.into = keras.Sequential([keras.layers.GroupNormalization(epsilon=1e-5), self.projection()])
        self.out = self.projection()

    def projection(self):
        return keras.layers.Conv1D(self.block.dim, 1)

    def call(self, inputs):
        x, context = inputs
        tokens = keras.layers.Reshape((-1, x.shape[-1]))(x)
        return x + ops.reshape(self.out(self.block([self.into(tokens), context])), ops.shape(x))


def rows_joined(x):
    return ops.concatenate([x[:, row] for row in range(x.shape[1])], axis=1)


def pixel_by_pixel(x):
    _, height, width, _ = x.shape
    return ops.stack([x[:, i // width, i % width] for i in range(height * width)], axis=1)


def tokens_in_front(tokens, height, width):
    batch, _, channels = tokens.shape
    image = ops.reshape(ops.swapaxes(tokens, 0, 1), (height, width, batch, channels))
    return ops.transpose(image, (2, 0, 1, 3))


def rows_stacked(tokens, height, width):
    return ops.stack([tokens[:, row * width : (row + 1) * width] for row in range(height)], axis=1)


def verdict(question_id, answer, scale="tiny"):
    question = find(question_id)
    paper = make_paper(question, 3, scale)
    return Marker(question, paper).mark(sit(paper, answer))


@pytest.mark.parametrize("answer", [AsTheArticle, OnTokens, Functional, ByColumns, Sequence])
def test_spatial_transformer_accepts_other_ways_of_writing(answer):
    received = verdict("spatial-transformer", answer)
    assert received.passed, received.message


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: ops.reshape(x, (x.shape[0], -1, x.shape[-1])),
        lambda x: keras.layers.Reshape((-1, x.shape[-1]))(x),
        lambda x: np.reshape(ops.convert_to_numpy(x), (len(x), x.shape[1] * x.shape[2], x.shape[3])),
        rows_joined,
        pixel_by_pixel,
    ],
)
def test_image_to_tokens_accepts_other_ways_of_writing(answer):
    received = verdict("image-to-tokens", answer)
    assert received.passed, received.message


@pytest.mark.parametrize(
    "answer",
    [
        lambda tokens, height, width: ops.reshape(tokens, (tokens.shape[0], height, width, tokens.shape[2])),
        lambda tokens, height, width: keras.layers.Reshape((height, width, -1))(tokens),
        lambda tokens, h, w: np.stack([np.reshape(one, (h, w, -1)) for one in ops.convert_to_numpy(tokens)]),
        rows_stacked,
        tokens_in_front,
    ],
)
def test_tokens_to_image_accepts_other_ways_of_writing(answer):
    received = verdict("tokens-to-image", answer)
    assert received.passed, received.message


@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_tolerance_separates_small_epsilons_from_keras_default(scale):
    """1e-5 and 1e-6 count as right, 1e-3 does not, with a factor of 3 to the tolerance on both sides."""
    question = find("spatial-transformer")

    def with_epsilon(epsilon):
        return type("SpatialTransformer", (Spatial,), {"epsilon": epsilon})

    for seed in range(2):
        paper = make_paper(question, seed, scale)
        right, wrong = (sit(paper, with_epsilon(epsilon), base_only=True) for epsilon in (1e-5, 1e-3))
        rewritten = sit(paper, AsTheArticle, base_only=True)
        for one, other, same in zip(right.cases, wrong.cases, rewritten.cases, strict=True):
            assert relative_error(same.runs[BASE][0], one.runs[BASE][0]) < question.tolerance / 3
            assert relative_error(other.runs[BASE][0], one.runs[BASE][0]) > question.tolerance * 3


def test_original_epsilon_passes():
    class OriginalEpsilon(AsTheArticle):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.norm = keras.layers.GroupNormalization(epsilon=1e-6)

    received = verdict("spatial-transformer", OriginalEpsilon)
    assert received.passed, received.message


def reached_by_convolving(height, width, row, column, convolutions):
    """A spot of light that a kernel of ones lets spread."""
    spot = np.zeros((1, height, width, 1), "float32")
    spot[0, row, column, 0] = 1
    for _ in range(convolutions):
        spot = ops.conv(spot, np.ones((3, 3, 1, 1), "float32") / 9, padding="same")
    return int(np.sum(ops.convert_to_numpy(spot) > 0))


def reached_by_distance(height, width, row, column, convolutions):
    rows, columns = np.mgrid[:height, :width]
    return np.sum(np.maximum(abs(rows - row), abs(columns - column)) <= convolutions)


def reached_by_range(height, width, row, column, convolutions):
    def side(place, length):
        return len([other for other in range(length) if abs(other - place) <= convolutions])

    return float(side(row, height) * side(column, width))


def test_reach_accepts_other_ways_of_counting():
    assert_accepted("count-reach", [reached_by_convolving, reached_by_distance, reached_by_range])
