"""What parts are made of: functions of arrays, and operations with weights. NumPy only, small, eager.

Keras is not used, so that neither the reference nor a global setting of a learner's can reach a base.

Shapes: B batch, H W height and width, C channels, F features.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

# Creates or finds a weight of the part: `weights("kernel", (3, 3, C, F))`.
Weights = Callable[..., np.ndarray]
# A number, the name of an input, argument or part that is one, or a function of all values by name.
Number = int | str | Callable[[Mapping[str, Any]], int]

ONE_THREAD = 250_000  # multiplications; OpenBLAS takes several threads from 262,144 on
BLOCK = 100 * ONE_THREAD  # multiplications whose slices are added up at once


class Refused(ValueError):
    """Raised by what a learner calls, too: theirs is the same mistake if it has the same words."""


# ------------------------------------------------------------------------------------------------- without weights


def same(x, *_):
    """Nothing happens: the first tensor as it is."""
    return x


first = same


def second(_, y, *__):
    return y


def add(*tensors):
    return sum(tensors[1:], tensors[0])


def subtract(x, y):
    return x - y


def subtract_from(x, y):
    return y - x


def multiply(x, y):
    return x * y


def divide(x, y):
    return x / y


def average(x, y):
    return (x + y) / 2


def concatenate(x, y):
    return np.concatenate([x, y], axis=-1)


def stretched_concatenate(x, y):
    """The two side by side, after each was repeated along the axes that the other one has."""
    *shape, _ = np.broadcast_shapes((*x.shape[:-1], 1), (*y.shape[:-1], 1))
    return concatenate(*(np.broadcast_to(t, (*shape, t.shape[-1])) for t in (x, y)))


def default(value: Any) -> Callable:
    """An argument as it was given, or `value` if it was not."""
    return lambda given: value if given is None else given


def required(given):
    """An argument without a default.

    Raises:
        TypeError: if it was not given.
    """
    if given is None:
        raise TypeError("the argument must be given")
    return given


def scaled(factor: float) -> Callable:
    """`factor` times a tensor."""
    return lambda x: x * np.float32(factor)


def root(share):
    """What multiplies a signal whose share of variance is `share`. Source: Ho et al. (2020), equation 4."""
    return float(np.sqrt(share))


def rest_root(share):
    """What multiplies the noise beside a signal whose share of variance is `share`."""
    return float(np.sqrt(1 - share))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    """x · sigmoid(x), called swish too."""
    return x * sigmoid(x)


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x):
    """With Keras' slope of 0.2 (`ops.leaky_relu`)."""
    return np.where(x > 0, x, np.float32(0.2) * x)


def tanh(x):
    return np.tanh(x)


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def softplus(x):
    return np.logaddexp(x, np.float32(0))


def hard_silu(x):
    return x * np.clip(x / 6 + np.float32(0.5), 0, 1)


def mish(x):
    return x * np.tanh(softplus(x))


def gelu_tanh(x):
    """GELU in its tanh form. Source: Hendrycks and Gimpel, Gaussian Error Linear Units, section 2."""
    return x / 2 * (1 + np.tanh(np.float32((2 / math.pi) ** 0.5) * (x + np.float32(0.044715) * x * x * x)))


def gelu_exact(x):
    """x · Φ(x), the standard normal's distribution function."""
    return (x / 2 * (1 + erf(x / 2**0.5))).astype(x.dtype)


