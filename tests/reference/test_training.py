"""What training mixes and asks for, against numbers worked out by hand and identities of the formulas."""

import numpy as np
import pytest
from keras import ops

from autograder.reference import predict_x0, timestep_embedding, training

B, H, W, C, T, F = 3, 4, 6, 2, 5, 7
RNG = np.random.default_rng(0)
X0, NOISE = RNG.normal(size=(2, B, H, W, C)).astype("float32")
SHARES = np.array([0.9, 0.36, 0.1], "float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_add_noise_mixes_each_picture_in_its_own_shares():
    x0, noise = np.full((2, 1, 1, 1), 10.0, "float32"), np.full((2, 1, 1, 1), 1.0, "float32")
    mixed = array(training.add_noise(x0, noise, np.array([0.36, 0.64], "float32")))
    np.testing.assert_allclose(mixed.ravel(), [0.6 * 10 + 0.8, 0.8 * 10 + 0.6], rtol=1e-6)


def test_velocity_of_hand_worked_numbers():
    x0, noise = np.full((2, 1, 1, 1), 10.0, "float32"), np.full((2, 1, 1, 1), 1.0, "float32")
    v = array(training.velocity(x0, noise, np.array([0.36, 0.64], "float32")))
    np.testing.assert_allclose(v.ravel(), [0.6 - 0.8 * 10, 0.8 - 0.6 * 10], rtol=1e-6)


def test_velocity_is_the_direction_in_which_noise_is_added():
    """x_t = cos(angle) x_0 + sin(angle) eps, and v is its derivative by the angle: here as a difference quotient."""
    angle, small = np.arccos(np.sqrt(SHARES.astype("float64"))), 1e-3
    before, after = (
        array(training.add_noise(X0, NOISE, (np.cos(angle + d) ** 2).astype("float32"))) for d in (-small, small)
    )
    v = array(training.velocity(X0, NOISE, SHARES))
    np.testing.assert_allclose((after - before) / (2 * small), v, atol=2e-3)  # float32 over 2e-3


def test_eps_from_velocity_goes_back_to_the_noise_and_on_to_the_picture():
    x_t, v = (function(X0, NOISE, SHARES) for function in (training.add_noise, training.velocity))
    eps = array(training.eps_from_velocity(x_t, v, SHARES))
    np.testing.assert_allclose(eps, NOISE, atol=1e-6)
    x0 = predict_x0(array(x_t), eps, SHARES[:, None, None, None])
    np.testing.assert_allclose(x0, X0, atol=1e-5)


def test_drop_text_replaces_whole_contexts():
    context, nothing = RNG.normal(size=(2, B, T, F)).astype("float32")
    result = array(training.drop_text(context, nothing, np.array([False, True, False])))
    np.testing.assert_array_equal(result, np.stack([context[0], nothing[1], context[2]]))


def test_training_loss_asks_about_noisy_latents_and_averages_squares():
    seen = []

    def predict(inputs):
        seen.extend(map(array, inputs))
        return np.zeros_like(X0)

    bars = np.linspace(0.99, 0.01, 1000).astype("float32")
    times, context = np.array([3, 500, 998]), RNG.normal(size=(B, T, F)).astype("float32")
    loss = training.training_loss(predict, X0, NOISE, times, context, bars, lambda t: timestep_embedding(t, 8))
    np.testing.assert_allclose(seen[0], array(training.add_noise(X0, NOISE, bars[times])), atol=1e-6)
    assert seen[1].shape == (B, 8)
    np.testing.assert_array_equal(seen[2], context)
    expected = np.mean(array(training.velocity(X0, NOISE, bars[times])).astype("float64") ** 2)
    assert loss.shape == ()
    assert float(loss) == pytest.approx(expected, rel=1e-5)
