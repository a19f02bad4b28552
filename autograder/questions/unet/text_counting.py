"""How many of the UNet's parameters read the text: the right count of exercise 09 in parts, and its mistakes.

a, b, c: widths of the first three levels. The fourth is as wide as the third.
"""

from autograder.questions.catalogue import Base, change
from autograder.questions.catalogue.operations import same


def text_parameters(first, second, third, context_dim):
    """The kernels of to_k and to_v in the cross-attention of each of the 16 transformer blocks."""
    return 2 * context_dim * (5 * (first + second + third) + third)


def counted(p, first, second, third, context_dim):
    """The widths of all transformer blocks together, then what reads the text in them."""
    down, up = p.way_down(first, second, third), p.way_up(first, second, third)
    width = p.all_widths(down, p.in_the_middle(first, second, third), up)
    return p.total(p.kernels(width, context_dim) + p.biases(width) + p.self_attention(first, second, third))


def _times(count):
    return lambda a, b, c: count * (a + b + c)


def _squares(count):
    """`count` kernels from the pixels' width to the pixels' width, in each of the 16 blocks."""
    return lambda a, b, c: count * (5 * (a * a + b * b + c * c) + c * c)


def _nothing(*_):
    return 0


TEXT = Base(
    counted,
    {
        "way_down": _times(2),
        "in_the_middle": lambda a, b, c: c,
        "way_up": _times(3),
        "all_widths": lambda down, middle, up: down + middle + up,
        "kernels": lambda width, context_dim: 2 * width * context_dim,
        "biases": _nothing,
        "self_attention": _nothing,
        "total": same,
    },
)

TEXT_CHANGES = (
    change("text-middle-forgotten", in_the_middle=_nothing),
    change("text-two-on-the-way-up", way_up=_times(2)),
    change("text-three-on-the-way-down", way_down=_times(3)),
    change("text-one-a-level", way_down=_times(1), way_up=_times(1)),
    change("text-way-down-only", way_up=_nothing, in_the_middle=_nothing),
    change("text-way-up-only", {"way_down": _nothing, "in_the_middle": _nothing}, {"way_down": _nothing}),
    change(
        "text-at-the-smallest-level",
        {"way_down": lambda a, b, c: 2 * (a + b + 2 * c), "way_up": lambda a, b, c: 3 * (a + b + 2 * c)},
        {"way_down": lambda a, b, c: 2 * (a + b + 2 * c)},
        {"way_up": lambda a, b, c: 3 * (a + b + 2 * c)},
    ),
    change("text-middle-of-two", in_the_middle=lambda a, b, c: 2 * c),
    change("text-once-a-block", kernels=lambda width, f: width * f),
    change("text-three-kernels", kernels=lambda width, f: 3 * width * f),
    change("text-four-kernels", kernels=lambda width, f: 4 * width * f),
    change("text-with-biases", biases=lambda width: 2 * width),
    change("text-with-queries", self_attention=_squares(1)),
    change("text-whole-cross-attention", biases=lambda width: width, self_attention=_squares(2)),
    change("text-self-attention-too", self_attention=_squares(2)),
    change("text-from-the-pixels", kernels=_nothing, self_attention=_squares(2)),
)
