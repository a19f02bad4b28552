"""The mistakes of exercise 03: the right answers with one thing changed each."""

import numpy as np

from autograder.questions.catalogue import Base, Form, Same, change, generated, on, reads, swapped
from autograder.questions.catalogue.operations import Conv, Dense, add, after, first, same, scaled, silu
from autograder.questions.resblock.base import PROJECT, SAME, two_axes

BROADCAST_CHANGES = (
    change("embedding-unchanged", axes=same),
    change("embedding-one-axis", axes=lambda e: e[:, None]),
    change("embedding-axes-last", axes=lambda e: e[:, :, None, None]),
    change("embedding-axes-first", axes=lambda e: e[None, None]),
    change("embedding-split-axes", axes=lambda e: e[:, None, :, None]),
    change("embedding-too-many-axes", axes=lambda e: e[:, None, None, None]),
    change("embedding-summed", features=lambda e: np.sum(e, axis=-1), axes=lambda e: e[:, None, None, None]),
    change("embedding-averaged", features=lambda e: np.mean(e, axis=-1), axes=lambda e: e[:, None, None, None]),
    change("embedding-batch-folded-in", axes=lambda e: e.reshape(1, 1, 1, -1)),
    change("embedding-transposed", axes=lambda e: e.T[:, None, None]),
    change("embedding-first-only", axes=lambda e: e[:1, None, None]),
    change("embedding-activated", features=silu),
)

FLOWS = ("swish1", "swish2")
SWISHES = ("swish_t", *FLOWS)
NORMS, CONVS = ("norm1", "norm2"), ("conv1", "conv2")


def _channels(values) -> int:
    return values["x"].shape[-1]


def _typed_in(width: int) -> dict:
    """The width is a number of Stable Diffusion's, not the argument."""
    return on(CONVS, Conv(width)) | {"dense": Dense(width)}


def _wiring(base: Base, *strided: Form) -> tuple:
    """What is particular to a ResBlock: where the shortcut and the time go, and in which order things come.

    `strided`: more ways to have a stride in one convolution, which fails with the same shapes wherever it is.
    """
    return (
        change("residual-after-norm", shortcut=reads("norm1")),
        change("residual-of-convolution", shortcut=reads("conv1")),
        change("residual-of-middle", shortcut=reads("join")),
        change("residual-of-output", residual=reads("conv2", "conv2")),
        change("residual-early", middle=add, residual=first),
        change("residual-twice", middle=add),
        change("residual-scaled", end=scaled(0.5**0.5)),
        change("embedding-late", join=first, late=add),
        change("embedding-after-norm", join=first, after_norm=add),
        change("embedding-twice", late=add),
        change("embedding-swish-after", swapped(base, "swish_t", "dense")),
        change("embedding-swish-both", axes=after(silu, two_axes)),
        change("embedding-scaled", join=lambda h, e: h * (1 + e)),
        change("embedding-axes", axes=lambda e: e[:, None]),
        change("embedding-channels-first", axes=lambda e: e[:, :, None, None]),
        change("embedding-flat", axes=same),
        change("swish-before-norm", swapped(base, "norm1", "swish1") | swapped(base, "norm2", "swish2")),
        change("swish-before-norm-entry", swapped(base, "norm1", "swish1")),
        change("swish-before-norm-exit", swapped(base, "norm2", "swish2")),
        change("swish-after-convolution", swapped(base, "swish1", "conv1") | swapped(base, "swish2", "conv2")),
        change("swish-after-convolution-entry", swapped(base, "swish1", "conv1")),
        change("swish-after-convolution-exit", swapped(base, "swish2", "conv2")),
        change(
            "convolution-first", swapped(base, "norm1", "swish1", "conv1") | swapped(base, "norm2", "swish2", "conv2")
        ),
        change("convolution-first-entry", swapped(base, "norm1", "swish1", "conv1")),
        change("convolution-first-exit", swapped(base, "norm2", "swish2", "conv2")),
        change("exit-flow-missing", on(("norm2", "swish2", "conv2"), same)),
        change("norm-reused", norm2=Same("norm1")),
        change("convolution-reused", conv2=Same("conv1")),
        change("one-convolution-unpadded", *({conv: Conv("output_dim", padding="valid")} for conv in CONVS)),
        change("one-convolution-strided", *({conv: Conv("output_dim", stride=2)} for conv in CONVS), *strided),
        change("width-typed-in", *map(_typed_in, (320, 64))),
    )


_SUBJECTS = {
    "entry-swish": ("swish1",),
    "exit-swish": ("swish2",),
    "time-swish": ("swish_t",),
    "swishes": FLOWS,
    "all-swishes": SWISHES,
    "entry-norm": ("norm1",),
    "exit-norm": ("norm2",),
    "norms": NORMS,
    "dense": ("dense",),
    "entry-convolution": ("conv1",),
    "exit-convolution": ("conv2",),
    "convolutions": CONVS,
    "join": ("join",),
    "residual": ("residual",),
    "output": ("end",),
}
_IDS = {
    "residual-missing": "residual-forgotten",
    "join-missing": "embedding-ignored",
    "join-product": "embedding-multiplied",
    "time-swish-missing": "embedding-without-swish",
    "dense-no-bias": "embedding-no-bias",
    "norms-default-epsilon": "epsilon-default",
    "norms-layer": "norm-layer",
    "norms-one-group": "norm-one-group",
    "norms-each-channel": "norm-each-channel",
    "entry-norm-missing": "norm-missing-entry",
    "exit-norm-missing": "norm-missing-exit",
    "entry-swish-missing": "swish-missing-entry",
    "exit-swish-missing": "swish-missing-exit",
    "all-swishes-missing": "swish-missing",
    "output-swish": "swish-at-the-end",
    "all-swishes-relu": "activation-relu",
    "all-swishes-gelu": "activation-gelu",
    "convolutions-unpadded": "padding-valid",
    "convolutions-1x1": "convolution-1x1",
    "convolutions-no-bias": "convolution-no-bias",
}
_LEFT_OUT = (
    "join-averaged",  # the normalisation behind it takes the factor away: it computes the right thing
    "entry-convolution-no-bias",  # is added to every pixel, as the Dense layer's bias is: either could be missing
    *(f"{flow}-convolution-{kind}" for flow in ("entry", "exit") for kind in ("unpadded", "strided")),  # see _wiring
    # nobody puts them there, and each makes some hundred pairs with the others
    *(f"output-{kind}" for kind in ("elu", "hard-swish", "leaky-relu", "mish", "softmax", "softplus")),
)

SAME_CHANGES = (
    change("residual-activated", shortcut=reads("swish1")),
    change("entry-flow-missing", on(("norm1", "swish1", "conv1"), same)),
    change("residual-always-projected", shortcut=Conv("output_dim", 1)),
    change("embedding-early", join=first, early=add),
    *_wiring(SAME),
    *generated(SAME, _SUBJECTS, _IDS, _LEFT_OUT),
)

PROJECT_CHANGES = (
    change("width-changes-late", conv1=Conv(_channels), dense=Dense(_channels)),
    change("projection-of-normalised", shortcut=reads("swish1")),
    *_wiring(PROJECT, {"shortcut": Conv("output_dim", 1, stride=2)}),
    *generated(
        PROJECT,
        {"projection": ("shortcut",), **_SUBJECTS},
        _IDS,
        # projection-no-bias; fails as one does; one-convolution-strided
        (*_LEFT_OUT, "exit-convolution-no-bias", "convolutions-missing", "projection-strided"),
    ),
)
