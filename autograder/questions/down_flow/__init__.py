"""Exercise 07: what attention costs, a pair of blocks, a level, and the way down."""

from autograder.questions.catalogue import Base, Change, Texts
from autograder.questions.down_flow.base import DOWN, LEVEL, PAIR
from autograder.questions.down_flow.changes import CHANGES
from autograder.questions.down_flow.cost import COST, COST_CHANGES, attention_cost
from autograder.questions.down_flow.step_changes import LEVEL_CHANGES, PAIR_CHANGES
from autograder.questions.flows import FLOW_SIZES, Size, told
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.reference.unet import down_flow

EXERCISE = "07-down-flow"
LEVELS = (1, 3, 0, 2)  # in which steps are asked for. First one that widens, then the one without attention


def down_pair(x, t_emb, context, level, blocks):
    """A ResBlock and, above the fourth level, a SpatialTransformer."""
    width, size = blocks.channels[level], blocks.head_size
    x = blocks.ResBlock(width)([x, t_emb])
    return blocks.SpatialTransformer(width // size, size, fully_connected=True)([x, context]) if level < 3 else x


def down_level(x, t_emb, context, level, blocks):
    """Two pairs and, above the fourth level, a halving: `(x, [maps])`."""
    kept = [down_pair(x, t_emb, context, level, blocks)]
    kept.append(down_pair(kept[-1], t_emb, context, level, blocks))
    if level < 3:
        halve = blocks.PaddedConv2D(blocks.channels[level], 3, padding=1, strides=2)
        kept.append(halve(kept[-1]))
    return kept[-1], kept


def _cost_cases(_):
    """Small and flat, large and upright, so that no side stands for the other. Both scales are the same."""
    picks = (Pick(8, 12), Pick(14, 20), Pick(64, 200)), (Pick(30, 40), Pick(20, 28), Pick(300, 700))
    return tuple(Case(pick, {}) for pick in picks)


def _step_case(level: int, size: Size) -> Case:
    """A feature map as it comes into a level. Its sides are small, as only the halving looks at them."""
    width = size.widths["channels"][max(level - 1, 0)]
    return Case((level,), {"x": RandomInput((size.batch, 10, 12, width)), **told(size)}, widths=size.widths)


def _step_cases(scale):
    sizes = FLOW_SIZES[scale]
    return tuple(_step_case(level, sizes[number % 2]) for number, level in enumerate(LEVELS))


def _case(size: Size) -> Case:
    latent = RandomInput((size.batch, size.height, size.width, size.widths["latent_channels"]))
    return Case((), {"latent": latent, **told(size)}, widths=size.widths)


def _cases(scale):
    return tuple(_case(size) for size in FLOW_SIZES[scale])


_TEXTS = Texts.beside(__file__)


def _flow(question_id, function, cases, base: Base, changes: tuple[Change, ...], section):
    return Question(
        id=question_id,
        exercise=EXERCISE,
        name=function.__name__,
        kind="flow",
        cases=cases,
        accepted=(function,),
        base=base,
        mistakes=_TEXTS.of(changes),
        section=section,
    )


QUESTIONS = (
    Question(
        id="guess-attention-cost",
        exercise=EXERCISE,
        name="attention_cost",
        kind="function",
        cases=_cost_cases,
        accepted=(attention_cost,),
        base=COST,
        mistakes=_TEXTS.of(COST_CHANGES),
        section="Why make it smaller at all?",
        marking="scalar",
    ),
    _flow("down-pair", down_pair, _step_cases, PAIR, PAIR_CHANGES, "One level: twice [ResBlock, SpatialTransformer]"),
    _flow("down-level", down_level, _step_cases, LEVEL, LEVEL_CHANGES, "Halving the picture"),
    _flow("down-flow", down_flow, _cases, DOWN, CHANGES, "The whole way down"),
)
