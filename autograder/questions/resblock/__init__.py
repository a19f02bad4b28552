"""Exercise 03: the embedding's two new axes, the ResBlock's pieces, and the block with and without a projection."""

import keras
from keras import ops

from autograder.questions.catalogue import Texts
from autograder.questions.question import Case, Question, RandomInput
from autograder.questions.resblock.base import BROADCAST, GROUP_NORM, HALF, PROJECT, SAME, SHIFT
from autograder.questions.resblock.changes import BROADCAST_CHANGES, PROJECT_CHANGES, SAME_CHANGES
from autograder.questions.resblock.piece_changes import GROUP_NORM_CHANGES, HALF_CHANGES, SHIFT_CHANGES
from autograder.reference import GroupNorm, PaddedConv2D, ResBlock

EXERCISE = "03-resblock"


def _resblock(*sizes):
    """Cases of `ResBlock(output_dim)([x, t_emb])` from `(B, H, W, C, E, output_dim)`."""
    return tuple(
        Case((output_dim,), {"x": RandomInput((b, h, w, c)), "t_emb": RandomInput((b, e))})
        for b, h, w, c, e, output_dim in sizes
    )


def _same_cases(scale):
    if scale == "full":
        return _resblock((2, 6, 8, 320, 1280, 320), (1, 8, 4, 640, 1280, 640))
    return _resblock((2, 4, 6, 64, 48, 64), (3, 6, 5, 96, 40, 96))


def _project_cases(scale):
    if scale == "full":
        return _resblock((2, 6, 8, 320, 1280, 640), (1, 8, 4, 1920, 1280, 640))
    return _resblock((2, 4, 6, 64, 48, 128), (3, 6, 5, 128, 40, 96), (2, 5, 3, 96, 24, 64))


class _OriginalEpsilon(ResBlock):
    """With epsilon 1e-6, as some implementations have it."""

    def __init__(self, output_dim):
        super().__init__(output_dim, norm_epsilon=1e-6)


def broadcast_embedding(embeddings):
    """`(B, E)` to `(B, 1, 1, E)`."""
    return embeddings[:, None, None]


def group_norm(x, groups, epsilon=1e-5):
    """`(B, H, W, C)` to the same, each group of neighbouring channels of each picture with mean 0 and variance 1."""
    grouped = ops.reshape(x, (*x.shape[:3], groups, -1))
    mean = ops.mean(grouped, axis=(1, 2, 4), keepdims=True)
    variance = ops.var(grouped, axis=(1, 2, 4), keepdims=True)
    return ops.reshape((grouped - mean) / ops.sqrt(variance + epsilon), x.shape)


def _group_norm_of_original(x, groups):
    return group_norm(x, groups, epsilon=1e-6)


class NormSwishConv(keras.layers.Layer):
    """`(B, H, W, C)` to `(B, H, W, filters)`: one half of the block."""

    def __init__(self, filters, epsilon=1e-5):
        super().__init__()
        self.norm = GroupNorm(epsilon=epsilon)
        self.conv = PaddedConv2D(filters, 3, padding=1)

    def call(self, inputs):
        return self.conv(ops.silu(self.norm(inputs)))


class _HalfOfOriginal(NormSwishConv):
    def __init__(self, filters):
        super().__init__(filters, epsilon=1e-6)


class TimeShift(keras.layers.Layer):
    """`(B, H, W, filters)` and `(B, E)` to `(B, H, W, filters)`: what the block is told of the time."""

    def __init__(self, filters):
        super().__init__()
        self.dense = keras.layers.Dense(filters)

    def call(self, inputs):
        x, t_emb = inputs
        return x + broadcast_embedding(self.dense(ops.silu(t_emb)))


def _group_norm_cases(scale):
    """`(B, H, W, C)` and the number of groups."""
    full = (((2, 6, 8, 320), 32), ((3, 4, 5, 64), 32))
    tiny = (((2, 3, 4, 12), 4), ((3, 5, 2, 10), 5), ((4, 2, 3, 8), 2))
    return tuple(Case((groups,), {"x": RandomInput(shape)}) for shape, groups in (full if scale == "full" else tiny))


def _half_cases(scale):
    """`(B, H, W, C)` and the channels that go out."""
    full = (((2, 6, 8, 320), 640), ((1, 8, 4, 640), 640))
    tiny = (((2, 4, 6, 64), 96), ((3, 6, 5, 96), 96))
    return tuple(Case((width,), {"inputs": RandomInput(shape)}) for shape, width in (full if scale == "full" else tiny))


def _shift_cases(scale):
    """`(B, H, W, C, E)`."""
    sizes = ((2, 6, 8, 320, 1280), (3, 8, 4, 640, 1280)) if scale == "full" else ((2, 4, 6, 10, 7), (3, 5, 4, 8, 9))
    return tuple(Case((c,), {"x": RandomInput((b, h, w, c)), "t_emb": RandomInput((b, e))}) for b, h, w, c, e in sizes)


def _broadcast_cases(scale):
    shapes = ((2, 1280), (5, 320)) if scale == "full" else ((2, 7), (5, 3), (1, 4))
    return tuple(Case((), {"embeddings": RandomInput(shape)}) for shape in shapes)


_AXES = "Tell it the time: why `[:, None, None]`"
_HALF = "First half: normalise, activate, convolve"
_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="broadcast-embedding",
        exercise=EXERCISE,
        name="broadcast_embedding",
        kind="function",
        cases=_broadcast_cases,
        accepted=(broadcast_embedding,),
        base=BROADCAST,
        mistakes=_TEXTS.of(BROADCAST_CHANGES),
        section=_AXES,
    ),
    Question(
        id="fault-group-norm",
        exercise=EXERCISE,
        name="group_norm",
        kind="function",
        cases=_group_norm_cases,
        accepted=(group_norm, _group_norm_of_original),
        base=GROUP_NORM,
        mistakes=_TEXTS.of(GROUP_NORM_CHANGES),
        section=_HALF,
    ),
    Question(
        id="norm-swish-conv",
        exercise=EXERCISE,
        name="NormSwishConv",
        kind="layer",
        cases=_half_cases,
        accepted=(NormSwishConv, _HalfOfOriginal),
        base=HALF,
        mistakes=_TEXTS.of(HALF_CHANGES),
        section=_HALF,
    ),
    Question(
        id="time-shift",
        exercise=EXERCISE,
        name="TimeShift",
        kind="layer",
        cases=_shift_cases,
        accepted=(TimeShift,),
        base=SHIFT,
        mistakes=_TEXTS.of(SHIFT_CHANGES),
        section=_AXES,
    ),
    Question(
        id="resblock-same",
        exercise=EXERCISE,
        name="ResBlock",
        kind="layer",
        cases=_same_cases,
        accepted=(ResBlock, _OriginalEpsilon),
        base=SAME,
        mistakes=_TEXTS.of(SAME_CHANGES),
        section="Building it, piece by piece",
    ),
    Question(
        id="resblock-project",
        exercise=EXERCISE,
        name="ResBlock",
        kind="layer",
        cases=_project_cases,
        accepted=(ResBlock, _OriginalEpsilon),
        base=PROJECT,
        mistakes=_TEXTS.of(PROJECT_CHANGES),
        section="When the number of channels changes",
    ),
)
