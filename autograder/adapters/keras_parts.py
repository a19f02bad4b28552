"""Keras: how a layer comes by its weights."""

import contextlib
from collections.abc import Iterator

import keras

from autograder.adapters.tensorflow_parts import is_compiled


@contextlib.contextmanager
def built_by_running(layer: keras.layers.Layer) -> Iterator[None]:
    """Inside the `with` block a layer without a `build` of its own makes its weights while it runs, and is built then.

    Keras runs such a layer on symbols first, which takes several times as long as the run, and only where that fails
    does it as here. The layer must be called on arrays. A `tf.function` is left to Keras.
    """
    own_build = not getattr(layer.build, "_is_default", False)
    if own_build or is_compiled(getattr(type(layer), "call", None)):
        yield
        return
    vars(layer)["_maybe_build"] = lambda *_, **__: None  # past the layer's own `__setattr__`
    try:
        yield
    finally:
        vars(layer).pop("_maybe_build", None)
    layer.build(None)  # its default: from now on nothing new is made in the layer
