"""Right GEGLUs and transformer blocks written very differently pass; nearly right ones stay out with a margin."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.comparing import relative_error
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.questions.catalogue import PART_FAILED, Evaluation, reads
from autograder.questions.transformer_block.accepted import Block, ExactBlock
from autograder.sitting.paper import BASE
from autograder.sitting.run import sit
from autograder.sitting.stand_ins import CrossAttention
from tests.questions.right_answers import assert_accepted


class Sliced(keras.layers.Layer):
    """One Dense, halves by slicing, the exact GELU as an activation."""

    def __init__(self, output_dim, **kwargs):
        super().__init__(**kwargs)
        self.output_dim = output_dim
        self.dense = keras.layers.Dense(output_dim * 2)

    def call(self, inputs):
        both = self.dense(inputs)
        return both[..., : self.output_dim] * keras.activations.gelu(both[..., self.output_dim :])


class RawWeights(keras.layers.Layer):
    """`add_weight` with the bias first, an einsum, GELU's tanh form written out."""

    def __init__(self, width):
        super().__init__()
        self.width = width

    def build(self, shape):
        self.b = self.add_weight(shape=(2, self.width), name="b")
        self.k = self.add_weight(shape=(shape[-1], 2, self.width), name="k")

    def call(self, x):
        value, gate = ops.unstack(ops.einsum("bsf,fhw->bshw", x, self.k) + self.b, axis=2)
        return value * 0.5 * gate * (1 + ops.tanh((2 / 3.141592653589793) ** 0.5 * (gate + 0.044715 * gate**3)))


class Convolved(keras.layers.Layer):
    """A convolution of width 1, the halves as axes, the exact GELU by the error function."""

    def __init__(self, output_dim):
        super().__init__()
        self.conv = keras.layers.Conv1D(2 * output_dim, 1)

    def call(self, inputs):
        value, gate = ops.split(self.conv(inputs), 2, axis=2)
        return value * gate * 0.5 * (1 + ops.erf(gate / 2**0.5))


class CutKernel(keras.layers.Layer):
    """One kernel and one bias, cut in two before anything is multiplied; all tokens of the batch as rows."""

    def __init__(self, output_dim):
        super().__init__()
        self.width = output_dim

    def build(self, shape):
        self.both = self.add_weight(shape=(shape[-1], 2 * self.width), name="both")
        self.shift = self.add_weight(shape=(2 * self.width,), name="shift")
        self.built = True

    def call(self, inputs):
        rows = ops.reshape(inputs, (-1, inputs.shape[-1]))
        value = rows @ self.both[:, : self.width] + self.shift[: self.width]
        gate = rows @ self.both[:, self.width :] + self.shift[self.width :]
        return ops.reshape(value * ops.gelu(gate), (-1, *inputs.shape[1:-1], self.width))


class Shapes(keras.layers.Layer):
    """An EinsumDense with an axis for the halves, Keras' own layers for activation and product."""

    def __init__(self, output_dim):
        super().__init__()
        self.dense = keras.layers.EinsumDense("btf,fhw->bthw", (None, 2, output_dim), bias_axes="hw")
        self.gelu, self.times = keras.layers.Activation("gelu"), keras.layers.Multiply()

    def call(self, inputs):
        value, gate = ops.unstack(self.dense(inputs), axis=-2)
        return self.times([self.gelu(gate), value])


