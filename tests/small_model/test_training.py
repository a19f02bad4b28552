"""Training of the small model: shapes, batches, checkpoints, a whole run in the small that goes on where it stopped."""

import functools
import json

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from autograder.small_model import batches, checkpoints, networks, train, training_run
from autograder.small_model.language import tokenize
from autograder.small_model.losses import AutoencoderTraining, DiffusionTraining, JudgeTraining, WordsTraining


def test_networks_have_the_shapes_they_document():
    assert networks.build_encoder().output_shape == (None, 16, 16, 4)
    assert networks.build_decoder().output_shape == (None, 128, 128, 3)
    shapes = {name: tensor.shape[1:] for name, tensor in networks.build_judge().output.items()}
    maps = {"centre": 1, "thing": 10, "colour": 6, "radius": 1}
    assert shapes == {name: (16, 16, size) for name, size in maps.items()} | {"ground": (5,)}
    assert networks.build_text_encoder()(np.zeros((3, 22), "int32")).shape == (3, 22, 64)


def test_text_encoder_tells_a_word_by_what_stands_before_it_and_where():
    """A red house above ..., below ...: only what comes after the relation may differ."""
    keras.utils.set_random_seed(0)
    encode = networks.build_text_encoder()
    texts = ["a red house above a blue tree", "a red house below a blue tree", "a red house"]
    above, below, alone = keras.ops.convert_to_numpy(encode(tokenize(texts)))
    np.testing.assert_allclose(above[:4], below[:4], atol=1e-5)  # <start> a red house
    np.testing.assert_allclose(above[:4], alone[:4], atol=1e-5)
    changed = np.abs(above - below).max(axis=-1)[4:9]  # the relation and all of the second thing
    assert changed.min() > 1e-3


def test_picture_batches_depend_on_seed_and_number_alone():
    some = batches.PictureBatches([1], 0, 3, 2, "all", labelled=True)
    later = batches.PictureBatches([1], 2, 1, 2, "all", labelled=True)
    for name, array in some[2][0].items():
        np.testing.assert_array_equal(array, later[0][0][name])
    assert not np.array_equal(some[0][0]["picture"], some[1][0]["picture"])


def test_shards_are_made_once_and_every_latent_comes_up(tmp_path):
    encoder = networks.build_encoder()
    shards = batches.LatentShards(tmp_path, encoder, [3], count=2, size=6)
    some = batches.LatentBatches(shards, 0, 6, batch_size=2)
    seen = np.concatenate([some[i][0]["latent"] for i in range(3)])
    assert seen.shape == (6, 16, 16, 4)
    whole = shards[0]["latent"]
    assert sorted(a.sum() for a in seen) == sorted(a.sum() for a in whole)
    assert not np.array_equal(whole, shards[1]["latent"])
    again = batches.LatentShards(tmp_path, None, [3], count=2, size=6)  # from the files
    np.testing.assert_array_equal(again[2]["latent"], whole)
    assert again[0]["tokens"].shape == (6, 22)
    assert {name: array.dtype.name for name, array in again[0].items()} == {
        name: array.dtype.name for name, array in shards[0].items()
    }
    assert again[0]["thing"].shape == again[0]["radius"].shape == (6, 16, 16)


def test_each_loss_is_one_number_a_picture():
    judged = batches.PictureBatches([1], 0, 1, 2, "all", labelled=True)[0][0]
    encoder = networks.build_encoder()
    models = {
        AutoencoderTraining(encoder, networks.build_decoder()): judged,
        JudgeTraining(networks.build_judge()): judged,
        WordsTraining(networks.build_text_encoder()): judged | {"tokens": tokenize(["a red house", "a blue tree"])},
    }
    for model, batch in models.items():
        losses = keras.ops.convert_to_numpy(model(batch))
        assert losses.shape == (2,)
        assert np.isfinite(losses).all()
        assert (losses > 0).all()


