"""Marking modes "scalar" and "integer": one number, however it is written.

A Python number, a NumPy number and a tensor without axes are the same answer. Of a wrong number nothing is told from
which the right one could be worked out.
"""

import numpy as np

from autograder.exam.comparing import both_fail
from autograder.exam.errors import error_finding
from autograder.exam.marking_mode import Mode
from autograder.exam.tensors import shape_finding
from autograder.sitting.paper import BASE, Answer, CaseAnswer

NUMBERS = "fiu"  # NumPy's kinds of dtype that count as a number: no bool, no complex number, no text


class Scalar(Mode):
    """One number within the question's tolerance of the right one (relative; absolute where that is 0)."""

    asked = "one number"

    def agree(self, answer: Answer, other: Answer) -> bool:
        cases = list(zip(answer.cases, other.cases, strict=True))
        alike = [self.alike(mine, theirs) for mine, theirs in cases]
        return any(alike) and all(
            same or both_fail(mine, theirs) for same, (mine, theirs) in zip(alike, cases, strict=True)
        )

    def alike(self, mine: CaseAnswer, theirs: CaseAnswer) -> bool:
        if mine.error or theirs.error:
            return False
        received, expected = mine.runs[BASE], theirs.runs[BASE]
        if [r.shape for r in received] != [e.shape for e in expected]:
            return False
        return all(self._equal(r, e) for r, e in zip(received, expected, strict=True))

    def first_finding(self, answer: Answer, right: Answer) -> tuple[int, str]:
        findings = [self._finding(mine, theirs) for mine, theirs in zip(answer.cases, right.cases, strict=True)]
        wrong = [index for index, finding in enumerate(findings) if finding]
        if not wrong:
            return 0, "The number agrees with some accepted form in each case, but with no one form in all of them."
        index = wrong[0]
        rest = len(findings) - len(wrong)
        return index, findings[index] + (f" In {rest} of {len(findings)} cases the number is right." if rest else "")

    def expected(self, right: CaseAnswer) -> str:
        return self.asked

    def received(self, case: CaseAnswer, right: CaseAnswer) -> str:
        outputs = case.runs[BASE]
        if len(outputs) == 1 and outputs[0].size == 1 and outputs[0].dtype.kind in NUMBERS:
            number = outputs[0].reshape(()).item()
            text = f"{number:,}" if isinstance(number, int) else f"{number:.6g}"
            if outputs[0].shape:
                return f"{text} in shape {outputs[0].shape}"
            return text if self.alike(case, right) else f"{text} ({self.asked.replace('one', 'another')} is right)"
        return "; ".join(f"{array.dtype} {array.shape}" for array in outputs) or "nothing"

    def _equal(self, received: np.ndarray, expected: np.ndarray) -> bool:
        if received.dtype.kind not in NUMBERS or expected.dtype.kind not in NUMBERS:
            return False
        difference = np.abs(received.astype("float64") - expected.astype("float64"))
        scale = np.abs(expected.astype("float64"))
        allowed = self.question.tolerance * np.where(scale > 0, scale, 1)
        return bool(np.all(np.isfinite(difference) & (difference <= allowed)))

    def _finding(self, mine: CaseAnswer, theirs: CaseAnswer) -> str:
        if mine.error is not None:
            return (
                f"{self.asked.capitalize()} was expected."
                if mine.error.stage == "output"
                else error_finding(mine.error)
            )
        received, expected = mine.runs[BASE], theirs.runs[BASE]
        if len(received) != 1:
            return f"{len(received)} values were returned where {self.asked} is expected."
        number, right = received[0], expected[0]
        if number.shape:
            return shape_finding(number.shape, ())
        if number.dtype.kind not in NUMBERS:
            return f"The dtype is {number.dtype} where {self.asked} is expected."
        if not np.isfinite(number):
            return "The number is NaN or infinite."
        return "" if self._equal(number, right) else self._value_finding(number, right)

    def _value_finding(self, number: np.ndarray, right: np.ndarray) -> str:
        return f"The number is too {'large' if number > right else 'small'}."


class Integer(Scalar):
    """One whole number, exactly; a float is right if it is that whole number."""

    asked = "one whole number"

    def _equal(self, received: np.ndarray, expected: np.ndarray) -> bool:
        kinds = received.dtype.kind in NUMBERS and expected.dtype.kind in NUMBERS
        return kinds and received.shape == expected.shape and received.tolist() == expected.tolist()

    def _value_finding(self, number: np.ndarray, right: np.ndarray) -> str:
        if number != np.round(number):
            return "The number is not whole."
        return super()._value_finding(number, right)
