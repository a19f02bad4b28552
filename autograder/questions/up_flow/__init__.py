"""Exercise 08: `Upsample`, the middle, the way up, and what it is without some of the kept maps."""

from autograder.questions.catalogue import Texts
from autograder.questions.flows import FLOW_SIZES, Size, told
from autograder.questions.question import Case, Question, RandomInput
from autograder.questions.up_flow.ablation import ABLATION, ABLATION_CHANGES, without_size
from autograder.questions.up_flow.base import MIDDLE, UP, UPSAMPLE
from autograder.questions.up_flow.changes import MIDDLE_CHANGES, UP_CHANGES
from autograder.questions.up_flow.upsample_changes import UPSAMPLE_CHANGES
from autograder.reference import Upsample
from autograder.reference.unet import middle_flow, up_flow

EXERCISE = "08-up-flow"


def _upsample_cases(scale):
    sizes = ((2, 4, 6, 1280, 1280), (1, 6, 4, 640, 640)) if scale == "full" else ((2, 3, 5, 8, 8), (3, 5, 4, 7, 11))
    return tuple(Case((channels,), {"x": RandomInput((b, h, w, c))}) for b, h, w, c, channels in sizes)


def _smallest(size: Size) -> RandomInput:
    return RandomInput((size.batch, size.height // 8, size.width // 8, size.widths["channels"][3]))


def _middle_cases(scale):
    sizes = (Size(s.batch, 40, 72, s.tokens, s.widths) for s in FLOW_SIZES[scale])
    return tuple(Case((), {"x": _smallest(size), **told(size)}, widths=size.widths) for size in sizes)


def kept_shapes(size: Size) -> list[tuple[int, ...]]:
    """Shapes of the twelve kept feature maps, in the order in which the way down makes them."""
    first, second, third, fourth = size.widths["channels"]
    widths = [[first, first, first], [first, second, second], [second, third, third], [third, fourth, fourth]]
    return [
        (size.batch, size.height // 2**level, size.width // 2**level, width)
        for level, level_widths in enumerate(widths)
        for width in level_widths
    ]


def _up_case(size: Size) -> Case:
    kept = {f"outputs[{i}]": RandomInput(shape) for i, shape in enumerate(kept_shapes(size))}
    return Case((), {"x": _smallest(size), **kept, **told(size)}, widths=size.widths)


def _up_cases(scale):
    return tuple(_up_case(size) for size in FLOW_SIZES[scale])


def _ablation_cases(scale):
    """Each size once, in two UNets."""
    sizes = FLOW_SIZES[scale]
    return tuple(
        Case((size,), {f"outputs[{i}]": RandomInput(shape) for i, shape in enumerate(kept_shapes(sizes[number % 2]))})
        for number, size in enumerate((1, 0, 3, 2))
    )


_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="upsample",
        exercise=EXERCISE,
        name="Upsample",
        kind="layer",
        cases=_upsample_cases,
        accepted=(Upsample,),
        base=UPSAMPLE,
        mistakes=_TEXTS.of(UPSAMPLE_CHANGES),
        section="`Upsample`: repeat, then convolve",
    ),
    Question(
        id="middle-flow",
        exercise=EXERCISE,
        name="middle_flow",
        kind="flow",
        cases=_middle_cases,
        accepted=(middle_flow,),
        base=MIDDLE,
        mistakes=_TEXTS.of(MIDDLE_CHANGES, "middle"),
        section="The middle",
    ),
    Question(
        id="up-flow",
        exercise=EXERCISE,
        name="up_flow",
        kind="flow",
        cases=_up_cases,
        accepted=(up_flow,),
        base=UP,
        mistakes=_TEXTS.of(UP_CHANGES, "groups"),
        section="Four groups of three",
    ),
    Question(
        id="ablate-skips",
        exercise=EXERCISE,
        name="without_size",
        kind="function",
        cases=_ablation_cases,
        accepted=(without_size,),
        base=ABLATION,
        mistakes=_TEXTS.of(ABLATION_CHANGES),
        section="Experiment: what is lost without the skips?",
    ),
)
