"""What a text encoder does besides its numbers: shapes, causality, learning, and the errors of its configuration."""

import keras
import numpy as np
import pytest

from autograder.reference import (
    SD2_TEXT,
    CausalSelfAttention,
    TextBlock,
    TextEmbedding,
    TextEncoder,
    TextEncoderConfig,
    causal_mask,
    computing_in,
)

from . import helpers
from .seeded import inputs

SMALL = TextEncoderConfig(vocabulary=40, length=7, width=48, num_heads=3, layers=2)


def tokens(batch=2, config=SMALL):
    return np.random.RandomState(0).randint(config.vocabulary, size=(batch, config.length)).astype("int32")


def test_config_is_stable_diffusions():
    assert (SD2_TEXT.vocabulary, SD2_TEXT.length, SD2_TEXT.width) == (49408, 77, 1024)
    assert (SD2_TEXT.num_heads, SD2_TEXT.head_size, SD2_TEXT.layers) == (16, 64, 23)


@pytest.mark.parametrize(("change", "message"), [({"width": 50}, "multiple"), ({"layers": 0}, "layers=0")])
def test_config_that_does_not_fit_is_an_error(change, message):
    with pytest.raises(ValueError, match=message):
        TextEncoderConfig(**{"width": 48, "num_heads": 3} | change)


def test_causal_mask_lets_a_token_see_itself_and_those_before():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("layer", "x", "shape"),
    [
        (TextEmbedding(40, 9, 48), np.zeros((2, 7), "int32"), (2, 7, 48)),
        (CausalSelfAttention(3, 16), inputs("attention", (2, 7, 48)), (2, 7, 48)),
        (TextBlock(3, 16), inputs("block", (2, 7, 48)), (2, 7, 48)),
        (TextEncoder(SMALL), np.zeros((2, 7), "int32"), (2, 7, 48)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_shapes_are_as_documented(layer, x, shape):
    assert helpers.call(layer, x).shape == shape
    assert tuple(layer.compute_output_shape(x.shape)) == shape


@pytest.mark.parametrize("changed", [0, 3, 6])
def test_no_token_sees_a_later_one(changed):
    model, before = TextEncoder(SMALL), tokens()
    after = before.copy()
    after[:, changed] = (after[:, changed] + 1) % SMALL.vocabulary
    differs = np.abs(helpers.call(model, after) - helpers.call(model, before)).max(axis=(0, 2)) > 1e-6
    np.testing.assert_array_equal(differs, np.arange(SMALL.length) >= changed)


def test_place_of_a_token_matters():
    model = TextEncoder(SMALL)
    same = helpers.call(model, np.full((1, SMALL.length), 3, "int32"))[0]
    assert min(helpers.relative_error(same[i], same[i + 1]) for i in range(SMALL.length - 1)) > 1e-3


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_every_weight_learns(policy):
    """On every backend; keys' biases excepted, which a softmax does not see."""
    keras.utils.set_random_seed(0)
    with computing_in(policy):
        model = TextEncoder(SMALL)
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    model.fit(tokens(8), inputs("targets", (8, SMALL.length, SMALL.width)), epochs=2, verbose=0)
    same = [w.path for w in model.weights if np.array_equal(keras.ops.convert_to_numpy(w), before[w.path])]
    assert [path for path in same if "to_k/bias" not in path] == []


def test_encoder_learns_to_tell_prompts_apart():
    """Four prompts that differ in their first word only, and must be told apart at their last."""
    keras.utils.set_random_seed(1)
    text = np.concatenate([np.arange(4)[:, None], np.full((4, SMALL.length - 1), 5)], axis=1).astype("int32")
    model = TextEncoder(SMALL)
    head = keras.Model(model.inputs, keras.layers.Dense(4)(model.outputs[0][:, -1]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    history = head.fit(text, np.arange(4), epochs=60, verbose=0).history["loss"]
    assert history[-1] < 0.2 < history[0]


def test_encoder_computes_in_half_precision():
    for policy, tolerance in (("bfloat16", 5e-2), ("float16", 5e-3)):
        exact = TextEncoder(SMALL)
        with computing_in(policy):
            model = TextEncoder(SMALL)
        model.set_weights(exact.get_weights())
        output = keras.ops.cast(model(tokens()), "float32")
        error = helpers.relative_error(keras.ops.convert_to_numpy(output), helpers.call(exact, tokens()))
        assert 1e-5 < error < tolerance


def test_layers_are_rebuilt_from_their_config():
    for layer in (TextEmbedding(40, 9, 48), CausalSelfAttention(3, 16), TextBlock(3, 16, 1e-6, True)):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
