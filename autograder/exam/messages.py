"""Says what is wrong: what was called, expected and received, the likely cause, why it matters, where to read on.

Expected shapes, dtypes and parameter counts may be told; expected values never.
"""

from dataclasses import dataclass

from autograder.exam.errors import NOT_WRITTEN
from autograder.exam.marking_mode import Mode
from autograder.exam.stages import Stage
from autograder.questions import Mistake, Question
from autograder.sitting.exceptions import STUB_TEXT
from autograder.sitting.paper import Answer, CaseAnswer, LearnerError


@dataclass(frozen=True)
class Reason:
    """What was found out about a wrong answer.

    Args:
        mistakes: what explains it: nothing, one mistake of the catalogue, or two at once.
        cause: what is known to be the cause otherwise, in words.
        stage: how far it agrees with a right answer.
    """

    mistakes: tuple[Mistake, ...] = ()
    cause: str = ""
    stage: Stage | None = None


def explain(mode: Mode, answer: Answer, right: Answer, reason: Reason) -> str:
    """The text of a failed check. `right` is the first accepted answer to the same paper."""
    question, paper = mode.question, mode.paper
    if untouched(answer):
        return f"{question.id}: {question.name} is not written yet (it raises {NOT_WRITTEN})."
    index, finding = mode.first_finding(answer, right)
    received, case = answer.cases[index], paper.cases[index]
    lines = [f"{question.id}: not right yet.", f"  Called:   {paper.call_text(case)}"]
    lines += [
        f"  Expected: {mode.expected(right.cases[index])}",
        f"  Received: {_received(mode, received, right.cases[index])}",
    ]
    if reason.mistakes:
        return "\n".join([*lines, *_causes(reason.mistakes, question)])
    cause = " ".join([reason.cause or finding, *([reason.stage.text] if reason.stage else [])])
    return "\n".join([*lines, f"  Cause:    {cause}", _read(question, question.section)])


def advice(trouble: LearnerError) -> str:
    """What is said of a right layer that runs on arrays only; it costs no points."""
    line = f" It stops at your line `{trouble.line}`." if trouble.line else ""
    return (
        "  Advice:   it computes on arrays only, and no model can be made with it: keras.Input tensors have a shape, "
        f"with an open batch, and no numbers yet.{line} Keras layers and keras.ops work on both."
    )


def _causes(mistakes: tuple[Mistake, ...], question: Question) -> list[str]:
    """What each mistake is, why it matters and where to read; several are counted, since each is to be mended."""
    lines = []
    for number, mistake in enumerate(mistakes, 1):
        count = f"{number} of {len(mistakes)}. " if len(mistakes) > 1 else ""
        lines += [f"  Cause:    {count}{mistake.cause}", f"  Why:      {mistake.why}", _read(question, mistake.section)]
    return lines


def _read(question: Question, section: str) -> str:
    chapter, _, _ = question.exercise.partition("-")
    return f'  Read:     chapter {int(chapter)}, "{section}"'


def untouched(answer: Answer) -> bool:
    """Whether the answer is still the stub: nothing but its own exception, and no code below that."""
    errors = [case.error for case in answer.cases]
    return all(e is not None and e.kind == NOT_WRITTEN and e.message == STUB_TEXT and not e.below for e in errors)


def _received(mode: Mode, case: CaseAnswer, right: CaseAnswer) -> str:
    return _error_text(case.error) if case.error is not None else mode.received(case, right)


def _error_text(error: LearnerError) -> str:
    if error.stage == "output":
        return error.message
    while_text = {"construct": "while it was constructed", "weights": "while its weights were set"}
    where = while_text.get(error.stage, "while it ran")
    return f"{error.kind} {where}{_at(error)}: {error.message}"


def _at(error: LearnerError) -> str:
    """The learner's own line, and the lines that led to it."""
    if not error.line:
        return ""
    at = f", at your line `{error.line}`"
    if len(error.calls) > 1:
        callers = [f"`{line}` in {function}" if function else f"`{line}`" for function, line in error.calls[-2::-1]]
        at += f" in {error.calls[-1][0]}, called by {', called by '.join(callers)}"
    return at
