"""Right ResBlocks written very differently pass; tolerances separate right from nearly right with a margin."""

import keras
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.comparing import agree, relative_error
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.reference import GroupNorm, ResBlock
from autograder.sitting.paper import BASE
from autograder.sitting.run import sit
from tests.questions.right_answers import assert_accepted


class ListsOfLayers(keras.layers.Layer):
    """As the article writes it: flows as lists, the projection made in `build`."""

    def __init__(self, output_dim, **kwargs):
        super().__init__(**kwargs)
        norm, conv = keras.layers.GroupNormalization, keras.layers.Conv2D
        swish = keras.layers.Activation("swish")
        self.output_dim = output_dim
        self.entry_flow = [norm(epsilon=1e-5), swish, conv(output_dim, 3, padding="same")]
        self.embedding_flow = [keras.layers.Activation("swish"), keras.layers.Dense(output_dim)]
        self.exit_flow = [norm(epsilon=1e-5), swish, conv(output_dim, 3, padding="same")]

    def build(self, input_shape):
        same = input_shape[0][-1] == self.output_dim
        self.residual_projection = (lambda x: x) if same else keras.layers.Conv2D(self.output_dim, 1)
        self.built = True

    def call(self, inputs):
        inputs, embeddings = inputs
        x = inputs
        for layer in self.entry_flow:
            x = layer(x)
        for layer in self.embedding_flow:
            embeddings = layer(embeddings)
        x = x + embeddings[:, None, None]
        for layer in self.exit_flow:
            x = layer(x)
        return x + self.residual_projection(inputs)


class RawWeights(keras.layers.Layer):
    """No sub-layers: weights by `add_weight`, in another order, the projection as a matrix product."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def build(self, shapes):
        (_, _, _, c), (_, e) = shapes
        d = self.dim
        self.shift = self.add_weight(shape=(d,), name="z")
        self.mix = self.add_weight(shape=(e, d), name="a")
        self.k2, self.b2 = self.add_weight(shape=(3, 3, d, d), name="b"), self.add_weight(shape=(d,), name="c")
        self.g2, self.s2 = self.add_weight(shape=(d,), name="d"), self.add_weight(shape=(d,), name="e")
        if c != d:
            self.p, self.q = self.add_weight(shape=(c, d), name="f"), self.add_weight(shape=(d,), name="g")
        self.g1, self.s1 = self.add_weight(shape=(c,), name="h"), self.add_weight(shape=(c,), name="i")
        self.k1, self.b1 = self.add_weight(shape=(3, 3, c, d), name="j"), self.add_weight(shape=(d,), name="k")

    def norm(self, x, gain, shift):
        b, h, w, c = x.shape
        groups = ops.reshape(x, (b, h, w, 32, c // 32))
        mean = ops.mean(groups, axis=(1, 2, 4), keepdims=True)
        variance = ops.var(groups, axis=(1, 2, 4), keepdims=True)
        return ops.reshape((groups - mean) / ops.sqrt(variance + 1e-5), (b, h, w, c)) * gain + shift

    def call(self, inputs):
        x, t = inputs
        h = ops.conv(ops.silu(self.norm(x, self.g1, self.s1)), self.k1, padding="same") + self.b1
        h = h + ops.reshape(ops.silu(t) @ self.mix + self.shift, (-1, 1, 1, self.dim))
        h = ops.conv(ops.silu(self.norm(h, self.g2, self.s2)), self.k2, padding="same") + self.b2
        return h + (x if x.shape[-1] == self.dim else x @ self.p + self.q)


class Functional(keras.layers.Layer):
    """A functional model inside, a Dense projection, padding by hand, the time added as a bias."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def build(self, shapes):
        x, t = (keras.Input(shape[1:]) for shape in shapes)
        norm = keras.layers.GroupNormalization(epsilon=1e-5)
        h = keras.layers.ZeroPadding2D(1)(keras.layers.Activation("silu")(norm(x)))
        h = keras.layers.Conv2D(self.dim, 3)(h)
        bias = keras.layers.Reshape((1, 1, self.dim))(keras.layers.Dense(self.dim)(keras.layers.Activation("silu")(t)))
        h = keras.layers.Add()([bias, h])
        h = keras.layers.Activation("silu")(keras.layers.GroupNormalization(epsilon=1e-5)(h))
        h = keras.layers.Conv2D(self.dim, 3)(keras.layers.ZeroPadding2D(1)(h))
        skip = x if shapes[0][-1] == self.dim else keras.layers.Dense(self.dim)(x)
        self.model = keras.Model([x, t], keras.layers.Add()([skip, h]))

    def call(self, inputs):
        return self.model(inputs)


class UnusedWeight(ResBlock):
    """A right block that carries a weight without effect."""

    def build(self, input_shape):
        super().build(input_shape)
        self.unused = self.add_weight(shape=(7,), name="unused")


def by_keras(x, groups):
    return keras.layers.GroupNormalization(groups, epsilon=1e-5, center=False, scale=False)(x)


def group_by_group(x, groups):
    parts = []
    for part in ops.split(x, groups, axis=-1):
        mean, variance = ops.moments(part, axes=(1, 2, 3), keepdims=True)
        parts.append((part - mean) * ops.rsqrt(variance + 1e-5))
    return ops.concatenate(parts, axis=-1)


