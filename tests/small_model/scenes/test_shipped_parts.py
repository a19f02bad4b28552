"""What the package has of the model of scenes: the judge reads true pictures, and a decoded picture shows the scene."""

import json
from pathlib import Path

import numpy as np
import pytest

from autograder.small_model.batches import paint_scenes
from autograder.small_model.judging import mark, read_pictures
from autograder.small_model.language import draw_scenes
from autograder.small_model.scenes import scene_model
from autograder.small_model.training_run import FACTS

COUNT, PARTS = 48, Path(scene_model.__file__).parent


@pytest.fixture(scope="module")
def painted():
    rng = np.random.default_rng(20261130)
    scenes = draw_scenes(rng, COUNT, "held-out")
    return scenes, paint_scenes(rng, scenes)[1]


@pytest.fixture(scope="module")
def judge():
    return scene_model.load_judge()


def right(judge, scenes, pictures):
    return np.mean([mark(s, *seen)["right"] for s, seen in zip(scenes, read_pictures(judge, pictures), strict=True)])


def test_judge_reads_true_pictures_of_scenes_kept_from_training(judge, painted):
    assert right(judge, *painted) >= 0.95  # measured on 300: 0.993


def test_decoded_pictures_still_show_their_scenes(judge, painted):
    scenes, pictures = painted
    autoencoder = scene_model.Autoencoder()
    latents = autoencoder.encode(pictures)
    assert latents.shape == (COUNT, 16, 16, 4)
    back = autoencoder.decode(latents)
    assert (back.shape, back.dtype) == (pictures.shape, "uint8")
    back = back / 127.5 - 1
    assert np.square(back - pictures).mean() < 0.004  # measured on 300: 0.0024; a grey picture is 0.3 off
    assert right(judge, scenes, back.astype("float32")) >= 0.85  # measured on 300: 0.943


def test_facts_say_how_what_is_there_was_trained():
    facts = json.loads((PARTS / FACTS).read_text())
    for stage in facts["stages"]:
        assert facts["stages"][stage]["step"] == facts["settings"][stage]["steps"]
    assert {"autoencoder", "judge"} <= set(facts["stages"])
