"""The Keras backend that is in use: what it alone can do, and what does nothing on the others."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import keras

from autograder.adapters import tensorflow_parts, torch_parts


def name() -> str:
    """Which it is: "tensorflow", "jax" or "torch"."""
    return str(keras.backend.backend())


def compiled(function: Callable) -> Callable:
    """A function as a program where the backend has such; else itself."""
    if name() == "tensorflow":
        return tensorflow_parts.make_program(function)
    if name() == "jax":
        import jax

        return jax.jit(function)
    return function


def joins_programs() -> bool:
    """Whether a program that calls others is worth its making."""
    return name() == "tensorflow"


def lean_graphs() -> AbstractContextManager:
    """A context in which graphs are made for drawing only, see `tensorflow_parts.lean_graphs`."""
    return tensorflow_parts.lean_graphs() if name() == "tensorflow" else contextlib.nullcontext()


def without_gradients() -> AbstractContextManager:
    """A context in which nothing is kept for gradients: PyTorch would hold every step of a drawing in memory."""
    return torch_parts.without_gradients() if name() == "torch" else contextlib.nullcontext()


def plain_attention() -> AbstractContextManager:
    """A context in which attention is computed in the form that trains fastest on a CPU."""
    return torch_parts.attention_by_products() if name() == "torch" else contextlib.nullcontext()


def make_adam(schedule: Callable, clip: float, average: Callable | None) -> keras.optimizers.Adam:
    """Adam, with beta_2 of 0.99, of gradients that `average` has the mean of and that are clipped by their common norm.

    Args:
        schedule: the learning rate, a `keras.optimizers.schedules.LearningRateSchedule`.
        clip: the largest norm of all gradients together.
        average: `average(flat)` gives the mean of several processes' gradients, float32 `(N,)`; or None.

    Raises:
        ValueError: for an `average` on a backend whose training step is a program.
    """
    if name() == "torch":
        return torch_parts.flat_adam(schedule, clip, average)
    if average is not None:
        raise ValueError(f"Several processes train together on PyTorch only. Received: KERAS_BACKEND={name()}")
    return keras.optimizers.Adam(schedule, beta_2=0.99, global_clipnorm=clip)
