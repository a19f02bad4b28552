"""Exercise 03: the embedding's two new axes, and the ResBlock with and without a projection on its shortcut."""

from autograder.questions.catalogue import Texts
from autograder.questions.question import Case, Question, RandomInput
from autograder.questions.resblock.base import BROADCAST, PROJECT, SAME
from autograder.questions.resblock.changes import BROADCAST_CHANGES, PROJECT_CHANGES, SAME_CHANGES
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
