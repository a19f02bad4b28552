"""The mistakes of exercise 06: the right answers with one thing changed each."""

from itertools import permutations

import numpy as np

from autograder.questions.catalogue import Base, Change, Form, Same, change, generated, on, reads, then, wired
from autograder.questions.catalogue import operations as o
from autograder.questions.cross_attention.base import CROSS, SELF, cut, joined_in_order, matmul, scaled_by, turned


def _spelt(*letters: str) -> tuple[Form, ...]:
    """Products written as an einsum with these letters."""
    return tuple({"product": lambda a, b, spelt=spelt: np.einsum(spelt, a, b)} for spelt in letters)


TD_DOT_CHANGES = (
    change("product-elementwise", {"product": o.multiply}, {"product": lambda a, b: b @ a}),
    change("product-second-transposed", right=turned),
    change("product-first-transposed", left=turned),
    change("product-all-pairs", product=lambda a, b: np.tensordot(a, b, axes=((-1,), (-2,)))),
    change("product-transposed", end=then(turned)),
    change("product-heads-summed", end=then(lambda y: y.sum(axis=1))),
    change("product-heads-mixed", *_spelt("bnsd,bmdt->bnst", "bmsd,bndt->bnst")),
    change("product-batch-summed", end=then(lambda y: y.sum(axis=0))),
    change("product-batch-mixed", *_spelt("bnsd,cndt->bnst", "cnsd,bndt->bnst")),
    change("product-batch-folded-in", end=then(lambda y: y.reshape(-1, *y.shape[2:]))),
    change("product-heads-behind", end=then(lambda y: y.transpose(0, 2, 1, 3))),
    change("product-first-head", end=then(lambda y: y[:, 0])),
    change("product-averaged", end=then(lambda y, a: y / np.float32(a.shape[-1]), "left")),
    change("product-scaled", end=then(lambda y, a: y * np.float32(a.shape[-1] ** -0.5), "left")),
    change("product-softmaxed", end=then(o.softmax())),
)

# ------------------------------------------------------------------------------- both questions about CrossAttention

PROJECTIONS, SHARES = ("to_q", "to_k", "to_v"), ("of_q", "of_k", "of_v")
CUTS = {"heads": ("cut_q", "cut_k", "cut_v"), "query-heads": ("cut_q",), "key-heads": ("cut_k",)}
CUTS |= {"value-heads": ("cut_v",)}


def _straight(a, tokens, n, d):
    return a.reshape(-1, n, tokens.shape[1], d)


def _left_behind(a, tokens, n, d):
    return a.reshape(-1, tokens.shape[1], n, d)


def _features_first(a, tokens, n, d):
    return a.reshape(-1, tokens.shape[1], d, n).transpose(0, 3, 1, 2)


def _batch_folded_in(a, tokens, n, d):
    return a.reshape(1, -1, n, d).transpose(0, 2, 1, 3)


def _numbers_swapped(a, tokens, n, d):
    return cut(a, tokens, d, n)


def _one_head(a, tokens, n, d):
    return a[:, None]


def _direction(x, axis):
    """Vectors of length 1."""
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


_joined_straight, _joined_features_first = joined_in_order(0, 1, 2, 3), joined_in_order(0, 2, 3, 1)
WRONG_CUTS = {  # kind of the family `heads` -> how heads are cut, and other ways to join them again
    "not-transposed": (_straight, _joined_straight),
    "left-behind": (_left_behind, _joined_straight),
    "features-first": (_features_first, _joined_features_first),
    "batch-folded-in": (_batch_folded_in,),
}


def _wrong_cut(subject: str, kind: str) -> Change:
    cut_so, *joined_so = WRONG_CUTS[kind]
    form = on(CUTS[subject], cut_so)
    joins = [form | {"join": join} for join in joined_so] if subject == "heads" else []
    return Change(f"{subject}-{kind}", (form, *joins), f"heads.{kind}", subject)


HEADS = (
    *(_wrong_cut(subject, kind) for kind in WRONG_CUTS for subject in CUTS),
    change("heads-number-and-size-swapped", on(CUTS["heads"], _numbers_swapped)),
    change("arguments-swapped", on(CUTS["heads"], _numbers_swapped) | {"scale": scaled_by(lambda n, d: n**-0.5)}),
    change("heads-one", on(CUTS["heads"], _one_head)),
    change("heads-one-scaled", on(CUTS["heads"], _one_head) | {"scale": scaled_by(lambda n, d: (n * d) ** -0.5)}),
    change("keys-not-transposed", turn=o.same),
    change(
        "keys-transposed-otherwise",
        *({"turn": lambda k, axes=axes: k.transpose(axes)} for axes in ((3, 2, 1, 0), (0, 2, 1, 3), (0, 3, 2, 1))),
    ),
)


def _scale(id: str, *factors) -> Change:
    return change(id, *({"scale": scaled_by(factor)} for factor in factors))


def _root_of(axis: int, tensor: str) -> Form:
    return {"scale": wired(lambda scores, x: scores * np.float32(x.shape[axis] ** -0.5), "scores", tensor)}


