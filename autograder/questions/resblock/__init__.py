"""Exercise 03: the embedding's two new axes, and the ResBlock with and without a projection on its shortcut."""

import keras
from keras import ops

from autograder.questions.question import Case, Mistake, Question, RandomInput
from autograder.questions.resblock.mistakes import MISTAKES, PROJECT_MISTAKES, SAME_MISTAKES
from autograder.reference import ResBlock

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


def _broadcast_cases(scale):
    shapes = ((2, 1280), (5, 320)) if scale == "full" else ((2, 7), (5, 3), (1, 4))
    return tuple(Case((), {"embeddings": RandomInput(shape)}) for shape in shapes)


_AXES = "Tell it the time: why `[:, None, None]`"
_BROADCAST_MISTAKES = (
    Mistake(
        "embedding-unchanged",
        lambda e: e + 0,
        "The embedding came back with the axes it went in with: the two axes for height and width are missing.",
        "Broadcasting lines shapes up from the right, so (B, E) would meet (W, C) of the feature map, not (B, C).",
        _AXES,
    ),
    Mistake(
        "embedding-one-axis",
        lambda e: e[:, None],
        "Only one axis was inserted; a feature map has two between batch and channels.",
        "With one axis the batch would be read as the height of the feature map.",
        _AXES,
    ),
    Mistake(
        "embedding-axes-last",
        lambda e: e[:, :, None, None],
        "The new axes stand after the features: that is the layout with channels first.",
        "Keras keeps channels last, (batch, height, width, channels), so the features must stay the last axis.",
        _AXES,
    ),
    Mistake(
        "embedding-axes-first",
        lambda e: e[None, None],
        "The new axes stand before the batch.",
        "The batch must stay the first axis, or each picture would get the wrong time.",
        _AXES,
    ),
    Mistake(
        "embedding-split-axes",
        lambda e: e[:, None, :, None],
        "One new axis stands before the features and one after them; both belong between batch and features.",
        "The features must stay the last axis, where Keras keeps the channels.",
        _AXES,
    ),
    Mistake(
        "embedding-too-many-axes",
        lambda e: e[:, None, None, None],
        "Three axes were inserted; a feature map has two between batch and channels.",
        "With five axes the sum is no longer a feature map, and the next convolution refuses it.",
        _AXES,
    ),
    Mistake(
        "embedding-summed",
        lambda e: ops.sum(e, axis=-1)[:, None, None, None],
        "The features were added up into one number for each picture.",
        "Every channel needs its own number; inserting an axis changes no value.",
        _AXES,
    ),
    Mistake(
        "embedding-activated",
        lambda e: keras.activations.silu(e)[:, None, None],
        "The values changed: this function only inserts axes.",
        "The swish before the Dense layer belongs to the ResBlock, not to the broadcast.",
        _AXES,
    ),
)

QUESTIONS = (
    Question(
        id="broadcast-embedding",
        exercise=EXERCISE,
        name="broadcast_embedding",
        kind="function",
        cases=_broadcast_cases,
        accepted=(broadcast_embedding,),
        mistakes=_BROADCAST_MISTAKES,
        section=_AXES,
    ),
    Question(
        id="resblock-same",
        exercise=EXERCISE,
        name="ResBlock",
        kind="layer",
        cases=_same_cases,
        accepted=(ResBlock, _OriginalEpsilon),
        mistakes=SAME_MISTAKES + MISTAKES,
        section="Building it, piece by piece",
    ),
    Question(
        id="resblock-project",
        exercise=EXERCISE,
        name="ResBlock",
        kind="layer",
        cases=_project_cases,
        accepted=(ResBlock, _OriginalEpsilon),
        mistakes=PROJECT_MISTAKES + MISTAKES,
        section="When the number of channels changes",
    ),
)
