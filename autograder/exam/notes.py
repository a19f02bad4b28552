"""Looks for arrays among the notes of an answer's run (see `autograder.sitting.trace`)."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from autograder.sitting.paper import Note
from autograder.sitting.trace import ORDER_FREE, summary

# By how much the numbers of a note may differ, in root mean squares: rounding stays below, an epsilon of 1e-3 above.
NEAR = np.array([2e-4] * 2 + [3e-4] * (ORDER_FREE - 2))
NEAR_SKETCH = 3e-4


class Made(NamedTuple):
    """What is looked for: an array's shape and its summary."""

    shape: tuple[int, ...]
    numbers: np.ndarray

    @classmethod
    def of(cls, array: np.ndarray) -> "Made":
        return cls(array.shape, np.array(summary(array)))


class Seen:
    """The notes of a run, by size."""

    def __init__(self, notes: list[Note]):
        by_size: dict[int, list[Note]] = {}
        for note in notes:
            by_size.setdefault(_size(note.shape), []).append(note)
        self._by_size = {n: (same, np.array([note.numbers for note in same])) for n, same in by_size.items()}

    def find_all(self, made: Iterable[Made]) -> str | None:
        """The line at which the last of several arrays appears ("" where it is not known); None if one is missing."""
        lines = [self.find(one) for one in made]
        return None if None in lines else lines[-1]

    def find(self, made: Made) -> str | None:
        """The line at which an array appears: the same numbers in the same order, or with the axes in another order."""
        notes, noted = self._by_size.get(_size(made.shape), ((), None))
        if noted is None:
            return None
        root = max(abs(made.numbers[1]), 1e-12)
        apart = np.abs(noted - made.numbers)  # (notes, numbers)
        scale = np.maximum(np.abs(made.numbers[:ORDER_FREE]), root)
        alike = (apart[:, :ORDER_FREE] <= NEAR * scale).all(axis=1)
        ordered = (apart[:, ORDER_FREE:] <= NEAR_SKETCH * root).all(axis=1)
        for index in np.flatnonzero(alike):
            if ordered[index] or _turned(made.shape, notes[index].shape):
                return notes[index].line
        return None


def can_be_seen(array: np.ndarray) -> bool:
    """Whether an array would be noted, and tells something: real numbers that are not all the same."""
    return array.dtype.kind == "f" and array.size > 1 and bool(np.isfinite(array).all() and np.ptp(array) > 0)


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """The arrays in a value, a list or a list of lists."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from arrays_in(part)


def _turned(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return shape != other and sorted(shape) == sorted(other)


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
