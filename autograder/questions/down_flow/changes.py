"""The mistakes of exercise 07: the way down with one thing changed each."""

import numpy as np

from autograder.questions.catalogue import Form, change, generated
from autograder.questions.catalogue.blocks import OwnConv
from autograder.questions.catalogue.operations import first, second
from autograder.questions.down_flow.base import DOWN, append
from autograder.questions.flow_changes import HEADS, STEPS, TOLD, WIDTHS

HALVE = DOWN.parts["halve"]


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
    change("maps-not-returned", result=first),
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
    change("smallest-missing", levels=lambda widths: (0, 1, 2)),
    change("smallest-one-block", pairs=lambda level: (0, 1) if level < 3 else (0,)),
    change("largest-missing", levels=lambda widths: (1, 2, 3)),
    change("levels-reversed", levels=lambda widths: (3, 2, 1, 0)),
    change("one-pair", pairs=lambda level: (0,)),
    change("three-pairs", pairs=lambda level: (0, 1, 2)),
    change("four-pairs", pairs=lambda level: (0, 1, 2, 3)),
    change("attention-once-a-level", *({"attends": lambda level, i, n=n: level < 3 and i == n} for n in (0, 1))),
)


def _width_of(choose) -> tuple[Form, ...]:
    """The blocks, and in the second form the halving too, have the width of another level."""

    def width(widths, level):
        return widths[choose(level)]

    return {"width": width}, {"width": width, "halved_width": width}


_WIDTHS = (
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
    *STEPS,
    *TOLD,
    *HEADS,
    *WIDTHS,
    *_WIDTHS,
    *generated(DOWN, {"entry": ("entry",), "halving": ("halve",)}, _IDS),
)
