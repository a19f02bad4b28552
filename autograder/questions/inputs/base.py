"""The right answers of exercise 02, part by part.

Shapes: B batch, H W height and width, C channels in.
"""

import numpy as np

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.operations import Conv, Dense, default, first, same, silu, subtract


def timestep_embedding(p, timesteps, dim=None, max_period=None):
    """timesteps `(B,)` to `(B, dim)`: cosines, then sines."""
    width, period = p.width(dim), p.period(max_period)
    half = p.half(width)
    share = p.share(p.index(half), half)  # (dim / 2,): i / half
    frequencies = p.frequencies(p.exponents(p.logarithm(period), share))
    column = p.column(p.time(timesteps))  # (B, 1)
    angles = p.angles(column, p.rounded(frequencies))  # (B, dim / 2)
    return p.end(p.join(p.cosines(angles), p.sines(angles)))


def column(t):
    return t[:, None]


def side_by_side(x, y):
    return np.concatenate([x, y], axis=-1)


EMBEDDING = Base(
    timestep_embedding,
    {
        "width": default(320),
        "period": default(10000),
        "half": lambda width: width // 2,
        "index": np.arange,
        "share": lambda index, half: index / half,
        "logarithm": lambda period: -np.log(period),
        "exponents": lambda logarithm, share: logarithm * share,
        "frequencies": np.exp,
        "rounded": np.float32,
        "time": same,
        "column": column,
        "angles": lambda t, frequencies: t * frequencies,
        "cosines": np.cos,
        "sines": np.sin,
        "join": side_by_side,
        "end": same,
    },
)


def padded_conv(p, inputs, filters, kernel_size, padding=None, strides=None):
    """inputs `(B, H, W, C)` to `(B, H', W', filters)`, with H' = (H + 2 padding - kernel_size) // strides + 1."""
    p.step(strides)  # read by the convolution
    zeros, border = p.zeros(padding), p.border(padding)
    x = p.pad(p.start(inputs), p.before(zeros), p.after(zeros), border)
    return p.end(p.around(p.conv(x), zeros, border))


def zeros_around(x, before, after, border=()):
    """Zeros at the top and left, and at the bottom and right; or what else is at the border: settings of `np.pad`."""
    sides = (before, after)
    return np.pad(x, ((0, 0), sides, sides, (0, 0)), **dict(border))


PADDED = Base(
    padded_conv,
    {
        "zeros": default(0),
        "border": lambda _: (),
        "step": default(1),
        "start": same,
        "before": same,
        "after": same,
        "pad": zeros_around,
        "conv": Conv("filters", "kernel_size", stride="step", padding="valid"),
        "around": first,
        "end": same,
    },
)


def time_embedding(p, inputs, channels):
    """inputs `(B, channels)` to `(B, 4 channels)`."""
    p.wide(channels)  # read by the Dense layers
    h = p.dense1(p.start(inputs))  # (B, 4 channels)
    h = p.dense2(p.swish(h))
    return p.end(p.more(h))


TIME = Base(
    time_embedding,
    {
        "wide": lambda channels: 4 * channels,
        "start": same,
        "dense1": Dense("wide"),
        "swish": silu,
        "dense2": Dense("wide"),
        "more": same,
        "end": same,
    },
)


def first_column(p, side, kernel_size, strides):
    """Where the centre of the kernel stands first along a side, with the zeros of Keras' "same"."""
    outputs = p.outputs(side, strides)
    zeros = p.enough(p.zeros(outputs, side, kernel_size, strides))
    return p.end(p.place(p.centre(kernel_size), p.left(zeros)))


COLUMN = Base(
    first_column,
    {
        "outputs": lambda side, strides: -(-side // strides),
        "zeros": lambda outputs, side, kernel_size, strides: (outputs - 1) * strides + kernel_size - side,
        "enough": lambda zeros: max(zeros, 0),
        "left": lambda zeros: zeros // 2,
        "centre": lambda kernel_size: kernel_size // 2,
        "place": subtract,
        "end": same,
    },
)
