"""A few numbers that stand for an array: so few that they can be kept or written down, and never wrong about a no."""

import functools

import numpy as np

NUMBERS = 8


def sketch(array: np.ndarray) -> tuple[float, ...]:
    """The array's products with `NUMBERS` fixed unit vectors at right angles to each other.

    Each vector covers a stretch of the flattened array, with random signs. So two arrays of one size are at least as
    far apart (L2) as their sketches, and what differs anywhere differs in a sketch, too.
    """
    flat = np.asarray(array, "float64").ravel()
    stretch = -(-flat.size // NUMBERS)
    padded = np.zeros(NUMBERS * max(stretch, 1))
    with np.errstate(invalid="ignore"):  # infinity and NaN stay what they are
        padded[: flat.size] = flat * _signs(flat.size)
        return tuple((padded.reshape(NUMBERS, -1).sum(axis=1) / max(stretch, 1) ** 0.5).tolist())


@functools.lru_cache(maxsize=64)
def _signs(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 2, size).astype("int8") * 2 - 1
