"""What all stand-ins share: fixed numbers drawn from what they are, counts of uses, and a way to replace them.

Shapes: B batch, H W height and width, C channels, F features, K features of a stand-in's middle.
"""

import contextlib
import functools
import operator
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from autograder.sitting.trace import note

MIDDLE = 16  # K
ONE_THREAD = 250_000  # multiplications; OpenBLAS takes several threads from 262,144 on
_replacements: dict[str, Any] = {}
_uses: dict[int, int] | None = None
_called: list[str] | None = None


@contextlib.contextmanager
def replaced(**classes: Any) -> Iterator[None]:
    """Inside the `with` block the stand-ins named make layers of `classes` instead: `replaced(ResBlock=ResBlock)`."""
    unknown = set(classes) - {c.__name__ for c in StandIn.__subclasses__()}
    if unknown:
        raise ValueError(f"Only stand-ins can be replaced. Received: {sorted(unknown)}")
    before = dict(_replacements)
    _replacements.update(classes)
    try:
        yield
    finally:
        _replacements.clear()
        _replacements.update(before)


@contextlib.contextmanager
def counting_uses() -> Iterator[dict[int, int]]:
    """Inside the `with` block, one run of a model, every further use of the same block computes another function.

    Gives the counts, by the block's `id`.
    """
    global _uses
    before, _uses = _uses, {}
    try:
        yield _uses
    finally:
        _uses = before


@contextlib.contextmanager
def recording_calls() -> Iterator[list[str]]:
    """Gives a list that holds, in order, the name of every stand-in that is called inside the `with` block."""
    global _called
    before, _called = _called, []
    try:
        yield _called
    finally:
        _called = before


def note_call(name: str) -> None:
    """Adds a stand-in's name to the list that `recording_calls` gave, if there is one."""
    if _called is not None:
        _called.append(name)


def how_far(called: Iterable[str]) -> str:
    """How many blocks of each kind were called, in words: `(after 1 PaddedConv2D, 2 ResBlock)`; "" for none."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(Counter(called).items()))
    return f"(after {counts})" if counts else ""


class StandIn(keras.layers.Layer):
    """What all stand-ins share: they can be replaced, and have fixed numbers drawn from what they are."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__name__ in _replacements and cls.__bases__ == (StandIn,):
            return _replacements[cls.__name__](*args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self.check(inputs)
        result = super().__call__(inputs, *args, **kwargs)
        note_call(type(self).__name__)
        if not isinstance(result, keras.KerasTensor):
            note(result)  # it may have been computed in NumPy
        return result

    def check(self, inputs: Any) -> None:
        """Whether the block can be called on `inputs`, as far as their shapes tell.

        Raises:
            ValueError: if it cannot.
        """

    def _mix(self, x, width, extra=None):
        """`(B, H, W, C)` to `(B, H, W, width)`: the channels rearranged, plus a bounded mixture of all of them and of
        `extra` `(B, K)`. The signal's size grows like the square root of the depth, as behind real shortcuts.
        """
        math, (_, height, width_, channels), tag = math_of(x), x.shape, f"{self._tag()} {x.shape[-1]}"
        middle = product(math.reshape(x, (-1, channels)), matrix(f"{tag} in", channels, MIDDLE))  # (B·H·W, K)
        if extra is not None:
            middle = math.reshape(middle, (-1, height * width_, MIDDLE)) + extra[:, None]
            middle = math.reshape(middle, (-1, MIDDLE))
        mixed = product(math.tanh(middle), matrix(f"{tag} out", MIDDLE, width))
        moved = math.take(x, _order(f"{tag} order", channels, width), axis=-1)
        return moved + math.reshape(mixed, (-1, height, width_, width))

    def _read(self, x, name):
        """`(.., F)` to `(B, K)`: a bounded mixture of the features, and the mean over all but batch and features."""
        math, features, between = math_of(x), x.shape[-1], int(np.prod(x.shape[1:-1]))
        reader = matrix(f"{self._tag()} {name} {features}", features, MIDDLE)
        mixed = math.tanh(product(math.reshape(x, (-1, features)), reader))
        return math.mean(math.reshape(mixed, (-1, between, MIDDLE)), axis=1)

    def _tag(self) -> str:
        """What the fixed numbers are drawn from: name and arguments, and how often it was used before in this run."""
        again = 0 if _uses is None else _uses.get(id(self), 0)
        return f"{type(self).__name__} {self.arguments} {again}"

    def _used(self) -> None:
        if _uses is not None:
            _uses[id(self)] = _uses.get(id(self), 0) + 1


def whole(name: str, value: Any) -> int:
    """A width or a count as an int, of any integer type.

    Raises:
        TypeError: for anything else, 4.0 too: Keras' own layers make no shapes of it.
    """
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"`{name}` must be a whole number. Received: {value!r}, a {type(value).__name__}") from error