def erf(x):
    """The error function, to 1.5e-7. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    tail = np.zeros_like(t)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + coefficient) * t
    return np.sign(x) * (1 - tail * np.exp(-x * x))


def product(x, kernel):
    """`(.., K) @ (K, F)`, in pieces so small that BLAS does not spread them over threads.

    On a computer whose cores are busy, waiting for a second thread takes a hundred times as long as the product.
    """
    rows = x.reshape(-1, len(kernel))
    height = max(BLOCK // max(kernel.size, 1), 1)
    blocks = [_block(rows[start : start + height], kernel) for start in range(0, len(rows), height)]
    return np.concatenate(blocks or [rows @ kernel]).reshape(*x.shape[:-1], kernel.shape[1])


def _block(rows, kernel):
    """`(R, K) @ (K, F)` as a sum over slices of K."""
    features, width = kernel.shape
    fits = (n for n in range(1, features + 1) if features % n == 0 and rows.size * width <= n * ONE_THREAD)
    slices = next(fits, 1)
    if slices == 1:
        return rows @ kernel
    cut = rows.reshape(len(rows), slices, -1).swapaxes(0, 1) @ kernel.reshape(slices, -1, width)
    return cut.sum(axis=0)


def softmax(axis: int = -1) -> Callable:
    """Shares along `axis` that add up to 1."""

    def apply(x):
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)

    return apply


def after(*functions: Callable) -> Callable:
    """Functions of one tensor, one after the other; the first may take several."""

    def apply(*tensors):
        x = functions[0](*tensors)
        for function in functions[1:]:
            x = function(x)
        return x

    return apply


# ---------------------------------------------------------------------------------------------------- with weights


class Layer:
    """An operation with weights: a frozen dataclass whose `apply` asks for them by name and shape.

    `numbers` names the fields that may be given as a `Number`; `apply` sees them as ints.
    """

    numbers: ClassVar[tuple[str, ...]] = ()

    def apply(self, weights: Weights, *inputs: Any) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Dense(Layer):
    """A product with a kernel over the last axis, `(.., C)` to `(.., units)`."""

    units: Number
    bias: bool = True

    numbers = ("units",)

    def apply(self, weights, x):
        y = product(x, weights("kernel", (x.shape[-1], self.units)))
        return y + weights("bias", (self.units,)) if self.bias else y


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution `(B, H, W, C)` to `(B, H', W', filters)`.

    Args:
        filters: channels of the output.
        size: height and width of the kernel.
        bias: whether there is one.
        stride: pixels from one window to the next.
        padding: "same" (as Keras pads), "valid" or the number of zeros on each side.
    """

    filters: Number
    size: Number = 3
    bias: bool = True
    stride: Number = 1
    padding: str | int = "same"

    numbers = ("filters", "size", "stride")

    def apply(self, weights, x):
        size, stride = cast(int, self.size), cast(int, self.stride)
        kernel = weights("kernel", (size, size, x.shape[-1], self.filters))
        seen = windows(x, size, stride, self.padding)
        y = product(seen.reshape(*seen.shape[:3], -1), kernel.reshape(-1, self.filters))
        return y + weights("bias", (self.filters,)) if self.bias else y


def windows(x: np.ndarray, size: int, stride: int, padding: str | int) -> np.ndarray:
    """What each place of a kernel sees: `(B, H, W, C)` to `(B, H', W', size, size, C)`."""
    batch, height, width, channels = x.shape
    (top, bottom), (left, right) = (border(side, size, stride, padding) for side in (height, width))
    padded = np.zeros((batch, top + height + bottom, left + width + right, channels), x.dtype)  # np.pad takes longer
    padded[:, top : top + height, left : left + width] = x
    seen = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.moveaxis(seen, 3, 5)


def border(side: int, size: int, stride: int, padding: str | int) -> tuple[int, int]:
    """Zeros before and behind a side of a picture."""
    if padding == "valid":
        return 0, 0
    if padding != "same":
        return int(padding), int(padding)
    total = max((-(-side // stride) - 1) * stride + size - side, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Norm(Layer):
    """Takes off a mean and divides by a standard deviation, then multiplies with gamma and adds beta.

    Args:
        over: "groups" (GroupNorm: all pixels of a group of channels), "features" (LayerNorm: the last axis),
            "all" (LayerNorm over everything but the batch), "batch" (BatchNorm as it is used: with kept statistics) or
            "square" (RMSNorm: the last axis, without a mean and without beta).
        epsilon: added to the variance.
        groups: of channels; 0 makes each channel one.
        scale, shift: whether there is a gamma, a beta.
    """

    over: str = "groups"
    epsilon: float = 1e-5
    groups: int = 32
    scale: bool = True
    shift: bool = True

    def apply(self, weights, x):
        y = getattr(self, f"_{self.over}")(weights, x)
        shape = x.shape[1:] if self.over == "all" else x.shape[-1:]
        y = y * weights("gamma", shape) if self.scale else y
        return y + weights("beta", shape) if self.shift and self.over != "square" else y

    def _groups(self, weights, x):
        batch, channels = x.shape[0], x.shape[-1]
        groups = self.groups or channels
        if channels % groups:  # in the words of Keras, by which a learner's exception is known
            wrong = "cannot be more than" if groups > channels else "must be a multiple of"
            raise ValueError(f"Number of groups ({groups}) {wrong} the number of channels ({channels}).")
        grouped = x.reshape(batch, -1, groups, channels // groups)
        return self._over_axes(grouped, (1, 3)).reshape(x.shape)

    def _features(self, weights, x):
        return self._over_axes(x, -1)

    def _all(self, weights, x):
        return self._over_axes(x, tuple(range(1, x.ndim)))

    def _square(self, weights, x):
        return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + np.float32(self.epsilon))

    def _batch(self, weights, x):
        mean = weights("moving_mean", x.shape[-1:], trained=False)
        return (x - mean) / np.sqrt(weights("moving_variance", x.shape[-1:], trained=False) + np.float32(self.epsilon))

    def _over_axes(self, x, axes):
        centred = x - x.mean(axis=axes, keepdims=True)
        return centred / np.sqrt(np.mean(centred**2, axis=axes, keepdims=True) + np.float32(self.epsilon))
