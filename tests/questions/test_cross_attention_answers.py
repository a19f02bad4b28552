"""Right attentions written very differently pass; the tolerance leaves room on both sides."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.comparing import relative_error
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.reference import CrossAttention
from autograder.sitting.paper import BASE
from autograder.sitting.run import sit

QUESTIONS = ["self-attention", "cross-attention"]


class AsTheArticle(keras.layers.Layer):
    """Dense layers, reshape and transpose, the keys transposed to (B, N, D, T) at once, the activation by name."""

    def __init__(self, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        width = num_heads * head_size
        self.to_q = keras.layers.Dense(width, use_bias=False)
        self.to_k = keras.layers.Dense(width, use_bias=False)
        self.to_v = keras.layers.Dense(width, use_bias=False)
        self.out_proj = keras.layers.Dense(width)
        self.scale, self.num_heads, self.head_size = head_size**-0.5, num_heads, head_size

    def call(self, inputs, context=None):
        if context is None:
            context = inputs
        q, k, v = self.to_q(inputs), self.to_k(context), self.to_v(context)
        q = ops.reshape(q, (-1, inputs.shape[1], self.num_heads, self.head_size))
        k = ops.reshape(k, (-1, context.shape[1], self.num_heads, self.head_size))
        v = ops.reshape(v, (-1, context.shape[1], self.num_heads, self.head_size))
        q, k, v = ops.transpose(q, (0, 2, 1, 3)), ops.transpose(k, (0, 2, 3, 1)), ops.transpose(v, (0, 2, 1, 3))
        weights = keras.activations.softmax(ops.matmul(q, k) * self.scale)
        attended = ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))
        return self.out_proj(ops.reshape(attended, (-1, inputs.shape[1], self.num_heads * self.head_size)))


class Einsum(keras.layers.Layer):
    """Kernels (F, N, D) by `add_weight` in another order, every product an einsum, no reshape at all."""

    def __init__(self, heads, size):
        super().__init__()
        self.heads, self.size = heads, size

    def build(self, inputs_shape, context_shape=None):
        asked, told, n, d = inputs_shape[-1], (context_shape or inputs_shape)[-1], self.heads, self.size
        self.b = self.add_weight(shape=(n * d,), name="b")
        self.o = self.add_weight(shape=(n, d, n * d), name="o")
        self.v = self.add_weight(shape=(told, n, d), name="v")
        self.k = self.add_weight(shape=(told, n, d), name="k")
        self.q = self.add_weight(shape=(asked, n, d), name="q")

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        q = ops.einsum("bsf,fnd->bsnd", inputs, self.q) / self.size**0.5
        k, v = ops.einsum("btf,fnd->btnd", context, self.k), ops.einsum("btf,fnd->btnd", context, self.v)
        w = ops.softmax(ops.einsum("bsnd,btnd->bnst", q, k), axis=3)
        return ops.einsum("bnst,btnd,nde->bse", w, v, self.o) + self.b


class MultiHeadAttention(keras.layers.Layer):
    """EinsumDense layers and the backend's own fused attention."""

    def __init__(self, num_heads, head_size):
        super().__init__()
        n, d = num_heads, head_size
        self.v, self.k, self.q = (keras.layers.EinsumDense("btf,fnd->btnd", (None, n, d)) for _ in range(3))
        self.out = keras.layers.EinsumDense("bsnd,nde->bse", (None, n * d), bias_axes="e")

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        return self.out(ops.dot_product_attention(self.q(inputs), self.k(context), self.v(context)))


class HeadByHead(keras.layers.Layer):
    """A loop over heads, convolutions of width 1 for Dense, a softmax written out, a sum over slices of out_proj."""

    def __init__(self, num_heads, head_size):
        super().__init__()
        self.n, self.d = num_heads, head_size
        self.keys, self.queries, self.values = (
            keras.layers.Conv1D(self.n * self.d, 1, use_bias=False) for _ in range(3)
        )
        self.mix = keras.layers.Dense(self.n * self.d)

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        q, k, v = self.queries(inputs), self.keys(context), self.values(context)
        found = []
        for head in range(self.n):
            part = slice(head * self.d, (head + 1) * self.d)
            raised = ops.exp(ops.matmul(q[..., part], ops.swapaxes(k[..., part], 1, 2)) / np.sqrt(self.d))
            found.append(ops.matmul(raised / ops.sum(raised, axis=2, keepdims=True), v[..., part]))
        return self.mix(ops.concatenate(found, axis=-1))


