"""Exercise 09: the exit, the whole UNet, and what a ResBlock weighs."""

from autograder.questions.flows import FLOW_SIZES, Size
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.questions.unet.counting import MISTAKES as COUNTING_MISTAKES
from autograder.questions.unet.counting import resblock_parameters
from autograder.questions.unet.mistakes import EXIT_MISTAKES, UNET_MISTAKES
from autograder.questions.unet.wiring import wired
from autograder.reference.unet import exit_flow

EXERCISE = "09-unet"
build_unet = wired()


def _original_exit(x, blocks):
    """With epsilon 1e-6, as some implementations have it."""
    return exit_flow(x, blocks, norm_epsilon=1e-6)


_original_unet = wired(end=lambda u, x: _original_exit(x, u.blocks))


def _exit_cases(scale):
    return tuple(
        Case((), {"x": RandomInput((s.batch, s.height, s.width, s.widths["channels"][0]))}, widths=s.widths)
        for s in FLOW_SIZES[scale]
    )


def _unet_case(size: Size) -> Case:
    inputs = {
        "latent": RandomInput((size.batch, size.height, size.width, size.widths["latent_channels"])),
        "timestep_embedding": RandomInput((size.batch, size.widths["channels"][0])),
        "context": RandomInput((size.batch, size.tokens, size.widths["context_dim"])),
    }
    return Case((8 * size.height, 8 * size.width, size.tokens), inputs, widths=size.widths)


def _unet_cases(scale):
    return tuple(_unet_case(size) for size in FLOW_SIZES[scale])


def _counting_cases(scale):
    """Wider, narrower and equal: the projection is there in the first two. Both scales are the same."""
    wide, narrow, embedding = Pick(700, 2000), Pick(100, 600), Pick(2100, 4000)
    return tuple(Case((c, d, embedding), {}) for c, d in ((narrow, wide), (wide, narrow), (wide, wide)))


QUESTIONS = (
    Question(
        id="exit-flow",
        exercise=EXERCISE,
        name="exit_flow",
        kind="flow",
        cases=_exit_cases,
        accepted=(exit_flow, _original_exit),
        mistakes=EXIT_MISTAKES,
        section="The exit",
    ),
    Question(
        id="unet",
        exercise=EXERCISE,
        name="build_unet",
        kind="model",
        cases=_unet_cases,
        accepted=(build_unet, _original_unet),
        mistakes=UNET_MISTAKES,
        section="The whole model",
    ),
    Question(
        id="parameters",
        exercise=EXERCISE,
        name="resblock_parameters",
        kind="function",
        cases=_counting_cases,
        accepted=(resblock_parameters,),
        mistakes=COUNTING_MISTAKES,
        section="Counting a ResBlock",
        marking="integer",
    ),
)
