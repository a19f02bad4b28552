"""The trained small model, ready to draw: its UNet, its text encoder, its autoencoder, and the judge of pictures.

Shapes: B pictures, T tokens of a prompt (22), F features of a token (64).
"""

import functools
import os
from pathlib import Path

import numpy as np
from keras import ops
from safetensors.numpy import load_file

from autograder.adapters.backend import without_gradients
from autograder.reference import DiffusionModelV2
from autograder.small_model.block_unet import BlockUNet
from autograder.small_model.checkpoints import load_named_weights
from autograder.small_model.ddim import initial_noise, sample, with_eps
from autograder.small_model.language import MAX_TEXT_LENGTH, tokenize
from autograder.small_model.networks import (
    LATENT_SIDE,
    SMALL,
    build_decoder,
    build_encoder,
    build_judge,
    build_text_encoder,
)
from autograder.small_model.painting import SIDE, to_uint8
from autograder.small_model.switchboard import Switches, switched_unet

# Where the trained weights are: with the package, or those of your own training.
FOLDER = Path(os.environ.get("AUTOGRADER_WEIGHTS") or Path(__file__).parent)
WEIGHTS = "weights.safetensors"  # of UNet and text encoder
AUTOENCODER, JUDGE, FACTS = "autoencoder.safetensors", "judge.safetensors", "weights.json"


@functools.cache
def trained_unet(folder=FOLDER):
    """The trained UNet as it was trained, to predict v: a `DiffusionModelV2`."""
    unet = DiffusionModelV2(SIDE, SIDE, MAX_TEXT_LENGTH, name="unet", download_weights=False, config=SMALL)
    load_named_weights("unet", unet, Path(folder) / WEIGHTS)
    return unet


def load_unet(folder=FOLDER, without=()):
    """The trained UNet: a Keras model of (latent, timestep embedding, context) to eps.

    Args:
        folder: where the trained weights are.
        without: what is switched off in it, see `switchboard`.
    """
    return _eps_unet(folder, without if isinstance(without, Switches) else Switches.of(without))


@functools.cache
def compiled_unet(folder=FOLDER):
    """The trained UNet, to predict v, whose blocks run as compiled programs, see `programs.Compiled`."""
    return BlockUNet(trained_unet(folder)).wire()


@functools.cache
def _eps_unet(folder, switches):
    return with_eps(switched_unet(trained_unet(folder), switches) if switches else compiled_unet(folder))


def encode_prompts(texts, folder=FOLDER):
    """Prompts as context for the UNet, a float32 array `(B, 22, 64)`. The empty prompt is "".

    Raises:
        ValueError: for a word the model does not know; the message lists those it does.
    """
    return ops.convert_to_numpy(encode_tokens(tokenize(texts), folder))


def encode_tokens(tokens, folder=FOLDER):
    """Tokens `(B, 22)` as context for the UNet, a tensor `(B, 22, 64)`."""
    return load_text_encoder(folder)(tokens)


def encode_prompt(text, folder=FOLDER):
    """One prompt as context, `(1, 22, 64)`, see `encode_prompts`."""
    return encode_prompts([text], folder)


def encode_pictures(pictures, folder=FOLDER):
    """Pictures `(B, 128, 128, 3)`, values from -1 to 1, as latents of variance 1, a float32 array `(B, 16, 16, 4)`."""
    mean, std = latent_statistics(folder)
    return (ops.convert_to_numpy(load_encoder(folder)(np.asarray(pictures, "float32"))) - mean) / std


def decode(latents, folder=FOLDER):
    """Latents `(B, 16, 16, 4)` of variance 1 as uint8 pictures `(B, 128, 128, 3)`."""
    return to_uint8(ops.convert_to_numpy(decoded(np.asarray(latents, "float32"), folder)))


def decoded(latents, folder=FOLDER):
    """Latents `(B, 16, 16, 4)` of variance 1 as pictures of -1 to 1, a tensor `(B, 128, 128, 3)`."""
    mean, std = latent_statistics(folder)
    return load_decoder(folder)(latents * std + mean)


def sample_latents(prompts, seed=0, steps=25, scale=4.0, progress=None, folder=FOLDER, without=()):
    """Draws the latents of prompts; that of picture i starts from the noise of `seed + i`.

    Args:
        prompts: list of B texts.
        seed: of the noise.
        steps: number of DDIM steps.
        scale: guidance.
        progress: called as `progress(step, steps)` after each step, or None.
        folder: where the trained weights are.
        without: what is switched off, see `switchboard`.

    Returns:
        float32 array `(B, 16, 16, 4)`.
    """
    nothing = encode_prompts([""] * len(prompts), folder)
    context = Switches.of(without).context(encode_prompts(prompts, folder), nothing)
    noise = initial_noise(len(prompts), LATENT_SIDE, seed=seed)
    with without_gradients():
        return sample(load_unet(folder, without), noise, context, nothing, steps, scale, progress=progress)


def sample_prompts(prompts, seed=0, steps=25, scale=4.0, progress=None, folder=FOLDER, without=()):
    """Draws prompts, uint8 pictures `(B, 128, 128, 3)`. See `sample_latents`."""
    return decode(sample_latents(prompts, seed, steps, scale, progress, folder, without), folder)


def sample_prompt(prompt, seed=0, steps=25, scale=4.0, progress=None):
    """Draws one prompt: a uint8 picture `(128, 128, 3)`. See `sample_prompts`."""
    return sample_prompts([prompt], seed, steps, scale, progress)[0]


def write_png(path, picture, about):
    """Writes a picture as PNG, with what `about` says of it (a dict) as texts in the file."""
    from PIL import Image, PngImagePlugin  # comes with matplotlib

    texts = PngImagePlugin.PngInfo()
    for name, value in about.items():
        texts.add_itxt(name, str(value))
    Image.fromarray(picture).save(path, format="PNG", pnginfo=texts)


@functools.cache
def load_judge(folder=FOLDER):
    """The judge that reads pictures, see `networks.build_judge`."""
    judge = build_judge()
    load_named_weights("judge", judge, Path(folder) / JUDGE)
    return judge


@functools.cache
def load_text_encoder(folder=FOLDER):
    """The trained text encoder, tokens `(B, 22)` to context `(B, 22, 64)`: a `TextEncoder` of the reference."""
    text_encoder = build_text_encoder()
    text_encoder.build((None, MAX_TEXT_LENGTH))
    load_named_weights("text_encoder", text_encoder, Path(folder) / WEIGHTS)
    return text_encoder


@functools.cache
def load_encoder(folder=FOLDER):
    """The encoder of pictures `(B, 128, 128, 3)`, -1 to 1, to latents `(B, 16, 16, 4)` as they come out of it."""
    encoder = build_encoder()
    load_named_weights("encoder", encoder, Path(folder) / AUTOENCODER)
    return encoder


@functools.cache
def load_decoder(folder=FOLDER):
    """The decoder of latents `(B, 16, 16, 4)`, as they come out of the encoder, to pictures of -1 to 1."""
    decoder = build_decoder()
    load_named_weights("decoder", decoder, Path(folder) / AUTOENCODER)
    return decoder


@functools.cache
def latent_statistics(folder=FOLDER):
    """Mean and standard deviation of each channel of the encoder's latents, `(4,)` each."""
    arrays = load_file(Path(folder) / WEIGHTS)
    return arrays["latent_mean"].astype("float32"), arrays["latent_std"].astype("float32")
