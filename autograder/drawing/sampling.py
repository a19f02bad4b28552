"""Drawing with a trained UNet: noise schedule, timestep embedding, DDIM steps and classifier-free guidance.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps

Shapes: B batch, H W C sides and channels of the latent, T context tokens, F context features.
"""

import keras
import numpy as np
from keras import ops

TIMESTEPS = 1000


def alpha_bars(timesteps=TIMESTEPS, offset=0.008, least=1e-4):
    """The cosine schedule: the share of signal left (in variance) at each timestep, a float64 array `(timesteps,)`.

    Reference: Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models" (2021), equation 17.
    """
    time = (np.arange(timesteps) + 1) / timesteps
    share = np.cos((time + offset) / (1 + offset) * np.pi / 2) ** 2 / np.cos(offset / (1 + offset) * np.pi / 2) ** 2
    return np.maximum(share, least)


def timestep_embedding(timesteps, dim, max_period=10000):
    """Timesteps `(B,)` as `[cos, sin]` of `dim / 2` frequencies each, float32 `(B, dim)`.

    Reference: Ho et al. (2020), appendix B; KerasCV, `stable_diffusion.py`, `_get_timestep_embedding`.
    """
    half = dim // 2
    frequencies = np.exp(-np.log(max_period) * np.arange(half) / half).astype("float32")
    angles = ops.cast(timesteps, "float32")[:, None] * frequencies  # (B, half)
    return ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=-1)


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
    return keras.Model([latent, embedding, context], eps, name=f"{unet.name}_eps")


def initial_noise(count, side=8, channels=4, seed=0):
    """Latents of pure noise `(count, side, side, channels)`; picture i depends on `seed + i` alone."""
    return np.stack([np.random.default_rng(seed + i).normal(size=(side, side, channels)) for i in range(count)]).astype(
        "float32"
    )


def guided_eps(eps_uncond, eps_cond, scale):
    """Classifier-free guidance: from what the UNet says without a prompt past what it says with it.

    Reference: Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022), equation 6 (scale = 1 + w).
    """
    return eps_uncond + scale * (eps_cond - eps_uncond)


def predict_x0(latent, eps, alpha_bar):
    """The clean latent that `latent` would be without its noise `eps`."""
    return (latent - (1 - alpha_bar) ** 0.5 * eps) / alpha_bar**0.5


def ddim_step(latent, eps, alpha_bar, alpha_bar_prev):
    """One step to less noise: the clean latent predicted, with the same noise added again in the next amount.

    Reference: Song et al., "Denoising Diffusion Implicit Models" (2021), equation 12 with sigma = 0.
    """
    return alpha_bar_prev**0.5 * predict_x0(latent, eps, alpha_bar) + (1 - alpha_bar_prev) ** 0.5 * eps


def ddim_timesteps(steps):
    """`steps` timesteps from noisy to clean, evenly spaced, the noisiest first."""
    return np.round(np.linspace(TIMESTEPS, 0, steps, endpoint=False)).astype(int) - 1


def sample(unet, latent, context, unconditional, steps=25, scale=4.0, progress=None):
    """Draws latents out of noise.

    Args:
        unet: a Keras model of the inputs latent, timestep embedding and context that returns eps.
        latent: noise, array `(B, H, W, C)`.
        context, unconditional: the prompts and the empty prompt, arrays `(B, T, F)`.
        steps: number of DDIM steps.
        scale: guidance; 1 is without.
        progress: called as `progress(step, steps)` after each step, or None.

    Returns:
        Array `(B, H, W, C)`: the clean latent.
    """
    shares, timesteps, count = alpha_bars(), ddim_timesteps(steps), len(latent)
    both = np.concatenate([unconditional, context])
    width = unet.inputs[1].shape[-1]
    for i, t in enumerate(timesteps):
        embedding = ops.convert_to_numpy(timestep_embedding(np.full(2 * count, t), width))
        eps = unet.predict_on_batch([np.concatenate([latent, latent]), embedding, both])
        before = float(shares[timesteps[i + 1]]) if i + 1 < steps else 1.0
        latent = ddim_step(latent, guided_eps(eps[:count], eps[count:], scale), float(shares[t]), before)
        if progress is not None:
            progress(i + 1, steps)
    return latent
