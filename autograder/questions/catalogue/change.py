"""A right answer made of named parts, and changes of its parts."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.questions.catalogue.operations import after, same

Form = dict[str, Any]  # part -> what stands in its place: an operation, `Reads`, `Wired`, `Then`, `Same` or `Moved`


@dataclass(frozen=True)
class Reads:
    """A part keeps its operation and takes other tensors: those that the parts or inputs called `names` gave."""

    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Wired:
    """A part gets another operation and takes other tensors."""

    operation: Any
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Then:
    """What a part gives goes through one more operation, which takes what `names` gave besides."""

    operation: Callable[..., Any]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Same:
    """A part is another part once more: its operation and its weights."""

    part: str


@dataclass(frozen=True)
class Moved:
    """What belongs to another part stands here, whatever else becomes of it: its operation and its weights."""

    part: str


def reads(*names: str) -> Reads:
    """`change("...", shortcut=reads("norm1"))`: the shortcut takes what norm1 gave."""
    return Reads(names)


def wired(operation: Any, *names: str) -> Wired:
    """`change("...", out=wired(add, "conv2", "axes"))`: the operation and the tensors it takes, both by name."""
    return Wired(operation, names)


def then(operation: Callable[..., Any], *names: str) -> Then:
    """`change("...", power=then(round))`: one thing more is done to what a part gives, whatever the part does."""
    return Then(operation, names)


@dataclass(frozen=True, eq=False)
class Base:
    """The right answer to a question, written once, of named parts.

    It knows nothing of the reference: it is proved right by the test that accepts right answers.

    Args:
        forward: `forward(p, *inputs, *arguments)` gives the output or outputs. Every operation in it goes through a
            part, `h = p.norm1(x)`, so that changing the part changes the operation. An argument with a default is None
            by default and goes through a part, too: `p.zeros(padding)` with `operations.default(0)`.
        parts: each part's operation: a function of tensors, or an operation with weights (see `operations`). A part
            whose operation is `same` does nothing in the right answer: it is a place where mistakes happen.
        variants: other right forms. Every change is tried on each of them too.
    """

    forward: Callable[..., Any]
    parts: Form
    variants: tuple[Form, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What `forward` calls the inputs and arguments of a case."""
        return tuple(inspect.signature(self.forward).parameters)[1:]

    def named(self, given: Sequence[Any]) -> dict[str, Any]:
        """Inputs and arguments of a case by these names. One that is not given has `forward`'s default.

        Raises:
            TypeError: if there are too many or too few.
        """
        bound = inspect.signature(self.forward).bind(None, *given)
        bound.apply_defaults()
        return {name: bound.arguments[name] for name in self.names}


@dataclass(frozen=True, eq=False)
class FreshNoise:
    """Numbers drawn from a normal distribution anew at each call, so that no two answers with them are alike.

    Args:
        zeros, ones: the base with nothing but zeros, and nothing but ones, in the place of these numbers. The output
            must depend on them linearly.
        any_spread: whether their standard deviation may be any, else it is 1.
    """

    zeros: Form
    ones: Form
    any_spread: bool = False


@dataclass(frozen=True, eq=False)
class Inner:
    """A part that is a base of its own, as a flow is within a model.

    Args:
        base: the right answer to that part.
        form: what is changed in it.
    """

    base: Base
    form: Form = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Change:
    """A mistake: the base with one thing in it changed.

    Args:
        id: its name in the catalogue, in reports and in tests.
        forms: ways to make this mistake, each a replacement of one or more parts.
        family, subject: of a generated change, the family's text (`activation.relu`) and what the family's text is
            about: a part, or several that go together. Empty for a change that has a text of its own.
        answer: instead of forms, an object that makes this mistake, for what no part of a base can show: it sits the
            paper as a learner's object does, and is not combined with other changes.
        noise: instead of forms, numbers that are drawn where none belong. Not combined either.
    """

    id: str
    forms: tuple[Form, ...] = ()
    family: str = ""
    subject: str = ""
    answer: Any = None
    noise: FreshNoise | None = None


def change(id: str, *forms: Form, **parts: Any) -> Change:
    """`change("residual-forgotten", residual=first)`: a change by name, of parts given by keyword or as whole forms."""
    return Change(id, (*forms, parts) if parts else forms)


def redrawn(id: str, part: str) -> Change:
    """New noise, of standard deviation 1, in the place of what a part gives."""
    return Change(id, noise=FreshNoise({part: np.zeros_like}, {part: np.ones_like}))


def noisy(id: str, part: str) -> Change:
    """New noise, of any spread, added to what a part that does nothing gives."""
    return Change(id, noise=FreshNoise({}, {part: lambda x: x + 1}, any_spread=True))


