"""What a diffusion model learns from: noise mixed in, the answer that is wanted, and the loss between the two.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps
    v   = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0

Stable Diffusion 2.1 predicts v, 2.1-base predicts eps.

Shapes: B batch, H W C sides and channels of the latent, T context tokens, F context features, D of an embedding.

Reference: Ho et al. (2020), section 3.4; Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion
Models" (2022), appendix D; Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022), algorithm 1.
"""

from keras import ops

from autograder.reference import samplers


def _per_picture(alpha_bar):
    """Shares `(B,)` as `(B, 1, 1, 1)`, which multiply latents."""
    return ops.convert_to_tensor(alpha_bar)[:, None, None, None]


def _roots(alpha_bar):
    """The roots of the shares of signal and of noise, `(B, 1, 1, 1)` each, of shares of signal `(B,)`."""
    alpha_bar = _per_picture(alpha_bar)
    return ops.sqrt(alpha_bar), ops.sqrt(1 - alpha_bar)


def add_noise(x0, noise, alpha_bar):
    """Clean latents and noise `(B, H, W, C)` mixed in the shares that `alpha_bar` `(B,)` gives each picture."""
    signal, grain = _roots(alpha_bar)
    return signal * x0 + grain * noise


def velocity(x0, noise, alpha_bar):
    """v, what the network is to answer about `add_noise(x0, noise, alpha_bar)`; arguments as there."""
    signal, grain = _roots(alpha_bar)
    return signal * noise - grain * x0


def eps_from_velocity(x_t, v, alpha_bar):
    """The noise in `x_t` of which a network says `v`, both `(B, H, W, C)`."""
    return samplers.eps_from_velocity(x_t, v, _per_picture(alpha_bar))


def drop_text(context, unconditional, dropped):
    """Contexts `(B, T, F)`, with those of `unconditional` where `dropped` `(B,)` is True."""
    return ops.where(ops.convert_to_tensor(dropped)[:, None, None], unconditional, context)


def training_loss(predict, x0, noise, timesteps, context, alpha_bars, embed):
    """The mean squared error of v over a batch.

    Args:
        predict: called on `[x_t, embedding, context]`; returns v `(B, H, W, C)`.
        x0, noise: clean latents and noise, `(B, H, W, C)`.
        timesteps: of each picture, integers `(B,)`.
        context: `(B, T, F)`.
        alpha_bars: the share of signal at each timestep.
        embed: makes embeddings `(B, D)` of timesteps `(B,)`.

    Returns:
        Scalar tensor.
    """
    alpha_bar = ops.take(alpha_bars, timesteps)  # (B,)
    v = predict([add_noise(x0, noise, alpha_bar), embed(timesteps), context])
    return ops.mean(ops.square(v - velocity(x0, noise, alpha_bar)))
