"""The mistakes of exercise 04's third question: the SpatialTransformer with one thing changed each."""

from dataclasses import replace

import numpy as np

from autograder.questions.catalogue import Change, Form, Same, change, generated, on, reads
from autograder.questions.catalogue.inner_blocks import InnerTransformer, OfWidth
from autograder.questions.catalogue.operations import (
    Conv,
    Dense,
    Norm,
    add,
    first,
    required,
    same,
    scaled,
    second,
    silu,
)
from autograder.questions.spatial_transformer.base import SPATIAL

DENSES, CONVS = ("dense1", "dense2"), ("conv1", "conv2")
FIRST, SECOND = ("dense1", "conv1"), ("dense2", "conv2")
# A mistake may be in both branches of `fully_connected`, or in one.
PLACES = {
    "projections": ((*DENSES, *CONVS), CONVS, DENSES),
    "first-projection": (FIRST, FIRST[1:], FIRST[:1]),
    "second-projection": (SECOND, SECOND[1:], SECOND[:1]),
}
PROJECTION = Conv("channels", 1)
# A Dense layer computes what a 1x1 convolution does: to a family both are one.
ALIKE = replace(SPATIAL, parts={**SPATIAL.parts, "dense1": PROJECTION, "dense2": PROJECTION})
LAYER_NORMS = tuple(Norm("features", epsilon) for epsilon in (1e-5, 1e-3))
SHRINKING = (Conv("channels", 1, stride=2), Conv("channels", 3, padding="valid"))


def _all_channels(values) -> int:
    return values["num_heads"] * values["head_size"]


def _twice_as_many(values) -> int:
    return 2 * _all_channels(values)


OTHER_WIDTHS = ("head_size", "num_heads", _twice_as_many)


def _projected_to(width) -> tuple[Form, ...]:
    """Projections of another width; the transformer block has it too, or has not."""
    projections, right = Conv(width, 1), OfWidth(_all_channels)
    return (
        on((*DENSES, *CONVS), projections) | {"fits": OfWidth(width)},
        on((*DENSES, *CONVS), projections) | {"fits": right},
        on(CONVS, projections),
    )


def _in_either_branch(subject: str, **arguments) -> tuple[Change, ...]:
    """The family's changes of a projection, each with a form for every one of its places."""
    ways = (generated(ALIKE, {subject: parts}, **arguments) for parts in PLACES[subject])
    merged = zip(*ways, strict=True)
    return tuple(replace(alike[0], forms=tuple(form for one in alike for form in one.forms)) for alike in merged)


def columns_of(y):
    return y.transpose(0, 2, 1, 3).reshape(len(y), -1, y.shape[-1])


def channels_of(y):
    """As many numbers a token as there are channels, counted off with the channels in front."""
    return y.transpose(0, 3, 1, 2).reshape(len(y), -1, y.shape[-1])


def scrambled_image(tokens, x):
    _, height, width, channels = x.shape
    return tokens.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)


def columns_laid_out(tokens, x):
    return tokens.reshape(-1, x.shape[2], x.shape[1], tokens.shape[-1])


def all_joined(tensor):
    """The tokens of the whole batch as one sequence."""
    return tensor.reshape(1, -1, tensor.shape[-1])