_AFTER_SOFTMAX = {"late_scale": lambda weights, n, d: weights * np.float32(d**-0.5)}
SCALES = (
    _scale("scale-missing", lambda n, d: 1.0),
    _scale("scale-without-root", lambda n, d: 1 / d),
    _scale("scale-half", lambda n, d: 2 / d, lambda n, d: 1 / (2 * d), lambda n, d: d / 2),
    _scale("scale-of-whole-width", lambda n, d: (n * d) ** -0.5),
    _scale("scale-inverted", lambda n, d: d**0.5),
    _scale("scale-multiplied", lambda n, d: d),
    _scale("scale-by-heads", lambda n, d: n**-0.5, lambda n, d: 1 / n),
    _scale("scale-typed-in", *(lambda n, d, size=size: size**-0.5 for size in (64, 40, 32, 8))),
    _scale("scale-zero", lambda n, d: 0.0),
    _scale("scale-of-another-power", *(lambda n, d, power=power: d**-power for power in (0.25, 1 / 3, 1.5, 2))),
    _scale("scale-of-another-kind", lambda n, d: 1 / (n * d), lambda n, d: 1 / np.log(d), lambda n, d: 1 / int(d**0.5)),
    change("scale-by-tokens", _root_of(2, "cut_k"), _root_of(2, "cut_q")),
    change("scale-by-inputs", _root_of(-1, "inputs"), _root_of(-1, "answering")),
    change("scale-after-softmax", {"scale": o.first, **_AFTER_SOFTMAX}),
    change("scale-twice", _AFTER_SOFTMAX),
)


def _causal(scores):
    return np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, np.float32(-1e9))


def _to_later(scores):
    return np.where(np.triu(np.ones(scores.shape[-2:], bool)), scores, np.float32(-1e9))


def _not_to_itself(scores):
    return np.where(np.eye(*scores.shape[-2:]) > 0, np.float32(-1e9), scores)


def _causal_after(weights):
    return weights * np.tril(np.ones(weights.shape[-2:], np.float32))


def _over_all(scores):
    return o.softmax()(scores.reshape(*scores.shape[:2], -1)).reshape(scores.shape)


SOFTMAXES = (
    change("softmax-over-queries", softmax=o.softmax(-2)),
    change("softmax-over-heads", softmax=o.softmax(1)),
    change("softmax-over-batch", softmax=o.softmax(0)),
    change("softmax-over-all", softmax=_over_all),
    change("softmax-of-output", {"softmax": o.same, "average": then(o.softmax())}),
    change("softmax-missing", softmax=o.same),
    change("softmax-sigmoid", softmax=o.sigmoid),
    change("softmax-relu", softmax=o.relu),
    change("softmax-tanh", softmax=o.tanh),
    change("softmax-exponential", softmax=np.exp),
    change("softmax-logarithm", softmax=then(np.log)),
    change("softmax-twice", softmax=then(o.softmax())),
    change("attention-causal", {"mask": _causal}, {"softmax": then(_causal_after)}),
    change("attention-to-later-only", mask=_to_later),
    change("attention-not-to-itself", mask=_not_to_itself),
)

_BIASES = on(PROJECTIONS, o.Dense("width"))
_INPUTS_WIDTH = o.Dense(lambda values: values["inputs"].shape[-1])
_BENDS = (o.relu, o.gelu_tanh, o.gelu_exact, o.silu, o.tanh)
JOINS = (
    change("heads-not-transposed-back", join=_joined_straight),
    change("heads-joined-features-first", join=_joined_features_first),
    change(
        "heads-joined-otherwise", *({"join": joined_in_order(0, *axes)} for axes in ((1, 3, 2), (3, 1, 2), (3, 2, 1)))
    ),
    change("heads-averaged", join=lambda out, tokens, n, d: out.mean(axis=1)),
    change("heads-summed", join=lambda out, tokens, n, d: out.sum(axis=1)),
    change("heads-first-only", join=lambda out, tokens, n, d: out[:, 0]),
    change(
        "heads-joined-to-the-batch",
        join=lambda out, tokens, n, d: out.transpose(0, 2, 1, 3).reshape(-1, tokens.shape[1], d),
    ),
    change("heads-not-joined", {"join": o.first}, {"join": lambda out, *_: out.transpose(0, 2, 1, 3)}),
    change("multi-head-attention-as-it-comes", {**_BIASES, "out": _INPUTS_WIDTH}),
    change("output-as-wide-as-inputs", {"out": _INPUTS_WIDTH}),
    change("output-as-wide-as-a-head", {"out": o.Dense("head_size")}),
    change("output-activated", *({"end": then(bend)} for bend in _BENDS)),
    change("projections-activated", *(on(SHARES, bend) for bend in _BENDS)),
    change("output-projection-twice", before_out=Same("out")),
    change("width-typed-in", *({"width": lambda n, d, width=width: width} for width in (320, 640, 1280, 64))),
    change("values-transposed", as_is=turned),
    change("scores-of-directions", scores=lambda q, k: _direction(q, -1) @ _direction(k, -2)),
    change("residual-inside", end=o.add),
)


