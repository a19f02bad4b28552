"""DDIM, guidance and the schedule, against closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.small_model import ddim

SIZE = (2, 8, 8, 4)


def test_alpha_bars_fall_from_nearly_one_to_nearly_nothing():
    shares = ddim.alpha_bars()
    assert shares.shape == (1000,)
    assert np.all(np.diff(shares) <= 0)
    assert shares[0] > 0.9999
    assert shares[499] == pytest.approx(0.5, abs=0.02)  # cos² of 45 degrees, moved by the offset
    assert shares[-1] == 1e-4


def test_timestep_embedding_is_cosine_first():
    embedding = ops.convert_to_numpy(ddim.timestep_embedding(np.array([0, 7]), 6))
    frequencies = [1, 10000 ** (-1 / 3), 10000 ** (-2 / 3)]
    np.testing.assert_allclose(embedding[0], [1, 1, 1, 0, 0, 0], atol=1e-7)
    expected = [*np.cos(7 * np.array(frequencies)), *np.sin(7 * np.array(frequencies))]
    np.testing.assert_allclose(embedding[1], expected, atol=1e-6)  # float32


@pytest.mark.parametrize("dim", [64, 320])
def test_timesteps_are_read_back_from_their_embedding(dim):
    embedding = ddim.timestep_embedding(np.arange(1000), dim)
    found = ops.convert_to_numpy(ddim.timesteps_of(embedding))
    np.testing.assert_allclose(found, np.arange(1000), atol=0.05)  # far within the rounding to whole steps


def test_eps_from_v_undoes_the_definition_of_v():
    rng = np.random.default_rng(0)
    clean, eps = rng.normal(size=(2, *SIZE)).astype("float32")
    timesteps = np.array([30, 930])
    share = ddim.alpha_bars()[timesteps].astype("float32")[:, None, None, None]
    latent = share**0.5 * clean + (1 - share) ** 0.5 * eps
    v = share**0.5 * eps - (1 - share) ** 0.5 * clean
    found = ddim.EpsFromV()([v, latent, ddim.timestep_embedding(timesteps, 64)])
    np.testing.assert_allclose(ops.convert_to_numpy(found), eps, atol=1e-5)  # float32


def test_predict_x0_undoes_the_noise():
    clean, eps = np.random.default_rng(1).normal(size=(2, *SIZE))
    latent = 0.3**0.5 * clean + 0.7**0.5 * eps
    np.testing.assert_allclose(ddim.predict_x0(latent, eps, 0.3), clean, atol=1e-12)  # float64


def test_ddim_step_keeps_clean_picture_and_noise():
    clean, eps = np.random.default_rng(2).normal(size=(2, *SIZE))
    latent = 0.3**0.5 * clean + 0.7**0.5 * eps
    step = ddim.ddim_step(latent, eps, 0.3, 0.6)
    np.testing.assert_allclose(step, 0.6**0.5 * clean + 0.4**0.5 * eps, atol=1e-12)  # float64
    np.testing.assert_allclose(ddim.ddim_step(latent, eps, 0.3, 1.0), clean, atol=1e-12)


def test_guidance_of_one_is_the_prompt_and_of_nought_is_none():
    one, other = np.random.default_rng(3).normal(size=(2, *SIZE))
    np.testing.assert_allclose(ddim.guided_eps(one, other, 1.0), other)
    np.testing.assert_allclose(ddim.guided_eps(one, other, 0.0), one)
    np.testing.assert_allclose(ddim.guided_eps(one, other, 3.0) - one, 3 * (other - one))


def test_initial_noise_depends_on_its_own_seed_only():
    noise = ddim.initial_noise(3, 8, seed=5)
    assert noise.dtype == np.float32
    np.testing.assert_array_equal(noise[1:], ddim.initial_noise(2, 8, seed=6))
    assert not np.array_equal(noise[0], noise[1])


def test_ddim_timesteps_start_at_the_noisiest():
    np.testing.assert_array_equal(ddim.ddim_timesteps(4), [999, 749, 499, 249])


class TrueEps(keras.layers.Layer):
    """The exact eps for data that are all equal to the context's first number."""

    def call(self, inputs):
        latent, embedding, context = inputs
        table = ops.convert_to_tensor(ddim.alpha_bars().astype("float32"))
        share = ops.take(table, ops.cast(ops.round(ddim.timesteps_of(embedding)), "int32"))[:, None, None, None]
        return (latent - ops.sqrt(share) * context[:, :1, :1, None]) / ops.sqrt(1 - share)


def test_sample_reaches_the_data_that_a_perfect_model_knows():
    inputs = [keras.Input((8, 8, 4)), keras.Input((64,)), keras.Input((3, 5))]
    unet = keras.Model(inputs, TrueEps()(inputs))
    context, nothing = np.full((2, 3, 5), 0.5, "float32"), np.zeros((2, 3, 5), "float32")
    seen = []
    noise = ddim.initial_noise(2, 8)
    for scale, expected in ((1.0, 0.5), (3.0, 1.5), (0.0, 0.0)):
        clean = ddim.sample(unet, noise, context, nothing, 6, scale, lambda i, n: seen.append((i, n)))
        # Two point masses at 0 and 0.5: eps is linear in the point, so guidance moves it to scale · 0.5 exactly.
        np.testing.assert_allclose(clean, expected, atol=1e-3)  # float32, divided by 0.01 at the noisiest step
    assert seen[:6] == [(i, 6) for i in range(1, 7)]
