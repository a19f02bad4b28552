"""Exercise 01: a step towards a desired picture, the loop over steps, the error left, and how many steps it takes."""

import math

from keras import ops

from autograder.questions.catalogue import Texts
from autograder.questions.denoising.base import COUNT, ERROR, LOOP, STEP
from autograder.questions.denoising.changes import COUNT_CHANGES, ERROR_CHANGES, LOOP_CHANGES, STEP_CHANGES
from autograder.questions.question import Case, Pick, Question, RandomInput

EXERCISE = "01-denoising"


def denoise_step(image, desired, alpha):
    """`image` moved by the share `alpha` of the way to `desired`; of any shape."""
    return image - alpha * (image - desired)


def denoise(image, desired, alpha, steps):
    """All pictures from the start to the last step, `(steps + 1, ...)`."""
    pictures = [image]
    for _ in range(steps):
        pictures.append(denoise_step(pictures[-1], desired, alpha))
    return ops.stack(pictures)


def remaining_error(alpha, steps):
    """The share of the first error that is left after `steps` steps."""
    return (1 - alpha) ** steps


def steps_needed(alpha, share):
    """The smallest number of steps after which at most `share` of the first error is left."""
    return math.ceil(math.log(share) / math.log(1 - alpha))


def _pictures(shape):
    return {"image": RandomInput(shape, spread=1.0), "desired": RandomInput(shape, spread=1.0)}


def _shapes(scale):
    """Pictures in batches, of one channel or three, and one alone."""
    if scale == "full":
        return (2, 64, 96, 3), (3, 48, 40, 4), (128, 96)
    return (2, 4, 6, 3), (3, 5, 7, 1), (8, 5)


def _step_cases(scale):
    return tuple(Case((Pick(0.1, 0.45),), _pictures(shape)) for shape in _shapes(scale))


def _loop_cases(scale):
    steps = (4, 7, 1)
    return tuple(
        Case((Pick(0.1, 0.45), count), _pictures(shape)) for count, shape in zip(steps, _shapes(scale), strict=True)
    )


def _error_cases(scale):
    arguments = ((Pick(0.05, 0.4), Pick(2, 6)), (Pick(0.55, 0.9), Pick(7, 12)), (Pick(0.1, 0.9), 0), (1.0, 4), (0.0, 5))
    return tuple(Case(pair, {}) for pair in arguments)


def _count_cases(scale):
    """At least four steps, or none: a power up to the third of a number of three decimals might be `share` exactly."""
    pairs = (
        (Pick(0.05, 0.3), Pick(0.01, 0.2)),
        (Pick(0.35, 0.45), Pick(0.01, 0.1)),
        (Pick(0.55, 0.7), Pick(0.001, 0.02)),
    )
    return tuple(Case(pair, {}) for pair in (*pairs, (Pick(0.1, 0.9), 1.0)))


_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="denoise-step",
        exercise=EXERCISE,
        name="denoise_step",
        kind="function",
        cases=_step_cases,
        accepted=(denoise_step,),
        base=STEP,
        mistakes=_TEXTS.of(STEP_CHANGES),
        section="One step",
    ),
    Question(
        id="denoise",
        exercise=EXERCISE,
        name="denoise",
        kind="function",
        cases=_loop_cases,
        accepted=(denoise,),
        base=LOOP,
        mistakes=_TEXTS.of(LOOP_CHANGES),
        section="Many steps",
    ),
    Question(
        id="remaining-error",
        exercise=EXERCISE,
        name="remaining_error",
        kind="function",
        cases=_error_cases,
        accepted=(remaining_error,),
        base=ERROR,
        mistakes=_TEXTS.of(ERROR_CHANGES),
        section="How the error shrinks",
        marking="scalar",
    ),
    Question(
        id="count-steps",
        exercise=EXERCISE,
        name="steps_needed",
        kind="function",
        cases=_count_cases,
        accepted=(steps_needed,),
        base=COUNT,
        mistakes=_TEXTS.of(COUNT_CHANGES),
        section="How the error shrinks",
        marking="integer",
    ),
)
