"""What the tests of text encoder and autoencoder share: the small models of the fixtures, with their seeded weights."""

import functools

from autograder.reference import (
    SD2_AUTOENCODER,
    SD2_TEXT,
    AutoencoderConfig,
    Decoder,
    Encoder,
    TextEncoder,
    TextEncoderConfig,
)
from autograder.reference.weight_names import decoder_slots, encoder_slots, text_encoder_slots

from . import helpers
from . import seeded_parts as seeded

TEXT = TextEncoderConfig(
    vocabulary=seeded.VOCABULARY,
    length=seeded.LENGTH,
    width=seeded.WIDTH,
    num_heads=seeded.HEADS,
    layers=seeded.BLOCKS,
)
AUTOENCODER = AutoencoderConfig(channels=seeded.CHANNELS, blocks=seeded.BLOCKS_PER_LEVEL)
PARTS = {"text": text_encoder_slots, "encoder": encoder_slots, "decoder": decoder_slots}
SOURCES = {"keras_cv": 1e-5, "diffusers": 1e-4}  # relative L2 error, as for the UNet


def cases(part):
    """The names under which the fixtures hold the outputs of a part."""
    return ["text"] if part == "text" else [f"{part}/{case}" for case in seeded.PICTURES]


def model_input(part, case):
    if part == "text":
        return seeded.tokens()
    return {"encoder": seeded.picture, "decoder": seeded.latent}[part](case.partition("/")[2])


def config(part, source="diffusers"):
    return with_numerics(TEXT if part == "text" else AUTOENCODER, source)


def full_config(part, source):
    return with_numerics(SD2_TEXT if part == "text" else SD2_AUTOENCODER, source)


def with_numerics(config, source):
    return config.keras_cv() if source == "keras_cv" else config


def built(part, source, case, **kwargs):
    """A model of a part for a case, with random weights unless `download_weights` says where they are."""
    if part == "text":
        return TextEncoder(config(part, source), **kwargs)
    _, height, width = seeded.PICTURES[case.partition("/")[2]]
    return {"encoder": Encoder, "decoder": Decoder}[part](height, width, config(part, source), **kwargs)


@functools.cache
def arrays(part):
    return seeded.arrays(part)


def seeded_model(part, source, case):
    model = built(part, source, case)
    helpers.assign(PARTS[part](model), arrays(part))
    return model
