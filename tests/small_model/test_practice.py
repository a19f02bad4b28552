"""The practice UNet and its world: shapes, what depends on what, and that a few steps already teach it something."""

import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file

from autograder.reference import training
from autograder.small_model import practice
from autograder.small_model.practice import shape_autoencoder, shapes, train_autoencoder
from tests.small_model.practice_steps import one_step


@pytest.fixture(scope="module")
def world():
    return practice.make_world(seed=1)


def test_clean_latents_are_scaled_and_told_apart_by_seed():
    latents, contexts = practice.clean_latents(300, seed=5)
    assert latents.shape == (300, 8, 8, 4)
    assert contexts.shape == (300, 5, 64)
    assert latents.dtype == contexts.dtype == "float32"
    assert 0.8 < latents.std() < 1.2
    assert not np.allclose(latents, practice.clean_latents(300, seed=6)[0])


def test_words_are_told_apart_and_so_are_their_places():
    red, blue, empty = shape_autoencoder.encode_prompts(["a red circle on blue", "a blue circle on red", ""])
    np.testing.assert_array_equal(red[0], blue[0])
    assert np.linalg.norm(red[1] - blue[1]) > 4  # of vectors of length 8
    assert np.linalg.norm((red[1] - blue[1]) + (red[4] - blue[4])) < 1e-5  # the words have changed places, no more
    assert np.linalg.norm(red[1] - blue[4]) > 4  # the same word at two places
    assert np.linalg.norm(empty - red, axis=-1).min() > 4
    assert np.concatenate([red, blue, empty]).std() == pytest.approx(1, abs=0.15)


def test_decoded_pictures_still_show_their_scenes():
    rng = np.random.default_rng(20261130)
    scenes = shapes.draw_scenes(rng, 100)
    pictures = shapes.paint_shapes(rng, scenes)
    back = shape_autoencoder.decode(shape_autoencoder.encode_pictures(pictures))
    assert (back.shape, back.dtype) == (pictures.shape, "uint8")
    assert np.square(back / 127.5 - 1 - pictures).mean() < 0.01  # a grey picture is 0.6 off
    right = practice.count_right(shapes.captions(scenes), back)
    assert min(right.values()) >= 97


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


def test_training_of_the_autoencoder_writes_parts_like_those_that_are_shipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_autoencoder, "MEASURED", 8)
    assert train_autoencoder.main(["--out", str(tmp_path), "--steps", "3"]) == 0
    assert "loss" in capsys.readouterr().out
    made, shipped = (load_file(folder / practice.PARTS.name) for folder in (tmp_path, practice.PARTS.parent))
    assert {n: (a.shape, a.dtype) for n, a in made.items()} == {n: (a.shape, a.dtype) for n, a in shipped.items()}


def test_training_of_the_autoencoder_lowers_its_loss():
    _, first = train_autoencoder.train_autoencoder(steps=1)
    _, last = train_autoencoder.train_autoencoder(steps=60)
    assert last < 0.9 * first


def test_parts_are_small():
    assert practice.PARTS.stat().st_size < 1e6


def test_parts_that_are_missing_are_told_with_the_command_that_makes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(shape_autoencoder, "PARTS", tmp_path / "parts.safetensors")
    shape_autoencoder._load.cache_clear()
    with pytest.raises(FileNotFoundError, match=r"python -m autograder\.small_model\.practice\.train_autoencoder"):
        shape_autoencoder.decode(np.zeros((1, 8, 8, 4), "float32"))
