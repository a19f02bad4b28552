"""From noise to a picture: the timestep embedding, DDIM steps and classifier-free guidance around any UNet.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps

Shapes: B batch, H W C sides and channels of the latent, T context tokens, F context features.
"""

import numpy as np
from keras import ops

LATENT_CHANNELS, LATENT_FACTOR = 4, 8


def timestep_embedding(timesteps, dim=320, max_period=10000):
    """Timesteps `(B,)` as `[cos, sin]` of `dim / 2` frequencies each, float32 `(B, dim)`.

    Reference: Ho et al. (2020), appendix B; KerasCV, `stable_diffusion.py`, `_get_timestep_embedding`.
    """
    half = dim // 2
    frequencies = np.exp(-np.log(max_period) * np.arange(half) / half).astype("float32")
    angles = ops.cast(timesteps, "float32")[:, None] * frequencies  # (B, half)
    return ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=-1)


def initial_noise(batch_size, img_height, img_width, seed):
    """Latents of pure noise, float32 `(batch_size, img_height / 8, img_width / 8, 4)`, the same for the same seed."""
    shape = (batch_size, img_height // LATENT_FACTOR, img_width // LATENT_FACTOR, LATENT_CHANNELS)
    return np.random.default_rng(seed).standard_normal(shape, dtype="float32")


def predict_x0(latent, eps, alpha_bar):
    """The clean latent that `latent` would be without its noise `eps`."""
    return (latent - (1 - alpha_bar) ** 0.5 * eps) / alpha_bar**0.5


def ddim_step(latent, eps, alpha_bar, alpha_bar_prev, predict=predict_x0):
    """One step to less noise: the clean latent predicted, with the same noise added again in the next amount.

    Reference: Song et al., "Denoising Diffusion Implicit Models" (2021), equation 12 with sigma = 0.
    """
    return alpha_bar_prev**0.5 * predict(latent, eps, alpha_bar) + (1 - alpha_bar_prev) ** 0.5 * eps


def guided_eps(eps_uncond, eps_cond, scale):
    """Classifier-free guidance: from what the UNet says without a prompt past what it says with it.

    Reference: Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022), equation 6 (scale = 1 + w).
    """
    return eps_uncond + scale * (eps_cond - eps_uncond)


def sample(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed, step=ddim_step, guide=guided_eps):
    """Draws latents out of noise, with one call of the UNet a step for both halves of the guidance.

    Args:
        unet: called on `[latent, embedding, context]` of any batch; returns eps.
        latent: noise, `(B, H, W, C)`.
        context, unconditional: the prompts and the empty prompt, `(B, T, F)`.
        timesteps: from noisy to clean.
        alpha_bars: the share of signal at each timestep; after the last step it is 1.
        scale: guidance; 1 is without.
        embed: makes embeddings `(B, D)` of timesteps `(B,)`.
        step, guide: what makes a step and what guides, like `ddim_step` and `guided_eps`.

    Returns:
        Tensor `(B, H, W, C)`: the clean latent.
    """
    count, both = latent.shape[0], ops.concatenate([unconditional, context])  # (2B, T, F)
    timesteps = [int(t) for t in timesteps]
    shares = [float(alpha_bars[t]) for t in timesteps] + [1.0]
    for i, t in enumerate(timesteps):
        embedding = embed(np.full(2 * count, t))
        eps = unet([ops.concatenate([latent, latent]), embedding, both])
        latent = step(latent, guide(eps[:count], eps[count:], scale), shares[i], shares[i + 1])
    return latent
