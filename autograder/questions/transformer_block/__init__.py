"""Exercise 05: GEGLU, the transformer block around stand-ins for its attentions, and what its steps are for."""

from itertools import combinations

from autograder.questions.catalogue import Texts
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.questions.transformer_block.ablation_changes import ABLATION_CHANGES, CROSS, FORWARD, SELF
from autograder.questions.transformer_block.accepted import Block, ExactBlock, OriginalEpsilonBlock
from autograder.questions.transformer_block.base import ABLATED, BLOCK, GATED
from autograder.questions.transformer_block.block_changes import BLOCK_CHANGES
from autograder.questions.transformer_block.gate_changes import GEGLU_CHANGES
from autograder.reference import GEGLU

EXERCISE = "05-transformer-block"


def tokens_changed(tokens, changed, off):
    """How many tokens of the output change with one token of the input, or with one word of the context."""
    if changed == "token":
        return 1 if SELF in off else tokens
    return 0 if CROSS in off else tokens


def _ablation_cases(_):
    """Both changes, with every choice of what is off."""
    steps = (SELF, CROSS, FORWARD)
    choices = [off for count in range(4) for off in combinations(steps, count)]
    return tuple(Case((Pick(5, 99), changed, off), {}) for off in choices for changed in ("token", "word"))


def _geglu_cases(scale):
    """Cases of `GEGLU(output_dim)(inputs)` from `(B, S, F, output_dim)`."""
    sizes = ((2, 6, 320, 1280), (1, 4, 640, 2560)) if scale == "full" else ((2, 6, 12, 28), (3, 4, 20, 16))
    return tuple(Case((width,), {"inputs": RandomInput((b, s, f), spread=1.0)}) for b, s, f, width in sizes)


def _block_cases(scale):
    """Cases of `BasicTransformerBlock(dim, N, D)([tokens, context])` from `(B, S, N, D, T, F)`; dim is N·D.

    It is a multiple of 32, so that GroupNorm, the wrong normalisation here, runs.
    """
    if scale == "full":
        sizes = ((2, 12, 5, 64, 7, 1024), (1, 8, 10, 64, 77, 1024))
    else:
        sizes = ((2, 6, 4, 16, 3, 28), (3, 7, 8, 12, 10, 20))
    return tuple(
        Case(
            (n * d, n, d),
            {"tokens": RandomInput((b, s, n * d), spread=0.3), "context": RandomInput((b, t, f), spread=1.0)},
        )
        for b, s, n, d, t, f in sizes
    )


class _ExactGEGLU(GEGLU):
    """With the exact GELU, as diffusers and the original have it."""

    def __init__(self, output_dim):
        super().__init__(output_dim, approximate=False)


_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="geglu",
        exercise=EXERCISE,
        name="GEGLU",
        kind="layer",
        cases=_geglu_cases,
        accepted=(GEGLU, _ExactGEGLU),
        base=GATED,
        mistakes=_TEXTS.of(GEGLU_CHANGES),
        section="GEGLU: a value and a gate",
    ),
    Question(
        id="transformer-block",
        exercise=EXERCISE,
        name="BasicTransformerBlock",
        kind="layer",
        cases=_block_cases,
        accepted=(Block, ExactBlock, OriginalEpsilonBlock),
        base=BLOCK,
        mistakes=_TEXTS.of(BLOCK_CHANGES),
        section="In three lines",
    ),
    Question(
        id="ablate-steps",
        exercise=EXERCISE,
        name="tokens_changed",
        kind="function",
        cases=_ablation_cases,
        accepted=(tokens_changed,),
        base=ABLATED,
        mistakes=_TEXTS.of(ABLATION_CHANGES),
        section="What the block is for",
        marking="integer",
    ),
)
