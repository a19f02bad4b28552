"""What is kept of a glance where thousands are kept."""

from dataclasses import dataclass

import numpy as np

from autograder.sitting.paper import BASE, CaseAnswer, LearnerError
from autograder.sitting.sketch import sketch


@dataclass(frozen=True)
class Shadow:
    """The first run of a case: its error, or what its outputs are like.

    Args:
        error: if it failed.
        shapes: of the outputs.
        norms: of the outputs (L2).
        sketches: of the outputs, see `autograder.sitting.sketch`.
    """

    error: LearnerError | None
    shapes: tuple[tuple[int, ...], ...] = ()
    norms: tuple[float, ...] = ()
    sketches: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, case: CaseAnswer) -> "Shadow":
        if case.error is not None:
            return cls(case.error)
        outputs = [array for array in case.runs[BASE] if array.dtype.kind in "fiub"]  # others are never equal
        norms = tuple(float(np.sum(array.astype("float64") ** 2)) ** 0.5 for array in outputs)
        return cls(None, tuple(array.shape for array in outputs), norms, tuple(map(sketch, outputs)))

    def near(self, other: "Shadow", tolerance: float) -> bool:
        """Whether every output could be within `tolerance` (relative L2) of the other's: never a wrong no."""
        if self.error is not None or other.error is not None:
            return self.error is not None and other.error is not None
        if self.shapes != other.shapes:
            return False
        bounds = (1.01 * tolerance * (norm or 1.0) for norm in other.norms)
        return all(map(_within, self.sketches, other.sketches, bounds))


def _within(mine: tuple[float, ...], theirs: tuple[float, ...], bound: float) -> bool:
    return all(abs(a - b) <= bound for a, b in zip(mine, theirs, strict=True))
