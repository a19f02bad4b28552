"""Drawing with the real Stable Diffusion 2.1: its schedule and the loop around its UNet, which is the course's.

What needs a download stays outside: the UNet's weights (`DiffusionModelV2` fetches them), the text encoder that makes
the context, and the decoder that makes a picture of the latent. Chapter 10 shows where to get them.

Shapes: B pictures, T tokens (77), F context features (1024).
"""

import numpy as np
from keras import ops

from autograder.reference import initial_noise, sample, timestep_embedding

TIMESTEPS = 1000
LATENT_SCALE = 0.18215  # what the decoder divides by: it makes the latents' variance 1


def alpha_bars():
    """Stable Diffusion's schedule: roots of beta from 0.00085 to 0.012 in even steps; float64 `(1000,)`.

    Reference: Rombach et al. (2022), appendix E.1; diffusers, `scaled_linear`.
    """
    betas = np.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS) ** 2
    return np.cumprod(1 - betas)


def timesteps(steps):
    """`steps` timesteps from noisy to clean, evenly spaced, the last one 1, as diffusers' DDIM takes them."""
    return (np.arange(steps) * (TIMESTEPS // steps))[::-1] + 1


def sample_latents(unet, context, unconditional, seed=0, steps=25, scale=7.5):
    """Draws latents with a UNet that predicts eps.

    Args:
        unet: a `DiffusionModelV2`, or any Keras model of the same inputs.
        context, unconditional: the prompts and the empty prompt through the text encoder, arrays `(B, T, F)`.
        seed: of the noise.
        steps: number of DDIM steps.
        scale: guidance.

    Returns:
        Array `(B, H, W, 4)`; divide it by `LATENT_SCALE` before it is decoded.
    """
    _, height, width, _ = unet.inputs[0].shape
    features = unet.inputs[1].shape[-1]
    noise = initial_noise(len(context), 8 * height, 8 * width, seed)
    noise, context, unconditional = (
        ops.convert_to_tensor(np.asarray(array, "float32")) for array in (noise, context, unconditional)
    )

    def eps(inputs):
        return ops.convert_to_tensor(unet.predict_on_batch([ops.convert_to_numpy(part) for part in inputs]))

    def embed(times):
        return timestep_embedding(times, features)

    latent = sample(eps, noise, context, unconditional, timesteps(steps), alpha_bars(), scale, embed)
    return ops.convert_to_numpy(latent)


def to_picture(decoded):
    """Decoded pictures of -1 to 1 as uint8."""
    return np.clip(np.round((np.asarray(decoded, "float32") + 1) * 127.5), 0, 255).astype("uint8")
