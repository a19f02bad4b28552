"""Compares an answer with those of right objects, and a wrong one with those of known mistakes.

Right objects and mistakes sit the same paper as the learner's, by the same code.
"""

from autograder.exam.errors import remark_finding
from autograder.exam.known_mistakes import KnownMistakes
from autograder.exam.marking_mode import Mode
from autograder.exam.messages import Reason, explain, untouched
from autograder.exam.noise import Noise
from autograder.exam.scalars import Integer, Scalar
from autograder.exam.stages import Stage
from autograder.exam.tensors import Close
from autograder.exam.verdict import Verdict
from autograder.questions import Question
from autograder.sitting.keras_settings import COURSE, under
from autograder.sitting.paper import Answer, Paper
from autograder.sitting.run import sit

MODES: dict[str, type[Mode]] = {"close": Close, "scalar": Scalar, "integer": Integer, "noise": Noise}


class AcceptedAnswerFailed(RuntimeError):
    """An accepted answer raised: the course's own error or one of this installation, never the learner's."""


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
        """What the accepted object number `index` gives.

        Raises:
            AcceptedAnswerFailed: if it raises; that is not kept.
        """
        if index not in self._right:
            answer = self._sit(self.paper, self.question.accepted[index])
            errors = [case.error for case in answer.cases if case.error is not None]
            if errors:
                raise AcceptedAnswerFailed(
                    f"{self.question.id} cannot be marked here: an answer of the course's own must run. No fault "
                    f"of yours: please report it. Received: {errors[0].kind}: {errors[0].message}"
                )
            self._right[index] = answer
        return self._right[index]

    def _sit(self, paper: Paper, trusted: object) -> Answer:
        """Runs an object of the course's own, under the course's settings whatever the learner set."""
        with under(COURSE):
            return sit(paper, trusted, device=self._device)

    def mark(self, answer: Answer) -> Verdict:
        """The verdict on `answer`: it passes if it agrees with any accepted variant on every case."""
        if self.passes(answer):
            message = f"{self.question.id}: right ({len(self.paper.cases)} cases tried)."
            return Verdict(self.question.id, True, None, message)
        cause = "" if untouched(answer) else self._setting(answer) or remark_finding(answer)
        known = () if cause or untouched(answer) else self._mistakes.explain(answer)
        stage = None if known or cause or untouched(answer) else self._stage(answer)
        message = explain(self.mode, answer, self.right(), Reason(known, cause, stage))
        ids = tuple(mistake.id for mistake in known)
        return Verdict(self.question.id, False, ids[0] if ids else None, message, ids, stage.part if stage else None)

    def _stage(self, answer: Answer) -> Stage | None:
        """The first stage that is wrong, if the first case is: its run alone has notes."""
        first = [self.right(i).cases[0] for i in range(len(self.question.accepted))]
        if any(self.mode.alike(answer.cases[0], right) for right in first):
            return None
        return self._mistakes.first_missing_stage(answer)

    def passes(self, answer: Answer) -> bool:
        """Whether `answer` is right, without what it takes to say why not."""
        return any(self.mode.agree(answer, self.right(i)) for i in range(len(self.question.accepted)))

    def _setting(self, answer: Answer) -> str:
        """The learner's settings as the cause, in words, if under them not even the accepted answer is right."""
        if answer.settings == COURSE:
            return ""
        with under(answer.settings):
            ours = sit(self.paper, self.question.accepted[0], device=self._device)
        if self.passes(ours):
            return ""
        return (
            f"This was set: {' and '.join(answer.settings.changed())}. Under it not even an accepted answer gives what "
            "is expected here. Set it back, run the cells from there on again, and check again."
        )


def mark(question: Question, paper: Paper, answer: Answer) -> Verdict:
    """Marks one answer. For many answers to one paper keep a `Marker`."""
    return Marker(question, paper).mark(answer)
