"""Finds the known mistake, or the two, that explain a wrong answer.

Each mistake is worked out when it is first needed, and once, however many answers come. A glance, the first run of the
first case, rules most of them out.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

from autograder.exam.fresh_noise import DrawnAnew
from autograder.exam.marking_mode import Mode
from autograder.exam.noise_pairs import NoisePairs
from autograder.exam.pairs import MistakePairs
from autograder.exam.stages import Stage, Stages
from autograder.questions import Mistake
from autograder.questions.catalogue import Change, Evaluation, Form
from autograder.sitting.keras_settings import COURSE, under
from autograder.sitting.paper import Answer, CaseAnswer
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
        self._ways = [(m, _ways(m, evaluation, mode, device)) for m in mode.question.mistakes]
        self._pairs: MistakePairs | NoisePairs | None = None
        if evaluation is not None:
            self._pairs = (MistakePairs if mode.combines else NoisePairs)(mode, evaluation)
        self._stages = Stages(evaluation) if evaluation is not None and mode.combines else None

    def explain(self, answer: Answer) -> tuple[Mistake, ...]:
        """The first mistake that gives what `answer` gives, or else two that together do; empty if none are known."""
        error = answer.cases[0].error
        if error is not None and error.stage != "call":
            return ()  # no mistake of the catalogue fails before it runs
        with under(COURSE):  # whatever the learner set
            single = self._single(answer)
            if single is not None:
                return (single,)
            return self._pairs.find(answer) if self._pairs else ()

    def first_missing_stage(self, answer: Answer) -> Stage | None:
        """How far an answer agrees with the base that nothing known explains, as far as its notes tell."""
        return self._stages.first_missing(answer.cases[0].notes) if self._stages else None

    def _single(self, answer: Answer) -> Mistake | None:
        for mistake, ways in self._ways:
            if any(way.explains(answer) for way in ways):
                return mistake
        return None


class _Way(Protocol):
    """A way to make a mistake."""

    def explains(self, answer: Answer) -> bool:
        """Whether this way gives what `answer` gives."""


class _Steady(ABC):
    """A way that gives the same each time."""

    def __init__(self, mode: Mode):
        self._mode = mode

    @property
    @abstractmethod
    def glance(self) -> CaseAnswer:
        """What it gives in the first run of the first case."""

    @property
    @abstractmethod
    def answer(self) -> Answer:
        """What it gives on the whole paper."""

    def explains(self, answer: Answer) -> bool:
        return self._mode.alike(answer.cases[0], self.glance) and self._mode.agree(answer, self.answer)


class _Changed(_Steady):
    """A base with something changed."""

    def __init__(self, mode: Mode, evaluation: Evaluation, *forms: Form):
        super().__init__(mode)
        self._evaluation, self._forms = evaluation, forms

    @cached_property
    def glance(self) -> CaseAnswer:
        return self._evaluation.glance(*self._forms)

    @cached_property
    def answer(self) -> Answer:
        return self._evaluation.answer(*self._forms)


class _Object(_Steady):
    """An object that sits the paper as a learner's does."""

    def __init__(self, mode: Mode, made: Any, device: str):
        super().__init__(mode)
        self._made, self._device = made, device

    @cached_property
    def glance(self) -> CaseAnswer:
        paper = replace(self._mode.paper, cases=self._mode.paper.cases[:1])
        return sit(paper, self._made, True, self._device).cases[0]

    @cached_property
    def answer(self) -> Answer:
        return sit(self._mode.paper, self._made, device=self._device)


def _ways(mistake: Mistake, evaluation: Evaluation | None, mode: Mode, device: str) -> Sequence[_Way]:
    """All forms of a mistake, each with every right form of the rest."""
    change = mistake.answer
    if not isinstance(change, Change):
        return [_Object(mode, change, device)]
    if change.answer is not None:
        return [_Object(mode, change.answer, device)]
    if evaluation is None:
        raise ValueError(f"A question whose mistakes are changes must have a base. Received: {mistake.id} without one")
    if change.noise is not None:
        return [DrawnAnew(evaluation, change.noise)]
    variants: tuple[Form, ...] = ({}, *evaluation.base.variants)
    return [_Changed(mode, evaluation, variant, form) for form in change.forms for variant in variants]
