"""The mistakes of exercise 04's first two questions: from picture to tokens and back.

Shapes: B batch, H W height and width, C channels.
"""

import numpy as np

from autograder.questions.catalogue import change


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
