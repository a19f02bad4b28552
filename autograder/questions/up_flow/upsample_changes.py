"""The mistakes of exercise 08 in `Upsample`: the layer with one thing changed each."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from autograder.questions.catalogue import change, generated, swapped
from autograder.questions.catalogue.operations import (
    Conv,
    Layer,
    Number,
    gelu_exact,
    gelu_tanh,
    leaky_relu,
    product,
    relu,
    same,
    sigmoid,
    silu,
    tanh,
)
from autograder.questions.up_flow.base import UPSAMPLE

ROWS, COLUMNS = 1, 2


def _interleaved(axis, *parts):
    """Of two arrays every second entry, along an axis of their own size."""
    shape = list(parts[0].shape)
    shape[axis] *= len(parts)
    return np.stack(parts, axis=axis + 1).reshape(shape)


def _between(axis):
    """Doubled along an axis by linear interpolation: a quarter from the neighbour, three from the pixel itself."""

    def enlarge(x):
        one, end = [slice(None)] * x.ndim, [slice(None)] * x.ndim
        one[axis], end[axis] = slice(0, 1), slice(-1, None)
        rest = x.shape[axis] - 1
        before = np.concatenate([x[tuple(one)], np.take(x, range(rest), axis)], axis)
        behind = np.concatenate([np.take(x, range(1, rest + 1), axis), x[tuple(end)]], axis)
        near, far = np.float32(0.75) * x, np.float32(0.25)
        return _interleaved(axis, far * before + near, near + far * behind)

    return enlarge


def _tiled(axis):
    return lambda x: np.concatenate([x, x], axis=axis)


def _with_zeros(axis):
    return lambda x: _interleaved(axis, x, np.zeros_like(x))


def _repeated(*axes, times=2):
    def enlarge(x):
        for axis in axes:
            x = x.repeat(times, axis=axis)
        return x

    return enlarge


def _shuffled(x):
    """Four channels become the four pixels of a square."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, 2 * height, 2 * width, channels // 4)


@dataclass(frozen=True)
class Transposed(Layer):
    """A transposed convolution with stride 2 and Keras' padding "same": `(B, H, W, C)` to `(B, 2H, 2W, filters)`."""

    filters: Number
    size: int = 3

    numbers = ("filters",)

    def apply(self, weights, x):
        batch, height, width, channels = x.shape
        kernel = weights("kernel", (self.size, self.size, self.filters, channels))
        filters = cast(int, self.filters)
        y = np.zeros((batch, 2 * height + self.size, 2 * width + self.size, filters), "float32")
        for i in range(self.size):
            for j in range(self.size):
                y[:, i : i + 2 * height : 2, j : j + 2 * width : 2] += product(x, kernel[i, j].T)
        before = (self.size - 2) // 2
        return y[:, before:, before:][:, : 2 * height, : 2 * width] + weights("bias", (self.filters,))


def _both(make) -> dict:
    return {"rows": make(ROWS), "columns": make(COLUMNS)}


_ACTIVATIONS = (silu, relu, gelu_tanh, gelu_exact, tanh, leaky_relu, sigmoid)
_IDS = {
    "conv-missing": "convolution-missing",
    "conv-unpadded": "unpadded",
    "conv-1x1": "kernel-1x1",
    "conv-no-bias": "no-bias",
}

UPSAMPLE_CHANGES = (
    change("convolution-first", swapped(UPSAMPLE, "before", "conv")),
    change("interpolated", _both(_between)),
    change("picture-tiled", _both(_tiled)),
    change("filled-with-zeros", _both(_with_zeros)),
    change("transposed-convolution", *({"conv": Transposed("channels", size)} for size in (2, 3, 4))),
    change(
        "transposed-convolution-alone",
        *({"rows": same, "columns": same, "conv": Transposed("channels", size)} for size in (2, 3, 4)),
    ),
    change(
        "pixels-of-channels",
        before=Conv(lambda values: 4 * values["channels"]),
        rows=_shuffled,
        columns=same,
        conv=same,
    ),
    change("not-enlarged", rows=same, columns=same),
    change("height-only", columns=same),
    change("width-only", rows=same),
    change("enlarged-four-times", rows=_repeated(1, times=4), columns=_repeated(2, times=4)),
    change("channels-repeated", columns=_repeated(2, 3)),
    change(
        "wrong-axes", {"rows": _repeated(2), "columns": _repeated(3)}, {"rows": _repeated(0), "columns": _repeated(1)}
    ),
    change("convolution-twice", before=Conv("channels")),
    change("activated", *({"end": activation} for activation in _ACTIVATIONS)),
    change("activated-before", *({"before": activation} for activation in _ACTIVATIONS)),
    change("width-of-input", conv=Conv(lambda values: values["x"].shape[-1])),
    change("width-typed-in", *({"conv": Conv(width)} for width in (1280, 320))),
    *generated(UPSAMPLE, {"conv": ("conv",)}, _IDS),
)
