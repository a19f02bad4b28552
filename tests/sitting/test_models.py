"""Flows and models: called once on symbolic inputs, then run; every way to fail has a message of its own."""

import keras
import numpy as np
import pytest

from autograder.sitting.paper import BASE, CasePaper, Paper
from autograder.sitting.run import sit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 6, 32)).astype("float32")
T_EMB = RNG.normal(size=(2, 24)).astype("float32")
WIDTHS = {"channels": (32, 64, 96, 96), "head_size": 8, "latent_channels": 3, "context_dim": 20}


def paper(kind="flow", arguments=(), **inputs):
    case = CasePaper(kind, arguments, inputs or {"x": X, "t_emb": T_EMB}, widths=WIDTHS)
    return Paper("question", "flow", (case,), (1, 2))


def error_of(function, kind="flow"):
    return sit(paper(kind), function).cases[0].error


def test_flow_gets_symbolic_inputs_and_blocks_of_the_papers_widths():
    def flow(x, t_emb, blocks):
        assert isinstance(x, keras.KerasTensor)
        assert blocks.channels == (32, 64, 96, 96)
        return blocks.ResBlock(blocks.channels[1])([x, t_emb])

    case = sit(paper(), flow).cases[0]
    assert case.error is None
    assert case.runs[BASE][0].shape == (2, 4, 6, 64)


def test_flow_may_return_a_tensor_and_a_list():
    def flow(x, t_emb, blocks):
        y = blocks.ResBlock(64)([x, t_emb])
        return y, [x, y]

    assert [a.shape[-1] for a in sit(paper(), flow).cases[0].runs[BASE]] == [64, 32, 64]


def test_flow_gets_numbered_inputs_as_one_list():
    def flow(outputs, t_emb, blocks):
        assert isinstance(outputs, list)
        return outputs.pop() - outputs.pop()

    one = paper(**{"outputs[0]": X, "outputs[1]": 3 * X, "t_emb": T_EMB})
    np.testing.assert_allclose(sit(one, flow).cases[0].runs[BASE][0], 2 * X, rtol=1e-6)
    assert one.call_text(one.cases[0]) == "flow(outputs [2 feature maps], t_emb (2, 24), blocks)"


def test_flow_own_weights_are_traced_like_a_layers():
    def flow(x, t_emb, blocks):
        return keras.layers.GroupNormalization()(x)

    case = sit(paper(), flow).cases[0]
    assert [weight.shape for weight in case.weights] == [(32,), (32,)]
    assert set(case.runs) == {BASE, "single.0", "single.1", "size.32"}


def test_flow_that_shares_a_block_gives_other_values():
    def flow(shared):
        def run(x, t_emb, blocks):
            one = blocks.ResBlock(32)
            return (one if shared else blocks.ResBlock(32))([one([x, t_emb]), t_emb])

        return run

    two, one = (sit(paper(), flow(shared)).cases[0].runs[BASE][0] for shared in (False, True))
    assert np.linalg.norm(one - two) / np.linalg.norm(two) > 1e-2


def test_flow_that_runs_on_arrays_only_is_told_so():
    def flow(x, t_emb, blocks):
        return np.tanh(np.asarray(x))

    error = error_of(flow)
    assert error.kind == "EagerOnly"
    assert "keras.Input" in error.message
    assert error.line == "return np.tanh(np.asarray(x))"


def test_flow_that_fails_on_arrays_too_keeps_its_own_error():
    error = error_of(lambda x, t_emb, blocks: x + "KerasTensor")
    assert error.kind != "EagerOnly"


@pytest.mark.parametrize(
    ("made", "received"),
    [
        (lambda x, t_emb, blocks: None, "return"),
        (lambda x, t_emb, blocks: [x, x, x], "a list of 3 tensors"),
        (lambda x, t_emb, blocks: ([x, x], x), "a tuple of a list of 2 tensors, a tensor"),
        (lambda x, t_emb, blocks: X, "ndarray"),
        (lambda x, t_emb, blocks: (x, []), "a tuple of a tensor, an empty list"),
    ],
)
def test_flow_that_returns_something_else_is_told_what(made, received):
    error = error_of(made)
    assert error.kind == "TypeError"
    assert received in error.message


def test_flow_error_says_how_far_it_had_come():
    def flow(x, t_emb, blocks):
        for _ in range(2):
            x = blocks.ResBlock(32)([x, t_emb])
        return keras.layers.Concatenate()([x, blocks.Upsample(32)(x)])

    error = error_of(flow)
    assert error.kind == "ValueError"
    assert error.message.endswith("(after 2 ResBlock, 1 Upsample)")
    assert "(None, 4, 6, 32)" in error.message


def test_flow_that_is_not_written_stays_untouched():
    def flow(x, t_emb, blocks):
        raise NotImplementedError("write your answer here")

    assert error_of(flow).kind == "NotImplementedError"


def test_model_is_run_on_the_papers_inputs():
    def build(factor, blocks):
        x, t_emb = keras.Input(X.shape[1:]), keras.Input(T_EMB.shape[1:])
        return keras.Model([x, t_emb], factor * blocks.ResBlock(32)([x, t_emb]))

    answers = [sit(paper("model", (factor,)), build).cases[0].runs[BASE][0] for factor in (1, 3)]
    np.testing.assert_allclose(3 * answers[0], answers[1], rtol=1e-5)
    one = paper("model", (64,))
    assert one.call_text(one.cases[0]) == "flow(64, blocks)([x (2, 4, 6, 32), t_emb (2, 24)])"


def test_model_must_be_a_keras_model():
    error = error_of(lambda blocks: keras.Input((3,)), kind="model")
    assert "must return a keras.Model. Received: a tensor" in error.message


def test_model_must_take_a_list_of_inputs():
    def model(blocks):
        x, t_emb = keras.Input(X.shape[1:], name="x"), keras.Input(T_EMB.shape[1:], name="t_emb")
        return keras.Model({"x": x, "t_emb": t_emb}, blocks.ResBlock(64)([x, t_emb]))

    assert "a list of inputs. Received: a model of a dict" in error_of(model, "model").message
