"""Kept maps switched off by size: the right answer of exercise 08's ablation in parts, and its mistakes."""

import numpy as np

from autograder.questions.catalogue import Base, change
from autograder.questions.catalogue.operations import same, scaled

MAPS = 12
A_SIZE = 3  # kept maps of one height and width


def without_size(outputs, size):
    """The twelve maps, those of one size as zeros; 0 is the largest."""
    first = A_SIZE * size
    return [np.zeros_like(y) if first <= i < first + A_SIZE else y for i, y in enumerate(outputs)]


def switched_off(p, outputs, size):
    """Which of the maps are off, and what stands in their place."""
    kept = [p.nothing(y) if off else p.left(y) for y, off in p.marked(outputs, p.chosen(size))]
    return p.end(kept)


def _marked(outputs, numbers):
    return [(y, i in numbers) for i, y in enumerate(outputs)]


def _numbers(size):
    return tuple(range(A_SIZE * size, A_SIZE * (size + 1)))


def _moved(by):
    """The three that stand `by` places further on the list."""
    return lambda size: tuple(n + by for n in _numbers(size))


def _without(*left_out):
    """Of the three all but some."""
    return lambda size: tuple(n for i, n in enumerate(_numbers(size)) if i not in left_out)


ABLATION = Base(
    switched_off,
    {"chosen": _numbers, "marked": _marked, "nothing": np.zeros_like, "left": same, "end": same},
)

ABLATION_CHANGES = (
    change("off-by-level-made", chosen=_moved(1)),
    change("off-by-level-made-and-the-first", chosen=lambda size: (0, *_moved(1)(0)) if size == 0 else _moved(1)(size)),
    change("off-from-the-other-end", chosen=lambda size: _numbers(3 - size)),
    change("off-by-number", chosen=lambda size: (size,)),
    change("off-first-of-the-three", chosen=_without(1, 2)),
    change("off-last-of-the-three", chosen=_without(0, 1)),
    change("off-pairs-only", {"chosen": _without(0)}, {"chosen": _without(2)}),
    change("off-four-of-them", chosen=lambda size: (*_numbers(size), 3 * size + 3)),
    change("off-this-and-smaller", chosen=lambda size: tuple(range(3 * size, MAPS))),
    change("off-this-and-larger", chosen=lambda size: tuple(range(3 * size + 3))),
    change("off-all", chosen=lambda size: tuple(range(MAPS))),
    change("off-nothing", chosen=lambda size: ()),
    change("off-the-others", chosen=lambda size: tuple(n for n in range(MAPS) if n not in _numbers(size))),
    change("off-removed", end=lambda kept: [y for y in kept if y.any()]),
    change("off-to-ones", nothing=np.ones_like),
    change("off-to-one-zero", nothing=lambda y: np.float32(0)),
    change("off-halved", nothing=scaled(0.5)),
    change("off-turned-round", nothing=np.negative),
    change("off-reversed", end=lambda kept: kept[::-1]),
)
