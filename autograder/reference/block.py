"""What Keras wants to know of a layer that is made of layers, kept out of `unet.py`."""

import inspect
from typing import Any

import keras

from autograder.reference.fast import fast_forms, is_fast


class Block(keras.layers.Layer):
    """A layer made of layers, its parts, that holds each argument of its constructor in the attribute of that name.

    Its config is read from these attributes: a subclass needs no `get_config`.
    """

    keywords: tuple[tuple[str, Any], ...] = ()  # what the constructor takes as keywords only, with the defaults

    def __init__(self, **kwargs):
        own = {name: kwargs.pop(name, default) for name, default in self.keywords}
        super().__init__(**kwargs)
        for name, value in own.items():
            setattr(self, name, value)
        self._fast = is_fast()

    def build_parts(self, **shapes):
        """Builds the parts of these names for inputs of these shapes."""
        for name, shape in shapes.items():
            getattr(self, name).build(shape)

    def make_part(self, kind, *arguments, **keywords):
        """Makes a part after the constructor: fast or plain, and of the dtype policy, as this layer is."""
        with fast_forms(self._fast):
            return kind(*arguments, **keywords, dtype=self.dtype_policy)

    def compute_output_shape(self, input_shape):
        """The shape of the first input; its last axis is `output_dim` where the block has one."""
        first = input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape
        return (*first[:-1], getattr(self, "output_dim", first[-1]))

    def get_config(self):
        named = [name for name in inspect.signature(type(self)).parameters if name != "kwargs"]
        return super().get_config() | {name: getattr(self, name) for name in (*named, *dict(self.keywords))}
