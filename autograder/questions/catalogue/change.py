"""A right answer made of named parts, and changes of its parts."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Form = dict[str, Any]  # part -> what stands in its place: an operation, `Reads`, `Wired` or `Same`


@dataclass(frozen=True)
class Reads:
    """A part keeps its operation and takes other tensors: those that the parts or inputs called `names` gave."""

    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Wired:
    """A part gets another operation and takes other tensors."""

    operation: Any
    names: tuple[str, ...]


@dataclass(frozen=True)
class Same:
    """A part is another part once more: its operation and its weights."""

    part: str


def reads(*names: str) -> Reads:
    """`change("...", shortcut=reads("norm1"))`: the shortcut takes what norm1 gave."""
    return Reads(names)


def wired(operation: Any, *names: str) -> Wired:
    """`change("...", out=wired(add, "conv2", "axes"))`: the operation and the tensors it takes, both by name."""
    return Wired(operation, names)


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
class Change:
    """A mistake: the base with one thing in it changed.

    Args:
        id: its name in the catalogue, in reports and in tests.
        forms: ways to make this mistake, each a replacement of one or more parts.
        family, subject: of a generated change, the family's text (`activation.relu`) and what the family's text is
            about: a part, or several that go together. Empty for a change that has a text of its own.
        answer: instead of forms, an object that makes this mistake, for what no part of a base can show: it sits the
            paper as a learner's object does, and is not combined with other changes.
    """

    id: str
    forms: tuple[Form, ...] = ()
    family: str = ""
    subject: str = ""
    answer: Any = None


def change(id: str, *forms: Form, **parts: Any) -> Change:
    """`change("residual-forgotten", residual=first)`: a change by name, of parts given by keyword or as whole forms."""
    return Change(id, (*forms, parts) if parts else forms)


def on(parts: tuple[str, ...], replacement: Any) -> Form:
    """A form that puts the same in several parts."""
    return dict.fromkeys(parts, replacement)


def swapped(base: Base, *parts: str) -> Form:
    """A form in which the operations (and weights) of `parts` stand in another order: the last one comes first."""
    return {part: base.parts[other] for part, other in zip(parts, (parts[-1], *parts[:-1]), strict=True)}


@dataclass
class Replacements:
    """The operations of a base after changes, and the wirings that were changed.

    Args:
        operations: part -> operation or `Same`.
        wirings: part -> names of the values it takes, where they were changed.
    """

    operations: dict[str, Any] = field(default_factory=dict)
    wirings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, *forms: Form) -> "Replacements":
        """Of several forms; where two replace the same, the later one holds."""
        result = cls()
        for part, new in ((part, new) for form in forms for part, new in form.items()):
            if isinstance(new, (Reads, Wired)):
                result.wirings[part] = new.names
            if not isinstance(new, Reads):
                result.operations[part] = new.operation if isinstance(new, Wired) else new
        return result


def compose(one: Form, other: Form) -> Form | None:
    """Two changes at once, or None where both replace the same."""
    mine, theirs = Replacements.of(one), Replacements.of(other)
    if mine.operations.keys() & theirs.operations.keys() or mine.wirings.keys() & theirs.wirings.keys():
        return None
    both = dict(one)
    for part, new in other.items():
        both[part] = _merged(both[part], new) if part in both else new
    return both


def _merged(one: Any, other: Any) -> Wired:
    """One part's new operation and new wiring, from two changes of which each has one of them."""
    operation, wiring = (other, one) if isinstance(one, Reads) else (one, other)
    return Wired(operation, wiring.names)


def pairs(changes: tuple[Change, ...]) -> Iterator[tuple[Change, Change, Form]]:
    """Every two changes that compose, with what they give."""
    for index, one in enumerate(changes):
        for other in changes[index + 1 :]:
            for mine in one.forms:
                for theirs in other.forms:
                    both = compose(mine, theirs)
                    if both is not None:
                        yield one, other, both
