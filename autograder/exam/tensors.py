"""Marking mode "close": tensors within a tolerance, and weights that each do what they should."""

import numpy as np

from autograder.exam.comparing import agree, close, comparable, outputs_agree, relative_error, weights_match
from autograder.exam.errors import error_finding
from autograder.exam.marking_mode import Mode, outputs_text
from autograder.sitting.paper import BASE, Answer, CaseAnswer

NUMBERS = "biufc"  # kinds of dtypes
NOT_NUMBERS = {"U": "text, no tensor", "S": "text, no tensor"}
NO_ONE_FORM = "Each size alone agrees with some accepted form, but no one form agrees with all of them."


class Close(Mode):
    """Outputs within the question's tolerance (relative L2), and weights that can be matched one to one."""

    def agree(self, answer: Answer, other: Answer) -> bool:
        return agree(answer, other, self.question.tolerance)

    def alike(self, mine: CaseAnswer, theirs: CaseAnswer) -> bool:
        return outputs_agree(mine, theirs, self.question.tolerance)

    def first_finding(self, answer: Answer, right: Answer) -> tuple[int, str]:
        for index, (mine, theirs) in enumerate(zip(answer.cases, right.cases, strict=True)):
            finding = self._finding(mine, theirs)
            if finding:
                return index, finding
        return 0, NO_ONE_FORM

    def expected(self, right: CaseAnswer) -> str:
        text = self._outputs_text(right.runs[BASE])
        return f"{text}, from {_parameters(right)}" if right.weights else text

    def received(self, case: CaseAnswer, right: CaseAnswer) -> str:
        outputs = case.runs[BASE]
        text = self._outputs_text(outputs)
        if case.weights:
            text += f", from {_parameters(case)}"
        if [array.shape for array in outputs] == [array.shape for array in right.runs[BASE]]:
            error = max(map(relative_error, outputs, right.runs[BASE]), default=0.0)
            text += f", values off by {error:.2g} (relative L2 error)"
        return text

    def _finding(self, mine: CaseAnswer, theirs: CaseAnswer) -> str:
        if mine.error is not None:
            return error_finding(mine.error)
        received, expected = mine.runs[BASE], theirs.runs[BASE]
        if len(received) != len(expected):
            were = "was" if len(received) == 1 else "were"
            are = "is" if len(expected) == 1 else "are"
            return f"{self._counted(received)} {were} returned where {self._counted(expected)} {are} expected."
        for index in self._in_order(expected):
            r, e = received[index], expected[index]
            if r.dtype.kind not in NUMBERS:
                return f"{_sentence(self._name(index, expected))} is {NOT_NUMBERS.get(r.dtype.kind, 'no tensor')}."
            if r.shape != e.shape:
                return shape_finding(r.shape, e.shape, self._name(index, expected))
            if not comparable(r, e):
                return _dtype_finding(r, e)
            if not np.isfinite(r).all():
                return f"{np.size(r) - np.isfinite(r).sum()} of {r.size} values are NaN or infinite."
        counted = _parameter_finding(mine, theirs)
        if counted:
            return counted
        tolerance = self.question.tolerance
        if not close(received, expected, tolerance):
            return self._value_finding(received, expected)
        return "" if weights_match(mine, theirs, tolerance) else _weight_finding(mine, theirs, tolerance)

    def _value_finding(self, received: list[np.ndarray], expected: list[np.ndarray]) -> str:
        """Of the first output that differs, in the order in which they are made."""
        index = next(
            i for i in self._in_order(expected) if relative_error(received[i], expected[i]) > self.question.tolerance
        )
        if received[index].dtype.kind != expected[index].dtype.kind:
            return _dtype_finding(received[index], expected[index])
        r, e = received[index].astype("float64"), expected[index].astype("float64")
        which = self._name(index, expected)
        which = f"the first that differs, {which}," if len(expected) > 1 else which
        numbers = f"mean {r.mean():.3g} and standard deviation {r.std():.3g}"
        return f"The shape is right, the values are not: {which} has {numbers}{_where(r, e)}."

    def _keeps_maps(self, outputs: list[np.ndarray]) -> bool:
        """Whether the outputs are a flow's x and, behind it, the feature maps that it kept on its way."""
        return self.question.kind == "flow" and len(outputs) > 1

    def _in_order(self, expected: list[np.ndarray]) -> list[int]:
        """The outputs in the order in which they are made: a flow's x is the last."""
        indices = list(range(len(expected)))
        return [*indices[1:], 0] if self._keeps_maps(expected) else indices

    def _name(self, index: int, expected: list[np.ndarray]) -> str:
        if self._keeps_maps(expected):
            return f"outputs[{index - 1}]" if index else "x"
        return f"output {index}" if len(expected) > 1 else "the output"

    def _counted(self, outputs: list[np.ndarray]) -> str:
        if self._keeps_maps(outputs):
            return f"x and {len(outputs) - 1} kept map{'s' if len(outputs) != 2 else ''}"
        return f"{len(outputs)} output{'s' if len(outputs) != 1 else ''}"

    def _outputs_text(self, outputs: list[np.ndarray]) -> str:
        if not self._keeps_maps(outputs) or len({array.dtype for array in outputs}) > 1:
            return outputs_text(outputs)
        x, *kept = (str(array.shape) for array in outputs)
        return f"{self._counted(outputs)}, {outputs[0].dtype}: x {x}; outputs {', '.join(kept)}"


