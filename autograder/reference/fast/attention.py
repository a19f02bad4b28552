"""Scaled dot-product attention, by the fastest way each backend has.

Shapes: B batch, S query tokens, T context tokens, N heads, D head size.
"""

import keras
from keras import ops

from autograder.reference.unet import td_dot

# Scores of one slice of queries, in numbers: small enough to stay in a processor's cache between the two products.
SCORES_AT_ONCE = 2**22


def attend(q, k, v, scale, product=td_dot):
    """`softmax(q kᵀ · scale) v` for every head.

    JAX and PyTorch have fused kernels behind `keras.ops.dot_product_attention`. TensorFlow has none: there the
    queries are taken in slices, so that the scores of a slice (never those of the whole picture, 335 MB at 512x512)
    stay in cache.

    Args:
        q: tensor `(B, S, N, D)`.
        k, v: tensors `(B, T, N, D)`.
        scale: what the scores are multiplied by, `1 / sqrt(D)`.
        product: what multiplies matrices, like `td_dot`. Fused kernels are used for `td_dot` itself only.

    Returns:
        Tensor `(B, S, N, D)`.

    Reference: Vaswani et al., "Attention Is All You Need" (2017), equation 1; Rabe and Staats, "Self-attention Does
    Not Need O(n²) Memory" (2021).
    """
    if product is td_dot and keras.backend.backend() != "tensorflow":
        return ops.dot_product_attention(q, k, v, scale=scale)
    q = ops.transpose(q * ops.cast(scale, q.dtype), (0, 2, 1, 3))  # (B, N, S, D)
    k = ops.transpose(k, (0, 2, 3, 1))  # (B, N, D, T)
    v = ops.transpose(v, (0, 2, 1, 3))  # (B, N, T, D)
    parts = [product(ops.softmax(product(part, k)), v) for part in _slices(q, k.shape[-1])]  # (B, N, part of S, D)
    out = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=2)
    return ops.transpose(out, (0, 2, 1, 3))  # (B, S, N, D)


def _slices(q, context_tokens):
    """Cuts the queries into the fewest equal slices whose scores are at most `SCORES_AT_ONCE` numbers a picture."""
    _, heads, tokens, _ = q.shape
    if tokens is None or context_tokens is None:
        return [q]
    slices = 1
    while heads * (tokens // slices) * context_tokens > SCORES_AT_ONCE and tokens % (2 * slices) == 0:
        slices *= 2
    return ops.split(q, slices, axis=2) if slices > 1 else [q]