_RESIDUALS = (
    change("residual-normalised", shortcut=reads("norm")),
    change("residual-projected", shortcut=reads("projected")),
    change("residual-before-projection", early=add, residual=first),
    change("residual-before-projection-too", early=add),
    change("residual-of-block-output", shortcut=reads("picture")),
    change("residual-of-output", residual=reads("back", "back")),
    change("residual-around-block", around=add, residual=first),
    change("residual-around-block-too", around=add),
    change("residual-scaled", end=scaled(0.5**0.5)),
)
_NORMS = (
    change("norm-after-projection", on(FIRST, Norm()) | {"norm": PROJECTION}),
    change("norm-after-projection-layer", *(on(FIRST, norm) | {"norm": PROJECTION} for norm in LAYER_NORMS)),
    change("norm-of-tokens-added", *({"projected": norm} for norm in LAYER_NORMS)),
    change("norm-before-second-projection", norm=same, mixed=Norm()),
    change("norm-twice", mixed=Norm()),
    change("norm-at-the-end", {"norm": same, "end": Norm()}),
    change("norm-at-the-end-too", {"end": Norm()}),
    change("activation-before-norm", entrance=silu),
)
_BLOCK = (
    change("projection-reused", {"dense2": Same("dense1"), "conv2": Same("conv1")}),
    change("context-ignored", text=reads("tokens")),
    change("context-first", called=reads("text", "tokens")),
    change("context-is-picture", text=reads("x")),
    change("context-normalised", *({"text": norm} for norm in LAYER_NORMS)),
    change("context-projected", text=Dense("channels")),
    change("context-averaged", text=lambda c: c.mean(axis=1, keepdims=True)),
    change("context-of-first-picture", text=lambda c: c[:1]),
    change("tokens-missing", tokens=same),
    change("tokens-flattened", tokens=lambda y: y.reshape(len(y), -1)),
    change("tokens-batch-lost", tokens=lambda y: y.reshape(-1, y.shape[-1])),
    change("tokens-are-rows", tokens=lambda y: y.reshape(*y.shape[:2], -1)),
    change("block-missing", block=first),
    change("block-twice", again=Same("block")),
    change("two-blocks", again=InnerTransformer()),
    change("block-heads-swapped", heads=second, size=first),
    change("block-one-head", heads=lambda n, d: 1, size=lambda n, d: n * d),
    change("block-width", {"fits": OfWidth("num_heads")}, {"fits": OfWidth("head_size")}),
    change(
        "block-heads-typed-in",
        {"heads": lambda n, d: 8, "size": lambda n, d: n * d // 8},
        {"heads": lambda n, d: 5, "size": lambda n, d: 64},
        {"heads": lambda n, d: 8},
        {"size": lambda n, d: 64},
    ),
)
_TOKENS = (
    change("tokens-in-another-order", tokens=columns_of),
    change("tokens-scrambled", tokens=channels_of),
    change("tokens-are-channels", tokens=lambda y: np.swapaxes(y.reshape(len(y), -1, y.shape[-1]), 1, 2)),
    change("image-scrambled", picture=scrambled_image),
    change("image-sides-swapped", picture=columns_laid_out),
    change("image-by-columns", picture=lambda z, x: columns_laid_out(z, x).transpose(0, 2, 1, 3)),
    change("image-missing", picture=first),
    change(
        "batch-joined",
        {"tokens": all_joined, "text": lambda c: c[:1]},
        {"tokens": all_joined, "text": all_joined},
        {"tokens": all_joined},
    ),
)
_SIZES = (
    change(
        "projection-shrinks",
        *(on(places, shrinking) for places in (CONVS, CONVS[:1], CONVS[1:]) for shrinking in SHRINKING),
    ),
    change("fully-connected-without-default", dense=required),
    change("width-typed-in", *(form for width in (320, 64) for form in _projected_to(width))),
    change("projection-width", *(form for width in OTHER_WIDTHS for form in _projected_to(width))),
)

SUBJECTS = {
    "norm": ("norm",),
    "residual": ("residual",),
    "after-norm": ("normalised",),
    "after-first-projection": ("projected",),
    "after-second-projection": ("back",),
    "at-the-end": ("end",),
}
IDS = {
    "norm-default-epsilon": "epsilon-default",
    "residual-second-doubled": "residual-twice",
    "after-norm-swish": "activation-added",
}
PROJECTION_IDS = {
    "projections": {"projections-no-bias": "projection-no-bias", "projections-3x3": "projection-3x3"},
    "first-projection": {"first-projection-missing": "projection-missing-first"},
    "second-projection": {"second-projection-missing": "projection-missing-second"},
}

SPATIAL_CHANGES = (
    *_SIZES,
    *_RESIDUALS,
    *_NORMS,
    *_BLOCK,
    *_TOKENS,
    *generated(SPATIAL, SUBJECTS, IDS),
    *(
        change
        for subject, ids in PROJECTION_IDS.items()
        # a stride: see projection-shrinks
        for change in _in_either_branch(subject, ids=ids, leave_out=[f"{subject}-strided"])
    ),
)