def picture_by_picture(x, groups):
    """Each picture in a batch of its own: a right way to mend what a batch shares."""
    batch, height, width, channels = x.shape
    done = []
    for picture in ops.unstack(x, batch):
        grouped = ops.reshape(picture, (height * width, groups, channels // groups))
        mean = ops.mean(grouped, axis=(0, 2), keepdims=True)
        variance = ops.mean(ops.square(grouped - mean), axis=(0, 2), keepdims=True)
        done.append(ops.reshape((grouped - mean) / ops.sqrt(variance + 1e-5), (height, width, channels)))
    return ops.stack(done)


class RawHalf(keras.layers.Layer):
    """Weights by `add_weight`, the convolution as an operation; Keras' GroupNorm without its own factor and offset."""

    def __init__(self, filters):
        super().__init__()
        self.filters = filters

    def build(self, shape):
        c = shape[-1]
        self.shift, self.bias = self.add_weight(shape=(c,), name="a"), self.add_weight(shape=(self.filters,), name="b")
        self.kernel = self.add_weight(shape=(3, 3, c, self.filters), name="c")
        self.gain = self.add_weight(shape=(c,), name="d")

    def call(self, x):
        x = by_keras(x, 32) * self.gain + self.shift
        return ops.conv(x * ops.sigmoid(x), self.kernel, padding="same") + self.bias


def half_in_a_row(filters):
    layers = keras.layers
    conv = [layers.ZeroPadding2D(1), layers.Conv2D(filters, 3)]
    return keras.Sequential([layers.GroupNormalization(epsilon=1e-5), layers.Activation("swish"), *conv])


class HalfByArticle(keras.layers.Layer):
    def __init__(self, filters):
        super().__init__()
        norm = keras.layers.GroupNormalization(epsilon=1e-6)
        self.flow = [norm, keras.activations.swish, keras.layers.Conv2D(filters, 3, padding="same")]

    def call(self, x):
        for step in self.flow:
            x = step(x)
        return x


class ShiftByReshape(keras.layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.flow = [
            keras.layers.Activation("silu"),
            keras.layers.Dense(filters),
            keras.layers.Reshape((1, 1, filters)),
        ]

    def call(self, inputs):
        x, e = inputs
        for layer in self.flow:
            e = layer(e)
        return keras.layers.Add()([x, e])


class ShiftByConvolution(keras.layers.Layer):
    """The embedding as a picture of one pixel."""

    def __init__(self, filters):
        super().__init__()
        self.conv = keras.layers.Conv2D(filters, 1)

    def call(self, inputs):
        return self.conv(ops.silu(inputs[1])[:, None, None, :]) + inputs[0]


class RawShift(keras.layers.Layer):
    def build(self, shapes):
        (*_, c), (_, e) = shapes
        self.bias, self.kernel = self.add_weight(shape=(c,), name="x"), self.add_weight(shape=(e, c), name="y")

    def __init__(self, _):
        super().__init__()

    def call(self, inputs):
        x, t = inputs
        shift = ops.matmul(t * ops.sigmoid(t), self.kernel) + self.bias
        return x + ops.expand_dims(shift, (1, 2))


PIECES = {
    "fault-group-norm": (by_keras, group_by_group, picture_by_picture),
    "norm-swish-conv": (RawHalf, half_in_a_row, HalfByArticle),
    "time-shift": (ShiftByReshape, ShiftByConvolution, RawShift),
}


@pytest.mark.parametrize("question_id", PIECES)
def test_pieces_accept_other_ways_of_writing(question_id):
    assert_accepted(question_id, PIECES[question_id])


@pytest.mark.parametrize("question_id", ["resblock-same", "resblock-project"])
@pytest.mark.parametrize("answer", [ListsOfLayers, RawWeights, Functional, UnusedWeight])
def test_resblock_accepts_other_ways_of_writing(question_id, answer):
    question = find(question_id)
    paper = make_paper(question, 3)
    verdict = Marker(question, paper).mark(sit(paper, answer))
    assert verdict.passed, verdict.message


class LateWidth(ListsOfLayers):
    """Its first convolution keeps the input's width: right where the width stays, a known mistake where it changes."""

    def build(self, input_shape):
        super().build(input_shape)
        channels = input_shape[0][-1]
        self.entry_flow = [*self.entry_flow[:-1], keras.layers.Conv2D(channels, 3, padding="same")]
        self.embedding_flow = [*self.embedding_flow[:-1], keras.layers.Dense(channels)]


def test_width_that_changes_late_is_named_where_it_shows():
    for question_id, mistake in (("resblock-same", None), ("resblock-project", "width-changes-late")):
        question = find(question_id)
        paper = make_paper(question, 3)
        verdict = Marker(question, paper).mark(sit(paper, LateWidth))
        assert (verdict.passed, verdict.mistake) == (mistake is None, mistake)


@pytest.mark.parametrize("question_id", ["resblock-same", "resblock-project"])
@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_tolerance_separates_small_epsilons_from_keras_default(question_id, scale):
    """1e-5 and 1e-6 count as right, 1e-3 does not; on both sides there is room (a factor of 3) to the tolerance."""
    question = find(question_id)

    def block(epsilon):
        def make(output_dim):
            layer = ResBlock(output_dim)
            layer.norm1, layer.norm2 = GroupNorm(epsilon), GroupNorm(epsilon)
            return layer

        return make

    for seed in range(3):
        paper = make_paper(question, seed, scale)
        right, wrong = (sit(paper, block(epsilon), base_only=True) for epsilon in (1e-5, 1e-3))
        rewritten = sit(paper, RawWeights, base_only=True)
        for one, other, same in zip(right.cases, wrong.cases, rewritten.cases, strict=True):
            assert relative_error(same.runs[BASE][0], one.runs[BASE][0]) < question.tolerance / 3
            assert relative_error(other.runs[BASE][0], one.runs[BASE][0]) > question.tolerance * 3


def test_right_answers_agree_whatever_the_seed():
    question = find("resblock-project")
    for seed in (1, 2, 3):
        paper = make_paper(question, seed)
        assert agree(sit(paper, RawWeights), sit(paper, ResBlock), question.tolerance)
