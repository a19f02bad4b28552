"""Finds two known mistakes that together explain an answer which no single one explains.

Some ten thousand pairs come into question, so the likeliest are tried first, a glance (the first run of the first case)
before a whole paper, and for one answer no longer than a budget. What a glance gave is kept as a few numbers: of the
next answer to the same paper, all pairs seen so far are asked in some milliseconds.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np

from autograder.exam.comparing import can_be_of_a_part, complains_alike
from autograder.exam.fresh_noise import DrawnAnew
from autograder.exam.marking_mode import Mode
from autograder.exam.notes import Made, Seen, arrays_in, can_be_seen
from autograder.exam.reach import first_missing, nodes_of, on_the_way, seen_nodes
from autograder.exam.shadow import Shadow
from autograder.questions import Mistake
from autograder.questions.catalogue import Change, Evaluation, Form, Pair, Replacements, pairs
from autograder.sitting.paper import BASE, Answer, CaseAnswer, LearnerError

SECONDS = 5.0  # of processor time, at most, for pairs that no answer has asked for yet
LIKE_ONE = (
    1000  # of features apart: a pair of which one change alone ends in the answer's kind of exception comes first
)
UNLIKELY = 0.3  # of that, for pairs of which the notes of the answer's run show nothing


class MistakePairs:
    """Every two changes of a question's base that compose, on one paper.

    Args:
        mode: compares answers; it knows the question and the paper.
        evaluation: of the question's base on the paper.
        seconds: of processor time that one answer may take.
    """

    def __init__(self, mode: Mode, evaluation: Evaluation, seconds: float = SECONDS):
        self._mode, self._evaluation, self._seconds = mode, evaluation, seconds
        self._mistakes = {id(m.answer): m for m in mode.question.mistakes if isinstance(m.answer, Change)}
        self._shadows: dict[int, Shadow] = {}  # by the number of the trial

    def find(self, answer: Answer) -> tuple[Mistake, ...]:
        """The likeliest pair that gives what `answer` gives; nothing if there is none, or none was found in time.

        What an exception alone says can be true of many pairs, of mistakes that nobody thought of, too: then none is
        named.
        """
        fitting = self._fitting(answer)
        if not all(case.error is not None for case in answer.cases):
            return next(fitting, None) or self._with_noise(answer) or ()
        return the_only_one(fitting)

    def _fitting(self, answer: Answer) -> Iterator[tuple[Mistake, Mistake]]:
        """The pairs that give what `answer` gives, the likeliest first, as many as are found in time."""
        start = time.process_time()
        case = answer.cases[0]
        if case.error is not None and not can_be_of_a_part(case.error):
            return
        mine, order, likely = Shadow.of(case), *self._likeliest_first(case)
        known = [number for number in order if number in self._shadows]
        for number in (*known, *(number for number in order if number not in self._shadows)):
            if time.process_time() - start > self._seconds * (1 if likely[number] else UNLIKELY):
                return
            if self._could_be(case, mine, self._shadow(number)) and self._explains(number, answer):
                pair, _ = self._trials[number]
                yield self._mistakes[id(pair.one)], self._mistakes[id(pair.other)]

    def _with_noise(self, answer: Answer) -> tuple[Mistake, Mistake] | None:
        """Noise that is drawn where none belongs, and one change besides."""
        noisy = [m for m in self._mode.question.mistakes if isinstance(m.answer, Change) and m.answer.noise is not None]
        for drawn in noisy:
            noise = drawn.answer.noise
            if noise.any_spread:
                continue  # beside some change, what is left of many a wrong answer looks like that
            taken = Replacements.of(noise.zeros, noise.ones).changed
            for change, form in self._of_changes:
                apart = taken.isdisjoint(Replacements.of(form).changed)
                if apart and DrawnAnew(self._evaluation, noise, form).explains(answer):
                    return drawn, self._mistakes[id(change)]
        return None

    @cached_property
    def _trials(self) -> list[tuple[Pair, Form]]:
        """Each pair with each right form of the rest; the plain base first."""
        both = list(pairs(tuple(m.answer for m in self._mistakes.values()), self._evaluation.base))
        return [(pair, variant) for variant in ({}, *self._evaluation.base.variants) for pair in both]

    @cached_property
    def _changed(self) -> np.ndarray:
        """How much each trial changes."""
        return np.array([pair.size for pair, _ in self._trials], int)

    def _shadow(self, number: int) -> Shadow:
        if number not in self._shadows:
            pair, variant = self._trials[number]
            self._shadows[number] = Shadow.of(self._evaluation.glance(variant, *pair.made, scratch=True))
        return self._shadows[number]

    def _could_be(self, case: CaseAnswer, mine: Shadow, theirs: Shadow) -> bool:
        if not mine.near(theirs, self._mode.question.tolerance):
            return False
        return theirs.error is None or self._mode.alike(case, CaseAnswer(error=theirs.error))

    def _explains(self, number: int, answer: Answer) -> bool:
        pair, variant = self._trials[number]
        glance = self._evaluation.glance(variant, *pair.made, scratch=True)
        if not self._mode.alike(answer.cases[0], glance):
            return False
        return self._mode.agree(answer, self._evaluation.answer(variant, *pair.made, scratch=True))

    # ------------------------------------------------------------------------------------------ which come first

    def _likeliest_first(self, case: CaseAnswer) -> tuple[list[int], np.ndarray]:
        """All trials in order, and by trial whether it is likely.

        Likely is a pair if the answer leaves the right way where the pair would, or if what one of its changes gives
        appears among the notes of the answer's run; without notes all are. Among the likely ones those of which both
        is true come first; then they are ordered by how far their weights and shapes are from the answer's, what two
        changes do to them being taken for the sum of what each does; and then by how much they change, the simplest
        explanation first. All that only sets the order.
        """
        first, second = self._members
        features, base = self._features
        apart = np.abs(features[first] + features[second] - base - _features(case, self._sizes)).sum(axis=1)
        if case.notes:
            seen = Seen(case.notes)
            shown = np.array([any(seen.find(made) is not None for made in own) for own in self._own], bool)
            marks = (shown[first] | shown[second]) + 1 * self._leaves_there(seen)[first, second]
        else:
            marks = np.ones(len(apart), int)
        if case.error is not None:
            alike = self._fails_alike(case.error)
            apart = apart - LIKE_ONE * (alike[first] | alike[second])
        order = np.lexsort((np.arange(len(apart)), self._changed, apart, -marks))
        return order.tolist(), marks > 0

    def _fails_alike(self, error: LearnerError) -> np.ndarray:
        """By form, whether it alone ends in an exception of this kind: beside another change its sizes are others."""
        errors = (self._evaluation.glance(form).error for form in self._forms)
        return np.array([theirs is not None and complains_alike(error, theirs) for theirs in errors], bool)

    def _leaves_there(self, seen: Seen) -> np.ndarray:
        """By two forms, whether together they would leave the right way where the answer does."""
        ways = [nodes_of(self._evaluation.steps(variant)) for variant in ({}, *self._evaluation.base.variants)]
        found = ([line is not None for line in seen_nodes(nodes, seen)] for nodes in ways)
        reached = max(first_missing(nodes, lines) for nodes, lines in zip(ways, found, strict=True))
        return np.minimum.outer(self._reach, self._reach) == reached

    @cached_property
    def _reach(self) -> np.ndarray:
        """Of each form, the first node of the right way that it alone does not pass."""
        nodes = nodes_of(self._evaluation.steps())
        given = [set(map(id, self._arrays(form))) for form in self._forms]
        return np.array(
            [first_missing(nodes, [all(id(a) in own for a in node.arrays) for node in nodes]) for own in given], int
        )

    @cached_property
    def _own(self) -> list[list[Made]]:
        """Of each form, what it gives on its way and the base does not: results that both have are one array."""
        base = set(map(id, self._arrays({})))
        return [[Made.of(array) for array in self._arrays(form) if id(array) not in base] for form in self._forms]

    def _arrays(self, form: Form) -> list[np.ndarray]:
        """What a form gives on its way to the result, as far as it would be noted: what comes to nothing in it, an
        answer need not make. The evaluation keeps the arrays: ids stay their own.
        """
        used = on_the_way(*self._evaluation.way(form))
        arrays = {id(array): array for step in used for array in arrays_in(step.value)}
        return [array for array in arrays.values() if can_be_seen(array)]

    @cached_property
    def _members(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows of `_features` that belong to each trial's two forms."""
        rows = {id(form): row for row, form in enumerate(self._forms)}
        numbers = np.array([[rows[id(form)] for form in pair.forms] for pair, _ in self._trials], int).reshape(-1, 2)
        return numbers[:, 0], numbers[:, 1]

    @cached_property
    def _forms(self) -> list[Form]:
        return [form for _, form in self._of_changes]

    @cached_property
    def _of_changes(self) -> list[tuple[Change, Form]]:
        """Each form with its change."""
        return [(mistake.answer, form) for mistake in self._mistakes.values() for form in mistake.answer.forms]

    @cached_property
    def _sizes(self) -> list[int]:
        """Sizes of weights that come up in the base or in a change of it."""
        glances = [self._evaluation.glance(), *map(self._evaluation.glance, self._forms)]
        return sorted({weight.size for glance in glances for weight in glance.weights})

    @cached_property
    def _features(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each form, and of the base."""
        base = _features(self._evaluation.glance(), self._sizes)
        return np.array([_features(self._evaluation.glance(form), self._sizes) for form in self._forms]), base


def _features(case: CaseAnswer, sizes: list[int]) -> np.ndarray:
    """Of an answer to one case: how many weights it has of each size, how many of others, whether it failed, and how
    large what it gave is.
    """
    counts = Counter(weight.size for weight in case.weights)
    others = sum(counts.values()) - sum(counts[size] for size in sizes)
    given = sum(output.size for output in case.runs.get(BASE, ()))
    return np.array([*(counts[size] for size in sizes), others, 10 * (case.error is not None), np.log1p(given)])


def the_only_one(pairs: Iterable[tuple[Mistake, Mistake]]) -> tuple[Mistake, ...]:
    """The pair that all of some pairs are, in any order; nothing if they are several."""
    only: tuple[Mistake, ...] = ()
    for pair in pairs:
        if only and {mistake.id for mistake in pair} != {mistake.id for mistake in only}:
            return ()
        only = only or pair
    return only
