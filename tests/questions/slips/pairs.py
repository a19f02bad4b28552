"""Answers with two slips, and what marking says of them, judged without a base."""

import random
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

import numpy as np

from autograder.sitting.paper import BASE
from autograder.sitting.run import sit
from tests.questions.slips import answer_with, slips_of, solution_cells

OUTCOMES = ("whole", "in part", "by stage", "not at all")
HIDDEN = "one hides the other"
CANCELLED = "right together"  # each takes back what the other does
KERAS_NUMBER = re.compile(r"(?<=[a-z])_\d+(?=['\"])")  # Keras counts the layers of a process: 'dense_12'


@dataclass(frozen=True)
class SlipPair:
    """Two slips of one question, composed in its solution's source."""

    question: object
    ids: tuple[str, str]
    slips: tuple[list[str], list[str]]

    @property
    def parts(self):
        """Both as one slip, the one with the wider place first: the other is then put in within it, not around it."""
        one, other = self.slips
        return [*other, *one] if _is_within(one, other) else [*one, *other]

    @property
    def answer(self):
        return answer_with(self.question, self.parts)


def _is_within(slip, other):
    """Whether a place of the first slip is a part of a place of the second."""
    return any(place != wider and place in wider for place in slip[::2] for wider in other[::2])


def composes(question, one, other):
    """Whether both can be put in, either first: each finds its place, and none changes what the other put there."""
    source = "\n".join(solution_cells(question.exercise).values())
    return all(_second_is_untouched(source, *order) for order in ((one, other), (other, one)))


def _second_is_untouched(source, first, second):
    for old, new in zip(first[::2], first[1::2], strict=True):
        if old not in source or any(place in new and place not in old for place in second[::2]):
            return False
        source = source.replace(old, new)
    return all(old in source for old in second[::2])


def random_pairs(question, count, seed):
    """`count` pairs of slips, or as many as there are."""
    slips = [(name, slip) for name, slip in slips_of(question) if not isinstance(slip, str)]
    both = [(a, b) for i, a in enumerate(slips) for b in slips[i + 1 :] if a[0] != b[0]]
    random.Random(seed).shuffle(both)
    found = (
        SlipPair(question, (a, b), (mine, theirs))
        for (a, mine), (b, theirs) in both
        if composes(question, mine, theirs)
    )
    return [pair for pair, _ in zip(found, range(count), strict=False)]


def outcome(marker, pair):
    """What marking makes of a pair: one of `OUTCOMES`, `HIDDEN` or `CANCELLED`."""
    answer = sit(marker.paper, pair.answer)
    verdict = marker.mark(answer)
    if verdict.passed:
        assert same(answer, sit(marker.paper, answer_with(pair.question, []), base_only=True)), pair.ids
        return CANCELLED
    named = set(verdict.mistakes)
    if named == set(pair.ids):
        return "whole"
    if any(same(answer, sit(marker.paper, answer_with(pair.question, slip), base_only=True)) for slip in pair.slips):
        return HIDDEN
    if _compute_the_same(marker, pair, answer, verdict.mistakes):
        return "whole"
    if named & set(pair.ids):
        return "in part"
    return "by stage" if getattr(verdict, "stage", None) else "not at all"


def _compute_the_same(marker, pair, answer, ids):
    """Whether what was named, made of its own slips, gives the same numbers: other words for the same answer."""
    own = [[slip for name, slip in slips_of(pair.question) if name == id and isinstance(slip, list)] for id in ids]
    orders = (order for slips in product(*own) for order in permutations(slips))
    tried = (made for order in orders if _fit(pair.question, made := [part for slip in order for part in slip]))
    return bool(ids) and any(
        same(answer, sit(marker.paper, answer_with(pair.question, slip), base_only=True)) for slip in tried
    )


@cache
def _source(exercise):
    return "\n".join(solution_cells(exercise).values())


def _fit(question, slip):
    source = _source(question.exercise)
    for old, new in zip(slip[::2], slip[1::2], strict=True):
        if old not in source:
            return False
        source = source.replace(old, new)
    return True


def same(answer, other):
    """Whether the first runs of all cases give the same numbers or the same exceptions."""
    for mine, theirs in zip(answer.cases, other.cases, strict=True):
        if (mine.error is None) != (theirs.error is None):
            return False
        if mine.error is not None:
            if KERAS_NUMBER.sub("", mine.error.message) != KERAS_NUMBER.sub("", theirs.error.message):
                return False
        elif not _equal(mine.runs[BASE], theirs.runs[BASE]):
            return False
    return True


def _equal(outputs, others):
    pairs = zip(outputs, others, strict=False)
    return len(outputs) == len(others) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True) for a, b in pairs
    )


def table(outcomes):
    """The shares, in words; of the pairs of which both show."""
    counts = Counter(outcomes)
    shown = sum(counts[name] for name in OUTCOMES)
    shares = ", ".join(f"{name} {counts[name] / max(shown, 1):.0%}" for name in OUTCOMES)
    others = ", ".join(f"{counts[name]} more: {name}" for name in (HIDDEN, CANCELLED) if counts[name])
    return f"{shown} pairs of slips that both show: {shares}{f' ({others})' if others else ''}"


def share(outcomes, name="whole"):
    """Of the pairs of which both show."""
    shown = [outcome for outcome in outcomes if outcome in OUTCOMES]
    return sum(outcome == name for outcome in shown) / len(shown)


def record(told, seed):
    """What the instructors' page shows: by exercise, and in all, how many pairs there are and what each was told."""

    def counted(outcomes):
        counts = Counter(outcomes)
        return {"pairs": sum(counts[name] for name in OUTCOMES), **{name: counts[name] for name in OUTCOMES}}

    rows = [{"exercise": exercise, **counted(outcomes)} for exercise, outcomes in told.items()]
    everything = [outcome for outcomes in told.values() for outcome in outcomes]
    return {"seed": seed, **counted(everything), "hidden": Counter(everything)[HIDDEN], "rows": rows}
