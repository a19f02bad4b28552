"""A sitting writes down what an object gives and never raises for it."""

import keras
import numpy as np
import pytest

from autograder.sitting.paper import BASE, CasePaper, Paper, weight_values
from autograder.sitting.run import sit

X = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")


def paper(kind, *arguments, **inputs):
    return Paper("question", "thing", (CasePaper(kind, arguments, inputs or {"x": X}),), (1, 2))


def test_sit_function_gets_inputs_then_arguments():
    answer = sit(paper("function", 5), lambda x, n: x * n)
    np.testing.assert_allclose(answer.cases[0].runs[BASE][0], X * 5)


def test_sit_layer_runs_once_a_weight_and_once_a_shared_size():
    answer = sit(paper("layer", 3), keras.layers.Dense)
    case = answer.cases[0]
    assert [weight.shape for weight in case.weights] == [(3, 3), (3,)]
    assert set(case.runs) == {BASE, "single.0", "single.1"}
    twice = sit(paper("layer"), lambda: keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(3)])).cases[0]
    assert {"size.9", "size.3"} <= set(twice.runs)


def test_sit_layer_weights_take_the_values_of_the_keys():
    kernel, bias = weight_values(1, (3, 3)), weight_values(1, (3,))
    case = sit(paper("layer", 3), keras.layers.Dense).cases[0]
    np.testing.assert_allclose(case.runs[BASE][0], X @ kernel + bias, rtol=1e-5)
    np.testing.assert_allclose(case.runs["single.1"][0], X @ kernel + weight_values(2, (3,)), rtol=1e-5)


@pytest.mark.parametrize("trainable", [True, False])
def test_sit_layer_that_changes_its_own_weights_begins_each_run_with_those_it_is_given(trainable):
    class Restless(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(1, 3), trainable=trainable)
            self.unused = self.add_weight(shape=(2,))
            self.shift = self.add_weight(shape=(3,))

        def call(self, x):
            y = x * self.scale + self.shift
            self.scale.assign(self.scale + 1)
            return y

    runs = sit(paper("layer"), Restless).cases[0].runs
    scale, shift = weight_values(1, (1, 3), trainable), weight_values(2, (3,))
    of_shift = "single.2" if trainable else "single.1"  # Keras lists what is trained first
    np.testing.assert_allclose(runs[of_shift][0], X * scale + shift, rtol=1e-5)


def test_sit_layer_runs_on_numbers_only_once_to_be_built_and_once_a_weight():
    runs = []

    class Halves(keras.layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.dense = keras.layers.Dense(units)

        def call(self, x):
            runs.append(hasattr(x, "numpy"))
            return self.dense(x) / 2

    answer = sit(paper("layer", 3), Halves)
    assert answer.cases[0].error is None
    assert len(runs) == 1 + 1 + 2  # to be built, at A, and once a weight
    assert set(runs) == {runs[-1]}


def test_sit_layer_that_changes_what_it_keeps_is_given_it_anew_for_each_run():
    class Drifts(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],))
            self.kept = self.add_weight(shape=(shape[-1],), trainable=False)

        def call(self, x):
            y = x * self.scale + self.kept
            self.kept.assign(self.kept + 1)
            return y

    case = sit(paper("layer"), Drifts).cases[0]
    scale, kept = weight_values(1, (3,)), weight_values(1, (3,), trained=False)
    np.testing.assert_allclose(case.runs[BASE][0], X * scale + kept, rtol=1e-5)
    np.testing.assert_allclose(case.runs["single.0"][0], X * weight_values(2, (3,)) + kept, rtol=1e-5)


def test_weight_values_depend_on_key_and_size_only():
    np.testing.assert_array_equal(weight_values(7, (4, 3, 5)).ravel(), weight_values(7, (4, 15)).ravel())
    assert not np.array_equal(weight_values(7, (60,)), weight_values(8, (60,)))
    assert not np.array_equal(weight_values(7, (60,))[:59], weight_values(7, (59,)))


def test_weight_values_keep_a_signals_variance():
    """`size ** -1/4` is `1 / sqrt(fan_in)` for a square kernel."""
    signal = np.random.default_rng(1).normal(size=(50, 256))
    assert (signal @ weight_values(3, (256, 256))).std() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(3), MemoryError(), KeyError("key")])
def test_sit_writes_down_what_the_object_raises(raised):
    def broken(x):
        raise raised

    error = sit(paper("function"), broken).cases[0].error
    assert error.kind == type(raised).__name__
    assert error.stage == "call"
    assert error.line == "raise raised"


class EvilText(Exception):
    def __str__(self):
        raise SystemExit("no text for you")


class EvilWeights(keras.layers.Dense):
    @property
    def weights(self):
        raise EvilText


class EvilClass:
    @property
    def __class__(self):
        raise SystemExit("no class for you")


@pytest.mark.parametrize("make", [lambda: EvilWeights, EvilClass, lambda: lambda units: EvilClass()])
def test_sit_writes_down_what_an_object_raises_when_it_is_looked_at(make):
    error = sit(paper("layer", 3), make()).cases[0].error
    assert error is not None
    assert error.kind in ("SystemExit", "EvilText", "TypeError")
    assert error.message


def test_sit_lets_an_interrupt_through():
    def stopped(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sit(paper("function"), stopped)


def test_sit_long_messages_are_cut():
    def shouting(x):
        raise ValueError("a" * 10_000)

    assert len(sit(paper("function"), shouting).cases[0].error.message) < 1000


def test_plain_message_drops_what_keras_and_tensorflow_wrap_around_it():
    class Broken(keras.layers.Layer):
        def call(self, x):
            raise ValueError("\x1b[1m{{function_node __wrapped__}} shapes [2,3] vs. [4,5] [Op:AddV2] name: \x1b[0m")

    assert sit(paper("layer"), Broken).cases[0].error.message == "shapes [2,3] vs. [4,5]"


def test_sit_layer_gets_later_inputs_by_name_if_asked():
    class Sum(keras.layers.Layer):
        def call(self, first, context=None):
            return first + 2 * context

    case = CasePaper("layer", (), {"first": X, "context": X + 1}, by_name=True)
    one = Paper("q", "Sum", (case,), (1, 2))
    np.testing.assert_allclose(sit(one, Sum).cases[0].runs[BASE][0], 3 * X + 2, rtol=1e-6)
    assert one.call_text(case) == "Sum()(first (2, 3), context=context (2, 3))"


def test_call_text_shows_code_with_shapes():
    layer = Paper("q", "ResBlock", (CasePaper("layer", (8,), {"x": X, "t": X[:, :1]}),), (1, 2))
    assert layer.call_text(layer.cases[0]) == "ResBlock(8)([x (2, 3), t (2, 1)])"
    function = paper("function", 4)
    assert function.call_text(function.cases[0]) == "thing(x (2, 3), 4)"
