"""The mistakes of exercise 05's second question: the transformer block with one thing changed each."""

from autograder.questions.catalogue import Form, Same, change, generated, on, reads
from autograder.questions.catalogue import operations as o
from autograder.questions.catalogue.families import sum_kinds
from autograder.questions.catalogue.inner_blocks import by_head, refuses_list
from autograder.questions.transformer_block.base import BLOCK, first_half, second_half
from autograder.questions.transformer_block.gate_changes import UNGATED

NORMS, SUMS = ("norm1", "norm2", "norm3"), ("sum1", "sum2", "sum3")
OUTS, AFTERS = ("out1", "out2", "out3"), ("after1", "after2", "after3")
CONCATENATIONS = sum_kinds(o.add)["concatenated"]
LAYER_NORMS = tuple(o.Norm("features", epsilon) for epsilon in (1e-5, 1e-3))


def _ordered(*steps: str):
    return lambda: steps


def _normalised(places: tuple[str, ...], instead_of: tuple[str, ...] = ()) -> tuple[Form, ...]:
    """LayerNorms in places where none belongs, perhaps instead of the right ones."""
    return tuple(on(places, norm) | on(instead_of, o.same) for norm in LAYER_NORMS)


def _cut(heads) -> tuple[Form, ...]:
    """Heads cut by `heads(num_heads, head_size)`, number and size: of both attentions, and of each."""

    def factor(num_heads, head_size):
        return by_head(*heads(num_heads, head_size))

    return ({"heads1": factor, "heads2": factor}, {"heads1": factor}, {"heads2": factor})


def _swapped_heads(num_heads, head_size):
    return by_head(head_size, num_heads)


def _typed_in(width: int) -> Form:
    return {"wide": lambda dim: width}


