"""What marking decides about one question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The outcome of one question.

    Args:
        question: the question's id.
        passed: whether the answer is right. It is all or nothing: points are the gradebook's.
        mistake: the catalogue's id of the mistake, or None.
        message: what to tell the learner; never an expected value.
    """

    question: str
    passed: bool
    mistake: str | None
    message: str
