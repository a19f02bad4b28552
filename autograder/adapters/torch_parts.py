"""PyTorch: how attention is computed."""

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def attention_by_products() -> Iterator[None]:
    """A context in which attention is computed by two products and a softmax. It is for training on a CPU, where the
    fused form's backward pass in bfloat16 is slow (measured: a third of a whole training step), and PyTorch's own
    products look for rows that are masked whole, of which there are none here (measured: a tenth of a step)."""
    import torch

    functional = torch.nn.functional
    fused = functional.scaled_dot_product_attention
    functional.scaled_dot_product_attention = _attend
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = fused


def _attend(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """`softmax(scale * query @ key^T) @ value`; of PyTorch's arguments those that the course uses."""
    import torch

    if dropout_p or enable_gqa:
        raise ValueError(
            "Attention by products has neither dropout nor grouped queries. "
            f"Received: dropout_p={dropout_p}, enable_gqa={enable_gqa}"
        )
    scores = (query * (query.shape[-1] ** -0.5 if scale is None else scale)) @ key.transpose(-1, -2)
    if is_causal:
        scores = scores + torch.full(scores.shape[-2:], -1e30, dtype=scores.dtype, device=scores.device).triu(1)
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -1e30) if attn_mask.dtype == torch.bool else scores + attn_mask
    return torch.softmax(scores, -1) @ value
