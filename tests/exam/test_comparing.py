"""Weights are told apart by what they do: names, order and the split of a kernel's axes do not matter, roles do."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam.comparing import agree, close, pair_weights, relative_error, written_shapes
from autograder.questions.catalogue import PART_FAILED, RAISED, WEIGHTS
from autograder.reference import CrossAttention
from autograder.sitting.paper import BASE, Answer, CaseAnswer, CasePaper, LearnerError, Paper
from autograder.sitting.run import sit

TOLERANCE = 1e-4
RNG = np.random.default_rng(0)
X, CONTEXT = RNG.normal(size=(2, 5, 12)).astype("float32"), RNG.normal(size=(2, 7, 20)).astype("float32")


class Reference(CrossAttention):
    """CrossAttention called on a list, as a paper calls layers."""

    def build(self, shapes):
        super().build(*shapes)

    def call(self, inputs):
        return super().call(*inputs)

    def compute_output_shape(self, shapes):
        return (*shapes[0][:-1], self.num_heads * self.head_size)


class Einsum(keras.layers.Layer):
    """Kernels with separate head axes, made in another order, under other names."""

    def __init__(self, heads, size):
        super().__init__()
        self.heads, self.size = heads, size
        width = heads * size
        self.last = keras.layers.EinsumDense("bshd,hdc->bsc", (None, width), bias_axes="c", name="last")
        self.value = keras.layers.EinsumDense("bsf,fhd->bshd", (None, heads, size), name="value")
        self.query = keras.layers.EinsumDense("bsf,fhd->bshd", (None, heads, size), name="query")
        self.key = keras.layers.EinsumDense("bsf,fhd->bshd", (None, heads, size), name="key")

    def call(self, inputs):
        x, context = inputs
        scores = ops.einsum("bshd,bthd->bhst", self.query(x), self.key(context)) / self.size**0.5
        return self.last(ops.einsum("bhst,bthd->bshd", ops.softmax(scores), self.value(context)))


class RolesSwapped(Reference):
    """What the value's kernel should do is done by the query's and the other way round, where shapes allow it."""

    def call(self, inputs):
        x, context = inputs
        k, v = self.to_k, self.to_v
        self.to_k, self.to_v = v, k
        out = super().call([x, context])
        self.to_k, self.to_v = k, v
        return out


class KeyTwice(Reference):
    """The key's kernel also makes the values."""

    def call(self, inputs):
        v, self.to_v = self.to_v, self.to_k
        out = super().call(inputs)
        self.to_v = v
        return out


class BiasOnQuery(Reference):
    def __init__(self, heads, size):
        super().__init__(heads, size)
        self.to_q = keras.layers.Dense(heads * size)


def answer(layer_class):
    case = CasePaper("layer", (4, 3), {"x": X, "context": CONTEXT})
    return sit(Paper("cross-attention", "CrossAttention", (case,), (1, 2)), layer_class)


@pytest.fixture(scope="module")
def right():
    return answer(Reference)


def test_agree_accepts_other_names_order_and_split_axes(right):
    assert agree(answer(Einsum), right, TOLERANCE)


def test_agree_accepts_renamed_roles(right):
    """A layer that calls its values keys computes the same: with its weights renamed it is the same function."""
    assert agree(answer(RolesSwapped), right, TOLERANCE)


@pytest.mark.parametrize("wrong", [KeyTwice, BiasOnQuery])
def test_agree_refuses_another_use_of_weights(right, wrong):
    assert not agree(answer(wrong), right, TOLERANCE)


def test_pair_weights_gives_each_weight_its_partner(right):
    einsum = answer(Einsum)
    pairs = pair_weights(einsum.cases[0], right.cases[0], TOLERANCE)
    assert sorted(pairs) == list(range(5))
    assert sorted(pairs.values()) == list(range(5))
    names = [[weight.path.split("/")[-2:] for weight in one.cases[0].weights] for one in (einsum, right)]
    assert {"/".join(names[0][mine]): "/".join(names[1][theirs]) for mine, theirs in pairs.items()} == {
        "query/kernel": "to_q/kernel",
        "key/kernel": "to_k/kernel",
        "value/kernel": "to_v/kernel",
        "last/kernel": "out_proj/kernel",
        "last/bias": "out_proj/bias",
    }


def test_close_refuses_numbers_of_half_the_digits():
    """Rounded to float16 they are off by 1e-4 only, which a question may allow."""
    x = np.float32([0.1, 0.2, 0.3])
    assert close([x.astype("float64")], [x], 1e-3)
    assert not close([x.astype("float16")], [x], 1e-3)
    assert close([x.astype("float16")], [x.astype("float16")], 1e-3)


