"""The kinds of layers that the UNet is made of, and how each is made and called.

Shapes: B batch, C channels.
"""

import inspect

import keras
from keras import ops

from autograder import reference


class TimeEmbedding(keras.layers.Layer):
    """The time MLP as one layer: Dense, swish, Dense, each of `4·channels` features. The UNet's two Denses may be
    given, or are made."""

    def __init__(self, channels, first=None, second=None, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.first = first or keras.layers.Dense(4 * channels)
        self.second = second or keras.layers.Dense(4 * channels)

    def build(self, input_shape):
        for layer, shape in ((self.first, input_shape), (self.second, (None, 4 * self.channels))):
            if not layer.built:
                layer.build(shape)
        self.built = True

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 4 * self.channels)

    def call(self, inputs):
        return self.second(ops.silu(self.first(inputs)))


KINDS = (
    "PaddedConv2D",
    "ResBlock",
    "SpatialTransformer",
    "BasicTransformerBlock",
    "CrossAttention",
    "GEGLU",
    "Upsample",
)
LAYERS = {kind: getattr(reference, kind) for kind in KINDS} | {"TimeEmbedding": TimeEmbedding}


def call_on(layer, kind, tensors):
    """Calls a layer of a kind on its inputs as that kind is called: one tensor, a list, or with `context=`."""
    if kind == "CrossAttention" and len(tensors) == 2:
        return layer(tensors[0], context=tensors[1])
    return layer(list(tensors) if len(tensors) > 1 else tensors[0])


def positional(own, arguments, keywords):
    """Arguments in the order of the reference's constructor, without its numerics and names."""
    names = [n for n in inspect.signature(own.__init__).parameters if n not in ("self", "kwargs", "first", "second")]
    given = dict(zip(names, arguments, strict=False)) | keywords
    defaults = {n: p.default for n, p in inspect.signature(own.__init__).parameters.items()}
    used = [n for n in names if n not in ("norm_epsilon", "gelu_approximate", "approximate")]
    return tuple(given[n] if n in given else defaults[n] for n in used)


def unet_inputs(trained):
    """Inputs of the same names and shapes as those of a trained UNet."""
    return [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in trained.inputs]
