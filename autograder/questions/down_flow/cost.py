"""What attention costs beside a convolution: the right prediction of exercise 07 in parts, and its mistakes."""

from autograder.questions.catalogue import Base, change
from autograder.questions.catalogue.operations import add, divide, first, same, scaled, subtract


def attention_cost(height, width, channels):
    """Multiplications of q·k and of weights·v, for each multiplication of a 3x3 convolution."""
    pixels = height * width
    return 2 * pixels**2 * channels / (9 * pixels * channels**2)


def cost(p, height, width, channels):
    """Sides and channels of a feature map to a number of convolutions."""
    pixels = p.pixels(height, width)
    both = p.both(p.scores(pixels, channels), p.averages(pixels, channels))
    return p.end(p.ratio(both, p.convolution(pixels, channels)))


def _pairs(pixels, channels):
    return pixels**2 * channels


COST = Base(
    cost,
    {
        "pixels": lambda height, width: height * width,
        "scores": _pairs,
        "averages": _pairs,
        "both": add,
        "convolution": lambda pixels, channels: 9 * pixels * channels**2,
        "ratio": divide,
        "end": same,
    },
)


COST_CHANGES = (
    change("cost-of-one-product", both=first),
    change("cost-turned-round", ratio=lambda both, convolution: convolution / both),
    change("cost-subtracted", ratio=subtract),
    change("cost-not-compared", ratio=first),
    change(
        "cost-of-a-side",
        {"pixels": lambda height, width: height},
        {"pixels": lambda height, width: width},
        {"pixels": lambda height, width: height + width},
    ),
    change(
        "cost-of-the-scores-as-numbers",
        {"scores": lambda n, c: n**2, "averages": lambda n, c: n**2},
        {"scores": lambda n, c: n**2, "both": first},
    ),
    change("cost-of-each-pixel-with-itself", scores=lambda n, c: n * c, averages=lambda n, c: n * c),
    change("cost-of-channels-with-channels", scores=lambda n, c: n * c**2, averages=lambda n, c: n * c**2),
    change("cost-kernel-of-one-pixel", convolution=lambda n, c: n * c**2),
    change("cost-kernel-of-three-pixels", convolution=lambda n, c: 3 * n * c**2),
    change("cost-convolution-of-one-channel", convolution=lambda n, c: 9 * n * c),
    change("cost-convolution-at-one-pixel", convolution=lambda n, c: 9 * c**2),
    change("cost-counted-twice", both=lambda scores, averages: 2 * (scores + averages)),
    change("cost-as-a-share-of-both", ratio=lambda both, convolution: both / (both + convolution)),
    change("cost-as-a-percentage", end=scaled(100)),
)
