"""Exercise 06: the product of each head, a word said twice, padding, and attention to the tokens and to a context."""

from autograder.questions.catalogue import Texts
from autograder.questions.cross_attention.base import CROSS, SELF, TD_DOT
from autograder.questions.cross_attention.changes import CROSS_CHANGES, SELF_CHANGES, TD_DOT_CHANGES
from autograder.questions.cross_attention.masking import MASKED, MASKED_CHANGES, masked_attention
from autograder.questions.cross_attention.repeating import REPEATED, REPEATED_CHANGES, repeated_share
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.reference import CrossAttention, td_dot

EXERCISE = "06-cross-attention"


def _td_dot_cases(scale):
    """Cases of `td_dot(a, b)` from `(B, N, S, D, T)`."""
    sizes = ((2, 5, 24, 64, 77), (1, 10, 16, 64, 7)) if scale == "full" else ((2, 3, 5, 7, 4), (3, 2, 6, 4, 9))
    return tuple(
        Case((), {"a": RandomInput((b, n, s, d), spread=1.0), "b": RandomInput((b, n, d, t), spread=1.0)})
        for b, n, s, d, t in sizes
    )


def _repeated_cases(_):
    """A word that had little, some and most of a pixel's attention."""
    picks = (Pick(0.02, 0.08), Pick(6, 9)), (Pick(0.15, 0.4), Pick(2, 3)), (Pick(0.55, 0.9), Pick(4, 5))
    return tuple(Case(pick, {}) for pick in picks)


def _masked_cases(scale):
    """Cases of `masked_attention(q, k, v, length)` from `(B, N, S, D, T)`; some tokens are real, and some are not."""
    sizes = ((2, 5, 24, 64, 77), (1, 10, 16, 64, 50)) if scale == "full" else ((2, 3, 5, 7, 9), (3, 2, 6, 4, 11))
    return tuple(
        Case(
            (Pick(3, 6),),
            {
                "q": RandomInput((b, n, s, d), spread=1.0),
                "k": RandomInput((b, n, t, d), spread=1.0),
                "v": RandomInput((b, n, t, d), spread=1.0),
            },
        )
        for b, n, s, d, t in sizes
    )


def _self_cases(scale):
    """Cases of `CrossAttention(N, D)(inputs)`. The inputs' width need not be N·D."""
    sizes = ((2, 24, 320, 5, 64), (1, 12, 640, 10, 64)) if scale == "full" else ((2, 6, 24, 5, 8), (3, 7, 20, 2, 12))
    return tuple(Case((n, d), {"inputs": RandomInput((b, s, f), spread=1.0)}) for b, s, f, n, d in sizes)


def _cross_cases(scale):
    """Cases of `CrossAttention(N, D)(inputs, context=context)`.

    One token count times the batch is a multiple of the other: so a reshape with the wrong count goes through, and
    its outcome tells which count it was.
    """
    if scale == "full":
        sizes = ((2, 24, 320, 12, 1024, 5, 64), (3, 8, 640, 24, 1024, 10, 64))
    else:
        sizes = ((2, 6, 24, 3, 28, 5, 8), (3, 4, 20, 12, 36, 2, 9))
    return tuple(
        Case(
            (n, d),
            {"inputs": RandomInput((b, s, f), spread=1.0), "context": RandomInput((b, t, g), spread=1.0)},
            by_name=True,
        )
        for b, s, f, t, g, n, d in sizes
    )


_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="td-dot",
        exercise=EXERCISE,
        name="td_dot",
        kind="function",
        cases=_td_dot_cases,
        accepted=(td_dot,),
        base=TD_DOT,
        mistakes=_TEXTS.of(TD_DOT_CHANGES),
        section="One product for each head",
    ),
    Question(
        id="guess-repeated-word",
        exercise=EXERCISE,
        name="repeated_share",
        kind="function",
        cases=_repeated_cases,
        accepted=(repeated_share,),
        base=REPEATED,
        mistakes=_TEXTS.of(REPEATED_CHANGES, "softmax"),
        section="The weights: a softmax over the context",
        marking="scalar",
    ),
    Question(
        id="fault-padding",
        exercise=EXERCISE,
        name="masked_attention",
        kind="function",
        cases=_masked_cases,
        accepted=(masked_attention,),
        base=MASKED,
        mistakes=_TEXTS.of(MASKED_CHANGES, "softmax"),
        section="The weights: a softmax over the context",
    ),
    Question(
        id="self-attention",
        exercise=EXERCISE,
        name="CrossAttention",
        kind="layer",
        cases=_self_cases,
        accepted=(CrossAttention,),
        base=SELF,
        mistakes=_TEXTS.of(SELF_CHANGES),
        section="Building it, step by step",
    ),
    Question(
        id="cross-attention",
        exercise=EXERCISE,
        name="CrossAttention",
        kind="layer",
        cases=_cross_cases,
        accepted=(CrossAttention,),
        base=CROSS,
        mistakes=_TEXTS.of(CROSS_CHANGES),
        section="Every shape on the way",
    ),
)
