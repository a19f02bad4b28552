"""Wires the small UNet of blocks that run as compiled programs, see `programs`.

A block's place is told by its turn: the third ResBlock that the down flow calls is the trained UNet's third on the way
down.

Shapes: B batch, T words, F features of a word.
"""

from types import SimpleNamespace

import keras
from keras import ops

from autograder.reference import LAYER_NAMES, down_flow, middle_flow, up_flow
from autograder.small_model.block_kinds import LAYERS, unet_inputs
from autograder.small_model.programs import PROGRAMS, Borrowed, Compiled, weights_of

CALLED_BY_FLOWS = ("PaddedConv2D", "ResBlock", "SpatialTransformer", "Upsample")


class BlockUNet:
    """The trained UNet's own layers, each as a program. `drawing.assembly` puts a learner's in their places.

    Args:
        trained: the trained UNet, a `DiffusionModelV2`.
    """

    def __init__(self, trained):
        self.trained, self.config = trained, trained.unet_config

    def wire(self):
        """A Keras model of the trained UNet's inputs and output."""
        latent, embedding, context = inputs = unet_inputs(self.trained)
        t_emb = self.time(embedding)
        x, outputs = self.flow("down", down_flow, [latent, t_emb, context])
        x = self.flow("middle", middle_flow, [x, t_emb, context])
        x = self.flow("up", up_flow, [x, outputs, t_emb, context])
        return keras.Model(inputs, self.exit(x), name="mixed")

    def time(self, embedding):
        """The time MLP."""
        first, second = (self.trained.get_layer(name) for name in ("time_dense1", "time_dense2"))
        return Borrowed(second)(ops.silu(Borrowed(first)(embedding)))

    def flow(self, flow, own, inputs):
        """The outputs of a flow of the reference, a function `own` of inputs and blocks."""
        return own(*inputs, self.blocks(flow))

    def exit(self, x):
        """The last norm, swish and convolution."""
        latent = self.blocks("exit").PaddedConv2D(self.config.latent_channels, 3, padding=1)
        return latent(ops.silu(Borrowed(self.trained.get_layer("exit_norm"))(x)))

    def blocks(self, *flows):
        """The `blocks` of one flow or of several in a row."""
        turns = {kind: [n for f in flows for n in LAYER_NAMES[f].get(kind, ())] for kind in LAYERS}
        makers = {
            kind: (lambda *a, _kind=kind, **k: _Block(self, _kind, turns[_kind], a, k)) for kind in CALLED_BY_FLOWS
        }
        config = {n: getattr(self.config, n) for n in ("channels", "head_size", "latent_channels", "context_dim")}
        return SimpleNamespace(**makers, **config)

    def block(self, kind, arguments, keywords, turns, shapes):
        """The `Compiled` block for one that a flow calls.

        Args:
            kind: which of `LAYERS` it is.
            arguments, keywords: what the flow made it with.
            turns: names of the trained layers of this kind whose turn is still to come; the first is taken away.
            shapes: of its inputs.
        """
        layer = self.trained.get_layer(turns.pop(0))
        block = Compiled(layer, kind, arguments, keywords, PROGRAMS, name=layer.name)
        block.weights = weights_of(layer)
        return block


class _Block:
    """What `blocks.ResBlock(...)` gives to a flow: it becomes a layer when it is called, as then its place is known."""

    def __init__(self, unet, kind, turns, arguments, keywords):
        self.parts, self.layer = (unet, kind, turns, arguments, keywords), None

    def __call__(self, inputs, **keywords):
        if self.layer is None:
            unet, kind, turns, *arguments = self.parts
            tensors = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            shapes = [tuple(tensor.shape) for tensor in tensors]
            self.layer = unet.block(kind, *arguments, turns, shapes)
        return self.layer(inputs, **keywords)
