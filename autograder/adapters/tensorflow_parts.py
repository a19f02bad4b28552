"""TensorFlow: its operations as its debugger sees them, its NumPy behaviour, its graphs made for drawing only.

What is private is read from the modules that are there already, and left alone where it is not there.
"""

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

GRAPPLER_OFF = "disable_meta_optimizer"
_owned: set[str] = set()  # gradients that belong to a program which may still be differentiated


def _private(module: str) -> Any:
    """A module of TensorFlow's own that it has imported, or None."""
    return sys.modules.get(f"tensorflow.python.framework.{module}")


@contextlib.contextmanager
def operations_seen(callback: Callable) -> Iterator[None]:
    """Inside the `with` block TensorFlow calls `callback` for every operation; without TensorFlow nothing does.

    Args:
        callback: called with an operation's kind, inputs, attributes, outputs, and `name` and `graph`.
    """
    callbacks = _private("op_callbacks")
    if callbacks is None or not hasattr(callbacks, "add_op_callback"):
        yield
        return
    callbacks.add_op_callback(callback)
    try:
        yield
    finally:
        callbacks.remove_op_callback(callback)


def numpy_switches() -> list[tuple[Any, str, Any, Any]]:
    """Module, name, and the values for off and on, of what `enable_numpy_behavior` sets, which has no way back."""
    ops = _private("ops")
    if ops is None or not hasattr(ops, "_numpy_style_slicing"):
        return []
    modes = ops.PromoMode
    return [(ops, "_numpy_style_slicing", False, True), (ops, "_dtype_conversion_mode", modes.OFF, modes.LEGACY)]


def is_compiled(function: Any) -> bool:
    """Whether something callable is a `tf.function`."""
    return type(function).__module__.startswith("tensorflow")


# --------------------------------------------------------------------------------------------------------- graphs


def make_program(function: Callable) -> Callable:
    """A function as a TensorFlow program, whose graphs go when it does."""
    import tensorflow

    # Not inlined in a program that calls it: that would be as long as a whole UNet's.
    program = tensorflow.function(function, autograph=False, experimental_attributes={"_noinline": True})
    gradients: set[str] = set()

    def run(*arguments: Any) -> Any:
        with lean_graphs(gradients):
            return program(*arguments)

    weakref.finalize(run, _forget, gradients)
    return run


@contextlib.contextmanager
def lean_graphs(owned: set[str] | None = None) -> Iterator[None]:
    """Has TensorFlow make graphs for drawing only. Both are the process's settings, so this is for one thread.

    Without Grappler, its rewriting of graphs, which takes longer than it saves in the few steps of a drawing. And
    without what it registers for good: silu, like any function with a gradient of its own, adds one to a table whenever
    a graph is made, which keeps the graph and all that belongs to it: tens of megabytes a drawing.

    Args:
        owned: where to note such gradients, which are then kept for a program; None forgets them at the end.
    """
    import tensorflow

    optimizer, table = tensorflow.config.optimizer, gradient_table()
    before, known = optimizer.get_experimental_options()[GRAPPLER_OFF], set(table)
    optimizer.set_experimental_options({GRAPPLER_OFF: True})
    try:
        yield
    finally:
        optimizer.set_experimental_options({GRAPPLER_OFF: before})
        new = table.keys() - known - _owned
        if owned is None:
            _forget(new)
        else:
            owned |= new
            _owned.update(new)


def gradient_table() -> dict[str, Any]:
    """TensorFlow's table of gradients by name; an empty one where it has moved."""
    return getattr(getattr(_private("ops"), "gradient_registry", None), "_registry", {})


def _forget(gradients: set[str]) -> None:
    for name in list(gradients):
        gradient_table().pop(name, None)
    _owned.difference_update(gradients)
