"""Writes weights of the drawing model's format that were never trained, for tests of what runs on them."""

import keras
import numpy as np
from keras import ops

from autograder.reference import DiffusionModelV2
from autograder.small_model.checkpoints import named_weights, write_arrays
from autograder.small_model.model import JUDGE, WEIGHTS
from autograder.small_model.networks import SMALL, WordEmbedding, build_decoder, build_judge
from autograder.small_model.practice.shape_pictures import SIDE
from autograder.small_model.practice.shapes import MAX_TEXT_LENGTH


def write_random_weights(folder, seed=0):
    """Fills `folder` with the files that training would write; every weight is moved away from its start."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    words = WordEmbedding(name="words")
    words.build((None, MAX_TEXT_LENGTH))
    unet = DiffusionModelV2(SIDE, SIDE, MAX_TEXT_LENGTH, name="unet", download_weights=False, config=SMALL)
    parts = {"unet": unet, "words": words, "decoder": build_decoder()}
    for part in (*parts.values(), judge := build_judge()):
        for variable in part.weights:  # biases and norms too, so that each of them has an effect
            value = ops.convert_to_numpy(variable.value)
            variable.assign(value + 0.1 * rng.standard_normal(value.shape))
    arrays = {name: array for prefix, part in parts.items() for name, array in named_weights(prefix, part).items()}
    statistics = {"latent_mean": np.zeros(SMALL.latent_channels, "float16")}
    statistics["latent_std"] = np.ones(SMALL.latent_channels, "float16")
    write_arrays(folder / WEIGHTS, arrays | statistics)
    write_arrays(folder / JUDGE, named_weights("judge", judge))
    return folder
