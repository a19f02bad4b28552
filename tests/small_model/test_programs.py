"""Compiled programs: shared by layers that compute the same, each with weights of its own."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder import reference
from autograder.drawing.mixing import BlockError, Mine, random_inputs
from autograder.exam.comparing import relative_error
from autograder.small_model.block_kinds import LAYERS, call_on
from autograder.small_model.programs import Compiled, CompiledUNet, Programs, weights_of
from tests.drawing import blocks as mine

NUMPY_IN_A_LAYER = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch's numbers are always a graph's"
)
SHAPES = {"ResBlock": [(4, 4, 64), (256,)], "SpatialTransformer": [(4, 4, 64), (10, 64)], "PaddedConv2D": [(4, 4, 64)]}
ARGUMENTS = {"ResBlock": (64,), "SpatialTransformer": (2, 32, True), "PaddedConv2D": (64, 3, 1, 2)}


def built(kind, make=None):
    layer = (make or LAYERS[kind])(*ARGUMENTS[kind])
    shapes = [(None, *shape) for shape in SHAPES[kind]]
    layer.build(shapes if len(shapes) > 1 else shapes[0])
    return layer


def run(layer, kind, arguments, inputs, programs=None):
    """What a layer's program makes of inputs with the weights that the layer has."""
    programs = Programs() if programs is None else programs
    return programs.of(layer, kind, arguments)(weights_of(layer), inputs)


@pytest.mark.parametrize("kind", SHAPES)
def test_layers_of_a_kind_share_a_program_and_keep_their_weights(kind):
    programs, inputs = Programs(), random_inputs(SHAPES[kind])
    layers = [built(kind), built(kind)]
    outputs = [ops.convert_to_numpy(run(layer, kind, ARGUMENTS[kind], inputs, programs)) for layer in layers]
    assert len(programs) == 1
    assert np.abs(outputs[0] - outputs[1]).max() > 0.1
    for layer, output in zip(layers, outputs, strict=True):
        np.testing.assert_allclose(output, ops.convert_to_numpy(call_on(layer, kind, inputs)), atol=2e-5)


@pytest.mark.parametrize(("kind", "arguments"), [("ResBlock", (96,)), ("PaddedConv2D", (64, 3, 1, 1))])
def test_layers_made_with_other_arguments_have_a_program_of_their_own(kind, arguments):
    programs = Programs()
    shapes = [(None, *shape) for shape in SHAPES[kind]]
    other = LAYERS[kind](*arguments)
    other.build(shapes if len(shapes) > 1 else shapes[0])
    for layer, made_with in ((built(kind), ARGUMENTS[kind]), (other, arguments)):
        output = run(layer, kind, made_with, random_inputs(SHAPES[kind]), programs)
        expected = layer.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
        assert tuple(output.shape)[1:] == tuple(expected)[1:]
    assert len(programs) == 2


def test_learners_classes_of_one_name_do_not_share_a_program():
    """As when a cell is run again after a change."""
    programs, inputs = Programs(), random_inputs(SHAPES["ResBlock"])
    layers = [Mine("ResBlock", make, (64,)) for make in (mine.ResBlock, type("ResBlock", (mine.NoShortcut,), {}))]
    for layer in layers:
        layer.build([(None, *shape) for shape in SHAPES["ResBlock"]])
        output = run(layer, "ResBlock", (64,), inputs, programs)
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (output, layer(inputs))), atol=2e-5)
    assert len(programs) == 2


def test_code_that_cannot_be_compiled_runs_as_it_is():
    inputs = random_inputs(SHAPES["ResBlock"])
    layer = Mine("ResBlock", mine.NumpyOnly, (64,))
    layer.build([(None, *shape) for shape in SHAPES["ResBlock"]])
    output = run(layer, "ResBlock", (64,), inputs)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (output, layer(inputs))), atol=2e-5)


def test_layer_that_keeps_what_it_was_built_for_has_a_program_for_each_size():
    class Centred(mine.ResBlock):
        """Takes off the mean, which it counts out of the size that it was built for."""

        def build(self, shapes):
            super().build(shapes)
            self.pixels = shapes[0][1] * shapes[0][2]

        def call(self, inputs):
            h = super().call(inputs)
            return h - ops.sum(h, axis=(1, 2), keepdims=True) / self.pixels

    programs = Programs()
    for side in (4, 2):
        shapes = [(side, side, 64), (256,)]
        layer = Mine("ResBlock", Centred, (64,))
        layer.build([(None, *shape) for shape in shapes])
        output = run(layer, "ResBlock", (64,), random_inputs(shapes), programs)
        np.testing.assert_allclose(ops.convert_to_numpy(ops.mean(output, axis=(1, 2))), np.zeros((2, 64)), atol=1e-5)


