"""The right answers of exercise 11, part by part.

Shapes: B batch, H W C sides and channels of a latent, T words, F features of a word, D of an embedding.
"""

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import add, first, multiply, same, subtract


def four_axes(shares):
    """`(B,)` to `(B, 1, 1, 1)`."""
    return shares[:, None, None, None]


def rest(share):
    """What is not signal is noise."""
    return 1 - share


def add_noise(p, x0, noise, alpha_bar):
    """x0 and noise `(B, H, W, C)`, alpha_bar `(B,)`, to x_t."""
    a = p.axes(alpha_bar)
    root, other_root = p.root(a), p.other_root(p.rest(a))
    return p.join(p.signal(x0, root), p.grain(noise, other_root))


def velocity(p, x0, noise, alpha_bar):
    """x0 and noise `(B, H, W, C)`, alpha_bar `(B,)`, to v."""
    a = p.axes(alpha_bar)
    root, other_root = p.root(a), p.other_root(p.rest(a))
    return p.join(p.grain(noise, root), p.signal(x0, other_root))


def eps_from_velocity(p, x_t, v, alpha_bar):
    """x_t and v `(B, H, W, C)`, alpha_bar `(B,)`, to eps."""
    a = p.axes(alpha_bar)
    root, other_root = p.root(a), p.other_root(p.rest(a))
    return p.join(p.share_of_v(v, root), p.share_of_x_t(x_t, other_root))


_SHARES = {"axes": four_axes, "root": np.sqrt, "rest": rest, "other_root": np.sqrt}

NOISE = Base(add_noise, {**_SHARES, "signal": multiply, "grain": multiply, "join": add})
VELOCITY = Base(velocity, {**_SHARES, "grain": multiply, "signal": multiply, "join": subtract})
EPS = Base(eps_from_velocity, {**_SHARES, "share_of_v": multiply, "share_of_x_t": multiply, "join": add})


def blind_loss(p, alpha_bar, variance):
    """The mean of v², of noise of variance 1 and latents of `variance`."""
    picture = p.picture(p.picture_share(p.rest(alpha_bar)), p.spread(variance))
    return p.end(p.join(p.noise_share(alpha_bar), picture))


BLIND = Base(
    blind_loss,
    {
        "rest": rest,
        "picture_share": same,
        "spread": same,
        "picture": multiply,
        "noise_share": same,
        "join": add,
        "end": same,
    },
)


def drop_text(p, context, unconditional, dropped):
    """context and unconditional `(B, T, F)`, dropped `(B,)`, to `(B, T, F)`."""
    return p.choose(p.axes(dropped), p.empty(unconditional), p.told(context))


DROP = Base(
    drop_text, {"axes": lambda dropped: dropped[:, None, None], "empty": same, "told": same, "choose": np.where}
)


def training_loss(p, predict, x0, noise, timesteps, context, alpha_bars, embed):
    """x0 and noise `(B, H, W, C)`, timesteps `(B,)`, context `(B, T, F)`, to a number."""
    a = p.axes(p.shares(alpha_bars, timesteps))
    root, other_root = p.root(a), p.other_root(p.rest(a))
    x_t = p.noisy(p.signal(x0, root), p.grain(noise, other_root))
    target = p.target(x0, noise, root, other_root)
    answer = p.answer(predict, x_t, p.embedding(embed, timesteps), context)
    error = p.weight(p.error(answer, target), root, other_root)
    return p.end(p.mean(p.square(error)))


def wanted(x0, noise, root, other_root):
    return root * noise - other_root * x0


LOSS = Base(
    training_loss,
    {
        "shares": lambda alpha_bars, timesteps: alpha_bars[timesteps],
        **_SHARES,
        "signal": multiply,
        "grain": multiply,
        "noisy": add,
        "target": wanted,
        "embedding": lambda embed, times: np.asarray(embed(times)),
        "answer": lambda predict, *inputs: np.asarray(predict(list(inputs))),
        "error": subtract,
        "weight": first,
        "square": np.square,
        "mean": np.mean,
        "end": same,
    },
)
