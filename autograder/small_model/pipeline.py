"""The small model's networks, one by one, as a pipeline joins them.

Shapes: B pictures, T tokens of a prompt, F features of a token, H W C sides and channels of a latent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from autograder.reference import sample, timestep_embedding
from autograder.small_model import model
from autograder.small_model.ddim import alpha_bars, ddim_timesteps, initial_noise
from autograder.small_model.language import tokenize
from autograder.small_model.networks import LATENT_SIDE


@dataclass(frozen=True, eq=False)
class Networks:
    """What draws together.

    Args:
        tokenize: a list of texts to token numbers `(B, T)`.
        text_encoder: tokens to a context `(B, T, F)`.
        unet: `[latent, embedding, context]` to the noise in the latent.
        embed: timesteps `(B,)` to embeddings.
        encoder: pictures of -1 to 1 to latents that are not scaled.
        decoder: latents that are not scaled to pictures of about -1 to 1.
        factor: what latents are multiplied by for the UNet, so that their variance is 1.
        alpha_bars: the share of signal at each timestep.
    """

    tokenize: Callable[[Sequence[str]], np.ndarray]
    text_encoder: Callable
    unet: Callable
    embed: Callable
    encoder: Callable
    decoder: Callable
    factor: float
    alpha_bars: np.ndarray


def load_networks(text_encoder=None):
    """The trained networks.

    Args:
        text_encoder: another one in the place of the small model's.
    """
    unet = model.load_unet()
    width = unet.inputs[1].shape[-1]
    return Networks(
        tokenize=tokenize,
        text_encoder=text_encoder or model.encode_tokens,
        unet=unet,
        embed=lambda timesteps: timestep_embedding(timesteps, width),
        encoder=lambda pictures: model.encode_pictures(pictures) / latent_factor(),
        decoder=lambda latents: model.decoded(latents * latent_factor()),
        factor=latent_factor(),
        alpha_bars=alpha_bars().astype("float32"),
    )


def latent_factor():
    """One over the standard deviation of the encoder's latents, all channels together."""
    mean, std = model.latent_statistics()
    return float(1 / np.sqrt(np.mean(std**2) + np.var(mean)))


def noise_and_timesteps(seed=0, steps=12):
    """What a drawing begins with: noise `(1, H, W, C)`, and the timesteps to walk."""
    return ops.convert_to_tensor(initial_noise(1, LATENT_SIDE, seed=seed)), ddim_timesteps(steps)


def text_to_picture(prompt, negative_prompt, latent, timesteps, scale, networks):
    """The pipeline: the picture of a prompt, a tensor `(1, 8·H, 8·W, 3)` of 0 to 1.

    Args:
        prompt, negative_prompt: what it is to show, and what to go away from.
        latent: where to begin, `(1, H, W, C)`.
        timesteps: those to walk, from noisy to clean.
        scale: guidance.
        networks: `Networks`.
    """
    context, unconditional = (networks.text_encoder(networks.tokenize([text])) for text in (prompt, negative_prompt))
    loop: dict[str, Any] = {"timesteps": timesteps, "alpha_bars": networks.alpha_bars, "embed": networks.embed}
    clean = sample(networks.unet, latent, context, unconditional, scale=scale, **loop)
    return ops.clip(networks.decoder(clean / networks.factor) / 2 + 0.5, 0, 1)
