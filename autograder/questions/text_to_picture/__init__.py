"""Exercise 12: the causal mask and what it means, the text block, starting from a picture, the pipeline."""

from autograder.questions.catalogue import Texts
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.questions.text_to_picture.accepted import SmallerEpsilon, TextBlock, changed_rows, text_to_picture
from autograder.questions.text_to_picture.base import MASK, PIPELINE, ROWS, START
from autograder.questions.text_to_picture.block import BLOCK
from autograder.questions.text_to_picture.block_changes import BLOCK_CHANGES
from autograder.questions.text_to_picture.changes import MASK_CHANGES, PIPELINE_CHANGES, ROWS_CHANGES, START_CHANGES
from autograder.reference.samplers import start_from_picture
from autograder.reference.text_encoder import causal_mask

EXERCISE = "12-text-to-picture"
ONE = 1.0  # the standard deviation of latents and of noise, as in the real model
# Pairs of a strength and a number of steps. The product lies well between two whole numbers, above the middle or below
# it: so rounding shows, and rounding up. At 0 nothing is left of the steps, at 1 all of them.
STRENGTHS = ((Pick(0.565, 0.58), 10), (Pick(0.277, 0.285), 12), (Pick(0.855, 0.865), 8), (1.0, 6), (0.0, 5))
PROMPTS = (
    ("a small boat below a yellow moon", "fog", Pick(4, 6), Pick(1.5, 3.0)),
    ("two cats on a red sofa", "", Pick(7, 9), Pick(3.5, 6.0)),
)


def _mask_cases(_):
    return tuple(Case((length,), {}) for length in (Pick(5, 8), Pick(9, 14), 77))


def _row_cases(_):
    return tuple(
        Case((Pick(*lengths), Pick(*places)), {}) for lengths, places in (((70, 90), (3, 20)), ((9, 12), (5, 7)))
    )


def _block_cases(scale):
    """Cases of `TextBlock(N, D)(x)` from `(B, T, N, D)`; N·D is a multiple of 32, so that GroupNorm runs."""
    sizes = ((2, 9, 16, 64), (1, 12, 10, 64)) if scale == "full" else ((2, 6, 4, 16), (3, 7, 8, 12))
    return tuple(Case((n, d), {"x": RandomInput((b, t, n * d), spread=0.3)}) for b, t, n, d in sizes)


def _latents(scale):
    return ((2, 64, 80, 4), (3, 96, 64, 4)) if scale == "full" else ((2, 6, 8, 4), (3, 5, 7, 4))


def _start_cases(scale):
    shapes = [_latents(scale)[i % 2] for i in range(len(STRENGTHS))]
    return tuple(
        Case(given, {"latent": RandomInput(shape, ONE), "noise": RandomInput(shape, ONE)})
        for given, shape in zip(STRENGTHS, shapes, strict=True)
    )


def _pipeline_cases(scale):
    shapes = [(1, *shape[1:]) for shape in _latents(scale)]
    return tuple(Case(given, {"latent": RandomInput(shape, ONE)}) for given, shape in zip(PROMPTS, shapes, strict=True))


_TEXTS = Texts.beside(__file__)
# The two forms of GELU are apart by 1e-4 of the block's output, two right ways to compute it by 1e-6.
_BLOCK = {"kind": "layer", "tolerance": 2e-5, "accepted": (TextBlock, SmallerEpsilon)}


def _question(question_id, answer, cases, base, changes, section, **how):
    return Question(
        id=question_id,
        exercise=EXERCISE,
        name=answer.__name__,
        kind=how.pop("kind", "function"),
        cases=cases,
        accepted=how.pop("accepted", (answer,)),
        base=base,
        mistakes=_TEXTS.of(changes),
        section=_TEXTS.sections[section],
        **how,
    )


QUESTIONS = (
    _question("causal-mask", causal_mask, _mask_cases, MASK, MASK_CHANGES, "mask"),
    _question("guess-changed-rows", changed_rows, _row_cases, ROWS, ROWS_CHANGES, "mask", marking="integer"),
    _question("text-block", TextBlock, _block_cases, BLOCK, BLOCK_CHANGES, "block", **_BLOCK),
    _question("start-from-picture", start_from_picture, _start_cases, START, START_CHANGES, "start", kind="start"),
    _question(
        "text-to-picture", text_to_picture, _pipeline_cases, PIPELINE, PIPELINE_CHANGES, "pipeline", kind="pipeline"
    ),
)
