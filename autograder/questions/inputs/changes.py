"""The mistakes of exercise 02: the right answers with one thing changed each."""

from dataclasses import replace

import numpy as np

from autograder.questions.catalogue import Change, Same, change, generated, reads, swapped, then, wired
from autograder.questions.catalogue.operations import (
    Dense,
    Norm,
    add,
    border,
    default,
    first,
    multiply,
    required,
    same,
    second,
    sigmoid,
    silu,
    subtract,
    subtract_from,
)
from autograder.questions.inputs.base import EMBEDDING, PADDED, TIME, zeros_around


def constant(value):
    """An argument without effect: a number typed in."""
    return lambda *_: value


# --------------------------------------------------------------------------------------------- timestep embedding


def _stacked(axis):
    return lambda x, y: np.stack([x, y], axis=axis)


def _alternating(x, y, width=-1):
    return np.stack([x, y], axis=-1).reshape(len(x) if width == -1 else -1, width)


def _of_frequencies(operation):
    """The frequencies are worked out in another way, from how many there are and the longest period."""
    return wired(operation, "half", "period")


_JOINED = (
    change("embedding-sines-first", swapped(EMBEDDING, "cosines", "sines")),
    change(
        "embedding-interleaved",
        {"join": _alternating},
        {"join": lambda x, y: _alternating(y, x)},
        *({"join": wired(_alternating, *order, "width")} for order in (("cosines", "sines"), ("sines", "cosines"))),
    ),
    change("embedding-cosines-only", join=first),
    change("embedding-sines-only", join=second),
    change("embedding-cosines-twice", sines=np.cos),
    change("embedding-sines-twice", cosines=np.sin),
    change("embedding-angles-only", end=reads("angles")),
    change("embedding-sines-negative", {"sines": then(np.negative)}, {"angles": then(np.negative)}),
    change("embedding-stacked", join=_stacked(1)),
    change("embedding-stacked-first", join=_stacked(0)),
    change("embedding-stacked-last", join=_stacked(-1)),
    change("embedding-list", join=lambda x, y: [x, y]),
    change("embedding-added", join=add),
    change("embedding-subtracted", {"join": subtract}, {"join": subtract_from}),
    change("embedding-multiplied", join=multiply),
    change("embedding-joined-along-batch", join=lambda x, y: np.concatenate([x, y], axis=0)),
    change("embedding-transposed", end=np.transpose),
    change(
        "embedding-angles-transposed",
        {"angles": then(np.transpose)},
        {"column": first, "rounded": then(lambda f: f[:, None])},
    ),
    change("embedding-angles-added", angles=add),
    change("embedding-angles-divided", angles=lambda t, frequencies: t / frequencies),
    change("embedding-axis-missing", column=same),
    change("embedding-axis-first", column=lambda t: t[None]),
    change(
        "embedding-cosine-of-time",
        cosines=wired(lambda t, frequencies: np.cos(t) * frequencies, "column", "rounded"),
        sines=wired(lambda t, frequencies: np.sin(t) * frequencies, "column", "rounded"),
    ),
)

