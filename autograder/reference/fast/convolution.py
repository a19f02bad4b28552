"""Convolutions as matrix products, for where these are faster than the backend's own: with TensorFlow on a CPU.

Shapes: B batch, H W height and width of the output, C channels in, O channels out, T tiles of M x M output pixels,
N = M + 2 the side of the input that one tile needs.
"""

import functools
import math

import keras
import numpy as np
from keras import ops

# With as few output pixels and as many numbers in the kernel, one matrix product of patches wins (1280 channels at 8x8:
# 2 times): TensorFlow's convolution rearranges the kernel on every call, which then takes longer than convolving.
PRODUCT_PIXELS, PRODUCT_KERNEL = 256, 2**22
# From this many channels on, in and out, Winograd's form wins above that (at 320 and more: 1.6 to 2 times). With fewer
# the sums over channels are so short that moving the tiles costs more than multiplying.
WINOGRAD_CHANNELS = 96
TILE = 4  # M: with 4, a quarter of the multiplications are left; with 2, four ninths
# Where the polynomials of Cook and Toom are evaluated, besides infinity. Of the small fractions tried these lose least
# to rounding: 1.7e-6 of the output in float32 at 640 channels, where the customary 0, ±1, ±2 lose 3.6e-6.
POINTS = (0, 3 / 4, -3 / 4, 3 / 2, -3 / 2)


def convolve(x, conv, padding):
    """`conv`, a Conv2D, over `x` `(B, H, W, C)` with `padding` zeros on each side, by the form that is fastest."""
    kernel, strides = conv.kernel, conv.strides[0]
    size = kernel.shape[0]
    height, width = (None if side is None else (side + 2 * padding - size) // strides + 1 for side in x.shape[1:3])
    form = product_form(kernel, strides, height, width)
    # Without a stride, "same" pads symmetrically when the kernel is odd: no padded copy is needed.
    if form is None and strides == 1 and 2 * padding + 1 == size:
        return ops.conv(x, kernel, padding="same") + conv.bias
    if padding:
        x = ops.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    return conv(x) if form is None else form(x, kernel, strides, height, width) + conv.bias


def product_form(kernel, strides, height, width):
    """The function of this file that convolves fastest here, or None where the backend's own convolution does.

    Args:
        kernel: tensor `(k, k, C, O)`.
        strides: step of the kernel.
        height, width: sides of the output, None if unknown.

    Returns:
        A function of the padded input `(B, ., ., C)` and of these four, which returns `(B, H, W, O)`; or None.
    """
    if None in (height, width) or keras.backend.backend() != "tensorflow" or _has_gpu():
        return None
    if height * width <= PRODUCT_PIXELS:
        return patches_product if math.prod(kernel.shape) >= PRODUCT_KERNEL else None
    tiles = kernel.shape[0] == 3 and strides == 1 and height % TILE == width % TILE == 0
    wide = min(kernel.shape[2:]) >= WINOGRAD_CHANNELS
    exact = keras.backend.standardize_dtype(kernel.dtype) == "float32"  # in bfloat16 5 times the error
    return winograd if tiles and wide and exact else None


@functools.cache
def _has_gpu():
    return bool(keras.distribution.list_devices("gpu"))


def patches_product(padded, kernel, strides, height, width):
    """One matrix product: the patch under every output pixel, `(B·H·W, k·k·C)`, times the kernel `(k·k·C, O)`."""
    size, _, _, filters = kernel.shape
    last_y, last_x = strides * (height - 1) + 1, strides * (width - 1) + 1
    corners = [(y, x) for y in range(size) for x in range(size)]
    patches = [padded[:, i : i + last_y : strides, j : j + last_x : strides] for i, j in corners]
    patches = ops.concatenate(patches, axis=-1) if len(patches) > 1 else patches[0]  # (B, H, W, k·k·C)
    kernel = ops.reshape(kernel, (-1, filters))
    y = ops.matmul(ops.reshape(patches, (-1, kernel.shape[0])), kernel)
    return ops.reshape(y, (-1, height, width, filters))


def winograd(padded, kernel, strides, height, width):
    """A 3x3 convolution by Winograd's minimal filtering, F(4x4, 3x3): 36 multiplications a tile instead of 144.

    Tile and kernel are transformed such that the convolution becomes one product for each of the N·N transformed
    pixels; as these products go over channels they are N·N matrix products. A last transform gives M x M pixels:

        y = Aᵀ [(G g Gᵀ) · (Bᵀ d B)] A     with d the input of a tile, g the kernel

    Args:
        padded: tensor `(B, H + 2, W + 2, C)`; H and W are multiples of 4.
        kernel: tensor `(3, 3, C, O)`.
        strides: 1.
        height, width: H and W.

    Returns:
        Tensor `(B, H, W, O)`.

    Reference: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), sections 4.1 and 4.3.
    """
    channels, filters = kernel.shape[2:]
    down, across = height // TILE, width // TILE
    of_input, of_kernel, of_output = _transforms()
    pixels = len(of_input)  # N·N
    padded = ops.reshape(padded, (-1, (height + 2) * (width + 2), channels))
    d = ops.take(padded, _tile_pixels(down, across), axis=1)  # (B, N·N·T, C)
    d = ops.matmul(of_input, ops.reshape(d, (-1, pixels, down * across * channels)))
    g = ops.matmul(of_kernel, ops.reshape(kernel, (9, channels * filters)))
    y = ops.matmul(
        ops.reshape(d, (-1, pixels, down * across, channels)), ops.reshape(g, (pixels, channels, filters))
    )  # (B, N·N, T, O)
    y = ops.matmul(of_output, ops.reshape(y, (-1, pixels, down * across * filters)))
    y = ops.reshape(y, (-1, TILE, TILE, down, across, filters))
    return ops.reshape(ops.transpose(y, (0, 3, 1, 4, 2, 5)), (-1, height, width, filters))


def _tile_pixels(down, across):
    """For each pixel of a tile's input and each tile, the number of that pixel in the padded picture, `(N·N·T,)`."""
    side = TILE + 2
    y, x, tile_y, tile_x = np.indices((side, side, down, across), dtype="int32")
    return ((TILE * tile_y + y) * (TILE * across + 2) + TILE * tile_x + x).ravel()


@functools.cache
def _transforms():
    """Bᵀ, G and Aᵀ of the two-dimensional form, which act on flattened tiles: `(N², N²)`, `(N², 9)`, `(M², N²)`.

    Cook and Toom multiply two polynomials by their values at N points, one of them infinity; Winograd's filtering is
    the transpose of that.
    """
    side = TILE + 2
    others = [[b for b in POINTS if b != a] for a in POINTS]
    of_input = np.zeros((side, side))
    for row, roots in enumerate([*others, POINTS]):
        of_input[row, : len(roots) + 1] = np.polynomial.polynomial.polyfromroots(roots)
    of_kernel, of_output = (np.vander([*POINTS, 0], count, increasing=True) for count in (3, TILE))
    of_kernel[:-1] /= [[math.prod(a - b for b in without)] for a, without in zip(POINTS, others, strict=True)]
    of_kernel[-1], of_output[-1] = np.eye(3)[-1], np.eye(TILE)[-1]  # at infinity the highest coefficient is left
    return tuple(np.kron(matrix, matrix).astype("float32") for matrix in (of_input, of_kernel, of_output.T))
