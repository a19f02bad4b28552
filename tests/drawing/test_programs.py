"""Compiled programs: shared by layers that compute the same, each with weights of its own."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder import reference
from autograder.drawing.mixing import LAYERS, Mine, call_on, random_inputs
from autograder.drawing.programs import Compiled, Programs
from tests.drawing import blocks as mine

SHAPES = {"ResBlock": [(4, 4, 64), (256,)], "SpatialTransformer": [(4, 4, 64), (10, 64)], "PaddedConv2D": [(4, 4, 64)]}
ARGUMENTS = {"ResBlock": (64,), "SpatialTransformer": (2, 32, True), "PaddedConv2D": (64, 3, 1, 2)}


def built(kind, make=None):
    layer = (make or LAYERS[kind])(*ARGUMENTS[kind])
    shapes = [(None, *shape) for shape in SHAPES[kind]]
    layer.build(shapes if len(shapes) > 1 else shapes[0])
    return layer


@pytest.mark.parametrize("kind", SHAPES)
def test_layers_of_a_kind_share_a_program_and_keep_their_weights(kind):
    programs, inputs = Programs(), random_inputs(SHAPES[kind])
    layers = [built(kind), built(kind)]
    outputs = [ops.convert_to_numpy(programs.of(layer, kind, ARGUMENTS[kind])(inputs)) for layer in layers]
    assert len(programs) == 1
    assert np.abs(outputs[0] - outputs[1]).max() > 0.1
    for layer, output in zip(layers, outputs, strict=True):
        np.testing.assert_allclose(output, ops.convert_to_numpy(call_on(layer, kind, inputs)), atol=2e-5)


def test_program_follows_a_change_of_weights():
    programs, inputs, layer = Programs(), random_inputs(SHAPES["ResBlock"]), built("ResBlock")
    run = programs.of(layer, "ResBlock", ARGUMENTS["ResBlock"])
    before = ops.convert_to_numpy(run(inputs))
    layer.weights[-1].assign(layer.weights[-1] + 1)
    assert np.abs(ops.convert_to_numpy(run(inputs)) - before).max() > 0.1


@pytest.mark.parametrize(("kind", "arguments"), [("ResBlock", (96,)), ("PaddedConv2D", (64, 3, 1, 1))])
def test_layers_made_with_other_arguments_have_a_program_of_their_own(kind, arguments):
    programs = Programs()
    shapes = [(None, *shape) for shape in SHAPES[kind]]
    other = LAYERS[kind](*arguments)
    other.build(shapes if len(shapes) > 1 else shapes[0])
    for layer, made_with in ((built(kind), ARGUMENTS[kind]), (other, arguments)):
        output = programs.of(layer, kind, made_with)(random_inputs(SHAPES[kind]))
        expected = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
        assert tuple(output.shape)[1:] == tuple(expected)[1:]
    assert len(programs) == 2


def test_learners_classes_of_one_name_do_not_share_a_program():
    """As when a cell is run again after a change."""
    programs, inputs = Programs(), random_inputs(SHAPES["ResBlock"])
    layers = [Mine("ResBlock", make, (64,)) for make in (mine.ResBlock, type("ResBlock", (mine.NoShortcut,), {}))]
    for layer in layers:
        layer.build([(None, *shape) for shape in SHAPES["ResBlock"]])
        output = programs.of(layer, "ResBlock", (64,))(inputs)
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (output, layer(inputs))), atol=2e-5)
    assert len(programs) == 2


def test_code_that_cannot_be_compiled_runs_as_it_is():
    inputs = random_inputs(SHAPES["ResBlock"])
    layer = Mine("ResBlock", mine.NumpyOnly, (64,))
    layer.build([(None, *shape) for shape in SHAPES["ResBlock"]])
    output = Programs().of(layer, "ResBlock", (64,))(inputs)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (output, layer(inputs))), atol=2e-5)


def test_compiled_block_stands_in_a_model():
    tensors = [keras.Input(shape) for shape in SHAPES["ResBlock"]]
    block = reference.ResBlock(64)
    model = keras.Model(tensors, Compiled(block, "ResBlock", (), {"channels": 64}, Programs(), name="block")(tensors))
    inputs = random_inputs(SHAPES["ResBlock"])
    np.testing.assert_allclose(model.predict_on_batch(inputs), ops.convert_to_numpy(block(inputs)), atol=2e-5)
    assert [operation.name for operation in model.operations][-1] == "block"
