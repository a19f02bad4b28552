"""Exercise 04: from picture to tokens and back, how far convolutions reach, and the SpatialTransformer."""

from keras import ops

from autograder.questions.catalogue import Texts
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.questions.spatial_transformer.accepted import OriginalEpsilon, Spatial
from autograder.questions.spatial_transformer.base import REACHED, SPATIAL, TO_IMAGE, TO_TOKENS
from autograder.questions.spatial_transformer.changes import SPATIAL_CHANGES
from autograder.questions.spatial_transformer.token_changes import REACHED_CHANGES, TO_IMAGE_CHANGES, TO_TOKENS_CHANGES

EXERCISE = "04-spatial-transformer"


def image_to_tokens(x):
    """`(B, H, W, C)` to `(B, H·W, C)`, row by row."""
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))


def tokens_to_image(tokens, height, width):
    """`(B, H·W, C)` to `(B, H, W, C)`, row by row."""
    return ops.reshape(tokens, (-1, height, width, tokens.shape[2]))


def pixels_reached(height, width, row, column, convolutions):
    """How many pixels of the output depend on the pixel in `row` and `column`, after some 3x3 convolutions."""
    rows = min(row + convolutions, height - 1) - max(row - convolutions, 0) + 1
    columns = min(column + convolutions, width - 1) - max(column - convolutions, 0) + 1
    return rows * columns


def _reached_cases(_):
    """In the middle, near each border, in a low picture, and in one that is reached from end to end."""
    return (
        Case((Pick(18, 24), Pick(25, 30), 8, Pick(11, 13), Pick(2, 4)), {}),
        Case((Pick(9, 12), Pick(14, 17), Pick(0, 1), Pick(6, 8), Pick(3, 4)), {}),
        Case((8, 12, Pick(5, 7), 11, Pick(2, 3)), {}),
        Case((5, Pick(18, 22), 2, Pick(8, 10), 3), {}),
        Case((7, 5, Pick(0, 6), Pick(0, 4), 9), {}),
    )


def _sizes(scale):
    """`(B, H, W, C)`."""
    return ((2, 8, 6, 320), (1, 4, 9, 640)) if scale == "full" else ((2, 3, 4, 5), (3, 5, 2, 7), (1, 4, 6, 3))


def _to_tokens_cases(scale):
    return tuple(Case((), {"x": RandomInput(size)}) for size in _sizes(scale))


def _to_image_cases(scale):
    return tuple(Case((h, w), {"tokens": RandomInput((b, h * w, c))}) for b, h, w, c in _sizes(scale))


def _transformer_cases(scale):
    """Cases of `SpatialTransformer(N, D, True)([x, context])` and `SpatialTransformer(N, D)([x, context])`, from
    `(B, H, W, N, D, T, F)`; C is N·D.
    """
    if scale == "full":
        sizes = ((2, 6, 8, 5, 64, 7, 1024), (1, 8, 4, 10, 64, 77, 1024))
    else:
        sizes = ((2, 4, 6, 4, 16, 7, 28), (3, 5, 2, 8, 12, 9, 20))
    return tuple(
        Case(
            (n, d, *fully_connected),
            {"x": RandomInput((b, h, w, n * d), spread=0.3), "context": RandomInput((b, t, f), spread=1.0)},
        )
        for (b, h, w, n, d, t, f), fully_connected in zip(sizes, ((True,), ()), strict=True)
    )


_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="image-to-tokens",
        exercise=EXERCISE,
        name="image_to_tokens",
        kind="function",
        cases=_to_tokens_cases,
        accepted=(image_to_tokens,),
        base=TO_TOKENS,
        mistakes=_TEXTS.of(TO_TOKENS_CHANGES),
        section="From picture to tokens",
    ),
    Question(
        id="tokens-to-image",
        exercise=EXERCISE,
        name="tokens_to_image",
        kind="function",
        cases=_to_image_cases,
        accepted=(tokens_to_image,),
        base=TO_IMAGE,
        mistakes=_TEXTS.of(TO_IMAGE_CHANGES),
        section="From tokens to picture",
    ),
    Question(
        id="count-reach",
        exercise=EXERCISE,
        name="pixels_reached",
        kind="function",
        cases=_reached_cases,
        accepted=(pixels_reached,),
        base=REACHED,
        mistakes=_TEXTS.of(REACHED_CHANGES),
        section="What the block is for",
        marking="integer",
    ),
    Question(
        id="spatial-transformer",
        exercise=EXERCISE,
        name="SpatialTransformer",
        kind="layer",
        cases=_transformer_cases,
        accepted=(Spatial, OriginalEpsilon),
        base=SPATIAL,
        mistakes=_TEXTS.of(SPATIAL_CHANGES),
        section="In three lines",
    ),
)
