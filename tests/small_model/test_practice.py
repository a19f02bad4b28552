"""The practice UNet and its world: shapes, what depends on what, and that a few steps already teach it something."""

import numpy as np
import pytest
from keras import ops

from autograder.reference import training
from autograder.small_model import practice
from tests.small_model.practice_steps import one_step


@pytest.fixture(scope="module")
def world():
    return practice.make_world(seed=1)


def test_clean_latents_are_scaled_and_told_apart_by_seed():
    latents, contexts = practice.clean_latents(300, seed=5)
    assert latents.shape == (300, 8, 8, 4)
    assert contexts.shape == (300, 10, 64)
    assert latents.dtype == contexts.dtype == "float32"
    assert 0.8 < latents.std() < 1.2  # of one object on a ground; over all scenes it is 1
    assert not np.allclose(latents, practice.clean_latents(300, seed=6)[0])


def test_network_depends_on_latent_time_and_text(world):
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(2, *tensor.shape[1:])).astype("float32") for tensor in world.unet.inputs]
    before = ops.convert_to_numpy(world.unet(inputs))
    assert before.shape == inputs[0].shape
    for index in range(3):
        changed = list(inputs)
        changed[index] = changed[index] + 1
        after = ops.convert_to_numpy(world.unet(changed))
        assert np.linalg.norm(after - before) > 1e-3 * np.linalg.norm(before), index


def test_batches_repeat_and_change_with_the_epoch():
    one, other = practice.Batches(3, seed=2), practice.Batches(3, seed=2)
    assert len(one) == 3
    np.testing.assert_array_equal(one[1][0]["x0"], other[1][0]["x0"])
    assert not np.array_equal(one[1][0]["x0"], one[2][0]["x0"])
    before = one[1][0]["x0"]
    one.on_epoch_end()
    assert not np.array_equal(one[1][0]["x0"], before)


def test_practice_learns_and_draws():
    """The one test that trains: 40 steps bring the loss well below the 1 of a network that knows nothing."""
    world = practice.make_world(seed=1)
    picture = practice.draw_practice(world, training.eps_from_velocity, practice.PROMPTS[:2], seed=3)
    assert picture.shape == (2, 64, 64, 3)
    assert picture.dtype == "uint8"
    reported = []
    curve = practice.practise(world, one_step, 40, lambda *pair: reported.append(pair))
    assert curve == reported
    assert [step for step, _ in curve] == [40]
    after = practice.draw_practice(world, training.eps_from_velocity, practice.PROMPTS[:2], seed=3)
    assert not np.array_equal(after, picture)
    batch, _ = practice.Batches(1, seed=9)[0]
    losses = [float(one_step(world, batch["x0"], batch["context"], seed)) for seed in range(3)]
    assert np.mean(losses) < 0.9
