"""The mistakes of exercise 04's first three questions: from picture to tokens and back, and how far convolutions reach.

Shapes: B batch, H W height and width, C channels.
"""

import numpy as np

from autograder.questions.catalogue import change, on, wired
from autograder.questions.catalogue.operations import add, scaled, subtract


def transposed(*axes):
    return lambda tensor: np.transpose(tensor, axes)


def channels_counted(image, x):
    """As if the channels came first: `(B, C, H·W)`."""
    return image.reshape(x.shape[0], x.shape[-1], -1)


def listed(tensor):
    """One tensor for each index of the second axis."""
    return [tensor[:, index] for index in range(tensor.shape[1])]


TO_TOKENS_CHANGES = (
    change("tokens-unchanged", counted=lambda image, x: image),
    change("tokens-flattened", counted=lambda image, x: image.reshape(len(x), -1)),
    change("tokens-batch-lost", counted=lambda image, x: image.reshape(-1, x.shape[-1])),
    change("tokens-batch-joined", counted=lambda image, x: image.reshape(1, -1, x.shape[-1])),
    change("tokens-by-columns", arranged=transposed(0, 2, 1, 3)),
    change("tokens-scrambled", arranged=transposed(0, 3, 1, 2)),
    change("tokens-interleaved", counted=channels_counted, returned=transposed(0, 2, 1)),
    change("tokens-are-channels", returned=transposed(0, 2, 1)),
    change("tokens-channels-first", counted=channels_counted),
    change("tokens-are-rows", counted=lambda image, x: image.reshape(*x.shape[:2], -1)),
    change(
        "tokens-are-columns",
        arranged=transposed(0, 2, 1, 3),
        counted=lambda image, x: image.reshape(len(x), x.shape[2], -1),
    ),
    change("tokens-pooled", returned=lambda tokens: tokens.mean(axis=1, keepdims=True)),
    change("tokens-pooled-flat", returned=lambda tokens: tokens.mean(axis=1)),
    change("tokens-mean-of-rows", counted=lambda image, x: image.mean(axis=1)),
    change("tokens-mean-of-columns", counted=lambda image, x: image.mean(axis=2)),
    change("tokens-of-first-picture", {"returned": lambda tokens: tokens[0]}, {"returned": lambda tokens: tokens[:1]}),
    change("tokens-reversed", returned=lambda tokens: tokens[:, ::-1]),
    change("tokens-upside-down", arranged=lambda x: x[:, ::-1]),
    change("tokens-mirrored", arranged=lambda x: x[:, :, ::-1]),
    change(
        "tokens-extra-axis",
        {"returned": lambda tokens: tokens[:, None]},
        {"returned": lambda tokens: tokens[:, :, None]},
        {"returned": lambda tokens: tokens[..., None]},
    ),
    change("tokens-listed", {"returned": listed}, {"counted": lambda image, x: image, "returned": listed}),
)


def columns_laid_out(tokens, height, width):
    return tokens.reshape(len(tokens), width, height, -1)


def channels_laid_out(tokens, height, width):
    """As if the channels came first: `(B, C, H, W)`."""
    return tokens.reshape(len(tokens), -1, height, width)


TO_IMAGE_CHANGES = (
    change("image-unchanged", laid_out=lambda tokens, height, width: tokens),
    change("image-sides-swapped", laid_out=columns_laid_out),
    change("image-by-columns", laid_out=columns_laid_out, returned=transposed(0, 2, 1, 3)),
    change("image-turned", returned=transposed(0, 2, 1, 3)),
    change("image-channels-first", laid_out=channels_laid_out),
    change("image-channels-moved", returned=transposed(0, 3, 1, 2)),
    change("image-scrambled", laid_out=channels_laid_out, returned=transposed(0, 2, 3, 1)),
    change("image-transposed", arranged=transposed(0, 2, 1)),
    change("image-batch-joined", laid_out=lambda tokens, height, width: tokens.reshape(height, width, -1)),
    change("image-of-one-batch", laid_out=lambda tokens, height, width: tokens.reshape(1, height, width, -1)),
    change("image-of-first-tokens", {"returned": lambda x: x[0]}, {"returned": lambda x: x[:1]}),
    change("image-rows-flat", laid_out=lambda tokens, height, width: tokens.reshape(len(tokens), height, -1)),
    change("image-columns-flat", laid_out=lambda tokens, height, width: tokens.reshape(len(tokens), width, -1)),
    change("image-upside-down", returned=lambda x: x[:, ::-1]),
    change("image-mirrored", returned=lambda x: x[:, :, ::-1]),
    change("image-extra-axis", {"returned": lambda x: x[:, None]}, {"returned": lambda x: x[..., None]}),
    change("image-listed", {"returned": listed}, {"returned": list}),
)


def _formula(count, *names):
    """Another number of pixels altogether."""
    return {"end": wired(count, *names)}


def _diamond(height, width, row, column, convolutions):
    """As though a kernel reached the four neighbours only."""
    rows, columns = np.mgrid[:height, :width]
    return int(np.sum(abs(rows - row) + abs(columns - column) <= convolutions))


def _unbounded(place, reach, side):
    return place + reach


_BORDERS = ("first_row", "last_row", "first_column", "last_column")

REACHED_CHANGES = (
    change("reach-beyond-the-border", on(_BORDERS[::2], subtract) | on(_BORDERS[1::2], _unbounded)),
    change("reach-cut-off-in-all", _formula(lambda h, w, n: min((2 * n + 1) ** 2, h * w), "height", "width", "reach")),
    change(
        "reach-cut-off-anywhere",
        _formula(lambda h, w, n: min(2 * n + 1, h) * min(2 * n + 1, w), "height", "width", "reach"),
    ),
    change("reach-beyond-the-near-border", on(_BORDERS[::2], subtract)),
    change("reach-beyond-the-far-border", on(_BORDERS[1::2], _unbounded)),
    change("reach-far-border-off-by-one", on(_BORDERS[1::2], lambda place, reach, side: min(place + reach, side))),
    change("reach-of-one-convolution", reach=lambda convolutions: 1),
    change("reach-doubled", reach=scaled(2)),
    change("reach-halved", reach=lambda convolutions: convolutions // 2),
    change("reach-by-kernels", reach=lambda convolutions: (3 * convolutions - 1) // 2),
    change("reach-nine-times-each", _formula(lambda n: 9**n, "convolutions")),
    change("reach-nine-more-each", _formula(lambda n: 9 * n, "convolutions")),
    change("reach-of-four-neighbours", _formula(_diamond, "height", "width", "row", "column", "convolutions")),
    change("reach-without-itself", end=lambda pixels: pixels - 1),
    change("reach-span-off-by-one", span=lambda start, end: end - start),
    change(
        "reach-one-span-off-by-one",
        {"pixels": lambda rows, columns: (rows - 1) * columns},
        {"pixels": lambda rows, columns: rows * (columns - 1)},
    ),
    change("reach-of-attention", _formula(lambda height, width: height * width, "height", "width")),
    change(
        "reach-sides-swapped",
        last_row=wired(lambda place, reach, side: min(place + reach, side - 1), "row", "reach", "width"),
        last_column=wired(lambda place, reach, side: min(place + reach, side - 1), "column", "reach", "height"),
    ),
    change("reach-added", pixels=add),
)
