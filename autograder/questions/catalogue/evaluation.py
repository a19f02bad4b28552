"""Runs a base, or a change of it, on a paper; what two answers have in common is worked out once.

Every result is kept under the operation and the operands that gave it, so a change costs what lies behind the changed
part, and telling the weights apart (see `autograder.sitting.run.sit`) what lies behind each weight.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autograder.questions.catalogue.change import Base, Form, Inner, Replacements, Same
from autograder.questions.catalogue.operations import Layer, Refused, same
from autograder.sitting.calls import CALLS_IN_NUMPY
from autograder.sitting.exceptions import wrapped
from autograder.sitting.models import grouped
from autograder.sitting.paper import BASE, Answer, CaseAnswer, LearnerError, Paper, Weight, weight_values
from autograder.sitting.stand_in_layer import how_far, note_call, recording_calls
from autograder.sitting.stand_ins import make_blocks

# The kind of an error in a part. Its text lists what the part was given, then its weights, then what was raised and how
# far a flow had come.
PART_FAILED = "PartFailed"
WEIGHTS, RAISED = "; weights ", "; raised "
ROOM = 60_000_000  # numbers in all weights that are kept, 240 MB
LARGEST = 40_000_000  # numbers in a weight; the UNet's largest kernel, (3, 3, 2560, 1280), has 29.5 million


class PartFailed(Exception):
    """A part cannot work on what it is given, as the learner's code could not."""


class _Wrapped(Exception):
    """One tensor or number comes in a list or tuple: refused, as it is of a learner."""

    def __init__(self, error: LearnerError):
        self.error = error


class Memo:
    """Results by operation and operands. Arrays are known by a number of their own.

    Args:
        parent: where to look first. What is found anew is kept here only, and goes when this memo does.
    """

    def __init__(self, parent: "Memo | None" = None):
        self._parent = parent
        self._results: dict[Any, Any] = {}
        self._numbers: dict[int, int] = {}
        self._kept: list[np.ndarray] = []  # an array's id is its own only while it lives
        self._weights: dict[Any, np.ndarray] = parent._weights if parent else {}
        self._next: Iterator[int] = parent._next if parent else itertools.count()

    def find(self, key: Any) -> Any:
        found = self._results.get(key)
        return found if found is not None or self._parent is None else self._parent.find(key)

    def keep(self, key: Any, result: Any) -> None:
        self._results[key] = result

    def weight(self, *key: Any) -> np.ndarray:
        """`weight_values(*key)`, drawn once, unless there is no more room for them."""
        if key in self._weights:
            return self._weights[key]
        values = _read_only(weight_values(*key))
        if values.size + sum(kept.size for kept in self._weights.values()) <= ROOM:
            self._weights[key] = values
        return values

    def name(self, value: Any) -> Any:
        """What stands for a value in a key."""
        if isinstance(value, np.ndarray):
            number = self._number(id(value))
            return ("array", self._register(value) if number is None else number)
        if isinstance(value, (list, tuple)):
            return (type(value).__name__, *map(self.name, value))
        try:
            hash(value)
        except TypeError:
            return ("object", id(value))
        return (type(value).__name__, value)

    def _number(self, identity: int) -> int | None:
        number = self._numbers.get(identity)
        return number if number is not None or self._parent is None else self._parent._number(identity)

    def _register(self, array: np.ndarray) -> int:
        self._kept.append(array)
        self._numbers[id(array)] = next(self._next)
        return self._numbers[id(array)]


class Step(NamedTuple):
    """One use of a part: what it was given, and what it gave."""

    part: str
    inputs: tuple[Any, ...]
    value: Any