def test_written_shapes_may_have_one_axis():
    assert written_shapes("Incompatible shapes: [5] vs. [1,16]") == ["[5]", "[1,16]"]
    assert written_shapes("shapes (5,) (None, 7), not In[0], nor (3)") == ["(5,)", "(None, 7)"]


def test_relative_error_of_other_shapes_and_of_nan_is_infinite():
    assert relative_error(np.zeros((2, 3)), np.zeros((3, 2))) == np.inf
    assert relative_error(np.array([1.0, np.nan]), np.ones(2)) == np.inf
    assert relative_error(np.array(["a", "b"]), np.ones(2)) == np.inf
    assert relative_error(np.array([1.0, 1.1]), np.ones(2)) == pytest.approx(0.1 / 2**0.5)


def test_relative_error_takes_infinities_that_a_known_mistake_gives_too():
    """A mask that is to be added is -inf in places; what is right is finite, and no infinity agrees with it."""
    mistake = np.array([0.0, -np.inf, 2.0])
    assert relative_error(np.array([0.0, -np.inf, 2.0]), mistake) == 0
    assert relative_error(np.array([0.0, -np.inf, 2.2]), mistake) == pytest.approx(0.1)
    for other in (
        [-np.inf, 0.0, 2.0],
        [0.0, np.inf, 2.0],
        [0.0, -np.inf, -np.inf],
        [0.0, np.nan, 2.0],
        [0.0, 1.0, 2.0],
    ):
        assert relative_error(np.array(other), mistake) == np.inf
    assert relative_error(mistake, np.array([0.0, 1.0, 2.0])) == np.inf


@pytest.mark.parametrize(
    ("kind", "message", "part_was_given", "same"),
    [
        ("InvalidArgumentError", "a tensor with 864 values", "(3, 5, 2, 96)", True),
        ("AttributeError", "no attribute 'proj3'", "(3, 5, 2, 96)", False),
        ("TypeError", "missing 1 required positional argument: 'padding'", "(3, 5, 2, 96)", False),
        ("TypeError", "missing 1 required positional argument: 'padding'", "", True),
        ("TypeError", "'NoneType' object is not callable", "", False),
    ],
)
def test_exception_is_a_parts_failure_only_where_it_can_come_of_it(kind, message, part_was_given, same):
    """Where the first case agrees, an exception without shapes is compared by what can have raised it."""
    fine = CaseAnswer(runs={BASE: [np.ones(3, "float32")]})
    mine = CaseAnswer(error=LearnerError("call", kind, message))
    part = CaseAnswer(error=LearnerError("call", PART_FAILED, f"conv1, Conv: {part_was_given}{WEIGHTS}"))
    assert agree(Answer("q", [fine, mine]), Answer("q", [fine, part]), 1e-4) is same


@pytest.mark.parametrize(
    "message",
    [
        "Input to reshape is a tensor with 288 values, but the requested shape requires a multiple of 240 [Op:Reshape]",
        "cannot reshape array of shape (2, 6, 24) (size 288) into shape (-1, 6, 5, 8)",  # JAX
        "shape '[-1, 6, 5, 8]' is invalid for input of size 288",  # PyTorch
        "cannot reshape array of size 288 into shape (6,5,8)",
    ],
)
def test_reshape_that_fails_is_the_same_only_for_as_many_numbers(message):
    def failed(numbers, shape):
        raised = f"cannot reshape array of size {numbers} into shape {shape}"
        part = f"cut_q, function: (2, 6, 24) (2, 6, 24){WEIGHTS}{RAISED}{raised}"
        return Answer("q", [CaseAnswer(error=LearnerError("call", PART_FAILED, part))])

    mine = Answer("q", [CaseAnswer(error=LearnerError("call", "InvalidArgumentError", message))])
    assert agree(mine, failed(288, "(6,5,8)"), 1e-4)
    assert not agree(mine, failed(96, "(6,5,8)"), 1e-4)
    assert not agree(mine, failed(288, "(6,5,12)"), 1e-4)


@pytest.mark.parametrize(("values", "same"), [(864, True), (2880, False)])
def test_reshapes_that_fail_are_of_as_many_values(values, same):
    fine = CaseAnswer(runs={BASE: [np.ones(3, "float32")]})
    mine = CaseAnswer(
        error=LearnerError(
            "call",
            "InvalidArgumentError",
            f"a tensor with {values} values, but the requested shape requires a multiple of 960",
        )
    )
    given = f"picture, function: (3, 9, 96){WEIGHTS}{RAISED}cannot reshape array of size 864 into shape (5,2,96)"
    part = CaseAnswer(error=LearnerError("call", PART_FAILED, given))
    assert agree(Answer("q", [fine, mine]), Answer("q", [fine, part]), 1e-4) is same
