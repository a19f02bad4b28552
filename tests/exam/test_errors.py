"""An exception of the learner's code gets a cause of its own, told from real code that raises it."""

import keras
import pytest
from keras import layers, ops

from autograder.exam.errors import UNKNOWN, error_finding
from autograder.sitting.paper import LearnerError
from autograder.sitting.run import sit
from tests.exam.shared_marker import marker

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


class Half(keras.layers.Layer):
    """The layers that a ResBlock is made of; each answer below goes on from here in another wrong way."""

    def __init__(self, output_dim):
        super().__init__()
        self.conv, self.dense = layers.Conv2D(output_dim, 3, padding="same"), layers.Dense(output_dim)


class NeverMade(Half):
    def call(self, inputs):
        return self.norm1(inputs[0])


class NoSuchName(Half):
    def call(self, inputs):
        return ops.matmul(inputs[0], self.dense.weight)


class OtherSignature(Half):
    def call(self, x, t_emb):
        return self.conv(x)


class NoArgument(keras.layers.Layer):
    def __init__(self):
        super().__init__()


class NoSuper(keras.layers.Layer):
    def __init__(self, output_dim):
        self.output_dim = output_dim


class WholeList(Half):
    def call(self, inputs):
        return self.conv(inputs)


class MadeInCall(Half):
    def call(self, inputs):
        self.extra = layers.Dense(3)
        return self.extra(inputs[0])


class TensorMethod(Half):
    def call(self, inputs):
        return inputs[0].reshape(2, -1)


class NotCalled(Half):
    def call(self, inputs):
        return ops.silu(self.conv)


class TwoArguments(Half):
    def call(self, inputs):
        return self.conv(*inputs)


class OtherShapes(Half):
    def call(self, inputs):
        x, t_emb = inputs
        return ops.matmul(self.conv(x), self.dense(t_emb))


class Misspelled(Half):
    def call(self, inputs):
        return self.conv(imputs[0])  # noqa: F821


class NoValue(Half):
    def call(self, inputs):
        for _ in range(0):
            h = inputs[0]
        return h


class Nothing(Half):
    def helper(self, x):
        self.conv(x)

    def call(self, inputs):
        return self.helper(inputs[0]).shape


def verdict(question_id, answer):
    return marker(question_id).mark(sit(marker(question_id).paper, answer))


def cause(question_id, answer):
    (line,) = [line for line in verdict(question_id, answer).message.splitlines() if line.startswith("  Cause:")]
    return line


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NeverMade, ["`self.norm1`", "__init__"]),
        (NoSuchName, ["Dense", "`weight`"]),
        (OtherSignature, ["signature"]),
        (NoArgument, ["`__init__`", "arguments"]),
        (NoSuper, ["super().__init__"]),
        (WholeList, ["list", "apart"]),
        (MadeInCall, ["inside `call`"]),
        (NotCalled, ["not called"]),
        (TwoArguments, ["one list"]),
        (Misspelled, ["`imputs`"]),
        (NoValue, ["`h`", "value"]),
        (Nothing, ["None", "return"]),
        (Half(64), ["class"]),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_check_tells_what_an_exception_means(answer, words):
    text = cause("resblock-same", answer)
    assert [word for word in words if word not in text] == []


@pytest.mark.skipif(not ON_TENSORFLOW, reason="the words and the methods of another backend's tensors")
@pytest.mark.parametrize(
    ("answer", "words"),
    [(TensorMethod, ["`reshape`", "keras.ops"]), (OtherShapes, ["shapes", "[48,64]", "[2,64]"])],
)
def test_check_tells_what_an_exception_of_tensorflow_means(answer, words):
    assert [word for word in words if word not in cause("resblock-same", answer)] == []


def test_check_tells_that_an_argument_is_missing_by_its_name():
    class CrossAttention(keras.layers.Layer):
        def __init__(self, num_heads, head_size):
            super().__init__()

        def call(self, inputs):
            return inputs

    assert "`context=`" in cause("cross-attention", CrossAttention)


def test_check_tells_how_a_power_is_written():
    assert "`**`" in cause("remaining-error", lambda alpha, steps: (1 - alpha) ^ steps)


def test_error_of_no_known_kind_is_shown_as_it_is():
    def puzzled(a, b):
        raise RuntimeError("a puzzle")

    assert UNKNOWN in cause("td-dot", puzzled)
    assert "RuntimeError" in verdict("td-dot", puzzled).message


@pytest.mark.parametrize("message", ["", "\n" * 600, "[" * 600, "(1," * 200, "'" * 600, "takes " * 100])
def test_error_finding_takes_any_text(message):
    assert error_finding(LearnerError("call", "ValueError", message, "x = y"))


def test_check_of_a_layer_without_weights_says_where_layers_are_made():
    class NewInEveryCall(keras.layers.Layer):
        def __init__(self, output_dim):
            super().__init__()
            self.output_dim = output_dim

        def call(self, inputs):
            return layers.Conv2D(self.output_dim, 3, padding="same")(inputs[0])

    text = cause("resblock-same", NewInEveryCall)
    assert "no weights" in text
    assert "-448: 7 weights of shape (64,)" in text
    assert "__init__" in text
