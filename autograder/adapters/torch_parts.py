"""PyTorch: what it keeps for gradients, how attention is computed, Adam over one vector."""

import contextlib
from collections.abc import Iterator
from typing import Any


def without_gradients() -> Any:
    """A context in which nothing is kept for gradients."""
    import torch

    return torch.no_grad()


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


def flat_adam(schedule: Any, clip: float, average: Any) -> Any:
    """Keras' Adam over one flat vector of all weights, see `backend.make_adam`. Its state is stored as Keras' own is.

    Keras updates some 700 variables one by one, of which most are small: on a CPU a tenth of a training step.
    """
    import keras
    import torch

    class FlatAdam(keras.optimizers.Adam):
        """Adam whose variables are views of three vectors, made at the first step."""

        _flat: tuple[Any, Any, Any] | None = None

        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            with torch.no_grad():
                if self._flat is None:
                    lists = (self._trainable_variables, self._momentums, self._velocities)
                    weights, first, second = (_flatten(variables) for variables in lists)
                    self._flat = weights, first, second
                weights, first, second = self._flat
                gradient = torch.cat([grad.reshape(-1).float() for grad in grads])
                if average is not None:
                    gradient = torch.from_numpy(average(gradient.numpy()))
                gradient *= torch.clamp(clip / (gradient.norm() + 1e-12), max=1.0)
                rate, step = float(self._get_current_learning_rate()), int(self.iterations.value) + 1
                first.mul_(self.beta_1).add_(gradient, alpha=1 - self.beta_1)
                second.mul_(self.beta_2).addcmul_(gradient, gradient, value=1 - self.beta_2)
                rate *= (1 - self.beta_2**step) ** 0.5 / (1 - self.beta_1**step)
                weights.addcdiv_(first, second.sqrt().add_(self.epsilon), value=-rate)
            self.iterations.assign(step)

    return FlatAdam(schedule, beta_2=0.99)


def _flatten(variables: Any) -> Any:
    """One vector of Keras variables' values, of which they are views from now on."""
    import torch

    flat = torch.cat([variable.value.detach().reshape(-1) for variable in variables])
    start = 0
    for variable in variables:
        size = variable.value.numel()
        variable.value.data = flat[start : start + size].view(variable.value.shape)
        start += size
    return flat
