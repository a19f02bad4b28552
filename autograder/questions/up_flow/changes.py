"""The mistakes of exercise 08 in the flows: the middle and the way up with one thing changed each."""

import numpy as np

from autograder.questions.catalogue import Form, change
from autograder.questions.catalogue.blocks import OwnConv, resblock, transformer, upsample
from autograder.questions.catalogue.operations import add, average, concatenate, first, second, silu
from autograder.questions.flow_changes import HEADS, STEPS, TOLD, WIDTHS, resblock_doubled, transformer_doubled

MIDDLE_CHANGES = (
    change("second-resblock-missing", look2=first),
    change("first-resblock-missing", look=first),
    change("resblocks-missing", look=first, look2=first),
    change("attention-missing", attend=first),
    change("attention-first", attend_early=transformer, attend=first),
    change("attention-last", attend=first, attend_late=transformer),
    change("attention-around", attend_early=transformer, attend=first, attend_late=transformer),
    change("attention-before-too", attend_early=transformer),
    change("attention-twice", attend_late=transformer),
    change("attention-doubled", attend=transformer_doubled),
    change("third-resblock", {"look3": resblock}, {"look": resblock_doubled}),
    change("pair-too-many", attend_late=transformer, look3=resblock),
    change("input-added", {"end": add}, {"end": average}),
    change("attention-added", attended=add),
    change("resblock-added", {"looked2": add}, {"looked": add}, {"looked": add, "looked2": add}),
    change("block-reused", turn=lambda: 1),
    change("width-of-another-level", *({"width": lambda widths, level, n=n: widths[n]} for n in (0, 1))),
    *TOLD,
    *HEADS,
    *WIDTHS,
)


def _beside(axis: int):
    """Put behind each other along an axis that is not the channels'."""
    return lambda x, skip, i: np.concatenate([x, skip], axis=axis)


def _level_in_order(outputs):
    """Of each level its own three maps, but the first one kept is the first to come."""
    return [outputs[level + i] for level in (0, 3, 6, 9) for i in (2, 1, 0)]


def _joined_first(x, skip, i):
    return concatenate(x, skip) if i == 0 else x


def _left_first(waiting, i):
    return waiting[:-1] if i == 0 else waiting


def _enlarged_early(x, width, level):
    return upsample(x, width) if level > 0 else x


_JOINS = (
    change("skips-of-a-level-in-order", waiting=_level_in_order),
    change("skips-from-the-front", waiting=lambda outputs: outputs[::-1]),
    change("same-skip-three-times", leave=first, drop=lambda waiting: waiting[:-3]),
    change("skips-left-over", {"leave": first}, {"join": _joined_first, "leave": _left_first}),
    change("first-skip-dropped", waiting=lambda outputs: outputs[:-1]),
    change("joined-in-reverse", join=lambda x, skip, i: concatenate(skip, x)),
    change("joined-by-adding", join=lambda x, skip, i: x + skip),
    change("joined-along-height", join=_beside(1)),
    change("joined-along-width", join=_beside(2)),
    change("skips-ignored", join=first),
    change("skips-only", join=second),
    change("skip-doubled", join=lambda x, skip, i: np.concatenate([x, skip, skip], axis=-1)),
    change("joined-with-itself", join=lambda x, skip, i: concatenate(x, x)),
    change("joined-once-a-level", join=_joined_first),
    change("joined-after-the-block", join=first, join_late=concatenate),
    change("joined-before-and-after", join_late=concatenate),
)


def _width_of(choose) -> tuple[Form, ...]:
    """The blocks, and in the second form the doubling too, have the width of another level."""

    def width(widths, level):
        return widths[choose(level)]

    return {"width": width}, {"width": width, "enlarged_width": width}


_ENLARGING = (
    change("upsample-in-the-loop", {"enlarges": lambda level, i, steps: level > 0}, {"steps": lambda level: (0,)}),
    change("upsample-missing", {"enlarges": lambda level, i, steps: False}, {"steps": lambda level: (0, 1, 2, 3)}),
    change("upsample-at-the-end", enlarges=lambda level, i, steps: i == steps[-1]),
    change("upsample-narrows", enlarged_width=lambda widths, level: widths[level - 1]),
    change("upsample-first", enlarge_early=_enlarged_early, enlarges=lambda level, i, steps: False),
    change("upsample-once-less", enlarges=lambda level, i, steps: level > 1 and i == steps[-1]),
    change("upsample-of-ones-own", enlarge=OwnConv(repeat=2)),
    change("upsample-without-convolution", enlarge=lambda x, *_: x.repeat(2, axis=1).repeat(2, axis=2)),
)

_GROUPS = (
    change("levels-from-the-first", levels=lambda widths: (0, 1, 2, 3)),
    change("smallest-missing", levels=lambda widths: (2, 1, 0)),
    change("largest-missing", levels=lambda widths: (3, 2, 1)),
    change("two-a-level", steps=lambda level: (0, 1)),
    change("attention-once-a-level", *({"attends": lambda level, i, n=n: level < 3 and i == n} for n in (0, 2))),
    change("attention-not-at-the-last-step", attends=lambda level, i: level < 3 and i < 2),
    change("block-reused-from-the-second", look_turn=lambda i: max(i - 1, 0)),
    change("width-of-the-level-above", *_width_of(lambda level: max(level - 1, 0))),
    change("width-of-the-level-below", *_width_of(lambda level: min(level + 1, 3))),
    change("swish-at-the-end", end=silu),
)

UP_CHANGES = (*_JOINS, *_ENLARGING, *_GROUPS, *STEPS, *TOLD, *HEADS, *WIDTHS)