def test_compiled_block_stands_in_a_model():
    tensors = [keras.Input(shape) for shape in SHAPES["ResBlock"]]
    block = reference.ResBlock(64)
    model = keras.Model(tensors, Compiled(block, "ResBlock", (), {"channels": 64}, Programs(), name="block")(tensors))
    inputs = random_inputs(SHAPES["ResBlock"])
    np.testing.assert_allclose(model.predict_on_batch(inputs), ops.convert_to_numpy(block(inputs)), atol=2e-5)
    assert [operation.name for operation in model.operations][-1] == "block"


def test_blocks_that_share_a_layer_have_weights_of_their_own():
    inputs, tensors, programs = random_inputs(SHAPES["PaddedConv2D"]), [keras.Input((4, 4, 64))], Programs()
    layer, models, expected = built("PaddedConv2D"), [], []
    for seed in range(2):
        block = Compiled(layer, "PaddedConv2D", ARGUMENTS["PaddedConv2D"], {}, programs)
        models.append(keras.Model(tensors, block(tensors[0])))
        models[-1](inputs)  # before it has them, as where a learner tries a UNet
        layer.set_weights([np.random.default_rng(seed).normal(size=w.shape) for w in layer.weights])
        block.weights = weights_of(layer)
        expected.append(ops.convert_to_numpy(layer(inputs[0])))
    for model, output in zip(models, expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(model(inputs)), output, atol=2e-5)
    assert relative_error(*expected) > 0.1


def two_blocks(make):
    """A CompiledUNet of two of a learner's blocks, and the same without programs."""
    tensors = [keras.Input(shape) for shape in SHAPES["ResBlock"]]
    layers = [Mine("ResBlock", make, (64,)) for _ in range(2)]
    blocks = [Compiled(layer, "ResBlock", (64,), {}, Programs()) for layer in layers]
    x = blocks[1]([blocks[0](tensors), tensors[1]])

    def plain(inputs):
        return layers[1]([layers[0](inputs), inputs[1]])

    return CompiledUNet(tensors, x), plain


@pytest.mark.parametrize("make", [mine.ResBlock, pytest.param(mine.NumpyOnly, marks=NUMPY_IN_A_LAYER)])
def test_compiled_unet_computes_what_its_blocks_do_whether_they_can_be_compiled_or_not(make):
    unet, plain = two_blocks(make)
    inputs = random_inputs(SHAPES["ResBlock"])
    for _ in range(2):  # the second time runs what the first has made
        assert relative_error(*(ops.convert_to_numpy(f(inputs)) for f in (unet, plain))) < 1e-5
    assert (unet.program is not None) == (keras.backend.backend() == "tensorflow" and make is mine.ResBlock)


class FailsOnce(mine.ResBlock):
    """Can be built, but not run for a batch of three."""

    def call(self, inputs):
        if inputs[0].shape[0] == 3:
            raise ValueError("three of them")
        return super().call(inputs)


def test_compiled_unet_raises_what_its_block_does_and_stays_compiled():
    unet, plain = two_blocks(FailsOnce)
    compiled = unet.program
    with pytest.raises(BlockError, match="three"):
        unet(random_inputs(SHAPES["ResBlock"], batch=3))
    inputs = random_inputs(SHAPES["ResBlock"])
    assert relative_error(*(ops.convert_to_numpy(f(inputs)) for f in (unet, plain))) < 1e-5
    assert unet.program is compiled


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="an option of TensorFlow's")
@pytest.mark.parametrize("before", [True, False])
def test_programs_leave_tensorflow_as_it_was(before):
    from tensorflow import nn
    from tensorflow.config import optimizer

    option = "disable_meta_optimizer"
    as_found, silu = optimizer.get_experimental_options()[option], nn.silu
    optimizer.set_experimental_options({option: before})

    class Looks(mine.ResBlock):
        """Looks at TensorFlow's own function while its program is made."""

        def call(self, inputs):
            assert nn.silu is silu
            return super().call(inputs)

    try:
        assert two_blocks(Looks)[0](random_inputs(SHAPES["ResBlock"])) is not None
        with pytest.raises(BlockError):
            two_blocks(FailsOnce)[0](random_inputs(SHAPES["ResBlock"], batch=3))
        assert optimizer.get_experimental_options()[option] is before
    finally:
        optimizer.set_experimental_options({option: as_found})