_FREQUENCIES = (
    change("embedding-twice-as-wide", half=same),
    change(
        "embedding-frequency-too-many",
        {"index": lambda half: np.arange(half + 1)},
        {"half": lambda width: width // 2 + 1},
    ),
    change(
        "embedding-frequency-too-few",
        {"index": lambda half: np.arange(half - 1)},
        {"index": lambda half: np.arange(1, half)},
        {"half": lambda width: width // 2 - 1},
    ),
    change("embedding-index-from-one", index=lambda half: np.arange(1, half + 1)),
    change("embedding-index-backwards", index=lambda half: np.arange(half)[::-1]),
    change("embedding-last-frequency", share=lambda index, half: index / (half - 1)),
    change("embedding-index-divided-by-more", share=lambda index, half: index / (half + 1)),
    change("embedding-exponent-halved", share=lambda index, half: index / (2 * half)),
    change(
        "embedding-exponent-doubled",
        {"share": then(lambda share: 2 * share)},
        {"index": wired(lambda width: np.arange(0, width, 2), "width")},
    ),
    change("embedding-index-divided-whole", share=lambda index, half: index // half),
    change(
        "embedding-power-first",
        share=first,
        frequencies=wired(lambda exponents, half: np.exp(exponents) / half, "exponents", "half"),
    ),
    change("embedding-index-undivided", share=first),
    change("embedding-frequencies-grow", logarithm=np.log),
    change(
        "embedding-frequencies-zero",
        {"logarithm": np.negative},
        {"rounded": lambda frequencies: np.float32(np.trunc(frequencies))},
    ),
    change("embedding-logarithm-whole", logarithm=lambda period: -np.trunc(np.log(period))),
    change("embedding-log10", logarithm=lambda period: -np.log10(period)),
    change("embedding-log2", logarithm=lambda period: -np.log2(period)),
    change("embedding-exponential-missing", frequencies=same),
    change("embedding-power-base", {"frequencies": lambda e: 2.0**e}, {"frequencies": lambda e: 10.0**e}),
    change(
        "embedding-frequencies-linear",
        {"frequencies": _of_frequencies(lambda half, period: np.linspace(1, 1 / period, half))},
        {"frequencies": _of_frequencies(lambda half, period: np.linspace(1, 1 / period, half, endpoint=False))},
    ),
    change(
        "embedding-periods-linear",
        {"frequencies": _of_frequencies(lambda half, period: 1 / np.linspace(1, period, half))},
        {"frequencies": _of_frequencies(lambda half, period: 1 / np.linspace(1, period, half, endpoint=False))},
    ),
    change("embedding-whole-turns", frequencies=then(lambda frequencies: 2 * np.pi * frequencies)),
    change("embedding-time-shifted", {"time": lambda t: t + 1}, {"time": lambda t: t - 1}),
    change("embedding-time-backwards", {"time": lambda t: 1000 - t}, {"time": lambda t: 999 - t}),
    change("embedding-time-from-0-to-1", {"time": lambda t: t / 1000}, {"time": lambda t: t / t.max()}),
)

EMBEDDING_CHANGES = (
    *_JOINED,
    *_FREQUENCIES,
    change("embedding-arguments-swapped", width=reads("max_period"), period=reads("dim")),
    change("embedding-dim-as-period", period=wired(default(320), "dim")),
    change("embedding-period-fixed", period=constant(10000)),
    change("embedding-dim-fixed", width=constant(320)),
    change("embedding-default-dim", *({"width": default(dim)} for dim in (1280, 256, 128))),
    change("embedding-default-period", *({"period": default(period)} for period in (1000, 100000))),
    change("embedding-default-missing", {"width": required}, {"period": required}),
    change(
        "embedding-half-precision",
        {"end": np.float16},
        {"rounded": np.float16},
        {"rounded": np.float16, "time": np.float16},
    ),
)

# ---------------------------------------------------------------------------------------------- padded convolution

_CONV = PADDED.parts["conv"]


def _conv(**settings):
    """The convolution with other settings."""
    return replace(_CONV, **settings)


def _zeros(axes):
    """As many zeros as asked for on both sides of `axes`, whatever these axes are."""

    def pad(x, before, after, border):
        return np.pad(x, [(before, after) if axis in axes else (0, 0) for axis in range(4)], **dict(border))

    return pad


def _same_where_asked(x, zeros, size, step):
    """Keras' own "same" wherever padding is asked for."""
    sides = [border(side, size, step, "same") if zeros else (0, 0) for side in x.shape[1:3]]
    return np.pad(x, ((0, 0), *sides, (0, 0)))


def _border_of(**settings):
    """Something else around the picture than zeros."""
    return {"border": lambda _: tuple(settings.items())}


def _padded_again(y, zeros, border):
    return zeros_around(y, zeros, zeros, border)


def _channels(values):
    return values["inputs"].shape[-1]


_PADDING = (
    change("conv-same", pad=wired(_same_where_asked, "start", "zeros", "kernel_size", "step")),
    change("conv-same-always", pad=first, conv=_conv(padding="same")),
    change("conv-same-on-top", conv=_conv(padding="same")),
    change("conv-arguments-swapped", zeros=reads("strides"), step=reads("padding")),
    change("conv-padding-ignored", zeros=constant(0)),
    change("conv-padding-fixed", zeros=constant(1)),
    change("conv-padding-from-strides", zeros=wired(default(1), "strides")),
    change("conv-padding-one-more", zeros=lambda padding: (padding or 0) + 1),
    change("conv-padding-from-kernel", zeros=wired(lambda size: size // 2, "kernel_size")),
    change("conv-padding-by-default", zeros=default(1)),
    change("conv-default-missing", {"zeros": required}, {"step": required}),
    change("conv-padding-after", pad=first, around=_padded_again),
    change("conv-padding-twice", around=_padded_again),
    change("conv-padding-one-sided", before=constant(0)),
    change("conv-padding-before-only", after=constant(0)),
    change(
        "conv-padding-shared-out",
        {"before": lambda zeros: zeros // 2, "after": lambda zeros: zeros - zeros // 2},
        {"before": lambda zeros: zeros - zeros // 2, "after": lambda zeros: zeros // 2},
        {"before": lambda zeros: zeros // 2, "after": lambda zeros: zeros // 2},
    ),
    change("conv-padding-doubled", before=lambda zeros: 2 * zeros, after=lambda zeros: 2 * zeros),
    change("conv-padding-one-axis", {"pad": _zeros((1,))}, {"pad": _zeros((2,))}),
    change("conv-padding-other-axes", *({"pad": _zeros(axes)} for axes in ((2, 3), (0, 1), (1, 2, 3), (0, 1, 2, 3)))),
    change("conv-padding-edge", _border_of(mode="reflect")),
    change("conv-padding-repeated", _border_of(mode="symmetric"), _border_of(mode="edge")),
    change("conv-padding-ones", _border_of(constant_values=1)),
)

CONV_CHANGES = (
    *_PADDING,
    change("conv-strides-ignored", step=constant(1)),
    change("conv-strides-fixed", step=constant(2)),
    change("conv-strides-by-default", step=default(2)),
    change("conv-filters-and-size-swapped", conv=_conv(filters="kernel_size", size="filters")),
    change("conv-filters-fixed", *({"conv": _conv(filters=filters)} for filters in (320, 64, 4))),
    change("conv-filters-of-input", conv=_conv(filters=_channels)),
    change("conv-size-fixed", *({"conv": _conv(size=size)} for size in (3, 1))),
    change("conv-no-bias", conv=_conv(bias=False)),
    change("conv-missing", conv=same),
    change("conv-residual", end=wired(add, "around", "inputs")),
    change(
        "conv-normalised", *({"end": Norm(over, epsilon)} for over in ("batch", "features") for epsilon in (1e-3, 1e-5))
    ),
    *generated(
        PADDED,
        {"conv-output": ("end",), "conv-input": ("start",)},
        {"conv-output-swish": "conv-activated", "conv-output-relu": "conv-relu"},
    ),
)

# --------------------------------------------------------------------------------------------------------- time MLP


def _wide(factor):
    return lambda channels: factor * channels


def _times(factor):
    """A Dense layer that is so many times as wide as `channels`."""
    return Dense(lambda values: factor * values["channels"])


_NORMS = tuple(Norm("features", epsilon) for epsilon in (1e-3, 1e-5))

TIME_CHANGES: tuple[Change, ...] = (
    change("time-swish-last", swish=same, end=silu),
    change("time-swish-first", swish=same, start=silu),
    change("time-swish-sign", swish=lambda x: x * sigmoid(-x)),
    change("time-not-wider", wide=same),
    change("time-narrow-inside", dense1=Dense("channels")),
    change("time-narrow-outside", dense2=Dense("channels")),
    change("time-width-fixed", wide=constant(1280)),
    change(
        "time-width-other",
        *({"wide": _wide(factor)} for factor in (2, 3, 8)),
        {"wide": lambda channels: 4 + channels},
        {"wide": lambda channels: channels // 4},
        {"dense2": _times(16)},
        {"dense1": _times(2)},
        {"dense1": _times(16)},
    ),
    change("time-dense-reused", dense2=Same("dense1")),
    change("time-dense-too-many", {"more": silu, "end": Dense("wide")}, {"more": Dense("wide")}),
    change("time-residual", {"more": wired(add, "dense2", "swish")}, {"more": wired(add, "dense2", "dense1")}),
    change("time-normalised", *({place: norm} for place in ("start", "end") for norm in _NORMS)),
    *generated(
        TIME,
        {
            "time-activation": ("swish",),
            "time-output": ("end",),
            "time-input": ("start",),
            "first-dense": ("dense1",),
            "second-dense": ("dense2",),
            "denses": ("dense1", "dense2"),
        },
        {
            "time-activation-missing": "time-swish-missing",
            "time-activation-relu": "time-relu",
            "time-activation-gelu": "time-gelu",
            "time-activation-tanh": "time-tanh",
            "time-activation-sigmoid": "time-sigmoid",
            "time-output-swish": "time-swish-twice",
            "time-input-swish": "time-swish-around-both",
            "second-dense-missing": "time-one-dense",
            "denses-no-bias": "time-no-bias",
        },
    ),
)

COLUMN_CHANGES = (
    change("column-as-padded", left=wired(first, "centre")),
    change("column-odd-zero-left", left=lambda zeros: (zeros + 1) // 2),
    change("column-all-zeros-left", left=same),
    change("column-no-zeros", left=constant(0)),
    change("column-of-left-edge", place=wired(lambda left: -left, "left")),
    change("column-is-the-zeros", place=second),
    change("column-zeros-added", place=add),
    change("column-counted-from-one", end=lambda column: column + 1),
    change("column-outputs-rounded-down", outputs=lambda side, strides: side // strides),
    change("column-outputs-as-stride-1", outputs=first),
    change("column-an-output-too-many", zeros=lambda outputs, side, size, strides: outputs * strides + size - side),
    change("column-negative-zeros", enough=same),
    change("column-of-stride", left=wired(lambda size, strides: max(size - strides, 0) // 2, "kernel_size", "strides")),
)
