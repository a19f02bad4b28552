"""Finds the known mistake, or the two, that explain a wrong answer.

Each mistake is worked out when it is first needed, and once, however many answers come. A glance, the first run of the
first case, rules most of them out.
"""

from dataclasses import replace
from functools import cached_property
from typing import Any

from autograder.exam.marking_mode import Mode
from autograder.exam.pairs import MistakePairs
from autograder.questions import Mistake
from autograder.questions.catalogue import Change, Evaluation, Form
from autograder.sitting.keras_settings import COURSE, under
from autograder.sitting.paper import Answer, CaseAnswer, Paper
from autograder.sitting.run import sit


class KnownMistakes:
    """The mistakes of one question on one paper.

    Args:
        mode: compares answers; it knows the question and the paper.
        device: where mistakes that are objects run, as Keras names it.
    """

    def __init__(self, mode: Mode, device: str = "cpu:0"):
        self._mode = mode
        evaluation = Evaluation(mode.question.base, mode.paper) if mode.question.base else None
        self._ways = [(m, _ways(m, evaluation, mode.paper, device)) for m in mode.question.mistakes]
        self._pairs = MistakePairs(mode, evaluation) if evaluation is not None and mode.combines else None

    def explain(self, answer: Answer) -> tuple[Mistake, ...]:
        """The first mistake that gives what `answer` gives, or else two that together do; empty if none are known."""
        error = answer.cases[0].error
        if error is not None and error.stage != "call":
            return ()  # no mistake of the catalogue fails before it runs
        with under(COURSE):  # whatever the learner set
            single = self._single(answer)
            if single is not None:
                return (single,)
            return (self._pairs.find(answer) if self._pairs else None) or ()

    def _single(self, answer: Answer) -> Mistake | None:
        for mistake, ways in self._ways:
            alike = (way for way in ways if self._mode.alike(answer.cases[0], way.glance))
            if any(self._mode.agree(answer, way.answer) for way in alike):
                return mistake
        return None


class _Changed:
    """A way to make a mistake: a base with something changed."""

    def __init__(self, evaluation: Evaluation, *forms: Form):
        self._evaluation, self._forms = evaluation, forms

    @cached_property
    def glance(self) -> CaseAnswer:
        return self._evaluation.glance(*self._forms)

    @cached_property
    def answer(self) -> Answer:
        return self._evaluation.answer(*self._forms)


class _Object:
    """A way to make a mistake: an object that sits the paper as a learner's does."""

    def __init__(self, paper: Paper, made: Any, device: str):
        self._paper, self._made, self._device = paper, made, device

    @cached_property
    def glance(self) -> CaseAnswer:
        return sit(replace(self._paper, cases=self._paper.cases[:1]), self._made, True, self._device).cases[0]

    @cached_property
    def answer(self) -> Answer:
        return sit(self._paper, self._made, device=self._device)


def _ways(mistake: Mistake, evaluation: Evaluation | None, paper: Paper, device: str) -> list[_Changed | _Object]:
    """All forms of a mistake, each with every right form of the rest."""
    change = mistake.answer
    if not isinstance(change, Change):
        return [_Object(paper, change, device)]
    if change.answer is not None:
        return [_Object(paper, change.answer, device)]
    if evaluation is None:
        raise ValueError(f"A question whose mistakes are changes must have a base. Received: {mistake.id} without one")
    variants: tuple[Form, ...] = ({}, *evaluation.base.variants)
    return [_Changed(evaluation, variant, form) for form in change.forms for variant in variants]