class AsTheArticle(keras.layers.Layer):
    """Layers in `__init__`, three lines in `call`."""

    gated = Sliced

    def __init__(self, dim, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        self.norm1 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.attn1 = CrossAttention(num_heads, head_size)
        self.norm2 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.attn2 = CrossAttention(num_heads, head_size)
        self.norm3 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.geglu = self.gated(dim * 4)
        self.dense = keras.layers.Dense(dim)

    def call(self, inputs):
        inputs, context = inputs
        x = self.attn1(self.norm1(inputs), context=None) + inputs
        x = self.attn2(self.norm2(x), context=context) + x
        return self.dense(self.geglu(self.norm3(x))) + x


class ByHand(keras.layers.Layer):
    """Normalisation and feed-forward network with raw weights made in another order; positional contexts."""

    def __init__(self, dim, heads, size):
        super().__init__()
        self.dim, self.text, self.own = dim, CrossAttention(heads, size), CrossAttention(heads, size)

    def build(self, shapes):
        dim = self.dim
        self.out, self.out_bias = (
            self.add_weight(shape=(4 * dim, dim), name="a"),
            self.add_weight(shape=(dim,), name="b"),
        )
        self.wide, self.wide_bias = (
            self.add_weight(shape=(dim, 8 * dim), name="c"),
            self.add_weight(shape=(8 * dim,), name="d"),
        )
        self.gains = [self.add_weight(shape=(dim,), name=f"g{i}") for i in range(3)]
        self.shifts = [self.add_weight(shape=(dim,), name=f"s{i}") for i in range(3)]

    def norm(self, x, i):
        centred = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(centred**2, axis=-1, keepdims=True)
        return centred * ops.rsqrt(variance + 1e-5) * self.gains[i] + self.shifts[i]

    def call(self, inputs):
        y = inputs[0] + self.own(self.norm(inputs[0], 0))
        y = y + self.text(self.norm(y, 1), inputs[1])
        value, gate = ops.split(self.norm(y, 2) @ self.wide + self.wide_bias, 2, axis=-1)
        return y + (value * ops.gelu(gate, approximate=False)) @ self.out + self.out_bias


class Functional(keras.layers.Layer):
    """A functional model inside, made in `build`."""

    def __init__(self, dim, num_heads, head_size):
        super().__init__()
        self.dim, self.heads = dim, (num_heads, head_size)

    def build(self, shapes):
        x, context = (keras.Input(shape[1:]) for shape in shapes)
        layers = keras.layers
        y = layers.Add()([CrossAttention(*self.heads)(layers.LayerNormalization(epsilon=1e-6)(x)), x])
        told = CrossAttention(*self.heads)(layers.LayerNormalization(epsilon=1e-6)(y), context=context)
        y = layers.Add()([told, y])
        fed = layers.Dense(self.dim)(RawWeights(4 * self.dim)(layers.LayerNormalization(epsilon=1e-6)(y)))
        self.model = keras.Model([x, context], layers.Add()([fed, y]))

    def call(self, inputs):
        return self.model(inputs)


class OneStep(keras.layers.Layer):
    """What all three steps have in common, in a layer of its own: normalise, work, add."""

    def __init__(self, work):
        super().__init__()
        self.norm, self.work = keras.layers.LayerNormalization(epsilon=1e-5), work

    def call(self, x, **context):
        return keras.layers.add([x, self.work(self.norm(x), **context)])


class InSteps(keras.layers.Layer):
    """Layers inside of layers, a `Sequential` as the feed-forward network, the last step made first."""

    def __init__(self, dim, num_heads, head_size):
        super().__init__()
        layers = [CutKernel(4 * dim), keras.layers.Dense(dim)]
        self.think = OneStep(keras.Sequential(layers))
        self.steps = [OneStep(CrossAttention(num_heads, head_size)) for _ in range(2)]

    def call(self, inputs):
        tokens, context = inputs
        for step, source in zip(self.steps, (None, context), strict=True):
            tokens = step(tokens, context=source)
        return self.think(tokens)


class Together(keras.layers.Layer):
    """No list of layers and no sum in place: all corrections are gathered and added up each time."""

    def __init__(self, dim, num_heads, head_size):
        super().__init__()
        self.norms = [keras.layers.LayerNormalization(-1, 1e-6) for _ in "123"]
        self.attentions = {name: CrossAttention(num_heads=num_heads, head_size=head_size) for name in ("x", "text")}
        self.gate = Shapes(output_dim=4 * dim)
        self.back = keras.layers.Conv1D(dim, kernel_size=1)

    def call(self, inputs):
        corrections = [inputs[0]]
        corrections.append(self.attentions["x"](self.norms[0](sum(corrections))))
        corrections.append(self.attentions["text"](self.norms[1](sum(corrections)), inputs[1]))
        corrections.append(self.back(self.gate(self.norms[2](sum(corrections)))))
        return sum(corrections)


def verdict(question_id, answer, scale="tiny"):
    question = find(question_id)
    paper = make_paper(question, 3, scale)
    return Marker(question, paper).mark(sit(paper, answer))


@pytest.mark.parametrize("answer", [Sliced, RawWeights, Convolved, CutKernel, Shapes])
def test_geglu_accepts_other_ways_of_writing(answer):
    received = verdict("geglu", answer)
    assert received.passed, received.message


@pytest.mark.parametrize("answer", [AsTheArticle, ByHand, Functional, InSteps, Together])
def test_transformer_block_accepts_other_ways_of_writing(answer):
    received = verdict("transformer-block", answer)
    assert received.passed, received.message


def test_step_that_reads_what_is_not_made_yet_is_a_failed_part():
    """As pairs of changes may have it, of the order and of what is read."""
    question = find("transformer-block")
    evaluation = Evaluation(question.base, make_paper(question, 3))
    error = evaluation.glance({"order": lambda: ("feed", "self", "cross")}, {"path3": reads("after1")}).error
    assert error is not None
    assert error.kind == PART_FAILED


@pytest.mark.parametrize("form", ["tanh", "exact"])
@pytest.mark.parametrize(
    ("mistake", "combine"),
    [
        ("halves-swapped", lambda gelu, value, gate: gelu(value) * gate),
        ("gelu-on-both", lambda gelu, value, gate: gelu(value) * gelu(gate)),
        ("value-missing", lambda gelu, value, gate: gelu(gate)),
        ("gate-added", lambda gelu, value, gate: value + gelu(gate)),
    ],
)
def test_geglu_mistake_is_named_in_either_form_of_gelu(mistake, combine, form):
    gelu = ops.gelu if form == "tanh" else keras.activations.gelu

    class Wrong(Sliced):
        def call(self, inputs):
            return combine(gelu, *ops.split(self.dense(inputs), 2, axis=-1))

    assert verdict("geglu", Wrong).mistake == mistake


@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_tolerance_separates_small_epsilons_from_keras_default(scale):
    """1e-5 and both forms of GELU count as right, 1e-3 does not, with a factor of 3 to the tolerance."""
    question = find("transformer-block")
    careless = type("BasicTransformerBlock", (Block,), {"epsilon": 1e-3})
    paper = make_paper(question, 1, scale)
    tanh, exact, wrong = (sit(paper, answer, base_only=True) for answer in (Block, ExactBlock, careless))
    rewritten = sit(paper, AsTheArticle, base_only=True)
    for one, other, bad, same in zip(tanh.cases, exact.cases, wrong.cases, rewritten.cases, strict=True):
        assert relative_error(same.runs[BASE][0], other.runs[BASE][0]) < question.tolerance / 3
        assert relative_error(bad.runs[BASE][0], one.runs[BASE][0]) > question.tolerance * 3
        assert relative_error(bad.runs[BASE][0], other.runs[BASE][0]) > question.tolerance * 3


@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_tolerance_separates_gelu_from_its_rough_form(scale):
    """The rough sigmoid form of GELU, the nearest wrong one, is 30 times the tolerance from both right forms."""
    question = find("geglu")

    class Rough(Sliced):
        def call(self, inputs):
            value, gate = ops.split(self.dense(inputs), 2, axis=-1)
            return value * gate * ops.sigmoid(1.702 * gate)

    paper = make_paper(question, 1, scale)
    wrong = sit(paper, Rough, base_only=True)
    for accepted in question.accepted:
        right = sit(paper, accepted, base_only=True)
        for one, other in zip(right.cases, wrong.cases, strict=True):
            assert relative_error(other.runs[BASE][0], one.runs[BASE][0]) > question.tolerance * 30


def changed_by_trying(tokens, changed, off):
    """A block of Keras' own layers with random weights, run twice."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    looks = {part: layers.MultiHeadAttention(2, 4) for part in ("self-attention", "cross-attention")}
    wide, narrow = layers.Dense(32, activation="gelu"), layers.Dense(8)
    rng = np.random.default_rng(0)
    x, words = rng.normal(size=(1, tokens, 8)).astype("float32"), rng.normal(size=(1, 3, 6)).astype("float32")

    def block(x, words):
        for part, look in looks.items():
            y = layers.LayerNormalization(epsilon=1e-5)(x)
            x = x if part in off else x + look(y, y if part == "self-attention" else words)
        return x if "feed-forward" in off else x + narrow(wide(layers.LayerNormalization(epsilon=1e-5)(x)))

    before = block(x.copy(), words.copy())
    (x if changed == "token" else words)[0, 1] += rng.normal(size=8 if changed == "token" else 6)
    return int(ops.sum(ops.any(ops.abs(block(x, words) - before) > 1e-6, axis=-1)))


def changed_by_flow(tokens, changed, off):
    """Follows the news, step by step."""
    heard = {1} if changed == "token" else set()
    if heard and "self-attention" not in off:
        heard = set(range(tokens))
    if changed == "word" and "cross-attention" not in off:
        heard = set(range(tokens))
    return len(heard)


def changed_by_table(tokens, changed, off):
    step, least = {"token": ("self-attention", 1), "word": ("cross-attention", 0)}[changed]
    return np.int64([tokens, least][step in off])


def test_ablation_accepts_other_ways_of_answering():
    assert_accepted("ablate-steps", [changed_by_trying, changed_by_flow, changed_by_table])
