"""The real Stable Diffusion's schedule and loop, on random weights; values of the schedule as published."""

import numpy as np
import pytest

from autograder.drawing import full_size
from autograder.reference import SD2, TINY, DiffusionModelV2


def test_alpha_bars_are_stable_diffusions():
    shares = full_size.alpha_bars()
    assert shares.shape == (1000,)
    assert np.all(np.diff(shares) < 0)
    # `DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear").alphas_cumprod`, diffusers
    assert shares[0] == pytest.approx(1 - 0.00085)
    assert shares[-1] == pytest.approx(0.00466, abs=2e-5)  # printed to five digits there


def test_timesteps_are_evenly_spaced_down_to_one():
    np.testing.assert_array_equal(full_size.timesteps(4), [751, 501, 251, 1])


def test_sample_latents_draws_with_any_unet_of_the_architecture():
    unet = DiffusionModelV2(64, 128, 5, download_weights=False, config=TINY)
    rng = np.random.default_rng(0)
    context, nothing = rng.normal(size=(2, 2, 5, TINY.context_dim))
    latents = [full_size.sample_latents(unet, context, nothing, seed, steps=2) for seed in (0, 0, 1)]
    assert latents[0].shape == (2, 8, 16, 4)
    assert np.isfinite(latents[0]).all()
    np.testing.assert_array_equal(latents[0], latents[1])
    assert not np.allclose(latents[0], latents[2])


def test_to_picture_maps_the_ends():
    np.testing.assert_array_equal(full_size.to_picture([-1.2, -1, 0, 1, 3]), [0, 0, 128, 255, 255])


@pytest.mark.full
def test_sample_latents_at_full_size():
    unet = DiffusionModelV2(512, 512, 77, download_weights=False, config=SD2)
    rng = np.random.default_rng(0)
    context, nothing = rng.normal(size=(2, 1, 77, 1024))
    latents = full_size.sample_latents(unet, context, nothing, steps=1)
    assert latents.shape == (1, 64, 64, 4)
    assert np.isfinite(latents).all()
