"""The right answers of exercise 10, part by part.

Shapes: B pictures, H W C sides and channels of the latent, D features of an embedding, T words, F features of a word.
"""

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import add, divide, first, multiply, rest_root, root, same, subtract

# ----------------------------------------------------------------------------------------------------------- noise


def initial_noise(p, batch_size, img_height, img_width, seed):
    """`(B, H, W, C)` of numbers drawn from a normal distribution."""
    shape = p.shape(batch_size, p.rows(img_height), p.columns(img_width), p.channels())
    return p.dtype(p.spread(p.numbers(shape, p.seed(seed))))


def eighth(side):
    return side // 8


def normal(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape)


NOISE = Base(
    initial_noise,
    {
        "rows": eighth,
        "columns": eighth,
        "channels": lambda: 4,
        "shape": lambda *sizes: sizes,
        "seed": same,
        "numbers": normal,
        "spread": same,
        "dtype": lambda numbers: numbers.astype("float32"),
    },
)

# ------------------------------------------------------------------------------------------------------------ steps


def clean(p, latent, eps, share):
    """The clean latent behind `latent`, in which `share` of the variance is signal."""
    latent, eps = p.noisy(latent), p.seen(eps)
    signal_size, noise = p.signal_size(share), p.noise(eps, p.noise_size(share))
    left = p.left(p.latent_first(latent, signal_size), p.noise_divided(noise, signal_size))
    return p.clean(p.brought_back(left, signal_size))


_CLEAN = {
    "noisy": same,
    "seen": same,
    "signal_size": root,
    "noise_size": rest_root,
    "noise": multiply,
    "latent_first": first,
    "noise_divided": first,
    "left": subtract,
    "brought_back": divide,
    "clean": same,
}


def predict_x0(p, latent, eps, alpha_bar):
    return clean(p, latent, eps, alpha_bar)


CLEAN = Base(predict_x0, _CLEAN)


def step(p, latent, eps, share, next_share):
    """The latent in which `next_share` of the variance is signal."""
    share, next_share = p.share(share), p.next_share(next_share)
    x0 = clean(p, latent, eps, share)
    signal = p.next_signal(x0, p.next_signal_size(next_share))
    noise = p.next_noise(p.noise_added(eps), p.next_noise_size(next_share))
    return p.step(p.mixed(signal, noise))


_STEP = {
    **_CLEAN,
    "share": same,
    "next_share": same,
    "next_signal_size": root,
    "next_noise_size": rest_root,
    "next_signal": multiply,
    "noise_added": same,
    "next_noise": multiply,
    "mixed": add,
    "step": same,
}


def ddim_step(p, latent, eps, alpha_bar, alpha_bar_prev):
    return step(p, latent, eps, alpha_bar, alpha_bar_prev)


STEP = Base(ddim_step, _STEP)


def guide(p, eps_uncond, eps_cond, scale):
    """From eps without the prompt `scale` times the way to eps with it."""
    plain, told = p.plain(eps_uncond), p.told(eps_cond)
    return p.guided(plain, p.stretched(p.difference(told, plain), p.stretch(scale)))


_GUIDE = {
    "plain": same,
    "told": same,
    "stretch": same,
    "difference": subtract,
    "stretched": multiply,
    "guided": add,
}


def guided_eps(p, eps_uncond, eps_cond, scale):
    return guide(p, eps_uncond, eps_cond, scale)


GUIDANCE = Base(guided_eps, _GUIDE)

# ------------------------------------------------------------------------------------------------------------- loop


def sample(p, unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """The clean latent `(B, H, W, C)` at the end of the loop."""
    start, times = latent, p.times(timesteps)
    for i in range(len(times)):
        embedding = p.embedding(embed, p.timestep(i, times), latent)  # (B, D)
        eps_uncond = p.unprompted(unet, p.plain_latent(latent, start), embedding, unconditional)
        eps_cond = p.prompted(unet, p.told_latent(latent, start), embedding, context)
        eps = guide(p, eps_uncond, eps_cond, scale)
        share = p.now(alpha_bars, i, times)
        following = p.then if i + 1 < len(times) else p.end
        new = step(p, latent, eps, share, following(alpha_bars, i, times, timesteps))
        latent = p.kept(new, latent)
    return p.result(new, start, eps)


def asked(unet, latent, embedding, context):
    """eps as the UNet that is given sees it."""
    return np.asarray(unet([latent, embedding, context]))


def embedded(embed, timestep, latent):
    """The embedding of one timestep for each picture."""
    return np.asarray(embed(np.full(len(latent), timestep)))


def share_at(bars, timestep):
    return float(bars[timestep])


SAMPLE = Base(
    sample,
    {
        **_STEP,
        **_GUIDE,
        "times": lambda timesteps: [int(t) for t in timesteps],
        "timestep": lambda i, times: times[i],
        "embedding": embedded,
        "plain_latent": first,
        "told_latent": first,
        "unprompted": asked,
        "prompted": asked,
        "now": lambda bars, i, times: share_at(bars, times[i]),
        "then": lambda bars, i, times, timesteps: share_at(bars, times[i + 1]),
        "end": lambda bars, i, times, timesteps: 1.0,
        "kept": first,
        "result": first,
    },
)
