"""Compares an answer with those of right objects, and a wrong one with those of known mistakes.

Right objects and mistakes sit the same paper as the learner's, by the same code.
"""

from autograder.exam.close import Close
from autograder.exam.known_mistakes import KnownMistakes
from autograder.exam.messages import explain, untouched
from autograder.exam.modes import Mode
from autograder.exam.noise import Noise
from autograder.exam.scalars import Integer, Scalar
from autograder.exam.verdict import Verdict
from autograder.questions import Question
from autograder.sitting.paper import Answer, Paper
from autograder.sitting.run import sit

MODES: dict[str, type[Mode]] = {"close": Close, "scalar": Scalar, "integer": Integer, "noise": Noise}


class Marker:
    """Marks the answers to one question on one paper.

    Right objects and known mistakes sit the paper when they are first needed, and once, however many answers come.

    Args:
        question: what was asked.
        paper: what the learners' objects were run on.
        device: where right objects and known mistakes run, as Keras names it.

    Raises:
        ValueError: if the question's `marking` names no mode.
    """

    def __init__(self, question: Question, paper: Paper, device: str = "cpu:0"):
        if question.marking not in MODES:
            raise ValueError(f"`marking` must be one of {', '.join(MODES)}. Received: {question.marking!r}")
        self.mode = MODES[question.marking](question, paper)
        self.question, self.paper, self._device = question, paper, device
        self._right: dict[int, Answer] = {}
        self._mistakes = KnownMistakes(self.mode, device)

    def right(self, index: int = 0) -> Answer:
        """What the accepted object number `index` gives."""
        if index not in self._right:
            self._right[index] = sit(self.paper, self.question.accepted[index], device=self._device)
        return self._right[index]

    def mark(self, answer: Answer) -> Verdict:
        """The verdict on `answer`: it passes if it agrees with any accepted variant on every case."""
        if any(self.mode.agree(answer, self.right(i)) for i in range(len(self.question.accepted))):
            message = f"{self.question.id}: right ({len(self.paper.cases)} cases tried)."
            return Verdict(self.question.id, True, None, message)
        known = None if untouched(answer) else self._mistakes.name(answer)
        message = explain(self.mode, answer, self.right(), known)
        return Verdict(self.question.id, False, known.id if known else None, message)


def mark(question: Question, paper: Paper, answer: Answer) -> Verdict:
    """Marks one answer. For many answers to one paper keep a `Marker`."""
    return Marker(question, paper).mark(answer)
