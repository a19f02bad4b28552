"""Says what is wrong: what was called, expected and received, the likely cause, why it matters, where to read on.

Expected shapes, dtypes and parameter counts may be told; expected values never.
"""

import numpy as np

from autograder.exam.comparing import close, relative_error, weights_match
from autograder.questions import Mistake, Question
from autograder.sitting.paper import BASE, Answer, CaseAnswer, CasePaper, LearnerError, Paper

NOT_WRITTEN = "NotImplementedError"


def explain(question: Question, paper: Paper, answer: Answer, right: Answer, mistake: Mistake | None) -> str:
    """The text of a failed check. `right` is the first accepted answer to the same paper."""
    if untouched(answer):
        return f"{question.id}: {question.name} is not written yet (it raises {NOT_WRITTEN})."
    index, finding = _first_finding(question, answer, right)
    received, case = answer.cases[index], paper.cases[index]
    lines = [f"{question.id}: not right yet.", f"  Called:   {paper.call_text(case)}"]
    lines += [
        f"  Expected: {_expected(case, right.cases[index])}",
        f"  Received: {_received(received, right.cases[index])}",
    ]
    lines.append(f"  Cause:    {mistake.cause if mistake else finding}")
    if mistake:
        lines.append(f"  Why:      {mistake.why}")
    chapter, _, _ = question.exercise.partition("-")
    section = mistake.section if mistake else question.section
    lines.append(f'  Read:     chapter {int(chapter)}, "{section}"')
    return "\n".join(lines)


def untouched(answer: Answer) -> bool:
    """Whether the answer is still the stub."""
    return all(case.error is not None and case.error.kind == NOT_WRITTEN for case in answer.cases)


def _expected(case: CasePaper, right: CaseAnswer) -> str:
    text = _outputs(right.runs[BASE])
    return f"{text}, from {_parameters(right)}" if case.kind == "layer" else text


def _received(case: CaseAnswer, right: CaseAnswer) -> str:
    if case.error is not None:
        return _error_text(case.error)
    outputs = case.runs[BASE]
    text = _outputs(outputs)
    if case.weights:
        text += f", from {_parameters(case)}"
    if [array.shape for array in outputs] == [array.shape for array in right.runs[BASE]]:
        error = max(map(relative_error, outputs, right.runs[BASE]), default=0.0)
        text += f", values off by {error:.2g} (relative L2 error)"
    return text


def _outputs(outputs: list[np.ndarray]) -> str:
    return "; ".join(f"{array.dtype} {array.shape}" for array in outputs) or "nothing"


def _parameters(case: CaseAnswer) -> str:
    return f"{sum(weight.size for weight in case.weights):,} parameters in {len(case.weights)} weights"


def _error_text(error: LearnerError) -> str:
    if error.stage == "output":
        return error.message
    while_text = {"construct": "while it was constructed", "weights": "while its weights were set"}
    where = while_text.get(error.stage, "while it ran")
    line = f", at your line `{error.line}`" if error.line else ""
    return f"{error.kind} {where}{line}: {error.message}"


def _first_finding(question: Question, answer: Answer, right: Answer) -> tuple[int, str]:
    """The first case that is wrong, and the most specific thing that can be said about it without the catalogue."""
    for index, (mine, theirs) in enumerate(zip(answer.cases, right.cases, strict=True)):
        finding = _finding(question, mine, theirs)
        if finding:
            return index, finding
    return 0, "Each size alone agrees with some accepted form, but no one form agrees with all of them."


def _finding(question: Question, mine: CaseAnswer, theirs: CaseAnswer) -> str:
    if mine.error is not None:
        return _error_finding(mine.error)
    received, expected = mine.runs[BASE], theirs.runs[BASE]
    if len(received) != len(expected):
        return f"{len(received)} outputs were returned where {len(expected)} are expected."
    for r, e in zip(received, expected, strict=True):
        if r.shape != e.shape:
            return _shape_finding(r.shape, e.shape)
        if r.dtype.kind != e.dtype.kind:
            return f"The dtype is {r.dtype} where {e.dtype} is expected."
        if not np.isfinite(r).all():
            return f"{np.size(r) - np.isfinite(r).sum()} of {r.size} values are NaN or infinite."
    counted = _parameter_finding(mine, theirs)
    if counted:
        return counted
    if not close(received, expected, question.tolerance):
        return _value_finding(received, expected)
    if not weights_match(mine, theirs, question.tolerance):
        return _weight_finding(mine, theirs, question.tolerance)
    return ""


def _error_finding(error: LearnerError) -> str:
    if error.kind == NOT_WRITTEN:
        return "A part of the answer is still to be written."
    if error.stage == "output":
        return "A tensor was expected."
    return "Your code raised the error above before it gave a result."


def _shape_finding(received: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if len(received) != len(expected):
        return f"The output has {len(received)} axes where {len(expected)} are expected."
    axes = [
        f"axis {i} is {r} instead of {e}" for i, (r, e) in enumerate(zip(received, expected, strict=True)) if r != e
    ]
    return f"The shape is wrong: {', '.join(axes)}."


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
    parts = [f"+{weight.size:,}: `{weight.path}` {weight.shape} has no counterpart" for weight in extra]
    shapes = {weight.size: weight.shape for weight in theirs.weights}
    parts += [f"-{size:,}: a weight of shape {shapes[size]} is missing" for size in left]
    total = sum(w.size for w in mine.weights) - sum(w.size for w in theirs.weights)
    return f"The parameters differ by {total:+,} ({'; '.join(parts)})."


def _value_finding(received: list[np.ndarray], expected: list[np.ndarray]) -> str:
    errors = [relative_error(r, e) for r, e in zip(received, expected, strict=True)]
    worst = int(np.argmax(errors))
    r, e = received[worst].astype("float64"), expected[worst].astype("float64")
    which = f"output {worst}" if len(received) > 1 else "the output"
    text = (
        f"The shape is right, the values are not: {which} has mean {r.mean():.3g} and standard deviation {r.std():.3g}"
    )
    return f"{text}{_where(r, e)}."


def _where(received: np.ndarray, expected: np.ndarray) -> str:
    """Where along an axis the values differ, if only a part of it does: which batch item, row, column or channel."""
    names = {4: ("batch items", "rows", "columns", "channels"), 3: ("batch items", "tokens", "features")}
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
