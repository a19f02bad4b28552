"""What marking decides about one question."""

from dataclasses import asdict, dataclass
from typing import Any

CHECK_FAILED = "CheckFailed"
NOT_RUN = "NotRun"
TIME_LIMIT = "TimeLimit"
STOPPED = "Stopped"
MISSING_ANSWER = "MissingAnswer"  # the name of the sitting's exception: to import it would load Keras
SAY_ENOUGH = (CHECK_FAILED, MISSING_ANSWER)  # errors of a check whose text needs no name before it


@dataclass(frozen=True)
class Verdict:
    """The outcome of one question.

    Args:
        question: the question's id.
        passed: whether the answer is right, which gives all points.
        mistake: the catalogue's id of the mistake, of two the first, or None.
        message: what to tell the learner; never an expected value.
        mistakes: the ids of all mistakes that were found: none, one, or two at once.
        stage: where nothing known explains the answer, the part of a right one that it never reaches, if that shows.
        error: why there are no points: `CHECK_FAILED`, or where there was nothing to mark, `NOT_RUN`, `TIME_LIMIT` or
            `STOPPED`. The notebook shows the message under this name.
        points: what an answer that is not right gets all the same, by its question's settings; None for nothing.
        helped: the questions whose right objects stood in the place of the learner's own; without them it is not right.
    """

    question: str
    passed: bool
    mistake: str | None
    message: str
    mistakes: tuple[str, ...] = ()
    stage: str | None = None
    error: str = CHECK_FAILED
    points: int | None = None
    helped: tuple[str, ...] = ()

    def earned(self, of: float) -> float:
        """The points of a question that gives `of`."""
        return of if self.passed else float(min(self.points or 0, of))

    @property
    def alone(self) -> bool:
        """Whether the answer is right with the learner's own helpers."""
        return self.passed and not self.helped

    @property
    def text(self) -> str:
        """The message, and in a last line what was found: `Mistake: <id>`, or `Mistake: <id>, <id>`."""
        return self.message + (f"\nMistake: {', '.join(self.mistakes)}" if self.mistakes else "")

    def as_json(self) -> dict[str, Any]:
        """The verdict as it is kept on disk; `from_json` makes it again."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Verdict":
        return cls(**kept | {"mistakes": tuple(kept["mistakes"]), "helped": tuple(kept.get("helped", ()))})


def unmarked(question: str, message: str, error: str = CHECK_FAILED) -> Verdict:
    """The verdict on a question that has no answer to mark."""
    return Verdict(question, False, None, message, error=error)
