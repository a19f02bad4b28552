"""Training in the small: shapes, labels, checkpoints that go on, files that load."""

import json

import keras
import numpy as np
import pytest

from autograder.small_model import captions as language
from autograder.small_model import checkpoints, networks, train, training, training_run


def test_networks_have_the_shapes_they_document():
    assert networks.build_encoder().output_shape == (None, 8, 8, 4)
    assert networks.build_decoder().output_shape == (None, 64, 64, 3)
    shapes = {name: tensor.shape for name, tensor in networks.build_judge().output.items()}
    assert shapes == {"colour": (None, 5, 7), "shape": (None, 5, 5), "background": (None, 4)}
    assert networks.WordEmbedding()(np.zeros((3, 10), "int32")).shape == (3, 10, 64)


def test_word_embedding_knows_the_relation():
    words = networks.WordEmbedding()
    above, below, alone = (
        keras.ops.convert_to_numpy(words(language.tokenize([text])))[0]
        for text in ("a red circle above a blue cross", "a red circle below a blue cross", "a red circle")
    )
    assert not np.allclose(above[1], below[1])  # the same word "red" at the same position
    assert not np.allclose(above[1], alone[1])
    np.testing.assert_allclose(above[1] - below[1], _places(words, 1) - _places(words, 2), atol=1e-6)  # float32


def _places(words, relation):
    return keras.ops.convert_to_numpy(words.places)[relation, 1]


def test_labels_name_each_object_at_its_place():
    scenes = language.parse("a red circle below a blue cross on black")
    labels = training.labels_of(scenes)
    none_c, none_s = 6, 4
    assert labels["colour"].tolist() == [[none_c, 2, 0, none_c, none_c]]  # alone, top, bottom, left, right
    assert labels["shape"].tolist() == [[none_s, 3, 0, none_s, none_s]]
    assert labels["background"].tolist() == [0]
    alone = training.labels_of(language.parse("a white triangle"))
    assert alone["shape"].tolist() == [[2, none_s, none_s, none_s, none_s]]


def test_batches_depend_on_seed_and_number_alone():
    batches = training.Batches([1], 0, 3, 4, "training")
    later = training.Batches([1], 2, 1, 4, "training")
    for name, array in batches[2][0].items():
        np.testing.assert_array_equal(array, later[0][0][name])
    assert not np.array_equal(batches[0][0]["centre"], batches[1][0]["centre"])


def test_checkpoint_brings_variables_back(tmp_path):
    one, other = keras.layers.Dense(3, name="dense"), keras.layers.Dense(3, name="dense")
    for layer in (one, other):
        layer.build((None, 2))
    checkpoints.write_arrays(tmp_path / "state.safetensors", checkpoints.state_of(one.variables), {"step": "5"})
    from safetensors.numpy import load_file

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
    judge, words = networks.build_judge(), networks.WordEmbedding(name="words")
    words.build((None, 10))
    path = tmp_path / "weights.safetensors"
    checkpoints.write_arrays(path, checkpoints.named_weights("judge", judge))
    again = networks.build_judge()
    checkpoints.load_named_weights("judge", again, path)
    for ours, theirs in zip(judge.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours.astype("float16"), theirs)
    with pytest.raises(ValueError, match="words"):
        checkpoints.load_named_weights("words", words, path)
    with pytest.raises(FileNotFoundError, match=r"autograder\.small_model\.train"):
        checkpoints.load_named_weights("judge", judge, tmp_path / "none.safetensors")


def test_judge_training_lowers_its_loss_and_goes_on_after_a_stop(tmp_path, monkeypatch):
    monkeypatch.setattr(training_run, "CHUNK", 6)
    keras.utils.set_random_seed(0)

    def run(steps):
        options = train.parse_arguments(["--out", str(tmp_path), "--other-steps", str(steps)])
        model = training.JudgeTraining(networks.build_judge(), seed=0)
        run = training_run.Run(options, train.STAGES, "test")
        finished = run.train("judge", model, lambda first, count: training.Batches([0, 1], first, count, 64, "all"))
        return finished, json.loads(checkpoints.read_metadata(tmp_path / "judge.checkpoint.safetensors")["facts"])

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