class BiasOnKeys(AsTheArticle):
    """Keys with a bias compute the same: it adds one number to all scores of a query."""

    def __init__(self, num_heads, head_size):
        super().__init__(num_heads, head_size)
        self.to_k = keras.layers.Dense(num_heads * head_size)


class OfKeras(keras.layers.Layer):
    """Keras' own layer without its biases, and the one bias that belongs there as a weight beside it."""

    def __init__(self, num_heads, head_size):
        super().__init__()
        width = num_heads * head_size
        self.attention = keras.layers.MultiHeadAttention(num_heads, head_size, use_bias=False, output_shape=width)
        self.bias = self.add_weight(shape=(width,), name="bias")

    def call(self, inputs, context=None):
        return self.attention(inputs, inputs if context is None else context) + self.bias


def dot_by_letters(a, b):
    return ops.einsum("...sd,...dt->...st", a, b)


def dot_by_sum(a, b):
    return ops.sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)


def dot_by_flattening(a, b):
    """As KerasCV did it: the leading axes joined to one, then a batched product."""
    flat = ops.matmul(ops.reshape(a, (-1, *a.shape[2:])), ops.reshape(b, (-1, *b.shape[2:])))
    return ops.reshape(flat, (-1, a.shape[1], a.shape[2], b.shape[3]))


def dot_by_loop(a, b):
    return ops.stack([ops.stack([x @ y for x, y in zip(p, q, strict=True)]) for p, q in zip(a, b, strict=True)])


def verdict(question_id, answer, scale="tiny"):
    question = find(question_id)
    paper = make_paper(question, 3, scale)
    return Marker(question, paper).mark(sit(paper, answer))


@pytest.mark.parametrize("question_id", QUESTIONS)
@pytest.mark.parametrize("answer", [AsTheArticle, Einsum, MultiHeadAttention, HeadByHead, BiasOnKeys, OfKeras])
def test_attention_accepts_other_ways_of_writing(question_id, answer):
    received = verdict(question_id, answer)
    assert received.passed, received.message


@pytest.mark.parametrize("answer", [dot_by_letters, dot_by_sum, dot_by_flattening, dot_by_loop, lambda a, b: a @ b])
def test_td_dot_accepts_other_ways_of_writing(answer):
    received = verdict("td-dot", answer)
    assert received.passed, received.message


@pytest.mark.parametrize("question_id", QUESTIONS)
def test_attention_passes_at_full_size(question_id):
    received = verdict(question_id, Einsum, "full")
    assert received.passed, received.message


@pytest.mark.parametrize("question_id", QUESTIONS)
@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_tolerance_leaves_room_for_other_orders_of_summation(question_id, scale):
    """Right answers differ by float32's rounding; the tolerance is at least ten times that."""
    question = find(question_id)
    paper = make_paper(question, 1, scale)
    rights = [sit(paper, answer, base_only=True) for answer in (CrossAttention, Einsum, HeadByHead)]
    for cases in zip(*(right.cases for right in rights), strict=True):
        first, *others = (case.runs[BASE][0] for case in cases)
        assert max(relative_error(other, first) for other in others) < question.tolerance / 10


def test_attention_that_is_not_called_by_name_says_so():
    class Positional(AsTheArticle):
        def call(self, inputs, text=None):
            return super().call(inputs, text)

    received = verdict("cross-attention", Positional)
    assert not received.passed
    assert "unexpected keyword argument 'context'" in received.message
    assert "`context=` is given by its name" in received.message.split("Cause:")[1]


def test_attention_of_keras_that_gets_one_tensor_only_is_told_which_argument_is_missing():
    class OneTensor(OfKeras):
        def call(self, inputs, context=None):
            return self.attention(inputs) + self.bias

    received = verdict("self-attention", OneTensor)
    assert not received.passed
    assert "'value'" in received.message.split("Cause:")[1]
    assert "list" not in received.message
