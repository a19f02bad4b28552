"""What marking decides about one question."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The outcome of one question.

    Args:
        question: the question's id.
        passed: whether the answer is right. It is all or nothing: points are the gradebook's.
        mistake: the catalogue's id of the mistake, of two the first, or None.
        message: what to tell the learner; never an expected value.
        mistakes: the ids of all mistakes that were found: none, one, or two at once.
        stage: where nothing known explains the answer, the part of a right one that it never reaches, if that shows.
    """

    question: str
    passed: bool
    mistake: str | None
    message: str
    mistakes: tuple[str, ...] = ()
    stage: str | None = None

    @property
    def text(self) -> str:
        """The message, and in a last line what was found: `Mistake: <id>`, or `Mistake: <id>, <id>`."""
        return self.message + (f"\nMistake: {', '.join(self.mistakes)}" if self.mistakes else "")
