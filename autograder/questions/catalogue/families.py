"""Changes that can occur wherever an operation of one kind stands: generated, not written out.

A family is a table: what stands in the place of an activation, a normalisation, a layer with weights, a sum. Its texts
are templates in `families.LANGUAGE.toml`, filled with the words that a question's text file has for its parts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from autograder.questions.catalogue import operations as o
from autograder.questions.catalogue.blocks import OwnConv, PaddedConv
from autograder.questions.catalogue.change import Base, Change, Then

Kinds = dict[str, tuple[Any, ...]]  # what it is called -> the forms it takes

ACTIVATIONS: Kinds = {
    "missing": (o.same,),
    "relu": (o.relu,),
    "gelu": (o.gelu_tanh, o.gelu_exact),
    "swish": (o.silu,),
    "tanh": (o.tanh,),
    "sigmoid": (o.sigmoid,),
    "leaky-relu": (o.leaky_relu,),
    "elu": (o.elu,),
    "mish": (o.mish,),
    "softplus": (o.softplus,),
    "hard-swish": (o.hard_silu,),
    "softmax": (o.softmax(),),
}


def activation_kinds(operation: Callable) -> Kinds:
    """Another activation, none, or the right one twice."""
    own = {name for name, functions in ACTIVATIONS.items() if operation in functions}
    others = {name: functions for name, functions in ACTIVATIONS.items() if name not in own}
    return {**others, "twice": (Then(operation),)}


def norm_kinds(norm: o.Norm) -> Kinds:
    """Another normalisation, none, other groups, another epsilon, no gamma or beta."""
    kinds: Kinds = {
        "missing": (o.same,),
        "default-epsilon": (replace(norm, epsilon=1e-3),),
        "layer": tuple(o.Norm("features", epsilon) for epsilon in (1e-5, 1e-3)),
        "layer-over-all": tuple(o.Norm("all", epsilon) for epsilon in (1e-5, 1e-3)),
        "group": tuple(o.Norm("groups", epsilon) for epsilon in (1e-5, 1e-3)),
        "batch": tuple(o.Norm("batch", epsilon) for epsilon in (1e-5, 1e-3)),
        "rms": tuple(o.Norm("square", epsilon) for epsilon in (1e-5, 1e-6)),
        "no-scale": (replace(norm, scale=False),),
        "no-shift": (replace(norm, shift=False),),
        "plain": (replace(norm, scale=False, shift=False),),
    }
    kinds.pop({"features": "layer", "groups": "group"}[norm.over])
    if norm.over == "groups":
        counts = {"each-channel": 0, "one-group": 1, "two-groups": 2, "four-groups": 4, "eight-groups": 8}
        counts |= {"sixteen-groups": 16, "sixty-four-groups": 64}
        kinds |= {
            name: tuple(replace(norm, groups=count, epsilon=epsilon) for epsilon in (norm.epsilon, 1e-3))
            for name, count in counts.items()
            if count != norm.groups
        }
    return kinds


def layer_kinds(layer: o.Dense | o.Conv) -> Kinds:
    """A bias that is missing or too many; no layer at all; of a convolution another kernel or padding."""
    kinds: Kinds = {"missing": (o.same,), "no-bias" if layer.bias else "bias": (replace(layer, bias=not layer.bias),)}
    if isinstance(layer, o.Conv) and isinstance(layer.size, int):
        sizes = {"1x1": 1, "3x3": 3, "5x5": 5, "7x7": 7}
        kinds |= {name: (replace(layer, size=size),) for name, size in sizes.items() if size != layer.size}
        if layer.size > 1:
            kinds["unpadded"] = (replace(layer, padding="valid"),)
        if layer.stride == 1:
            kinds["strided"] = (replace(layer, stride=2),)
    return kinds


def padded_kinds(conv: PaddedConv) -> Kinds:
    """Another kernel, padding or stride of a convolution of `blocks`; none at all; one that is not of `blocks`."""

    def forms(*numbers: tuple[int, int]) -> tuple[Any, ...]:
        return tuple(replace(conv, size=size, padding=padding) for size, padding in numbers)

    paddings = ("same", "valid", conv.padding)
    return {
        "missing": (o.same,),
        "1x1": forms((1, 0), (1, 1)),
        "2x2": forms((2, 0), (2, 1)),
        "4x4": forms((4, 1), (4, 2)),
        "5x5": forms((5, 2), (5, 1), (5, 0)),
        "7x7": forms((7, 3), (7, 1)),
        "unpadded": forms((3, 0)),
        "padded-more": forms((3, 2), (3, 3)),
        "strided" if conv.stride == 1 else "unstrided": (replace(conv, stride=3 - conv.stride),),
        "not-of-blocks": tuple(OwnConv(conv.stride, padding) for padding in paddings),
    }


def sum_kinds(operation: Callable) -> Kinds:
    """Something else than the sum of two tensors."""
    return {
        "missing": (o.first,),
        "second-only": (o.second,),
        "difference": (o.subtract,),
        "reversed-difference": (o.subtract_from,),
        "product": (o.multiply,),
        "concatenated": (o.stretched_concatenate, lambda x, y: o.stretched_concatenate(y, x), o.concatenate),
        "averaged": (Then(lambda total: total / 2),),
        "first-doubled": (lambda x, y: x + x + y,),
        "second-doubled": (lambda x, y: x + y + y,),
    }


def share_kinds(operation: Callable) -> Kinds:
    """Another factor than the root of a share of variance, the signal's (`root`) or the noise's (`rest_root`)."""
    noise = operation is o.rest_root
    kinds: Kinds = {
        "missing": (lambda share: 1.0,),
        "without-root": (lambda share: 1 - share if noise else share,),
        "half": (lambda share: (1 - share) / 2,) * 2 if noise else (lambda share: share / 2, lambda share: share * 2),
        "squared": (lambda share: (1 - share) ** 2 if noise else share**2,),
        "other": (o.root if noise else o.rest_root,),
    }
    if noise:
        kinds["one-minus-root"] = (lambda share: 1 - o.root(share),)
        kinds["one-minus-half"] = (lambda share: 1 - share / 2,)
    return kinds


def family_of(operation: Any) -> tuple[str, Kinds]:
    """The family that an operation belongs to, and what may stand in its place.

    Raises:
        TypeError: if it belongs to none.
    """
    if isinstance(operation, o.Norm):
        return "norm", norm_kinds(operation)
    if isinstance(operation, (o.Dense, o.Conv)):
        return "layer", layer_kinds(operation)
    if isinstance(operation, PaddedConv):
        return "layer", padded_kinds(operation)
    if operation is o.add:
        return "sum", sum_kinds(operation)
    if operation in (o.root, o.rest_root):
        return "share", share_kinds(operation)
    if operation is o.same:
        return "extra", {name: functions for name, functions in ACTIVATIONS.items() if name != "missing"}
    if any(operation in functions for functions in ACTIVATIONS.values()):
        return "activation", activation_kinds(operation)
    known = "activation, same, Norm, Dense, Conv, add, root"
    raise TypeError(f"A family must know the operation ({known}). Received: {operation!r}")


def generated(
    base: Base,
    subjects: Mapping[str, tuple[str, ...]],
    ids: Mapping[str, str] | None = None,
    leave_out: Iterable[str] = (),
) -> tuple[Change, ...]:
    """The families' changes of a base.

    Args:
        base: the right answer.
        subjects: what a change is about, by name: one part, or several of one kind that are changed alike. The name
            begins the change's id (`swish1` gives `swish1-relu`), and the text file has words for it.
        ids: other ids for some of them: `{"swish1-missing": "swish-missing-entry"}`.
        leave_out: generated ids that make no sense here, or compute the right thing.

    Raises:
        ValueError: if `ids` or `leave_out` hold what is not generated.
    """
    ids, leave_out, changes = dict(ids or {}), set(leave_out), []
    for subject, parts in subjects.items():
        family, kinds = family_of(base.parts[parts[0]])
        for kind in kinds:
            own = f"{subject}-{kind}"
            if own in leave_out:
                leave_out.remove(own)
                continue
            replacements = zip(*(family_of(base.parts[part])[1][kind] for part in parts), strict=True)
            forms = tuple(dict(zip(parts, each, strict=True)) for each in replacements)
            changes.append(Change(ids.pop(own, own), forms, f"{family}.{kind}", subject))
    if ids or leave_out:
        raise ValueError(f"`ids` and `leave_out` must name generated changes. Received: {sorted({*ids, *leave_out})}")
    return tuple(changes)
