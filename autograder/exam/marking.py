"""Compares an answer with those of right objects, and a wrong one with those of known mistakes.

Right objects and mistakes sit the same paper as the learner's, by the same code.
"""

from dataclasses import replace
from functools import cached_property

from autograder.exam.comparing import agree, outputs_agree
from autograder.exam.messages import explain, untouched
from autograder.exam.verdict import Verdict
from autograder.questions import Mistake, Question
from autograder.sitting.paper import Answer, CaseAnswer, Paper
from autograder.sitting.run import sit


class Marker:
    """Marks the answers to one question on one paper.

    Right objects and known mistakes sit the paper when they are first needed, and once, however many answers come.

    Args:
        question: what was asked.
        paper: what the learners' objects were run on.
    """

    def __init__(self, question: Question, paper: Paper):
        self.question, self.paper = question, paper
        self._right: dict[int, Answer] = {}
        self._glance_paper = replace(paper, cases=paper.cases[:1])

    def right(self, index: int = 0) -> Answer:
        """What the accepted object number `index` gives."""
        if index not in self._right:
            self._right[index] = sit(self.paper, self.question.accepted[index])
        return self._right[index]

    @cached_property
    def glances(self) -> list[CaseAnswer]:
        """What each known mistake gives in the first run of the first case: enough to rule most of them out."""
        return [sit(self._glance_paper, m.answer, base_only=True).cases[0] for m in self.question.mistakes]

    def mark(self, answer: Answer) -> Verdict:
        """The verdict on `answer`: it passes if it agrees with any accepted variant on every case."""
        tolerance = self.question.tolerance
        if any(agree(answer, self.right(i), tolerance) for i in range(len(self.question.accepted))):
            message = f"{self.question.id}: right ({len(self.paper.cases)} sizes tried)."
            return Verdict(self.question.id, True, None, message)
        known = None if untouched(answer) else self._named(answer)
        message = explain(self.question, self.paper, answer, self.right(), known)
        return Verdict(self.question.id, False, known.id if known else None, message)

    def _named(self, answer: Answer) -> Mistake | None:
        tolerance = self.question.tolerance
        error = answer.cases[0].error
        if error is not None and error.stage != "call":
            return None  # no mistake of the catalogue fails before it runs
        for mistake, glance in zip(self.question.mistakes, self.glances, strict=True):
            alike = outputs_agree(answer.cases[0], glance, tolerance)
            if alike and agree(answer, sit(self.paper, mistake.answer), tolerance):
                return mistake
        return None


def mark(question: Question, paper: Paper, answer: Answer) -> Verdict:
    """Marks one answer. For many answers to one paper keep a `Marker`."""
    return Marker(question, paper).mark(answer)
