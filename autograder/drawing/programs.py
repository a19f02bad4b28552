"""Compiled programs for the layers of a UNet, one for all layers that compute the same with weights of their own.

Compiling a whole UNet takes TensorFlow longer than all the steps of a drawing. But most of its 46 blocks are alike:
with the weights as arguments 23 programs serve for all, and those of the reference's blocks for every UNet that they
stand in.
"""

import keras

from autograder.drawing.mixing import LAYERS, Mine, call_on, positional


class Programs:
    """The programs there are, by what they compute."""

    def __init__(self):
        self._made = {}

    def __len__(self):
        return len(self._made)

    def of(self, layer, kind, arguments):
        """A function of a list of inputs that runs a built layer's program.

        Args:
            layer: a learner's layer or the reference's.
            kind: which of `LAYERS` it is.
            arguments: what the reference's class would be made with in its place.
        """
        variables = layer.variables
        made_by = (layer.make, layer.arguments) if isinstance(layer, Mine) else (type(layer), tuple(arguments))
        key = (repr(made_by[1]), made_by[0], *(tuple(variable.shape) for variable in variables))
        if key not in self._made:
            self._made[key] = _Program(layer, kind, variables)
        program = self._made[key]
        return lambda inputs: program(layer, variables, inputs)


class _Program:
    """The program of one layer, which any layer that computes the same can run with its own weights."""

    def __init__(self, layer, kind, variables):
        self.layer, self.kind, self.variables = layer, kind, variables
        self.compiled, self.failed = {}, False

    def __call__(self, layer, variables, inputs):
        if not self.failed:
            try:
                return self._run([variable.value for variable in variables], inputs)
            except Exception:  # some code runs on numbers only; one that is wrong fails below as well
                self.failed = True
        return call_on(layer, self.kind, inputs)

    def _run(self, values, inputs):
        shapes = tuple(tuple(tensor.shape) for tensor in inputs)
        if shapes not in self.compiled:
            self.compiled[shapes] = _compiled(_WithWeights(self.layer, self.kind, self.variables))
        return self.compiled[shapes](values, inputs)


class _WithWeights:
    """Calls a layer as if its weights had other values. It is no plain function: of those TensorFlow counts all that
    have the same code, and warns that they are compiled often."""

    def __init__(self, layer, kind, variables):
        self.layer, self.kind, self.variables = layer, kind, variables

    def __call__(self, values, inputs):
        with keras.StatelessScope(state_mapping=list(zip(self.variables, values, strict=True))):
            return call_on(self.layer, self.kind, inputs)


def _compiled(function):
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        return tensorflow.function(function, autograph=False)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return function


class Compiled(keras.Operation):
    """A block of a UNet that runs as a program. It is an operation, as calling a layer takes longer: a fifth of the
    time of a step, on pictures as small as these.

    Args:
        layer: the block.
        kind: which of `LAYERS` it is.
        arguments, keywords: what it was made with.
        programs: `Programs` that it is looked for in.

    Call arguments:
        inputs: as the block's own, one tensor or a list.

    Returns:
        What the block returns.
    """

    def __init__(self, layer, kind, arguments, keywords, programs, name=None):
        super().__init__(name=name)
        self.layer, self.kind, self.programs = layer, kind, programs
        self.arguments = positional(LAYERS[kind], arguments, keywords)
        self.run = None

    def compute_output_spec(self, inputs):
        shapes = keras.tree.map_structure(lambda tensor: tensor.shape, inputs)
        if not self.layer.built:
            self.layer.build(shapes)
        return keras.KerasTensor(self.layer.compute_output_shape(shapes), dtype=self.layer.compute_dtype)

    def call(self, inputs):
        if self.run is None:
            self.run = self.programs.of(self.layer, self.kind, self.arguments)
        return self.run(list(inputs) if isinstance(inputs, (list, tuple)) else [inputs])