class Parts:
    """The `p` of a base's `forward`: `p.norm1(x)` applies the operation that now stands at norm1.

    Args:
        replacements: the operations of all parts, and changed wirings.
        memo: results so far.
        values: inputs and arguments by name; what parts give is added under their names.
        keys: of the paper, for the values A and B of weights.
        changed: which weights have their value B, by part.
    """

    def __init__(
        self,
        replacements: Replacements,
        memo: Memo,
        values: dict[str, Any],
        keys: tuple[int, int],
        changed: dict[str, frozenset[str]],
    ):
        self._replacements, self._memo, self.values = replacements, memo, dict(values)
        self._keys, self._changed = keys, changed
        self.all_steps: list[Step] = []
        self.weights: dict[tuple[str, str], tuple[tuple[int, ...], bool]] = {}  # in the order of their first use
        self._blocks: list[str] = []  # of a flow, those called so far

    def __getattr__(self, name: str) -> Callable:
        if name not in self._replacements.operations:
            raise AttributeError(f"A base's parts are {', '.join(self._replacements.operations)}. Received: {name}")
        return lambda *inputs: self._apply(name, inputs)

    def _apply(self, part: str, inputs: tuple[Any, ...]) -> Any:
        place = self._replacements.order.get(part, part)
        operation = self._replacements.operations[place]
        while isinstance(operation, Same):
            place, operation = operation.part, self._replacements.operations[operation.part]
        self._asked: list[tuple[int, ...]] = []
        try:
            inputs, later = self._taken(part, inputs), self._replacements.later.get(part, ())
            nothing = operation is same and not later  # no need to look up what it gives
            value = inputs[0] if operation is same else self._result(place, self._bound(operation), inputs)
            for more in later:
                value = self._result(part, more.operation, (value, *(self.values[name] for name in more.names)))
            self.values[part] = value
        except PartFailed:  # of a base within
            raise
        except Exception as error:
            refused = isinstance(error, Refused)
            given = " ".join(str(x.shape) for x in inputs if isinstance(x, np.ndarray) and not refused)
            weights = " ".join(str(shape) for shape in self._asked)
            said = " ".join([*str(error).split(), how_far(self._blocks)])
            told = f"{part}, {type(operation).__name__}: {given}{WEIGHTS}{weights}{RAISED}{said}"
            raise PartFailed(told) from error
        if not nothing:
            self.all_steps.append(Step(part, inputs, self.values[part]))
        return self.values[part]

    def _taken(self, part: str, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The inputs of a part, or what it is wired to.

        Raises:
            KeyError: if that is not made yet: two changes, of the order and of the wiring, do not go together.
        """
        wiring = self._replacements.wirings.get(part)
        return inputs if wiring is None else tuple(self.values[name] for name in wiring)

    def _bound(self, operation: Any) -> Any:
        """The operation with numbers where it names them."""
        if not isinstance(operation, Layer) or not operation.numbers:
            return operation
        given = {field: getattr(operation, field) for field in operation.numbers}
        named = {field: self.values[name] for field, name in given.items() if isinstance(name, str)}
        named |= {field: number(self.values) for field, number in given.items() if callable(number)}
        return replace(operation, **named) if named else operation  # type: ignore[type-var]

    def _result(self, place: str, operation: Any, inputs: tuple[Any, ...]) -> Any:
        changed = self._changed.get(place, frozenset())
        key = (operation, changed, *map(self._memo.name, inputs))
        found = self._memo.find(key)
        if found is None:
            with recording_calls() as called:
                value, made = self._worked_out(operation, changed, inputs)
            found = _read_only(value), made, called
            self._memo.keep(key, found)
        value, made, called = found
        self._blocks += called
        self._asked = [shape for shape, _ in made.values()]  # also where what it gives was found
        for name, (shape, trained) in made.items():
            if self.weights.setdefault((place, name), (shape, trained))[0] != shape:
                raise ValueError(f"the weight {name} {self.weights[place, name][0]} is used where {shape} is needed")
        return value

    def _worked_out(self, operation: Any, changed: frozenset[str], inputs: tuple[Any, ...]) -> tuple[Any, dict]:
        made: dict[str, tuple[tuple[int, ...], bool]] = {}
        if isinstance(operation, Inner):
            return self._within(operation, changed, inputs)
        if not isinstance(operation, Layer):
            return operation(*inputs), made

        def weights(name: str, shape: tuple[int, ...], trained: bool = True) -> np.ndarray:
            made[name] = (tuple(shape), trained)
            self._asked.append(tuple(shape))
            if math.prod(shape) > LARGEST:
                raise ValueError(f"a weight must have at most {LARGEST:,} numbers. Received: {shape}")
            return self._memo.weight(self._keys[name in changed], tuple(shape), trained)

        return operation.apply(weights, *inputs), made

    def _within(self, inner: Inner, changed: frozenset[str], inputs: tuple[Any, ...]) -> tuple[Any, dict]:
        """What a base within gives, and its weights, called `part/name`."""
        replacements, values = Replacements.of(inner.base.parts, inner.form), inner.base.named(inputs)
        names = [(part, name) for part, _, name in (weight.partition("/") for weight in changed)]
        parts = Parts(replacements, self._memo, values, self._keys, _by_part(names))
        parts._blocks += self._blocks
        value = inner.base.forward(parts, *values.values())
        for block in parts._blocks[len(self._blocks) :]:
            note_call(block)
        return value, {f"{part}/{name}": made for (part, name), made in parts.weights.items()}


class Evaluation:
    """A base on a paper.

    Args:
        base: the right answer in parts.
        paper: its inputs and weights.
    """

    def __init__(self, base: Base, paper: Paper):
        self.base, self.paper = base, paper
        self._memo = Memo()
        self._values = [self._given(index) for index in range(len(paper.cases))]

    def answer(self, *forms: Form, scratch: bool = False) -> Answer:
        """What the base changed by all `forms` gives on the whole paper, as a sitting would write it down.

        With `scratch` nothing that is new is kept.
        """
        memo = Memo(self._memo) if scratch else self._memo
        return Answer(self.paper.question, [self._case(i, forms, i == 0, memo) for i in range(len(self._values))])

    def glance(self, *forms: Form, scratch: bool = False) -> CaseAnswer:
        """What it gives in the first run of the first case."""
        return self._case(0, forms, False, Memo(self._memo) if scratch else self._memo)

    def steps(self, *forms: Form) -> list[Step]:
        """What each part gives in the first run of the first case, in order; as far as it comes, if a part fails."""
        return self.way(*forms)[0]

    def way(self, *forms: Form) -> tuple[list[Step], list[np.ndarray]]:
        """The steps of the first run of the first case, and what comes out of them: nothing, if a part fails."""
        parts = self._parts(0, forms, {}, self._memo)
        outputs: list[np.ndarray] = []
        with contextlib.suppress(PartFailed, _Wrapped):
            outputs = self._forward(0, parts)
        return parts.all_steps, outputs

    def _case(self, index: int, forms: tuple[Form, ...], whole: bool, memo: Memo) -> CaseAnswer:
        answer = CaseAnswer()
        try:
            parts, answer.runs[BASE] = self._run(index, forms, {}, memo)
            answer.weights = [Weight(f"{part}/{name}", shape) for (part, name), (shape, _) in parts.weights.items()]
            if whole:
                self._tell_weights_apart(answer, list(parts.weights), lambda b: self._run(index, forms, b, memo)[1])
        except PartFailed as failure:
            return CaseAnswer(error=LearnerError("call", PART_FAILED, str(failure)))
        except _Wrapped as found:
            return CaseAnswer(error=found.error)
        return answer

    def _tell_weights_apart(self, answer: CaseAnswer, names: list[tuple[str, str]], run: Callable) -> None:
        sizes = [weight.size for weight in answer.weights]
        for index, name in enumerate(names):
            answer.runs[f"single.{index}"] = run(_by_part([name]))
        for size in dict.fromkeys(sizes):
            if sizes.count(size) > 1:
                alike = [name for name, other in zip(names, sizes, strict=True) if other == size]
                answer.runs[f"size.{size}"] = run(_by_part(alike))

    def _run(self, index: int, forms: tuple[Form, ...], changed: dict, memo: Memo) -> tuple[Parts, list[np.ndarray]]:
        parts = self._parts(index, forms, changed, memo)
        return parts, self._forward(index, parts)

    def _parts(self, index: int, forms: tuple[Form, ...], changed: dict, memo: Memo) -> Parts:
        replacements = Replacements.of(self.base.parts, *forms)
        return Parts(replacements, memo, self._values[index], self.paper.keys, changed)

    def _forward(self, index: int, parts: Parts) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            output = self.base.forward(parts, *self._values[index].values())
        if error := wrapped(output):
            raise _Wrapped(error)
        return [np.asarray(array) for array in _flat(output)]

    def _given(self, index: int) -> dict[str, Any]:
        """Inputs and arguments of a case by the names that the base has for them."""
        case = self.paper.cases[index]
        inputs = {name: _read_only(array.view()) for name, array in case.inputs.items()}
        given = [*grouped(inputs), *case.arguments]
        if case.kind in CALLS_IN_NUMPY:
            CALLS_IN_NUMPY[case.kind](
                lambda *everything: given.__setitem__(slice(None), everything),
                list(inputs.values()),
                *case.arguments,
            )
        elif case.widths is not None:
            given.append(make_blocks(**case.widths))
        return self.base.named(given)


def _read_only(value: Any) -> Any:
    """The value, whose arrays no operation can change from now on: NumPy's own take a last operand for the result's
    place, and `np.tanh(x, y)` would write into y.
    """
    for array in (value,) if isinstance(value, np.ndarray) else _flat(value):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return value


def _by_part(names: list[tuple[str, str]]) -> dict[str, frozenset[str]]:
    return {part: frozenset(name for other, name in names if other == part) for part, _ in names}


def _flat(output: Any) -> list[Any]:
    """A flow's `(x, [maps])`, a list or one tensor, as a flat list."""
    if not isinstance(output, (list, tuple)):
        return [output]
    return [array for part in output for array in (part if isinstance(part, (list, tuple)) else [part])]
