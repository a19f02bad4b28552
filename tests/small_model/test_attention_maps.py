"""Attention maps: which word each pixel looks at."""

import numpy as np
import pytest
from keras import ops

from autograder.reference import SpatialTransformer, timestep_embedding
from autograder.small_model import attention_maps as subject
from autograder.small_model import model
from autograder.small_model.attention_maps import LAYERS, CrossAttentionWeights, attention_maps
from autograder.small_model.ddim import ddim_timesteps, initial_noise

PROMPT = "a red house left of a white tree by day"


@pytest.fixture(scope="module")
def transformer():
    layer = SpatialTransformer(2, 32)
    layer.build([(None, 2, 3, 64), (None, 5, 48)])
    return layer


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype("float32") for shape in ((4, 2, 3, 64), (4, 5, 48))]


def test_attention_weights_are_softmax_of_queries_and_keys(transformer, inputs):
    (x, context), block = inputs, transformer.transformer_block
    weights = ops.convert_to_numpy(CrossAttentionWeights(transformer)(inputs))
    assert weights.shape == (4, 6, 5)
    tokens = ops.reshape(transformer.proj1(transformer.norm(x)), (4, 6, 64))
    tokens = block.norm2(tokens + block.attn1(block.norm1(tokens)))
    q = ops.convert_to_numpy(block.attn2.to_q(tokens))
    k = ops.convert_to_numpy(block.attn2.to_k(context))
    expected = 0
    for head in (slice(0, 32), slice(32, 64)):
        scores = np.exp(q[..., head] @ k[..., head].transpose(0, 2, 1) / np.sqrt(32))
        expected = expected + scores / scores.sum(axis=-1, keepdims=True) / 2
    np.testing.assert_allclose(weights, expected, rtol=1e-4)  # float32


def test_attention_weights_are_even_for_words_that_are_all_the_same(transformer, inputs):
    x, context = inputs
    same = np.repeat(context[:, :1], 5, axis=1)
    np.testing.assert_allclose(CrossAttentionWeights(transformer)([x, same]), 0.2, rtol=1e-5)  # float32


def test_attention_maps_have_a_map_for_each_step_and_word(random_folder):
    found = attention_maps(PROMPT, seed=3, steps=2, folder=random_folder)
    assert found.words == PROMPT.split()
    assert found.maps.shape == (2, 10, 16, 16)
    together = found.maps.sum(axis=1)  # start, end and what fills the prompt up have the rest
    assert (found.maps > 0).all()
    assert 0 < together.min() < together.max() < 1
    picture = model.sample_prompts([PROMPT], seed=3, steps=2, folder=random_folder)[0]
    assert np.abs(found.picture.astype(int) - picture).max() <= 1  # float32, rounded to 255 steps


def test_maps_are_the_shares_of_the_prompts_own_words(random_folder):
    """In one step the UNet sees the noise that is known, and all that a pixel gives adds up to 1."""
    unet = subject._watched(LAYERS, random_folder)
    context = model.encode_prompt(PROMPT, random_folder)
    noise, timesteps = initial_noise(1, 16, seed=3), ddim_timesteps(1)
    embedding = timestep_embedding(timesteps, unet.inputs[1].shape[-1])
    inputs = [ops.convert_to_tensor(array) for array in (noise, embedding, context)]
    weights = ops.convert_to_numpy(unet(inputs)[1])[0]  # (S, T)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)  # float32
    words = weights[:, 1:11].T.reshape(10, 16, 16)  # behind the start
    maps = attention_maps(PROMPT, seed=3, steps=1, folder=random_folder).maps[0]
    np.testing.assert_allclose(maps, words, atol=1e-5)


def test_attention_maps_look_into_the_layer_that_is_named(random_folder):
    found = [
        attention_maps("a red house", steps=1, layers=layers, folder=random_folder).maps
        for layers in ("down0_transformer0", "up0_transformer2", ("down0_transformer0", "up0_transformer2"))
    ]
    assert found[0].shape == (1, 3, 16, 16)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    np.testing.assert_allclose((found[0] + found[1]) / 2, found[2], atol=1e-5)  # float32
