"""The right answers of exercise 12 but the text block's, part by part.

Shapes: L tokens, B pictures, H W C sides and channels of a latent, T tokens, F features.
"""

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import add, divide, first, multiply, rest_root, root, same, subtract
from autograder.reference.sampling import ddim_step, guided_eps

# ------------------------------------------------------------------------------------------------------------- the mask


def causal_mask(p, length):
    """`(L, L)` of booleans: True where the row's token may look at the column's."""
    return p.end(p.allowed(p.row(length), p.column(length)))


def not_before(row, column):
    return row >= column


MASK = Base(
    causal_mask,
    {
        "row": lambda length: np.arange(length)[:, None],
        "column": lambda length: np.arange(length)[None],
        "allowed": not_before,
        "end": same,
    },
)


def changed_rows(p, length, position):
    """How many tokens see the one at `position`."""
    return p.end(p.rows(length, p.place(position)))


ROWS = Base(changed_rows, {"place": same, "rows": subtract, "end": same})

# -------------------------------------------------------------------------------------------------------------- start


def start_from_picture(p, latent, noise, strength, timesteps, alpha_bars):
    """latent and noise `(B, H, W, C)`, to a noisy latent and the timesteps that are left."""
    count = p.count(p.strength(strength), timesteps)
    left = p.left(timesteps, count)
    share = p.share(alpha_bars, p.begins_at(left, timesteps, count))
    signal_size, noise_size = p.signal_size(share), p.noise_size(share)
    noisy = p.kept(p.join(p.scaled_picture(latent, signal_size), p.grain(noise, noise_size)), latent, left)
    return p.both(p.end(noisy), p.returned(left))


def whole_steps(strength, timesteps):
    return int(strength * len(timesteps))


def last_of(timesteps, count):
    return timesteps[len(timesteps) - count :]


def first_of(left, *_):
    """None if there is none."""
    return int(left[0]) if len(left) else None


def unless_done(noisy, latent, left):
    """The picture as it is, where nothing is left to walk."""
    return noisy if len(left) else latent


def share_at(alpha_bars, timestep):
    """Nothing but signal where there is no timestep any more."""
    return 1.0 if timestep is None else float(alpha_bars[timestep])


START = Base(
    start_from_picture,
    {
        "strength": same,
        "count": whole_steps,
        "left": last_of,
        "begins_at": first_of,
        "share": share_at,
        "signal_size": root,
        "noise_size": rest_root,
        "scaled_picture": multiply,
        "grain": multiply,
        "join": add,
        "kept": unless_done,
        "end": same,
        "returned": same,
        "both": lambda x, left: (x, left),
    },
    variants=({"kept": first},),  # at strength 0 the share of signal is 1, and the noise has a factor of 0
)

# ----------------------------------------------------------------------------------------------------------- pipeline


def text_to_picture(p, prompt, negative_prompt, latent, timesteps, scale, networks):
    """A picture `(1, 8·H, 8·W, 3)` of 0 to 1."""
    told = p.told(networks, p.told_tokens(networks, p.asked(prompt)))
    untold = p.untold(networks, p.untold_tokens(networks, p.avoided(negative_prompt)))
    clean = p.loop(networks, p.start(latent, networks), told, untold, p.times(timesteps), p.guidance(scale))
    picture = p.decoded(networks, p.unscaled(clean, networks))
    return p.end(p.clipped(p.shifted(p.halved(p.bare(picture)))))


def tokens_of(networks, text):
    return networks.tokenize([text])


def context_of(networks, tokens):
    return np.asarray(networks.text_encoder(tokens))


def loop(networks, latent, context, unconditional, timesteps, scale):
    """The clean latent, by DDIM with guidance: what the exercise hands over as `sample`."""
    shares = [float(networks.alpha_bars[t]) for t in timesteps] + [1.0]
    for i, t in enumerate(timesteps):
        embedding = networks.embed(np.full(len(latent), t))
        plain, prompted = (networks.unet([latent, embedding, text]) for text in (unconditional, context))
        latent = ddim_step(latent, guided_eps(plain, prompted, np.float32(scale)), shares[i], shares[i + 1])
    return latent


PIPELINE = Base(
    text_to_picture,
    {
        "asked": same,
        "avoided": same,
        "told_tokens": tokens_of,
        "untold_tokens": tokens_of,
        "told": context_of,
        "untold": context_of,
        "start": lambda latent, networks: latent,
        "times": same,
        "guidance": same,
        "loop": loop,
        "unscaled": lambda latent, networks: divide(latent, np.float32(networks.factor)),
        "decoded": lambda networks, latent: np.asarray(networks.decoder(latent)),
        "bare": same,
        "halved": lambda picture: picture / 2,
        "shifted": lambda picture: picture + np.float32(0.5),
        "clipped": lambda picture: np.clip(picture, 0, 1),
        "end": same,
    },
)