def on(parts: tuple[str, ...], replacement: Any) -> Form:
    """A form that puts the same in several parts."""
    return dict.fromkeys(parts, replacement)


def swapped(base: Base, *parts: str) -> Form:
    """A form in which the operations (and weights) of `parts` stand in another order: the last one comes first.

    Raises:
        ValueError: if the base has no such parts.
    """
    unknown = [part for part in parts if part not in base.parts]
    if unknown:
        raise ValueError(f"`parts` must be parts of the base. Received: {unknown}")
    return {part: Moved(other) for part, other in zip(parts, (parts[-1], *parts[:-1]), strict=True)}


@dataclass
class Replacements:
    """What forms change in a base, kind by kind: two changes compose where they change different things.

    Args:
        operations: part -> operation or `Same`.
        wirings: part -> names of the values it takes, where they were changed.
        order: part -> the part whose operation stands there now, where that was changed.
        later: part -> what is done to what it gives, in this order.
    """

    operations: dict[str, Any] = field(default_factory=dict)
    wirings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    order: dict[str, str] = field(default_factory=dict)
    later: dict[str, tuple[Then, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, *forms: Form) -> "Replacements":
        """Of several forms; where two replace the same, the later one holds. What is done besides adds up."""
        result = cls()
        for part, new in ((part, new) for form in forms for part, new in form.items()):
            if isinstance(new, (Reads, Wired)):
                result.wirings[part] = new.names
            if isinstance(new, Moved):
                result.order[part] = new.part
            elif isinstance(new, Then):
                result.later[part] = (*result.later.get(part, ()), new)
            elif not isinstance(new, Reads):
                result.operations[part] = new.operation if isinstance(new, Wired) else new
        return result

    @property
    def changed(self) -> frozenset[tuple[str, str]]:
        """What is changed of which part."""
        kinds = {"operation": self.operations, "wiring": self.wirings, "order": self.order, "later": self.later}
        return frozenset((kind, part) for kind, parts in kinds.items() for part in parts)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two changes at once.

    Args:
        one, other: the changes.
        forms: the form of each.
        made: the forms to evaluate: these two, either first, or the two as one.
    """

    one: Change
    other: Change
    forms: tuple[Form, Form]
    made: tuple[Form, ...]

    @property
    def size(self) -> int:
        """How much of the base they change."""
        return sum(map(len, self.forms))


def pairs(changes: tuple[Change, ...], base: Base | None = None) -> Iterator[Pair]:
    """Every two changes that compose: those whose forms change different things, or of which one changes all that the
    other does and more. Then the narrower holds where they meet: one activation everywhere, but another in one place.
    (Not where the wider takes other tensors: the narrower's operation is not made for them.) What both do besides to
    what one part gives is done in a row, either first; so are two operations where a part does nothing in the `base`.
    """
    forms = [(change, form, Replacements.of(form).changed) for change in changes for form in change.forms]
    for index, (one, mine, touched) in enumerate(forms):
        for other, theirs, touches in forms[index + 1 :]:
            if one is other:
                continue
            for made in _composed(base, (mine, touched), (theirs, touches)):
                turned = made[0] is theirs
                yield Pair(other, one, (theirs, mine), made) if turned else Pair(one, other, (mine, theirs), made)


def _composed(base: Base | None, *both: tuple[Form, frozenset[tuple[str, str]]]) -> Iterator[tuple[Form, ...]]:
    """The ways in which two forms go together, each with what it changes."""
    (mine, touched), (theirs, touches) = both
    shared = touched & touches
    if not shared:
        yield mine, theirs
    elif all(kind == "later" for kind, _ in shared):
        yield mine, theirs
        yield theirs, mine
    elif _covers(touched, touches):
        yield mine, theirs
    elif _covers(touches, touched):
        yield theirs, mine
    elif base is not None and touched == touches:
        yield from ((row,) for row in _in_a_row(base, mine, theirs))


def _in_a_row(base: Base, mine: Form, theirs: Form) -> Iterator[Form]:
    """Two operations in one place that is empty in the base, one behind the other."""
    (part, one), *more = mine.items()
    other = theirs.get(part)
    if not more and base.parts[part] is same and callable(one) and callable(other):
        yield {part: after(one, other)}
        yield {part: after(other, one)}


def _covers(wide: frozenset[tuple[str, str]], narrow: frozenset[tuple[str, str]]) -> bool:
    """Whether one form changes all that another does, and more, and leaves the same tensors to it."""
    rewired = {part for kind, part in wide - narrow if kind == "wiring"}
    return wide > narrow and not any(kind == "operation" and part in rewired for kind, part in narrow)