def _fused(parts: str) -> Form:
    """One Dense layer in the place of several; its output is cut in the order of `parts`, letters of "qkv"."""
    count, place = len(parts), next(letter for letter in "qkv" if letter in parts)
    form: Form = {f"to_{letter}": Same(f"to_{place}") for letter in parts}
    form[f"to_{place}"] = o.Dense(lambda values: count * values["width"], bias=False)
    shares = {f"of_{part}": lambda x, i=i: np.split(x, count, axis=-1)[i] for i, part in enumerate(parts)}
    return form | shares


def _families(base: Base) -> tuple[Change, ...]:
    subjects = {"projections": PROJECTIONS, "queries": ("to_q",), "values": ("to_v",), "output-projection": ("out",)}
    # projection-missing: which one of them is missing, the exception does not tell
    missing = ("projections-missing", "queries-missing", "values-missing")
    return generated(base, subjects, {"projections-bias": "projections-with-bias"}, missing)


def _each_projection(operation) -> tuple[Form, ...]:
    return (*({part: operation} for part in PROJECTIONS), on(PROJECTIONS, operation))


WIDTHS = (
    change("projection-missing", *_each_projection(o.same)),
    change("projection-as-wide-as-a-head", *_each_projection(o.Dense("head_size", bias=False))),
    change("projection-as-wide-as-heads", *_each_projection(o.Dense("num_heads", bias=False))),
)
COMMON = (*WIDTHS, *SCALES, *SOFTMAXES, *HEADS, *JOINS)
SELF_CHANGES = (
    change("queries-are-keys", to_k=Same("to_q")),
    change("values-are-keys", {"to_v": Same("to_k")}, {"average": wired(matmul, "late_scale", "cut_k")}),
    change("values-are-queries", {"to_v": Same("to_q")}, {"average": wired(matmul, "late_scale", "cut_q")}),
    change("projections-shared", on(("to_k", "to_v"), Same("to_q"))),
    change("scores-elementwise", scores=wired(o.multiply, "cut_q", "cut_k"), average=o.multiply),
    change("projections-fused", *map(_fused, map("".join, [*permutations("qkv"), "qk", "qv", "kv", "vk"]))),
    *COMMON,
    *_families(SELF),
)

_NUMBERS = ("num_heads", "head_size")
_OWN_COUNTS = {f"cut_{part}": reads(f"of_{part}", f"of_{part}", *_NUMBERS) for part in "qkv"}
_OWN_JOIN = {"join": reads("average", "of_q", *_NUMBERS)}
_TENSORS = {"i": "inputs", "c": "context"}


def _sources(letters: str) -> Form:
    """Queries, keys and values made from inputs (i) or context (c): "icc" is right."""
    return {f"to_{part}": reads(_TENSORS[letter]) for part, letter in zip("qkv", letters, strict=True)}


def _made_from(id: str, letters: str) -> Change:
    """Heads are cut with the number of tokens that there are, or that there should be."""
    form = _sources(letters)
    return change(id, form | _OWN_COUNTS | _OWN_JOIN, form)


def _joined_by_inputs(id: str, letters: str) -> Change:
    return change(id, _sources(letters) | _OWN_COUNTS)


def _cut_by(id: str, tensor: str, *parts: str) -> Change:
    """Tensors reshaped with the number of tokens of another one."""
    source = {"join": "average"} | {f"cut_{part}": f"of_{part}" for part in "qkv"}
    return change(id, {part: reads(source[part], tensor, *_NUMBERS) for part in parts})


CROSS_CHANGES = (
    _made_from("values-from-inputs", "ici"),
    _made_from("keys-from-inputs", "iic"),
    _made_from("context-ignored", "iii"),
    _made_from("queries-from-context", "cii"),
    _made_from("everything-from-context", "ccc"),
    _made_from("only-values-from-inputs", "cci"),
    _joined_by_inputs("queries-from-context-joined-by-inputs", "cii"),
    _joined_by_inputs("everything-from-context-joined-by-inputs", "ccc"),
    change("projections-shared", *({part: Same("to_q")} for part in ("to_k", "to_v"))),
    change("values-are-keys", {"to_v": Same("to_k")}, {"average": wired(matmul, "late_scale", "cut_k")}),
    change("projections-fused", *map(_fused, ("kv", "vk"))),
    change("context-joined-to-inputs", answering=lambda context, inputs: np.concatenate([inputs, context], axis=1)),
    change(
        "scores-transposed",
        {"scores": wired(lambda q, k: k @ turned(q), "cut_q", "cut_k")},
        _sources("cic") | _OWN_COUNTS,
        _sources("cic"),
    ),
    _cut_by("queries-cut-by-context", "context", "cut_q"),
    _cut_by("keys-cut-by-inputs", "inputs", "cut_k"),
    _cut_by("values-cut-by-inputs", "inputs", "cut_v"),
    _cut_by("context-cut-by-inputs", "inputs", "cut_k", "cut_v"),
    _cut_by("output-cut-by-context", "context", "join"),
    *COMMON,
    *_families(CROSS),
)
