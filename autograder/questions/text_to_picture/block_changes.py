"""The mistakes of exercise 12's text block: the right answer with one thing changed each."""

import numpy as np

from autograder.questions.catalogue import Form, Same, change, generated, on, reads
from autograder.questions.catalogue import operations as o
from autograder.questions.text_to_picture.block import BLOCK, allowed
from autograder.questions.transformer_block.gate_changes import quick_gelu

NORMS, SUMS, ADDED, AFTERS = (tuple(f"{part}{i}" for i in (1, 2)) for part in ("norm", "sum", "added", "after"))
PROJECTIONS = ("to_q", "to_k", "to_v")
LAYER_NORMS = tuple(o.Norm("features", epsilon) for epsilon in (1e-5, 1e-3))


def _looks(id: str, *compare):
    """Another mask: `compare(row, column)`."""
    return change(id, *({"allowed": allowed(way)} for way in compare))


def _normalised(places: tuple[str, ...], instead_of: tuple[str, ...] = ()) -> tuple[Form, ...]:
    """LayerNorms in places where none belongs, perhaps instead of the right ones."""
    return tuple(on(places, norm) | on(instead_of, o.same) for norm in LAYER_NORMS)


def _hidden_by_zeros(scores, mask):
    return scores * mask


def _mask_itself_added(scores, mask):
    return scores + mask.astype("float32")


def _raised(scores, mask):
    """What must not be seen, far above all others."""
    return scores + np.float32(1e9) * ~mask


def _hidden_late(weights, x):
    return weights * allowed()(x)


def _wide(id: str, *ways):
    return change(id, *({"wide": way} for way in ways))


def _heads(heads, width=None) -> Form:
    return {"heads": heads, **({"key_width": width} if width else {})}


_MASKS = (
    change("block-mask-missing", mask=o.first),
    _looks("block-mask-transposed", lambda row, column: row <= column),
    _looks("block-mask-not-itself", lambda row, column: row > column),
    change("block-mask-turned-round", {"allowed": allowed(lambda row, column: row < column)}, {"mask": _raised}),
    _looks("block-mask-itself-only", lambda row, column: row == column),
    _looks("block-mask-one-ahead", lambda row, column: row + 1 >= column),
    change("block-mask-of-zeros", mask=_hidden_by_zeros),
    change("block-mask-itself-added", mask=_mask_itself_added),
    change("block-mask-after-softmax", mask=o.first, late_mask=_hidden_late),
)
_RESIDUALS = (
    change("block-residual-normalised", path1=reads("norm1")),
    change("block-residual-normalised-feed", path2=reads("norm2")),
    change("block-residuals-normalised", path1=reads("norm1"), path2=reads("norm2")),
    change("block-residual-of-input", path2=reads("x")),
    change("block-steps-in-parallel", norm2=reads("x")),
    change("block-residual-around", whole=o.add),
    change("block-feed-first", order=lambda: ("feed", "attend")),
    change(
        "block-step-twice",
        {"order": lambda: ("attend", "attend", "feed")},
        {"order": lambda: ("attend", "feed", "feed")},
    ),
)
_NORMS = (
    change("block-norms-after", *_normalised(AFTERS, instead_of=NORMS)),
    change("block-norm-after-attention", *_normalised(AFTERS[:1], instead_of=NORMS[:1])),
    change("block-norm-after-feed", *_normalised(AFTERS[1:], instead_of=NORMS[1:])),
    change("block-norms-of-steps", *_normalised(ADDED, instead_of=NORMS)),
    change("block-norm-at-the-end", *_normalised(("end",))),
    change("block-norm-shared", norm2=Same("norm1")),
)
_ATTENTION = (
    change("block-keys-not-normalised", answers=reads("x"), tells=reads("x")),
    change("block-queries-not-normalised", asks=reads("x")),
    change(
        "block-attention-no-bias",
        on(PROJECTIONS, o.Dense("key_width", bias=False)) | {"out": o.Dense("features", bias=False)},
    ),
    change("block-projections-no-bias", on(PROJECTIONS, o.Dense("key_width", bias=False))),
    change("block-scale-missing", scale=o.first),
    change(
        "block-heads-swapped", _heads(lambda n, d: (d, n)) | {"scale": lambda s, q, k, n, d: s * np.float32(d**-0.5)}
    ),
    change("block-one-head", _heads(lambda n, d: (1, n * d))),
    change("block-head-as-wide-as-all", _heads(lambda n, d: (n, n * d), lambda n, d: n * n * d)),
    change(
        "block-heads-typed-in",
        _heads(lambda n, d: (8, d), lambda n, d: 8 * d),
        _heads(lambda n, d: (n, 64), lambda n, d: 64 * n),
    ),
)
_FEED = (
    _wide("block-feed-narrow", lambda n, d: n * d),
    _wide("block-feed-twice", lambda n, d: 2 * n * d),
    _wide("block-feed-eight", lambda n, d: 8 * n * d),
    _wide("block-feed-of-a-head", lambda n, d: 4 * d, lambda n, d: 4 * n),
    _wide("block-feed-typed-in", lambda n, d: 4096, lambda n, d: 256),
    change("block-gelu-tanh", gelu=o.gelu_tanh),
    change("block-gelu-quick", gelu=quick_gelu),
    change("block-gelu-late", *({"gelu": o.same, "added2": gelu} for gelu in (o.gelu_exact, o.gelu_tanh))),
    change("block-gelu-on-both", *({"gelu": gelu, "added2": gelu} for gelu in (o.gelu_exact, o.gelu_tanh))),
)

SUBJECTS = {
    "attention-norm": ("norm1",),
    "feed-norm": ("norm2",),
    "norms": NORMS,
    "attention-sum": ("sum1",),
    "feed-sum": ("sum2",),
    "sums": SUMS,
    "activation": ("gelu",),
    "wide-dense": ("dense1",),
    "last-dense": ("dense2",),
}
IDS = {
    "attention-sum-missing": "block-attention-not-added",
    "feed-sum-missing": "block-feed-not-added",
    "sums-missing": "block-nothing-added",
    "attention-sum-second-only": "block-attention-missing",
    "feed-sum-second-only": "block-feed-missing",
    "sums-second-only": "block-does-nothing",
}
LEFT_OUT = (
    "activation-twice",
    "wide-dense-missing",  # no step is four times as wide by itself
    "last-dense-missing",  # fails in the sum: four times as many features
    *(f"{sums}-concatenated" for sums in ("attention-sum", "feed-sum", "sums")),
)

BLOCK_CHANGES = (
    *_MASKS,
    *_RESIDUALS,
    *_NORMS,
    *_ATTENTION,
    *_FEED,
    *generated(BLOCK, SUBJECTS, IDS, LEFT_OUT),
)
