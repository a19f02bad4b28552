"""Training of the model of scenes: shapes, batches, a whole run in the small that goes on where it was stopped."""

import functools
import json

import keras
import numpy as np
from safetensors.numpy import load_file

from autograder.small_model import checkpoints, training_run
from autograder.small_model.losses import AutoencoderTraining, DiffusionTraining, JudgeTraining
from autograder.small_model.scenes import scene_batches, scene_networks, train_scenes


def test_networks_have_the_shapes_they_document():
    assert scene_networks.build_encoder().output_shape == (None, 16, 16, 4)
    assert scene_networks.build_decoder().output_shape == (None, 128, 128, 3)
    shapes = {name: tensor.shape[1:] for name, tensor in scene_networks.build_judge().output.items()}
    maps = {"centre": 1, "thing": 10, "colour": 6, "radius": 1}
    assert shapes == {name: (16, 16, size) for name, size in maps.items()} | {"ground": (5,)}
    assert scene_networks.build_text_encoder()(np.zeros((3, 22), "int32")).shape == (3, 22, 64)


def test_picture_batches_depend_on_seed_and_number_alone():
    batches = scene_batches.PictureBatches([1], 0, 3, 2, "all", labelled=True)
    later = scene_batches.PictureBatches([1], 2, 1, 2, "all", labelled=True)
    for name, array in batches[2][0].items():
        np.testing.assert_array_equal(array, later[0][0][name])
    assert not np.array_equal(batches[0][0]["picture"], batches[1][0]["picture"])


def test_shards_are_made_once_and_every_latent_comes_up(tmp_path):
    encoder = scene_networks.build_encoder()
    shards = scene_batches.LatentShards(tmp_path, encoder, [3], count=2, size=6)
    batches = scene_batches.LatentBatches(shards, 0, 6, batch_size=2)
    seen = np.concatenate([batches[i][0]["latent"] for i in range(3)])
    assert seen.shape == (6, 16, 16, 4)
    whole = shards[0]["latent"]
    assert sorted(a.sum() for a in seen) == sorted(a.sum() for a in whole)
    assert not np.array_equal(whole, shards[1]["latent"])
    again = scene_batches.LatentShards(tmp_path, None, [3], count=2, size=6)  # from the files
    np.testing.assert_array_equal(again[2]["latent"], whole)
    assert again[0]["tokens"].shape == (6, 22)


def test_each_loss_is_one_number_a_picture():
    judged = scene_batches.PictureBatches([1], 0, 1, 2, "all", labelled=True)[0][0]
    encoder = scene_networks.build_encoder()
    models = {
        AutoencoderTraining(encoder, scene_networks.build_decoder()): judged,
        JudgeTraining(scene_networks.build_judge()): judged,
    }
    for model, batch in models.items():
        losses = keras.ops.convert_to_numpy(model(batch))
        assert losses.shape == (2,)
        assert np.isfinite(losses).all()
        assert (losses > 0).all()


def test_untrained_diffusion_loss_is_that_of_a_guess_of_nothing():
    """v has variance 1 where latents have, and an untrained UNet says little: the loss must lie around 1."""
    unet = train_scenes.build_unet()
    model = DiffusionTraining(unet, scene_networks.build_text_encoder())
    rng = np.random.default_rng(0)
    latent = rng.normal(2, 3, (4, 16, 16, 4)).astype("float32")
    model.measure(latent)
    losses = keras.ops.convert_to_numpy(model({"latent": latent, "tokens": np.ones((4, 22), "int32")}))
    assert losses.shape == (4,)
    assert 0.5 < losses.mean() < 3


def test_run_of_all_stages_goes_on_and_ships(tmp_path, monkeypatch):
    monkeypatch.setattr(training_run, "CHUNK", 2)
    compile_model = functools.partialmethod(keras.Model.compile, run_eagerly=True)  # TensorFlow would trace for minutes
    monkeypatch.setattr(keras.Model, "compile", compile_model)
    monkeypatch.setattr(train_scenes, "STAGES", dict.fromkeys(train_scenes.STAGES, (2, 4, 1e-3)))
    monkeypatch.setattr(scene_batches.LatentShards.__init__, "__defaults__", (4,))
    command = ["--out", str(tmp_path), "--other-steps", "2", "--steps", "2", "--batch", "2", "--shards", "1"]
    train_scenes.main([*command, "--minutes", "0"])
    facts = json.loads(checkpoints.read_metadata(tmp_path / "autoencoder.checkpoint.safetensors")["facts"])
    assert facts["step"] == 0
    assert not (tmp_path / "weights.safetensors").exists()
    train_scenes.main(command)
    arrays = shipped(tmp_path)
    assert {name.split("/")[0] for name in arrays["weights"]} == {"latent_mean", "latent_std", "unet", "text_encoder"}
    assert {name.split("/")[0] for name in arrays["autoencoder"]} == {"encoder", "decoder"}
    assert {name.split("/")[0] for name in arrays["judge"]} == {"judge"}
    facts = json.loads((tmp_path / "weights.json").read_text())
    assert [facts["stages"][stage]["step"] for stage in train_scenes.STAGES] == [2, 2, 2]

    other = tmp_path / "other"
    onward = [*command, "--begin-with", str(tmp_path), "--steps", "4", "--out", str(other)]
    train_scenes.main(onward)
    facts = json.loads((other / "weights.json").read_text())
    assert [facts["stages"][stage]["step"] for stage in train_scenes.STAGES] == [2, 2, 4]
    assert [step for step, _ in facts["stages"]["diffusion"]["curve"]] == [2, 4]
    for file, named in shipped(other).items():
        far = {name: np.abs(array - arrays[file][name]).max() for name, array in named.items()}
        assert max(far.values()) < 5e-3, file  # two steps of 7e-4 from where it began, a random start is 0.1 away
        assert any(far.values()) == (file == "weights")
        assert not any(far.get(name) for name in ("latent_mean", "latent_std"))


def shipped(folder):
    """What a run wrote for the package: by file, the arrays by name."""
    return {name: load_file(folder / f"{name}.safetensors") for name in ("weights", "autoencoder", "judge")}