def side(name: str, value: Any) -> int:
    """One number for height and width, given as itself or, as Keras takes it too, as a pair: 3 or (3, 3).

    Raises:
        TypeError: if it holds no whole numbers.
        ValueError: if it is no pair of equal ones.
    """
    if not isinstance(value, (list, tuple)):
        return whole(name, value)
    sides = {whole(name, part) for part in value}
    if len(value) != 2 or len(sides) != 1:
        raise ValueError(f"`{name}` must be one whole number, or two that are equal. Received: {value!r}")
    return sides.pop()


def as_numpy(inputs: Any) -> Any:
    """Tensors as NumPy arrays where they hold numbers, since a run is then ten times as fast; else as they are."""
    try:
        return keras.tree.map_structure(ops.convert_to_numpy, inputs)
    except Exception:  # a backend is tracing; each has an error of its own for that
        return inputs


def math_of(x: Any) -> Any:
    return np if isinstance(x, np.ndarray) else ops


@functools.lru_cache(maxsize=1000)
def _order(tag: str, channels: int, width: int) -> np.ndarray:
    """Which channel of the input each of the output's is made of: all in a fixed order, again from the start if few."""
    rng = np.random.default_rng(zlib.crc32(tag.encode()))
    return (rng.permutation(max(channels, width)) % channels)[:width].astype("int32")


@functools.lru_cache(maxsize=1000)
def matrix(tag: str, rows: int, columns: int) -> np.ndarray:
    """A fixed matrix that keeps a signal's variance, drawn from its tag."""
    rng = np.random.default_rng(zlib.crc32(tag.encode()))
    return (rng.standard_normal((rows, columns)) / rows**0.5).astype("float32")


def product(x, kernel):
    """`(R, F) @ (F, G)`, of arrays in slices of R so small that BLAS does not spread them over threads: on a computer
    whose cores are busy, waiting for a second thread takes far longer than the product.
    """
    slices = -(-x.shape[0] * kernel.size // ONE_THREAD) if isinstance(x, np.ndarray) else 1
    if slices <= 1:
        return math_of(x).matmul(x, kernel)
    return np.concatenate([part @ kernel for part in np.array_split(x, slices)])


def windows(x, pattern, kernel_size, padding, strides):
    """Each pixel as a sum over its neighbours, weighted by `pattern`, in every channel alike."""
    around = (padding, padding)
    x = math_of(x).pad(x, ((0, 0), around, around, (0, 0)))
    height, width = ((side - kernel_size) // strides + 1 for side in x.shape[1:3])
    last_y, last_x = strides * (height - 1) + 1, strides * (width - 1) + 1
    corners = [(i, j) for i in range(kernel_size) for j in range(kernel_size)]
    parts = (x[:, i : i + last_y : strides, j : j + last_x : strides] for i, j in corners)
    return ops.convert_to_tensor(sum(part * weight for part, weight in zip(parts, pattern, strict=True)))
