"""Mistakes that can be made in every flow (exercises 07, 08): heads, widths, what the blocks are told, their order.

The bases have these parts in common:

- `widths(blocks)`; `heads(width, head_size, level, widths)`, their number and size;
- `time` and `text`, what all ResBlocks and SpatialTransformers are told;
- for each step of a level `attends(level, i)`, `attend_early`, `look_turn(i)`, `look`, `looked`, `attend_turn(i)`,
  `attend`, `attended`, as in the way down.
"""

from collections.abc import Callable

from autograder.questions.catalogue import Form, change, reads
from autograder.questions.catalogue.blocks import resblock, transformer
from autograder.questions.catalogue.operations import add, first

SD2_WIDTHS = (320, 640, 1280, 1280)


def _own_turn(i):
    """A block made before the loop is used in each turn of it."""
    return i


def resblock_doubled(x, t_emb, width, *_):
    return resblock(resblock(x, t_emb, width), t_emb, width)


def transformer_doubled(x, context, heads, *_):
    return transformer(transformer(x, context, heads), context, heads)


def _heads(make: Callable) -> Form:
    return {"heads": lambda width, size, level, widths: make(width, size)}


def _sd2_heads(width, size, level, widths):
    return (5, 10, 20, 20)[level], 64


HEADS = (
    change("heads-and-size-swapped", _heads(lambda width, size: (size, width // size))),
    change("heads-eight", _heads(lambda width, size: (8, width // 8))),
    change("heads-true-division", _heads(lambda width, size: (width / size, size))),
    change("head-size-typed-in", _heads(lambda width, size: (width // 64, 64))),
    change("one-head", _heads(lambda width, size: (1, width))),
    change(
        "heads-do-not-fill-the-width",
        {"heads": lambda width, size, level, widths: (widths[0] // size, size)},
        {"heads": lambda width, size, level, widths: ((5, 10, 20, 20)[level], size)},
        {"heads": _sd2_heads},
        _heads(lambda width, size: (width, size)),
        _heads(lambda width, size: (width, width // size)),
        _heads(lambda width, size: (size, width)),
        _heads(lambda width, size: (size, size)),
        _heads(lambda width, size: (8, size)),
        _heads(lambda width, size: (width // 64, size)),
    ),
)

WIDTHS = (
    change("widths-typed-in", widths=lambda blocks: SD2_WIDTHS, heads=_sd2_heads),
    change("channels-typed-in", widths=lambda blocks: SD2_WIDTHS),
    change("widths-multiplied", widths=lambda blocks: tuple(n * blocks.channels[0] for n in (1, 2, 4, 4))),
)

TOLD = (
    change("context-for-time", time=reads("context")),
    change("time-for-context", text=reads("t_emb")),
    change("resblock-inputs-swapped", look=lambda x, t_emb, width, *_: resblock(t_emb, x, width)),
    change("attention-inputs-swapped", attend=lambda x, context, heads, *_: transformer(context, x, heads)),
)

# One step of a level: a ResBlock and, where the level attends, a SpatialTransformer.
STEPS = (
    change("smallest-attends", attends=lambda level, i: True),
    change("attention-before-resblock", attend_early=transformer, attend=first),
    change("attention-missing", attends=lambda level, i: False),
    change("attention-not-at-the-third-level", attends=lambda level, i: level < 2),
    change("attention-not-at-the-first-level", attends=lambda level, i: 0 < level < 3),
    change("attention-at-the-smallest-only", attends=lambda level, i: level == 3),
    change("attention-added", attended=add),
    change("resblock-added", looked=add),
    change("resblock-doubled", look=resblock_doubled),
    change("attention-doubled", attend=transformer_doubled),
    change("blocks-reused", look_turn=_own_turn, attend_turn=_own_turn),
    change("block-reused", look_turn=_own_turn),
    change("attention-reused", attend_turn=_own_turn),
)
