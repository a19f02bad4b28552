"""Sampling against the papers' formulas, written out in NumPy and float64.

Tolerance 1e-5: float32. The schedule is KerasCV's and Stable Diffusion's: 1000 steps, square roots of beta evenly from
0.00085 to 0.012.
"""

import math

import numpy as np
import pytest
from keras import ops

from autograder.reference import ddim_step, guided_eps, initial_noise, predict_x0, sample, timestep_embedding

from .helpers import normal, relative_error

ALPHA_BARS = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
LATENT = (2, 4, 6, 3)


def noised(x0, eps, alpha_bar):
    """x_t of Ho et al. (2020), equation 4."""
    return math.sqrt(alpha_bar) * x0.astype("float64") + math.sqrt(1 - alpha_bar) * eps.astype("float64")


@pytest.mark.parametrize(("dim", "period"), [(320, 10000), (8, 100)])
def test_timestep_embedding_is_cosines_then_sines_of_falling_frequencies(dim, period):
    timesteps = np.array([0, 1, 37, 981])
    y = ops.convert_to_numpy(timestep_embedding(timesteps, dim, period))
    wanted = np.array(
        [
            [f(t * period ** (-i / (dim // 2))) for f in (math.cos, math.sin) for i in range(dim // 2)]
            for t in timesteps.tolist()
        ]
    )
    assert y.dtype == "float32"
    # An angle of 981 in float32 is off by up to 6e-5
    np.testing.assert_allclose(y, wanted, atol=1e-4)


def test_timestep_embedding_of_time_zero_is_ones_then_zeros():
    (y,) = ops.convert_to_numpy(timestep_embedding(np.array([0]), 6))
    np.testing.assert_array_equal(y, [1, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("timesteps", [np.array([3, 7]), np.array([3.0, 7.0]), [3, 7]], ids=["int", "float", "list"])
def test_timestep_embedding_takes_integers_and_floats(timesteps):
    y = ops.convert_to_numpy(timestep_embedding(timesteps, 4))
    np.testing.assert_allclose(y[:, 0], np.cos([3, 7]), atol=1e-6)


def test_initial_noise_is_an_eighth_of_the_picture_and_of_unit_variance():
    y = initial_noise(2, 512, 256, seed=5)
    assert (y.shape, y.dtype) == ((2, 64, 32, 4), "float32")
    deviations = 5 / math.sqrt(y.size)  # five standard errors of a mean of unit variance
    assert abs(y.mean()) < deviations
    assert abs(y.std() - 1) < deviations
    assert abs(np.corrcoef(y[0].ravel(), y[1].ravel())[0, 1]) < 5 / math.sqrt(y[0].size)


def test_initial_noise_follows_the_seed():
    np.testing.assert_array_equal(initial_noise(1, 64, 128, seed=5), initial_noise(1, 64, 128, seed=5))
    assert abs(np.corrcoef(*(initial_noise(1, 64, 128, seed=s).ravel() for s in (5, 6)))[0, 1]) < 0.3


@pytest.mark.parametrize("t", [1, 500, 981])
def test_predict_x0_undoes_the_noise(t):
    x0, eps = normal(*LATENT), normal(*LATENT, seed=1).astype("float64")
    x_t = noised(x0, eps, ALPHA_BARS[t])
    assert relative_error(predict_x0(x_t, eps, ALPHA_BARS[t]), x0) < 1e-10
    # In float32 the rounding of x_t grows by 1 / sqrt(alpha_bar), 14 at the noisiest of these
    assert relative_error(predict_x0(x_t.astype("float32"), eps.astype("float32"), float(ALPHA_BARS[t])), x0) < 1e-5


@pytest.mark.parametrize(("t", "before"), [(981, 961), (500, 250), (2, 1)])
def test_ddim_step_with_the_true_noise_lands_on_the_way_to_the_picture(t, before):
    x0, eps = normal(*LATENT), normal(*LATENT, seed=1).astype("float64")
    y = ddim_step(noised(x0, eps, ALPHA_BARS[t]), eps, ALPHA_BARS[t], ALPHA_BARS[before])
    assert relative_error(y, noised(x0, eps, ALPHA_BARS[before])) < 1e-10


def test_ddim_step_is_equation_12_of_its_paper():
    x_t, eps, now, then = normal(*LATENT).astype("float64"), normal(*LATENT, seed=1), 0.2, 0.7
    predicted = (x_t - math.sqrt(1 - now) * eps) / math.sqrt(now)
    wanted = math.sqrt(then) * predicted + math.sqrt(1 - then - 0**2) * eps  # sigma is 0
    assert relative_error(ddim_step(x_t, eps, now, then), wanted) < 1e-12


def test_last_ddim_step_returns_the_predicted_picture():
    x_t, eps = normal(*LATENT), normal(*LATENT, seed=1)
    np.testing.assert_array_equal(ddim_step(x_t, eps, 0.6, 1.0), predict_x0(x_t, eps, 0.6))


def test_ddim_step_predicts_by_what_it_is_given():
    x_t, eps = normal(*LATENT), np.zeros(LATENT, "float32")
    y = ddim_step(x_t, eps, 0.6, 0.25, predict=lambda latent, eps, alpha_bar: latent * alpha_bar)
    assert relative_error(y, 0.5 * 0.6 * x_t) < 1e-6


@pytest.mark.parametrize(("scale", "wanted"), [(0, [1, 2]), (1, [4, 0]), (7.5, [23.5, -13]), (0.5, [2.5, 1])])
def test_guided_eps_goes_from_unconditional_past_conditional(scale, wanted):
    np.testing.assert_allclose(guided_eps(np.array([1.0, 2]), np.array([4.0, 0]), scale), wanted)


class LinearUNet:
    """A UNet whose eps is known: `0.3 latent + mean of the context + first number of the embedding`."""

    def __init__(self):
        self.batches, self.times = [], []

    def __call__(self, inputs):
        latent, embedding, context = (ops.convert_to_numpy(x) for x in inputs)
        self.batches.append(len(latent))
        self.times.append(embedding[:, 0].tolist())
        return ops.convert_to_tensor(eps_of(latent, embedding[:, :1, None, None], context).astype("float32"))


def eps_of(latent, time, context):
    return 0.3 * latent + context.mean(axis=(1, 2))[:, None, None, None] + time


def embed(timesteps):
    return ops.convert_to_tensor(np.stack([timesteps / 1000, np.ones(len(timesteps))], axis=1).astype("float32"))


def test_sample_is_the_loop_written_out():
    latent, context, unconditional = normal(*LATENT), normal(2, 5, 7, seed=1), normal(2, 5, 7, seed=2)
    timesteps, scale = [981, 641, 321, 1], 3.0
    x = latent.astype("float64")
    for i, t in enumerate(timesteps):
        without, within = (eps_of(x, t / 1000, c) for c in (unconditional, context))
        eps = without + scale * (within - without)
        now, then = ALPHA_BARS[t], ALPHA_BARS[timesteps[i + 1]] if i + 1 < len(timesteps) else 1.0
        x0 = (x - np.sqrt(1 - now) * eps) / np.sqrt(now)
        x = np.sqrt(then) * x0 + np.sqrt(1 - then) * eps
    unet = LinearUNet()
    y = sample(unet, latent, context, unconditional, timesteps, ALPHA_BARS, scale, embed)
    assert relative_error(ops.convert_to_numpy(y), x) < 1e-5
    assert unet.batches == [4] * 4  # one call a step for both halves of the guidance
    np.testing.assert_allclose(unet.times, [[t / 1000] * 4 for t in timesteps], rtol=1e-6)


def test_sample_with_a_scale_of_one_asks_for_the_prompt_alone():
    latent, context = normal(*LATENT), normal(2, 5, 7, seed=1)
    outputs = [
        ops.convert_to_numpy(sample(LinearUNet(), latent, context, other, [500, 100], ALPHA_BARS, 1.0, embed))
        for other in (normal(2, 5, 7, seed=2), normal(2, 5, 7, seed=3))
    ]
    assert relative_error(*outputs) < 1e-5


def test_sample_of_a_unet_that_knows_the_noise_returns_the_picture():
    x0, eps = normal(*LATENT), normal(*LATENT, seed=1)
    context = np.zeros((2, 5, 7), "float32")

    def unet(inputs):
        return ops.convert_to_tensor(np.concatenate([eps, eps]))

    x_t = noised(x0, eps, ALPHA_BARS[901]).astype("float32")
    y = sample(unet, x_t, context, context, range(901, 0, -100), ALPHA_BARS, 7.5, embed)
    assert relative_error(ops.convert_to_numpy(y), x0) < 1e-5


def test_sample_steps_and_guides_by_what_it_is_given():
    calls = []

    def step(latent, eps, now, then):
        calls.append((now, then))
        return latent + eps

    latent, context = np.zeros(LATENT, "float32"), np.zeros((2, 5, 7), "float32")
    y = sample(
        lambda inputs: ops.ones((4, *LATENT[1:])),
        latent,
        context,
        context,
        [2, 1],
        [0.9, 0.8, 0.5],
        4.0,
        embed,
        step=step,
        guide=lambda without, within, scale: scale * within,
    )
    np.testing.assert_array_equal(ops.convert_to_numpy(y), np.full(LATENT, 8))
    assert calls == [(0.5, 0.8), (0.8, 1.0)]


def test_sample_keeps_the_backends_tensors():
    latent, context = normal(*LATENT), normal(2, 5, 7)
    y = sample(LinearUNet(), latent, context, context, [500, 1], ALPHA_BARS, 2.0, embed)
    assert ops.is_tensor(y)
    assert tuple(y.shape) == LATENT