def test_text_encoder_is_told_what_stands_where_by_its_readings():
    """A caption whose things change sides has other readings, and their error can be lowered through the encoder."""
    keras.utils.set_random_seed(0)
    encoder = networks.build_text_encoder()
    model = WordsTraining(encoder)
    judged = batches.PictureBatches([1], 0, 1, 2, "all", labelled=True)[0][0]
    batch = judged | {"tokens": tokenize(["a red house left of a blue tree", "a red house right of a blue tree"])}
    model(batch)
    for layer in ("thing", "colour"):  # they begin with saying nothing
        kernel = model.reader.reader.get_layer(layer).kernel
        kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    read = model.reader(encoder(batch["tokens"]))
    shapes = {name: tuple(tensor.shape) for name, tensor in read.items()}
    maps = {"centre": 1, "thing": 10, "colour": 6, "radius": 1}
    assert shapes == {name: (2, 16, 16, size) for name, size in maps.items()} | {"ground": (2, 5)}
    left, right = keras.ops.convert_to_numpy(read["thing"])
    assert np.abs(left - right).max() > 1e-4
    assert {v.path for v in encoder.trainable_variables} < {v.path for v in model.trainable_variables}


def test_untrained_diffusion_loss_is_that_of_a_guess_of_nothing():
    """v has variance 1 where latents have, and an untrained UNet says little: the loss must lie around 1."""
    unet = train.build_unet()
    model = DiffusionTraining(unet, networks.build_text_encoder())
    rng = np.random.default_rng(0)
    latent = rng.normal(2, 3, (4, 16, 16, 4)).astype("float32")
    model.measure(latent)
    labels = batches.PictureBatches([1], 0, 1, 4, "all", labelled=True)[0][0]
    batch = labels | {"latent": latent, "tokens": np.ones((4, 22), "int32")}
    losses = keras.ops.convert_to_numpy(model(batch))
    assert losses.shape == (4,)
    assert 0.5 < losses.mean() < 3


def test_run_of_all_stages_goes_on_and_ships(tmp_path, monkeypatch):
    monkeypatch.setattr(training_run, "CHUNK", 2)
    compile_model = functools.partialmethod(keras.Model.compile, run_eagerly=True)  # TensorFlow would trace for minutes
    monkeypatch.setattr(keras.Model, "compile", compile_model)
    monkeypatch.setattr(train, "STAGES", dict.fromkeys(train.STAGES, (2, 4, 1e-3)))
    monkeypatch.setattr(batches.LatentShards.__init__, "__defaults__", (4,))
    command = ["--out", str(tmp_path), "--other-steps", "2", "--steps", "2", "--batch", "2", "--shards", "1"]
    train.main([*command, "--minutes", "0"])
    assert facts_of(tmp_path, "autoencoder")["step"] == 0
    assert not (tmp_path / "weights.safetensors").exists()
    train.main(command)
    arrays = shipped(tmp_path)
    assert {name.split("/")[0] for name in arrays["weights"]} == {"latent_mean", "latent_std", "unet", "text_encoder"}
    assert {name.split("/")[0] for name in arrays["autoencoder"]} == {"encoder", "decoder"}
    assert {name.split("/")[0] for name in arrays["judge"]} == {"judge"}
    facts = json.loads((tmp_path / "weights.json").read_text())
    assert [facts["stages"][stage]["step"] for stage in train.STAGES] == [2, 2, 2, 2]

    other = tmp_path / "other"
    onward = [*command, "--begin-with", str(tmp_path), "--steps", "4", "--out", str(other)]
    train.main(onward)
    facts = json.loads((other / "weights.json").read_text())
    assert [facts["stages"][stage]["step"] for stage in train.STAGES] == [2, 2, 2, 4]
    assert [step for step, _ in facts["stages"]["diffusion"]["curve"]] == [2, 4]
    for file, named in shipped(other).items():
        far = {name: np.abs(array - arrays[file][name]).max() for name, array in named.items()}
        assert max(far.values()) < 5e-3, file  # two steps of 7e-4 from where it began, a random start is 0.1 away
        assert any(far.values()) == (file == "weights")
        assert not any(far.get(name) for name in ("latent_mean", "latent_std"))