def _sentence(name: str) -> str:
    return name[0].upper() + name[1:]


def _dtype_finding(received: np.ndarray, expected: np.ndarray) -> str:
    return f"The dtype is {received.dtype} where {expected.dtype} is expected."


def _parameters(case: CaseAnswer) -> str:
    return f"{sum(weight.size for weight in case.weights):,} parameters in {len(case.weights)} weights"


def shape_finding(received: tuple[int, ...], expected: tuple[int, ...], name: str = "the output") -> str:
    if len(received) != len(expected):
        return f"{_sentence(name)} has {len(received)} axes where {len(expected)} are expected."
    axes = [
        f"axis {i} is {r} instead of {e}" for i, (r, e) in enumerate(zip(received, expected, strict=True)) if r != e
    ]
    of = "" if name == "the output" else f" of {name}"
    return f"The shape{of} is wrong: {', '.join(axes)}."


def _parameter_finding(mine: CaseAnswer, theirs: CaseAnswer) -> str:
    """Names the weights that are missing or too many, with the arithmetic."""
    left = sorted(weight.size for weight in theirs.weights)
    extra = []
    for weight in mine.weights:
        if weight.size in left:
            left.remove(weight.size)
        else:
            extra.append(weight)
    if not extra and not left:
        return ""
    if not theirs.weights:
        paths = ", ".join(f"`{weight.path}` {weight.shape}" for weight in extra[:3]) + (", ..." if extra[3:] else "")
        return f"A layer with weights of its own turned up ({paths}): here every block with weights is one of `blocks`."
    parts = [f"+{weight.size:,}: `{weight.path}` {weight.shape} has no counterpart" for weight in extra]
    shapes = {weight.size: weight.shape for weight in theirs.weights}
    parts += [_missing(size, left.count(size), shapes[size]) for size in dict.fromkeys(left)]
    total = sum(w.size for w in mine.weights) - sum(w.size for w in theirs.weights)
    none = "" if mine.weights else "Keras finds no weights in it: make layers in `__init__` or `build`, in `self`. "
    return f"{none}The parameters differ by {total:+,} ({'; '.join(parts)})."


def _missing(size: int, count: int, shape: tuple[int, ...]) -> str:
    if count == 1:
        return f"-{size:,}: a weight of shape {shape} is missing"
    return f"-{count * size:,}: {count} weights of shape {shape} are missing"


def _where(received: np.ndarray, expected: np.ndarray) -> str:
    """Where along an axis the values differ, if only a part of it does: which batch item, row, column or channel."""
    names = {
        4: ("batch items", "rows", "columns", "channels"),
        3: ("batch items", "tokens", "features"),
        2: ("batch items", "features"),
    }
    wrong = np.abs(received - expected) > 1e-3 * (np.abs(expected).mean() + 1e-12)
    for axis, name in enumerate(names.get(received.ndim, ("batch items",) if received.ndim else ())):
        others = tuple(i for i in range(received.ndim) if i != axis)
        touched = np.flatnonzero(wrong.any(axis=others))
        if 0 < len(touched) < received.shape[axis]:
            shown = ", ".join(map(str, touched[:6])) + (", ..." if len(touched) > 6 else "")
            return f"; only {name} {shown} of {received.shape[axis]} differ"
    return ""


def _weight_finding(mine: CaseAnswer, theirs: CaseAnswer, tolerance: float) -> str:
    for index, weight in enumerate(mine.weights):
        run = mine.runs[f"single.{index}"]
        same_size = [i for i, other in enumerate(theirs.weights) if other.size == weight.size]
        if not any(close(run, theirs.runs[f"single.{i}"], tolerance) for i in same_size):
            return f"The weight `{weight.path}` {weight.shape} does not act where any weight of the block does."
    return "The weights act together in another way than the block's do: is one used in two places?"
