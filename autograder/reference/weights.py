"""The UNet's weights: Stable Diffusion 2.1 *base*, which predicts the noise.

There are two models of that version. 2.1-base was trained at 512x512 to predict the noise, eps; 2.1 went on from 2.0 at
768x768 to predict v. Their UNets have the same shapes, so that each one's file loads into the other without a word.
KerasCV publishes base. They differ in one switch of diffusers', too: 2.1's has attention computed in float32
(`upcast_attention`), base's has not.
"""

from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np
from keras import ops

from autograder.reference.config import SD2
from autograder.reference.loading import Part, Published, call, load, normal, save
from autograder.reference.sampling import timestep_embedding
from autograder.reference.weight_names import unet_slots

# Stable Diffusion 2.1 base as KerasCV 0.9.0 publishes it (`diffusion_model.py`, `DiffusionModelV2`): 3.5 GB.
SD21_FILE = "https://huggingface.co/ianstenbit/keras-sd2.1/resolve/main/diffusion_model_v2_1.h5"
SD21_SHA256 = "c31730e91111f98fe0e2dbde4475d381b5287ebb9672b1821796146a25c5132d"

# At the noisiest time step the latent is 99.8 % noise, so a trained model that predicts the noise returns nearly its
# input: a mean squared error of 0.1, large for that step, is a correlation of 0.95. Random weights give 0 ± 0.02.
TRAINED_CORRELATION = 0.9
NOISIEST_TIMESTEP = 999  # of 1000


def load_unet_weights(model, path: str | PathLike) -> None:
    """Loads weights into a `DiffusionModelV2`, from any of the four files they come in, and checks them.

    Args:
        model: the `DiffusionModelV2`; its `unet_config` must be that of the file.
        path: `SD21_FILE` (downloads KerasCV's Stable Diffusion 2.1-base weights, 3.5 GB, once, and verifies their
            hash), or the path of a `.h5` file in KerasCV's legacy layout, matched by position; of diffusers'
            `.safetensors`, matched by name; or of our own `.weights.h5`, as `model.save_weights` writes it.

    Raises:
        FileNotFoundError: if there is no such file.
        ConnectionError: if the published weights cannot be downloaded.
        ValueError: if the file is of an unknown kind, incomplete, from a model of another config, not the published
            one that its name promises, or if it fails a numeric check. A file that does not fit changes nothing.

    One thing cannot be noticed: in a legacy file that is not the published one, two arrays of one shape that stand in
    each other's place. Saved again with `save_unet_weights`, a model carries its own proof.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/diffusion_model.py`; diffusers, `unet_2d_condition.py`.
    """
    load(UNET, model, path)


def save_unet_weights(model, path: str | PathLike) -> None:
    """Writes the weights as diffusers' safetensors, with the output of a probe that `load_unet_weights` compares.

    Args:
        model: a `DiffusionModelV2`.
        path: the file to write; ends with `.safetensors`.
    """
    save(UNET, model, path)


def noise_correlation(model, seed: int = 0) -> float:
    """How well the model knows pure noise at the noisiest time step: the correlation of its output with its input.

    The context is zero, the latent 32x32: any model that was trained to predict the noise is near 1, whatever
    its prompt; random weights are near 0.
    """
    config = model.unet_config
    noise = normal(np.random.RandomState(seed), 1, 32, 32, config.latent_channels)
    context = np.zeros((1, model.input_shape[2][1], config.context_dim), "float32")
    eps = _predict(model, noise, context, NOISIEST_TIMESTEP)
    return float(np.corrcoef(noise.ravel(), eps.ravel())[0, 1])


def _predict(model, noise: np.ndarray, context: np.ndarray, timestep: int) -> np.ndarray:
    embedding = ops.convert_to_numpy(timestep_embedding([timestep], model.unet_config.channels[0]))
    return call(model, noise, embedding, context)


def _probe(model) -> np.ndarray:
    """The output for one fixed input, of 16x16 and 6 tokens whatever size the model was built for."""
    config, random = model.unet_config, np.random.RandomState(2)
    noise, context = normal(random, 1, 16, 16, config.latent_channels), normal(random, 1, 6, config.context_dim)
    return _predict(model, noise, context, timestep=500)


def _is_sd2(config) -> bool:
    """Whether the widths are those of SD2; the numerics may be diffusers'."""
    widths = ("channels", "head_size", "context_dim", "latent_channels")
    return replace(SD2, **{name: getattr(config, name) for name in widths}) == SD2


def _prove_trained(model, file: Path) -> None:
    correlation = noise_correlation(model)
    if not correlation >= TRAINED_CORRELATION:
        raise ValueError(
            "A trained model returns nearly its input for pure noise at the noisiest time step: a correlation of at "
            f"least {TRAINED_CORRELATION}. The weights are in the wrong places: please report it. "
            f"Received: {correlation:.3f} with {file}"
        )


UNET = Part(
    model="DiffusionModelV2",
    in_torch="diffusers' UNet2DConditionModel",
    published=Published(SD21_FILE, SD21_SHA256),
    slots=unet_slots,
    probe=_probe,
    config=lambda model: model.unet_config,
    may_be_published=_is_sd2,
    prove_trained=_prove_trained,
)
