"""The mistakes of exercise 07: the way down with one thing changed each."""

import numpy as np

from autograder.questions.catalogue import Form, change, generated, reads
from autograder.questions.catalogue.blocks import OwnConv, resblock, transformer
from autograder.questions.catalogue.operations import add, first, second
from autograder.questions.down_flow.base import DOWN, append

SD2_WIDTHS = (320, 640, 1280, 1280)
HALVE = DOWN.parts["halve"]


def own_turn(i):
    """A block made before the loop is used in each turn of it."""
    return i


def sd2_heads(width, head_size, level, widths):
    return (5, 10, 20)[level], 64


def pooled(choose):
    """2x2 pixels become one, as `choose` (a mean, a maximum) has it."""

    def pool(x, *_):
        batch, height, width, channels = x.shape
        x = x[:, : height // 2 * 2, : width // 2 * 2].reshape(batch, height // 2, 2, width // 2, 2, channels)
        return choose(x, axis=(2, 4))

    return pool


def _twice(kept, x, *_):
    return [*kept, x, x]


def _where_it_attends(kept, x, level, i):
    return append(kept, x) if level < 3 else kept


def _last_of_pair(kept, x, level, i):
    return append(kept, x) if i == 1 else kept


def _before_halving(kept, halved, x):
    return append(kept, x)


def _halved_behind_large(kept, halved, x):
    return [*kept, x, halved]


def _halve_early(x, width, level):
    return HALVE(x, width) if level < 3 else x


def _keep_early(kept, x, level):
    return append(kept, x) if level < 3 else kept


_KEEPING = (
    change(
        "latent-kept",
        {"keep_entry": lambda kept, x, latent: [*kept, latent]},
        {"keep_entry": lambda kept, x, latent: [*kept, latent, x]},
    ),
    change("first-not-kept", keep_entry=first),
    change("halved-not-kept", keep_halved=first),
    change("last-not-kept", result=lambda x, kept: (x, kept[:-1])),
    change("kept-before-halving", keep_halved=_before_halving),
    change("kept-before-halving-too", keep_halved=_halved_behind_large),
    change("kept-before-attention", keep_looked=append, keep=first),
    change("kept-twice", keep_looked=lambda kept, x, level: append(kept, x) if level < 3 else kept),
    change("kept-twice-at-every-level", keep_looked=append),
    change("kept-doubled", keep=_twice),
    change("kept-where-it-attends-only", keep=_where_it_attends),
    change(
        "kept-once-a-level",
        {"keep": _last_of_pair},
        {"keep": _last_of_pair, "keep_halved": first},
    ),
    change("kept-halved-only", {"keep": first}, {"keep": first, "keep_entry": first}),
    change(
        "kept-too-early",
        {"keep_early": append, "keep": first},
        {"keep_early": append, "keep": first, "keep_entry": first},
        {"keep_early": append, "keep": first, "keep_entry": first, "keep_halved": first},
    ),
    change("kept-reversed", result=lambda x, kept: (x, kept[::-1])),
)

_HALVING = (
    change("halved-by-keras-same", halve=OwnConv(2, "same")),
    change("halved-and-widened", halved_width=lambda widths, level: widths[min(level + 1, 3)]),
    change("halved-aside", go_on=second),
    change("halved-by-pooling", halve=pooled(np.mean)),
    change("halved-by-max-pooling", halve=pooled(np.max)),
    change("halved-by-dropping-pixels", halve=lambda x, *_: x[:, ::2, ::2]),
    change("halved-in-the-loop", halves=lambda level, i, pairs: level < 3),
    change(
        "halved-before-the-blocks",
        halve_early=_halve_early,
        keep_halved_early=_keep_early,
        halves=lambda level, i, pairs: False,
    ),
    change("halved-once-more", halves=lambda level, i, pairs: i == pairs[-1]),
    change("halved-once-less", halves=lambda level, i, pairs: level < 2 and i == pairs[-1]),
)

_LEVELS = (
    change("smallest-attends", attends=lambda level, i: True),
    change("smallest-missing", levels=lambda widths: (0, 1, 2)),
    change("smallest-one-block", pairs=lambda level: (0, 1) if level < 3 else (0,)),
    change("largest-missing", levels=lambda widths: (1, 2, 3)),
    change("levels-reversed", levels=lambda widths: (3, 2, 1, 0)),
    change("one-pair", pairs=lambda level: (0,)),
    change("three-pairs", pairs=lambda level: (0, 1, 2)),
    change("four-pairs", pairs=lambda level: (0, 1, 2, 3)),
    change("attention-before-resblock", attend_early=transformer, attend=first),
    change("attention-missing", attends=lambda level, i: False),
    change("attention-once-a-level", *({"attends": lambda level, i, n=n: level < 3 and i == n} for n in (0, 1))),
    change("attention-not-at-the-third-level", attends=lambda level, i: level < 2),
    change("attention-not-at-the-first-level", attends=lambda level, i: 0 < level < 3),
    change("attention-at-the-smallest-only", attends=lambda level, i: level == 3),
    change("attention-added", attended=add),
    change("resblock-added", looked=add),
    change("resblock-twice", look=lambda x, t, width, turn: resblock(resblock(x, t, width), t, width)),
    change("attention-twice", attend=lambda x, c, heads, turn: transformer(transformer(x, c, heads), c, heads)),
    change("blocks-reused", look_turn=own_turn, attend_turn=own_turn),
    change("block-reused", look_turn=own_turn),
    change("attention-reused", attend_turn=own_turn),
    change("context-for-time", time=reads("context")),
    change("time-for-context", text=reads("t_emb")),
    change("resblock-inputs-swapped", look=lambda x, t, width, turn: resblock(t, x, width)),
    change("attention-inputs-swapped", attend=lambda x, c, heads, turn: transformer(c, x, heads)),
)


def _cut(make) -> Form:
    return {"heads": lambda width, size, level, widths: make(width, size)}


def _width_of(choose) -> tuple[Form, ...]:
    """The blocks, and in the second form the halving too, have the width of another level."""

    def width(widths, level):
        return widths[choose(level)]

    return {"width": width}, {"width": width, "halved_width": width}


_WIDTHS = (
    change("heads-and-size-swapped", _cut(lambda width, size: (size, width // size))),
    change("heads-eight", _cut(lambda width, size: (8, width // 8))),
    change("heads-true-division", _cut(lambda width, size: (width / size, size))),
    change("head-size-typed-in", _cut(lambda width, size: (width // 64, 64))),
    change("one-head", _cut(lambda width, size: (1, width))),
    change(
        "heads-do-not-fill-the-width",
        {"heads": lambda width, size, level, widths: (widths[0] // size, size)},
        {"heads": lambda width, size, level, widths: ((5, 10, 20)[level], size)},
        {"heads": sd2_heads},
        _cut(lambda width, size: (width, size)),
        _cut(lambda width, size: (width, width // size)),
        _cut(lambda width, size: (size, width)),
        _cut(lambda width, size: (size, size)),
        _cut(lambda width, size: (8, size)),
        _cut(lambda width, size: (width // 64, size)),
    ),
    change("widths-typed-in", widths=lambda blocks: SD2_WIDTHS, heads=sd2_heads),
    change("channels-typed-in", widths=lambda blocks: SD2_WIDTHS),
    change("widths-multiplied", widths=lambda blocks: tuple(n * blocks.channels[0] for n in (1, 2, 4, 4))),
    change("width-of-the-next-level", *_width_of(lambda level: min(level + 1, 3))),
    change("width-of-the-level-before", *_width_of(lambda level: max(level - 1, 0))),
    change("input-convolution-narrow", entry_width=lambda widths, blocks: blocks.latent_channels),
)
_IDS = {
    "entry-missing": "input-convolution-missing",
    "entry-unpadded": "input-convolution-unpadded",
    "halving-unpadded": "halved-unpadded",
    "halving-unstrided": "halved-without-stride",
}

CHANGES = (
    *_KEEPING,
    *_HALVING,
    *_LEVELS,
    *_WIDTHS,
    *generated(DOWN, {"entry": ("entry",), "halving": ("halve",)}, _IDS),
)