def shipped(folder):
    """What a run wrote for the package: by file, the arrays by name."""
    return {name: load_file(folder / f"{name}.safetensors") for name in ("weights", "autoencoder", "judge")}


def facts_of(folder, stage):
    """What a run's checkpoint of a stage says of itself."""
    return json.loads(checkpoints.read_metadata(folder / f"{stage}.checkpoint.safetensors")["facts"])


def test_checkpoint_brings_variables_back(tmp_path):
    one, other = keras.layers.Dense(3, name="dense"), keras.layers.Dense(3, name="dense")
    for layer in (one, other):
        layer.build((None, 2))
    checkpoints.write_arrays(tmp_path / "state.safetensors", checkpoints.state_of(one.variables), {"step": "5"})
    checkpoints.restore_state(other.variables, load_file(tmp_path / "state.safetensors"))
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])
    assert checkpoints.read_metadata(tmp_path / "state.safetensors") == {"step": "5"}
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_checkpoint_of_another_run_is_refused():
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    with pytest.raises(ValueError, match="this training run"):
        checkpoints.restore_state(layer.variables, {"0000:kernel": np.zeros((5, 3), "float32")})


def test_named_weights_load_by_name_only(tmp_path):
    judge, text_encoder = networks.build_judge(), networks.build_text_encoder()
    text_encoder.build((None, 22))
    path = tmp_path / "weights.safetensors"
    checkpoints.write_arrays(path, checkpoints.named_weights("judge", judge))
    again = networks.build_judge()
    checkpoints.load_named_weights("judge", again, path)
    for ours, theirs in zip(judge.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours.astype("float16"), theirs)
    with pytest.raises(ValueError, match="text_encoder"):
        checkpoints.load_named_weights("text_encoder", text_encoder, path)
    with pytest.raises(FileNotFoundError, match=r"autograder\.small_model\.train"):
        checkpoints.load_named_weights("judge", judge, tmp_path / "none.safetensors")


def test_judge_training_lowers_its_loss_and_goes_on_after_a_stop(tmp_path, monkeypatch):
    monkeypatch.setattr(training_run, "CHUNK", 6)
    keras.utils.set_random_seed(0)

    def run(steps):
        options = train.parse_arguments(["--out", str(tmp_path), "--other-steps", str(steps)])
        model = JudgeTraining(networks.build_judge(), seed=0)
        run = training_run.Run(options, train.STAGES, "test")
        pictures = functools.partial(batches.PictureBatches, [0, 1], batch_size=8, kind="all", labelled=True)
        finished = run.train("judge", model, lambda first, count: pictures(first=first, count=count), averaged=False)
        return finished, facts_of(tmp_path, "judge")

    finished, facts = run(12)
    assert finished
    assert facts["step"] == 12
    (_, first), (_, last) = facts["curve"]
    assert last < first
    finished, facts = run(18)  # the folder's 12 steps count
    assert [step for step, _ in facts["curve"]] == [6, 12, 18]


def test_average_forgets_its_start_and_follows_the_weights():
    layer = keras.layers.Dense(1, use_bias=False)
    layer.build((None, 1))
    average = training_run.Average(layer.variables)
    for chunk in range(1, 4):
        layer.kernel.assign([[float(chunk)]])
        average.update(chunk)
    # kept: 0, 1/3, 1/2, so 1, then 1/3 + 4/3, then half of that and half of 3
    np.testing.assert_allclose(average.arrays[0], [[7 / 3]], rtol=1e-6)  # float32
    average.put_in_place()
    np.testing.assert_allclose(layer.get_weights()[0], [[7 / 3]], rtol=1e-6)
