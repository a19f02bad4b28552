"""Exercise 07: the way down."""

from autograder.questions.catalogue import Texts
from autograder.questions.down_flow.base import DOWN
from autograder.questions.down_flow.changes import CHANGES
from autograder.questions.flows import FLOW_SIZES, Size, told
from autograder.questions.question import Case, Question, RandomInput
from autograder.reference.unet import down_flow

EXERCISE = "07-down-flow"


def _case(size: Size) -> Case:
    latent = RandomInput((size.batch, size.height, size.width, size.widths["latent_channels"]))
    return Case((), {"latent": latent, **told(size)}, widths=size.widths)


def _cases(scale):
    return tuple(_case(size) for size in FLOW_SIZES[scale])


QUESTIONS = (
    Question(
        id="down-flow",
        exercise=EXERCISE,
        name="down_flow",
        kind="flow",
        cases=_cases,
        accepted=(down_flow,),
        base=DOWN,
        mistakes=Texts.beside(__file__).of(CHANGES),
        section="The whole way down",
    ),
)
