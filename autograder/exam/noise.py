"""Marking mode "noise": normally distributed random numbers of any generator, marked by what noise must be like.

The last argument of each case is the seed. Cases with equal arguments must give equal numbers; cases that differ in
the seed alone, numbers that have nothing to do with each other. Bounds are `SIGMAS` standard errors of what is
measured, so that a right answer is refused less than once in a million papers.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from autograder.exam.errors import error_finding
from autograder.exam.marking_mode import Mode, outputs_text
from autograder.exam.tensors import shape_finding
from autograder.sitting.paper import BASE, Answer, CaseAnswer

SIGMAS = 6
BLOCK = 8192  # numbers
FEW = 4  # lags that are each taken by itself
AXES = ("batch items", "rows", "columns", "channels")


class Failure(NamedTuple):
    """One property of noise that an answer lacks: its name, the case that shows it, and how to say it."""

    name: str
    case: int
    text: str


class Noise(Mode):
    """Shape, dtype, mean, spread, distribution, independence, and what the seed does."""

    combines = False

    def agree(self, answer: Answer, other: Answer) -> bool:
        """Two answers are the same if they lack the same properties, in the same shapes with the same statistics."""
        if not all(map(self.alike, answer.cases, other.cases)):  # the quicker question first
            return False
        mine, theirs = self._failures(answer, other), self._failures(other, other)
        return {failure.name for failure in mine} == {failure.name for failure in theirs}

    def alike(self, mine: CaseAnswer, theirs: CaseAnswer) -> bool:
        if mine.error or theirs.error:
            return False
        received, expected = mine.runs[BASE], theirs.runs[BASE]
        if [(r.shape, r.dtype) for r in received] != [(e.shape, e.dtype) for e in expected]:
            return False
        return all(_same_statistics(r, e) for r, e in zip(received, expected, strict=True))

    def first_finding(self, answer: Answer, right: Answer) -> tuple[int, str]:
        failures = self._failures(answer, right)
        return failures[0][1:] if failures else (0, "The numbers are not what is expected.")

    def expected(self, right: CaseAnswer) -> str:
        return f"{outputs_text(right.runs[BASE])}, normally distributed with mean 0 and standard deviation 1"

    def received(self, case: CaseAnswer, right: CaseAnswer) -> str:
        outputs = case.runs[BASE]
        text = outputs_text(outputs)
        if len(outputs) == 1 and outputs[0].dtype.kind in "fiu" and np.isfinite(outputs[0]).any():
            values = outputs[0].astype("float64")
            values = values[np.isfinite(values)]
            text += f", mean {values.mean():.3g}, standard deviation {values.std():.3g}"
        return text

    def _failures(self, answer: Answer, right: Answer) -> list[Failure]:
        """The properties that the answer lacks, the most basic first. `right` gives the shapes."""
        failures = []
        for index, (mine, theirs) in enumerate(zip(answer.cases, right.cases, strict=True)):
            failures += [Failure(name, index, text) for name, text in _case_failures(mine, theirs)]
        return failures or self._seed_failures(answer)

    def _seed_failures(self, answer: Answer) -> list[Failure]:
        failures = []
        arguments = [case.arguments for case in self.paper.cases]
        arrays = [case.runs[BASE][0] for case in answer.cases]
        for i, j in combinations(range(len(arrays)), 2):
            if arrays[i].shape != arrays[j].shape:
                continue
            if arguments[i] == arguments[j]:
                if not np.array_equal(arrays[i], arrays[j]):
                    failures.append(Failure("repeat", j, "The same seed gave other numbers when it was used again."))
            elif arguments[i][:-1] == arguments[j][:-1] and np.array_equal(arrays[i], arrays[j]):
                failures.append(Failure("seed", j, "Two different seeds gave the same numbers."))
            elif abs(correlation(arrays[i], arrays[j])) > SIGMAS / arrays[i].size ** 0.5:
                text = "The numbers of two different seeds have something in common (they are correlated)."
                failures.append(Failure("seed-correlated", j, text))
        return failures


def _case_failures(mine: CaseAnswer, theirs: CaseAnswer) -> list[tuple[str, str]]:
    """What is wrong with the numbers of one case, taken by themselves."""
    if mine.error is not None:
        return [("error", error_finding(mine.error))]
    received, expected = mine.runs[BASE], theirs.runs.get(BASE, [])
    if len(received) != 1:
        return [("outputs", f"{len(received)} outputs were returned where one is expected.")]
    noise = received[0]
    if expected and noise.shape != expected[0].shape:
        return [("shape", shape_finding(noise.shape, expected[0].shape))]
    if noise.dtype != np.float32:
        return [("dtype", f"The dtype is {noise.dtype} where float32 is expected.")]
    if not np.isfinite(noise).all():
        return [("finite", f"{np.size(noise) - np.isfinite(noise).sum()} of {noise.size} values are NaN or infinite.")]
    return _statistics_failures(noise) + _correlation_failures(noise)


def _statistics_failures(noise: np.ndarray) -> list[tuple[str, str]]:
    failures = []
    root, (mean, spread, kurtosis) = noise.size**0.5, moments(noise)
    if abs(mean) > SIGMAS / root:
        failures.append(("mean", f"The mean is {mean:.3g} where 0 is expected."))
    if abs(spread - 1) > SIGMAS / 2**0.5 / root:
        failures.append(("spread", f"The standard deviation is {spread:.3g} where 1 is expected."))
    if not failures and abs(kurtosis - 3) > SIGMAS * 24**0.5 / root:
        text = "Mean and standard deviation are right, but the numbers are not normally distributed"
        shape = "too few" if kurtosis < 3 else "too many"
        failures.append(("distribution", f"{text}: there are {shape} that are far from 0."))
    return failures


def _correlation_failures(noise: np.ndarray) -> list[tuple[str, str]]:
    """Where numbers that should be independent go together: at any distance along any axis."""
    failures = []
    for axis in range(noise.ndim):
        moved = np.moveaxis(noise, axis, 0)
        lags = np.arange(1, len(moved))
        sizes = (len(moved) - lags) * moved[0].size
        beyond = lags[np.abs(_autocorrelation(moved)) > SIGMAS / sizes**0.5]
        if len(beyond):
            name = AXES[axis] if noise.ndim == len(AXES) else f"positions along axis {axis}"
            equal = np.array_equal(moved[: -beyond[0]], moved[beyond[0] :])
            how = "are equal" if equal else "go together (they are correlated)"
            failures.append((f"correlated-{axis}", f"The numbers of different {name} {how}; each must be its own."))
    return failures


def _autocorrelation(values: np.ndarray) -> np.ndarray:
    """`correlation(values[:-lag], values[lag:])` of all lags from 1 on. Many lags at once, by Fourier transforms, whose
    time grows as that of a few. (Products of matrices are quicker still, until they wait for each other's threads.)

    Args:
        values: array `(n, ...)`.

    Returns:
        Array `(n - 1,)`.
    """
    n = len(values)
    if n <= FEW:
        return np.array([correlation(values[:-lag], values[lag:]) for lag in range(1, n)])
    rows = values.reshape(n, -1)
    power, energy = np.zeros(n + 1), np.zeros(n)
    width = max(BLOCK // n, 1)
    for start in range(0, rows.shape[1], width):
        part = rows[:, start : start + width].T.astype("float64", order="C")  # (width, n)
        spectrum = np.fft.rfft(part, 2 * n)  # padded with zeros: a lag does not come round to the start
        power += (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
        energy += (part**2).sum(axis=0)
    products, energy = np.fft.irfft(power, 2 * n)[1:n], np.cumsum(energy)
    scale = np.sqrt(energy[-2::-1] * (energy[-1] - energy[:-1]))  # of values[:-lag], of values[lag:]
    return np.divide(products, scale, out=np.zeros(n - 1), where=scale > 0)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The mean product over the mean square: as a correlation, of numbers whose mean is 0."""
    scale = (_product(one, one) * _product(other, other)) ** 0.5
    return _product(one, other) / scale if scale else 0.0


def _product(one: np.ndarray, other: np.ndarray) -> float:
    """The sum of the products, block by block."""
    return sum(float(np.dot(*pair)) for pair in zip(_blocks(one), _blocks(other), strict=True))


def _blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    """The numbers in double precision, a few at a time: copies of a large array take longer than its sums."""
    flat = values.reshape(-1)
    return (flat[start : start + BLOCK].astype("float64") for start in range(0, flat.size, BLOCK))


def moments(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, standard deviation, and kurtosis: the mean fourth power of the standardised values, 3 for a normal
    distribution and 1.8 for a uniform one.
    """
    size = max(values.size, 1)
    mean = sum(float(block.sum()) for block in _blocks(values)) / size
    second = fourth = 0.0
    for block in _blocks(values):
        squares = np.square(block - mean)
        second, fourth = second + float(squares.sum()), fourth + float(np.dot(squares, squares))
    variance = second / size
    return mean, variance**0.5, fourth / size / variance**2 if variance else 0.0


def _same_statistics(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of one shape could be drawn from the same distribution, by mean and spread."""
    if one.dtype.kind not in "fiu" or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    (mean, spread, _), (other_mean, other_spread, _) = moments(one), moments(other)
    bound = SIGMAS * (2 / max(one.size, 1)) ** 0.5 * max(spread, other_spread)
    return abs(mean - other_mean) <= bound and abs(spread - other_spread) <= bound
