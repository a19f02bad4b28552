"""Compiled programs for the layers of a UNet, one for all layers that compute the same with weights of their own.

Compiling a whole UNet takes TensorFlow longer than all the steps of a drawing. But most of its 46 blocks are alike:
with the weights as arguments 23 programs serve for all, and those of the reference's blocks for every UNet that they
stand in. A UNet made of such blocks is then one small program that calls theirs.
"""

import functools

import keras
from keras import ops

from autograder.adapters.backend import compiled, joins_programs
from autograder.small_model.block_kinds import LAYERS, call_on, positional


class Programs:
    """The programs there are, by what they compute."""

    def __init__(self):
        self._made = {}

    def __len__(self):
        return len(self._made)

    def of(self, layer, kind, arguments):
        """The program of a built layer: a function of `weights`, see `weights_of`, and a list of inputs.

        Args:
            layer: a layer of the reference's, or one whose `made_by` says by what and with what it was made.
            kind: which of `LAYERS` it is.
            arguments: what the reference's class would be made with in its place.
        """
        made_by = getattr(layer, "made_by", None) or (type(layer), tuple(arguments))
        # A learner's layer may keep what it was built for, so each size of picture has a program of its own.
        built_for = repr((made_by[1], layer.get_build_config()))
        key = (made_by[0], built_for, *(tuple(variable.shape) for variable in layer.variables))
        if key not in self._made:
            self._made[key] = _Program(layer, kind)
        return functools.partial(self._made[key], layer)


PROGRAMS = Programs()  # of the trained layers, whichever UNet they stand in


def weights_of(layer):
    """The weights of a layer as they are now, a list of tensors in the order of its variables."""
    return [ops.copy(variable) for variable in layer.variables]


class _Program:
    """The program of one layer, which any layer that computes the same can run with its own weights."""

    def __init__(self, layer, kind):
        self.layer, self.kind = layer, kind
        self.compiled, self.failed = {}, False

    def __call__(self, layer, weights, inputs):
        if self.failed:
            return self._run_layer(layer, weights, inputs)
        try:
            return self._run(weights, inputs)
        except Exception:  # some code runs on numbers only
            outputs = self._run_layer(layer, weights, inputs)  # what is wrong fails here as well
            self.failed = True
            return outputs

    def _run(self, weights, inputs):
        shapes = tuple(tuple(tensor.shape) for tensor in inputs)
        if shapes not in self.compiled:
            self.compiled[shapes] = compiled(_WithWeights(self.layer, self.kind))
        return self.compiled[shapes](weights, inputs)

    def _run_layer(self, layer, weights, inputs):
        for variable, value in zip(layer.variables, weights, strict=False):  # it may make some at every call
            variable.assign(value)
        return call_on(layer, self.kind, inputs)


class _WithWeights:
    """Calls a layer as if its weights were others. It is no plain function: of those TensorFlow counts all that have
    the same code, and warns that they are compiled often."""

    def __init__(self, layer, kind):
        self.layer, self.kind = layer, kind

    def __call__(self, weights, inputs):
        with keras.StatelessScope(state_mapping=list(zip(self.layer.variables, weights, strict=True))):
            return call_on(self.layer, self.kind, inputs)


class CompiledUNet(keras.Model):
    """A functional model of `Compiled` blocks that on TensorFlow is one program itself, so that no time is lost between
    its blocks: on pictures as small as these that is half of a step. Where its code runs on numbers only, and on other
    backends, one block runs after the other.

    Args:
        inputs, outputs: as `keras.Model`'s.
    """

    def __init__(self, inputs, outputs, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.program = compiled(super().call) if joins_programs() else None

    def call(self, inputs, training=None, mask=None):
        if self.program is None:
            return super().call(inputs, training, mask)
        try:
            return self.program(inputs)
        except Exception:  # some code runs on numbers only
            outputs = super().call(inputs, training, mask)  # what is wrong fails here as well
            self.program = None
            return outputs


class Compiled(keras.Operation):
    """A block of a UNet that runs as a program. It is an operation, as calling a layer takes longer.

    Args:
        layer: the block.
        kind: which of `LAYERS` it is.
        arguments, keywords: what it was made with.
        programs: `Programs` that it is looked for in.

    Attributes:
        weights: tensors that it runs with, see `weights_of`, or None for the layer's own. Two blocks that were made
            alike may share a layer and have weights of their own.

    Call arguments:
        inputs: as the block's own, one tensor or a list.

    Returns:
        What the block returns.
    """

    def __init__(self, layer, kind, arguments, keywords, programs, name=None):
        super().__init__(name=name)
        self.layer, self.kind, self.programs = layer, kind, programs
        self.arguments = positional(LAYERS[kind], arguments, keywords)
        self.weights = self.run = None

    def compute_output_spec(self, inputs):
        shapes = keras.tree.map_structure(lambda tensor: tensor.shape, inputs)
        if not self.layer.built:
            self.layer.build(shapes)
        return keras.KerasTensor(self.layer.compute_output_shape(shapes), dtype=self.layer.compute_dtype)

    def call(self, inputs):
        if self.run is None:
            self.run = self.programs.of(self.layer, self.kind, self.arguments)
        weights = weights_of(self.layer) if self.weights is None else self.weights
        return self.run(weights, list(inputs) if isinstance(inputs, (list, tuple)) else [inputs])


class Borrowed(keras.Operation):
    """A layer of another model, called without being wired to it: Keras keeps the nodes of every symbolic call of a
    layer, and through them all models that it ever stood in.

    Args:
        layer: a built layer of one input.

    Call arguments, returns: as the layer's own.
    """

    def __init__(self, layer, name=None):
        super().__init__(name=name)
        self.layer = layer

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(self.layer.compute_output_shape(inputs.shape), dtype=self.layer.compute_dtype)

    def call(self, inputs):
        return self.layer(inputs)
