"""The mistakes of exercise 07's first steps: a pair of blocks and a level. Most of them are the whole way's, too."""

from dataclasses import replace

from autograder.questions.catalogue import Base, Change, change
from autograder.questions.catalogue.blocks import PaddedConv
from autograder.questions.down_flow.base import LEVEL, PAIR, append
from autograder.questions.down_flow.changes import CHANGES

OF_A_PAIR = (
    "smallest-attends",
    "attention-before-resblock",
    "attention-missing",
    "attention-not-at-the-third-level",
    "attention-at-the-smallest-only",
    "attention-added",
    "resblock-added",
    "resblock-doubled",
    "context-for-time",
    "time-for-context",
    "resblock-inputs-swapped",
    "attention-inputs-swapped",
    "heads-and-size-swapped",
    "heads-eight",
    "heads-true-division",
    "head-size-typed-in",
    "one-head",
    "channels-typed-in",
    "width-of-the-next-level",
)
OF_A_LEVEL = (
    "maps-not-returned",
    "halved-not-kept",
    "kept-before-halving",
    "kept-before-attention",
    "kept-doubled",
    "kept-once-a-level",
    "kept-too-early",
    "kept-reversed",
    "halved-by-keras-same",
    "halved-and-widened",
    "halved-aside",
    "halved-by-pooling",
    "halved-by-max-pooling",
    "halved-in-the-loop",
    "halved-once-more",
    "halved-unpadded",
    "halved-without-stride",
    "smallest-one-block",
    "one-pair",
    "three-pairs",
    "smallest-attends",
    "attention-missing",
    "blocks-reused",
    "block-reused",
)


def _chosen(base: Base, ids: tuple[str, ...]) -> tuple[Change, ...]:
    """Of the whole way's mistakes these, in its order, in the forms that a step can have."""
    chosen = (c for c in CHANGES if c.id in ids)
    return tuple(replace(c, forms=tuple(form for form in c.forms if set(form) <= set(base.parts))) for c in chosen)


def _halved(x, width):
    return PaddedConv(stride=2)(x, width)


PAIR_CHANGES = (change("pair-halved-too", end=_halved), *_chosen(PAIR, OF_A_PAIR))
LEVEL_CHANGES = (change("input-kept", keep_entry=append), *_chosen(LEVEL, OF_A_LEVEL))