_RESIDUALS = (
    change("residual-of-block-input", path2=reads("tokens"), path3=reads("tokens")),
    change(
        "residual-of-earlier-step",
        *({"path2": reads("tokens")}, {"path3": reads("after1")}, {"path3": reads("tokens")}),
    ),
    change("residual-normalised", path1=reads("norm1")),
    change("residual-normalised-cross", path2=reads("norm2")),
    change("residual-normalised-feed-forward", path3=reads("norm3")),
    change("residuals-normalised", path1=reads("norm1"), path2=reads("norm2"), path3=reads("norm3")),
    change("residual-around-block", whole=o.add),
    # A step that is concatenated fails in the next sum, whichever it was.
    change("step-concatenated", *(on(sums, join) for sums in (SUMS[:1], SUMS[1:2], SUMS) for join in CONCATENATIONS)),
)
_ORDER = (
    change("cross-before-self", order=_ordered("cross", "self", "feed")),
    change("feed-forward-first", order=_ordered("feed", "self", "cross")),
    change("feed-forward-second", order=_ordered("self", "feed", "cross")),
    change("steps-reversed", order=_ordered("feed", "cross", "self")),
    change("steps-in-parallel", norm2=reads("tokens"), norm3=reads("tokens")),
    change(
        "step-of-earlier-tokens", {"norm2": reads("tokens")}, {"norm3": reads("after1")}, {"norm3": reads("tokens")}
    ),
    change(
        "step-twice",
        {"order": _ordered("self", "self", "cross", "feed")},
        {"order": _ordered("self", "cross", "cross", "feed")},
        {"order": _ordered("self", "cross", "feed", "feed")},
    ),
    change("steps-twice", order=_ordered(*2 * ("self", "cross", "feed"))),
)
_CONTEXT = (
    change("context-ignored", *({"source2": reads(name)} for name in ("norm2", "after1", "tokens"))),
    change("inputs-swapped", norm1=reads("context"), path1=reads("context"), text=reads("tokens")),
    change("context-everywhere", source1=reads("text")),
    change("context-normalised", *({"text": norm} for norm in LAYER_NORMS)),
    change("context-projected", text=o.Dense("dim")),
    change("context-averaged", text=lambda c: c.mean(axis=1, keepdims=True)),
    change("context-of-first-picture", text=lambda c: c[:1]),
    change("context-asks", asked2=reads("text", "heard2", "heads2"), heard2=reads("norm2")),
    change("self-attention-of-raw-tokens", source1=reads("tokens")),
    change("attention-on-list", {"source2": refuses_list}, {"source1": refuses_list}),
    change("attention-reused", heard2=Same("heard1"), asked2=Same("asked1")),
)
_HEADS = (
    change("heads-swapped", heads1=_swapped_heads, heads2=_swapped_heads),
    change("heads-swapped-self", heads1=_swapped_heads),
    change("heads-swapped-cross", heads2=_swapped_heads),
    change("one-head", *_cut(lambda n, d: (1, n * d))),
    change(
        "heads-typed-in",
        *_cut(lambda n, d: (8, n * d // 8)),
        *_cut(lambda n, d: (8, d)),
        *_cut(lambda n, d: (n, 64)),
    ),
    # One fails as the other does: the sum says 320 features, not where they come from.
    change("step-typed-in", *_cut(lambda n, d: (5, 64)), {"last_dense": o.Dense(320)}),
    change(
        "attention-width",
        *_cut(lambda n, d: (n, n * d)),
        *_cut(lambda n, d: (n * d, d)),
        *_cut(lambda n, d: (n * d, n)),
    ),
)
_NORMS = (
    change("norms-after", *_normalised(AFTERS, instead_of=NORMS)),
    *(
        change(f"norm-after-{step}", *_normalised(AFTERS[i : i + 1], instead_of=NORMS[i : i + 1]))
        for i, step in enumerate(("self", "cross", "feed-forward"))
    ),
    change(
        "norm-of-step",
        *(form for i in range(3) for form in _normalised(OUTS[i : i + 1], instead_of=NORMS[i : i + 1])),
    ),
    change("norms-of-steps", *_normalised(OUTS, instead_of=NORMS)),
    change("norms-of-steps-too", *_normalised(OUTS)),
    change("norms-after-too", *_normalised(AFTERS)),
    change("norm-at-the-end", *_normalised(("end",))),
    change("norm-shared", norm2=Same("norm1"), norm3=Same("norm1")),
    change("norm-shared-by-two", {"norm2": Same("norm1")}, {"norm3": Same("norm1")}, {"norm3": Same("norm2")}),
    change("norm-over-tokens", *(on(NORMS, o.Norm(groups=1, epsilon=epsilon)) for epsilon in (1e-5, 1e-3))),
    change("norm-of-each-feature", *(on(NORMS, o.Norm(groups=0, epsilon=epsilon)) for epsilon in (1e-5, 1e-3))),
)
_FEED = (
    change("feed-forward-narrow", wide=o.same),
    change("feed-forward-half-as-wide", wide=lambda dim: 2 * dim),
    change("feed-forward-wide", wide=lambda dim: 8 * dim),
    change("feed-forward-typed-in", *map(_typed_in, (1280, 2560, 256))),
    change(
        "feed-forward-ungated",
        UNGATED | {"gated": o.second},
        *(UNGATED | {"gated": o.second, "gelu": bent} for bent in (o.relu, o.silu)),
    ),
    change("feed-forward-halves-swapped", value_half=second_half, gate_half=first_half),
    change("feed-forward-without-geglu", gated=o.first, **on(("halves", "value_half", "gate_half", "gelu"), o.same)),
    change("feed-forward-without-dense", wide=o.same, last_dense=o.same),
    change("feed-forward-dense-first", early=o.Dense("wide"), width=lambda wide: wide // 2, last_dense=o.same),
    change(
        "feed-forward-width", *({"last_dense": o.Dense(width)} for width in ("wide", "head_size", "num_heads", 320))
    ),
)

SUBJECTS = {
    "self-norm": ("norm1",),
    "cross-norm": ("norm2",),
    "feed-forward-norm": ("norm3",),
    "norms": NORMS,
    "self-sum": ("sum1",),
    "cross-sum": ("sum2",),
    "feed-forward-sum": ("sum3",),
    "sums": SUMS,
    "after-self": ("out1",),
    "after-cross": ("out2",),
    "feed-forward": ("out3",),
    "block-end": ("end",),
    "inner-gate": ("gelu",),
    "inner-dense": ("halves",),
    "last-dense": ("last_dense",),
}
IDS = {
    "self-norm-missing": "norm-missing-self",
    "cross-norm-missing": "norm-missing-cross",
    "feed-forward-norm-missing": "norm-missing-feed-forward",
    "norms-default-epsilon": "epsilon-default",
    "self-sum-missing": "residual-missing-self",
    "cross-sum-missing": "residual-missing-cross",
    "feed-forward-sum-missing": "residual-missing-feed-forward",
    "sums-missing": "residuals-missing",
    "self-sum-second-only": "self-attention-missing",
    "cross-sum-second-only": "cross-attention-missing",
    "feed-forward-sum-second-only": "feed-forward-missing",
    "sums-second-only": "steps-missing",
    "last-dense-no-bias": "feed-forward-no-bias",
}
LEFT_OUT = (
    "inner-dense-missing",  # halves of the tokens themselves: nobody does that
    "inner-gate-twice",  # question 1 tells it in both forms of GELU
    "feed-forward-norm-default-epsilon",  # right within the tolerance: after two steps the tokens vary more
    "last-dense-missing",  # fails as feed-forward-width does
    *(f"{sums}-concatenated" for sums in ("self-sum", "cross-sum", "sums")),  # step-concatenated
)

BLOCK_CHANGES = (
    *_RESIDUALS,
    *_ORDER,
    *_CONTEXT,
    *_HEADS,
    *_NORMS,
    *_FEED,
    *generated(BLOCK, SUBJECTS, IDS, LEFT_OUT),
)
