"""PyTorch: how attention is computed."""

from contextlib import AbstractContextManager


def attention_by_products() -> AbstractContextManager:
    """A context in which attention is computed by products: on a CPU its fused form in bfloat16 has a slow backward
    pass (measured: a third of a whole training step)."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(SDPBackend.MATH)
