"""Drawing with the trained UNet: its noise schedule, eps out of v, and `reference.sampling` around it.

Shapes: B batch, H W C sides and channels of the latent, T context tokens, F context features.
"""

import functools
import itertools

import keras
import numpy as np
from keras import ops

from autograder.reference.samplers import TRAINING_TIMESTEPS as TIMESTEPS
from autograder.reference.sampling import ddim_step, guided_eps, predict_x0, timestep_embedding
from autograder.reference.sampling import sample as reference_sample
from autograder.small_model.programs import CompiledUNet


def alpha_bars(timesteps=TIMESTEPS, offset=0.008, least=1e-4):
    """The cosine schedule: the share of signal left (in variance) at each timestep, a float64 array `(timesteps,)`.

    Reference: Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models" (2021), equation 17.
    """
    time = (np.arange(timesteps) + 1) / timesteps
    share = np.cos((time + offset) / (1 + offset) * np.pi / 2) ** 2 / np.cos(offset / (1 + offset) * np.pi / 2) ** 2
    return np.maximum(share, least)


def timesteps_of(embedding, max_period=10000):
    """The timesteps `(B,)` that embeddings `(B, dim)` were made of: the slowest angle stays below pi / 2."""
    half = embedding.shape[-1] // 2
    slowest = float(np.exp(-np.log(max_period) * (half - 1) / half))
    return ops.arctan2(embedding[:, -1], embedding[:, half - 1]) / slowest


class EpsFromV(keras.layers.Layer):
    """Makes the noise eps of what a v-prediction UNet returns: `eps = sqrt(alpha_bar) v + sqrt(1 - alpha_bar) x`.

    Such a UNet learns `v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0`, which trains well at every noise level.
    The timestep is read back from its embedding, so that the whole model has the inputs of any UNet.

    Call arguments:
        inputs: list of `v` and `latent` `(B, H, W, C)` and `timestep_embedding` `(B, channels[0])`.

    Returns:
        Tensor `(B, H, W, C)`.

    Reference: Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion Models" (2022), appendix D.
    """

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def call(self, inputs):
        v, latent, embedding = inputs
        table = ops.convert_to_tensor(alpha_bars().astype("float32"))
        timesteps = ops.cast(ops.round(timesteps_of(embedding)), "int32")
        share = ops.take(table, ops.clip(timesteps, 0, TIMESTEPS - 1))[:, None, None, None]
        return ops.sqrt(share) * v + ops.sqrt(1 - share) * latent


def with_eps(unet):
    """A v-prediction UNet as one that returns eps, with the same three inputs."""
    latent, embedding, context = unet.inputs
    eps = EpsFromV(name="eps")([unet([latent, embedding, context]), latent, embedding])
    return CompiledUNet([latent, embedding, context], eps, name=f"{unet.name}_eps")


def initial_noise(count, side, channels=4, seed=0):
    """Latents of pure noise `(count, side, side, channels)`; picture i depends on `seed + i` alone.

    The side is that of the model that draws: `networks.LATENT_SIDE` of the small one.
    """
    return np.stack([np.random.default_rng(seed + i).normal(size=(side, side, channels)) for i in range(count)]).astype(
        "float32"
    )


def ddim_timesteps(steps):
    """`steps` timesteps from noisy to clean, evenly spaced, the noisiest first."""
    return np.round(np.linspace(TIMESTEPS, 0, steps, endpoint=False)).astype(int) - 1


SAMPLING = ("timestep_embedding", "predict_x0", "ddim_step", "guided_eps", "sample")


def sample(unet, latent, context, unconditional, steps=25, scale=4.0, progress=None, parts=None):
    """Draws latents out of noise.

    Args:
        unet: a Keras model of the inputs latent, timestep embedding and context that returns eps.
        latent: noise, array `(B, H, W, C)`.
        context, unconditional: the prompts and the empty prompt, arrays `(B, T, F)`.
        steps: number of DDIM steps.
        scale: guidance; 1 is without.
        progress: called as `progress(step, steps)` after each call of the UNet, or None.
        parts: dict of a learner's functions that take the place of the reference's, any of `SAMPLING`.

    Returns:
        Array `(B, H, W, C)`: the clean latent.
    """
    parts, width, calls = parts or {}, unet.inputs[1].shape[-1], itertools.count(1)
    embed = parts.get("timestep_embedding", timestep_embedding)

    def eps(inputs):
        noise = unet(inputs)
        if progress is not None:
            progress(min(next(calls), steps), steps)
        return noise

    inner = {
        "step": parts.get("ddim_step", functools.partial(ddim_step, predict=parts.get("predict_x0", predict_x0))),
        "guide": parts.get("guided_eps", guided_eps),
    }
    loop = parts.get("sample", functools.partial(reference_sample, **inner))
    start = [ops.convert_to_tensor(np.asarray(array, "float32")) for array in (latent, context, unconditional)]
    clean = loop(eps, *start, ddim_timesteps(steps), alpha_bars().astype("float32"), scale, lambda t: embed(t, width))
    return ops.convert_to_numpy(clean)
