"""Writes weights of the drawing model's format that were never trained, for tests of what runs on them."""

import keras
import numpy as np
from keras import ops

from autograder.small_model.checkpoints import named_weights, write_arrays
from autograder.small_model.language import MAX_TEXT_LENGTH
from autograder.small_model.model import AUTOENCODER, JUDGE, WEIGHTS
from autograder.small_model.networks import SMALL, build_decoder, build_encoder, build_judge, build_text_encoder
from autograder.small_model.train import build_unet


def write_random_weights(folder, seed=0):
    """Fills `folder` with the files that training would write; every weight is moved away from its start."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    drawing = {"unet": build_unet(), "text_encoder": build_text_encoder()}
    drawing["text_encoder"].build((None, MAX_TEXT_LENGTH))
    coding, judging = {"encoder": build_encoder(), "decoder": build_decoder()}, {"judge": build_judge()}
    for file, parts in ((WEIGHTS, drawing), (AUTOENCODER, coding), (JUDGE, judging)):
        arrays = {}
        for name, part in parts.items():
            for variable in part.weights:  # biases and norms too, so that each of them has an effect
                value = ops.convert_to_numpy(variable.value)
                variable.assign(value + 0.05 * rng.standard_normal(value.shape))
            arrays |= named_weights(name, part)
        if file == WEIGHTS:
            arrays["latent_mean"] = np.zeros(SMALL.latent_channels, "float32")
            arrays["latent_std"] = np.ones(SMALL.latent_channels, "float32")
        write_arrays(folder / file, arrays)
    return folder
