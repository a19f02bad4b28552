"""The parts that the practice UNet does not learn: encoder and decoder of its pictures, trained before, and its words.

They lie in `parts.safetensors`; `python -m autograder.small_model.practice.train_autoencoder` makes such a file.

Shapes: B pictures, T words of a prompt, F features of a word.
"""

import functools
from pathlib import Path

import keras
import numpy as np
from keras import ops
from safetensors.numpy import load_file

from autograder.small_model.checkpoints import load_named_weights
from autograder.small_model.painting import to_uint8
from autograder.small_model.practice.shapes import MAX_TEXT_LENGTH, SIDE, WORDS, tokenize

PARTS = Path(__file__).parent / "parts.safetensors"
COMMAND = "autograder.small_model.practice.train_autoencoder"
LATENT_SIDE, LATENT_CHANNELS = SIDE // 8, 4
FEATURES = 64  # of a word


def build_encoder():
    """Pictures `(B, 64, 64, 3)` to latents `(B, 8, 8, 4)`: three halvings, then a linear layer."""
    picture = x = keras.Input((SIDE, SIDE, 3))
    for i, filters in enumerate((24, 48, 96)):
        x = keras.layers.Conv2D(filters, 4, 2, "same", activation="swish", name=f"down{i}")(x)  # H, W halve
    return keras.Model(picture, keras.layers.Dense(LATENT_CHANNELS, name="to_latent")(x), name="encoder")


def build_decoder():
    """Latents `(B, 8, 8, 4)` to pictures `(B, 64, 64, 3)`, values from -1 to 1."""
    latent = x = keras.Input((LATENT_SIDE, LATENT_SIDE, LATENT_CHANNELS))
    for name in ("conv_in", "conv_mix"):
        x = keras.layers.Conv2D(96, 3, padding="same", activation="swish", name=name)(x)
    for i, filters in enumerate((48, 24, 12)):
        x = keras.layers.Conv2DTranspose(filters, 4, 2, "same", activation="swish", name=f"up{i}")(x)  # H, W double
    out = keras.layers.Conv2D(3, 3, padding="same", activation="tanh", name="to_picture", dtype="float32")(x)
    return keras.Model(latent, out, name="decoder")


@functools.cache
def _load(name):
    network = {"encoder": build_encoder, "decoder": build_decoder}[name]()
    load_named_weights(name, network, PARTS, COMMAND)
    return network


@functools.cache
def _latent_statistics():
    """Mean and standard deviation of each channel of the encoder's latents, `(4,)` each."""
    arrays = load_file(PARTS)
    return arrays["latent_mean"].astype("float32"), arrays["latent_std"].astype("float32")


def encode_pictures(pictures):
    """Pictures `(B, 64, 64, 3)`, values from -1 to 1, as latents of variance 1, a float32 array `(B, 8, 8, 4)`."""
    latents = ops.convert_to_numpy(_load("encoder")(np.asarray(pictures, "float32")))
    mean, std = _latent_statistics()
    return (latents - mean) / std


def decode(latents):
    """Latents `(B, 8, 8, 4)` of variance 1 as uint8 pictures `(B, 64, 64, 3)`."""
    decoder, (mean, std) = _load("decoder"), _latent_statistics()
    return to_uint8(ops.convert_to_numpy(decoder(np.asarray(latents, "float32") * std + mean)))


@functools.cache
def _word_vectors():
    """A vector for each word and one for each place in a caption, at random, so that their sums have variance 1.

    With so few words nothing has to be learned here: in 64 dimensions random vectors are far enough from each other
    to be told apart.
    """
    rng = np.random.default_rng(0)
    shapes = (len(WORDS), FEATURES), (MAX_TEXT_LENGTH, FEATURES)
    return [rng.normal(0, 0.5**0.5, shape).astype("float32") for shape in shapes]


def encode_prompts(texts):
    """Prompts as context for the UNet, a float32 array `(B, T, F)`. The empty prompt is "".

    Raises:
        ValueError: for a word that it does not know; the message lists those it does.
    """
    words, places = _word_vectors()
    return words[tokenize(texts)] + places
