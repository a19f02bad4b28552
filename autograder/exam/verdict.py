"""What marking decides about one question."""

from dataclasses import asdict, dataclass
from typing import Any

from autograder.sitting.missing_answer import MissingAnswer

CHECK_FAILED = "CheckFailed"
NOT_RUN = "NotRun"
TIME_LIMIT = "TimeLimit"
STOPPED = "Stopped"
SAY_ENOUGH = (CHECK_FAILED, MissingAnswer.__name__)  # errors of a check whose text needs no name before it


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
        error: why there are no points: `CHECK_FAILED`, or where there was nothing to mark, `NOT_RUN`, `TIME_LIMIT` or
            `STOPPED`. The notebook shows the message under this name.
    """

    question: str
    passed: bool
    mistake: str | None
    message: str
    mistakes: tuple[str, ...] = ()
    stage: str | None = None
    error: str = CHECK_FAILED

    @property
    def text(self) -> str:
        """The message, and in a last line what was found: `Mistake: <id>`, or `Mistake: <id>, <id>`."""
        return self.message + (f"\nMistake: {', '.join(self.mistakes)}" if self.mistakes else "")

    def as_json(self) -> dict[str, Any]:
        """The verdict as it is kept on disk; `from_json` makes it again."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Verdict":
        return cls(**kept | {"mistakes": tuple(kept["mistakes"])})


def unmarked(question: str, message: str, error: str = CHECK_FAILED) -> Verdict:
    """The verdict on a question that has no answer to mark."""
    return Verdict(question, False, None, message, error=error)
