"""Every documented shape, parameter count, error and configuration of the blocks."""

import keras
import numpy as np
import pytest

from autograder.reference import (
    GEGLU,
    BasicTransformerBlock,
    CrossAttention,
    GroupNorm,
    PaddedConv2D,
    ResBlock,
    SpatialTransformer,
    Upsample,
)

from . import helpers, seeded

# name: (constructor, shapes of the positional arguments, documented output shape). B=2, H=4, W=6, C=64, S=10, T=7.
PICTURE, TOKENS, CONTEXT, TIME = (2, 4, 6, 64), (2, 10, 64), (2, 7, 32), (2, 48)
LAYERS = {
    "conv": (lambda: PaddedConv2D(96, 3, padding=1), PICTURE, (2, 4, 6, 96)),
    "conv without padding": (lambda: PaddedConv2D(96, 3), PICTURE, (2, 2, 4, 96)),
    "conv with stride": (lambda: PaddedConv2D(96, 3, padding=1, strides=2), PICTURE, (2, 2, 3, 96)),
    "group norm": (GroupNorm, PICTURE, PICTURE),
    "upsample": (lambda: Upsample(96), PICTURE, (2, 8, 12, 96)),
    "geglu": (lambda: GEGLU(40), TOKENS, (2, 10, 40)),
    "res block": (lambda: ResBlock(64), [PICTURE, TIME], PICTURE),
    "res block with projection": (lambda: ResBlock(96), [PICTURE, TIME], (2, 4, 6, 96)),
    "self-attention": (lambda: CrossAttention(3, 16), TOKENS, (2, 10, 48)),
    "transformer block": (lambda: BasicTransformerBlock(64, 4, 16), [TOKENS, CONTEXT], TOKENS),
    "spatial transformer": (lambda: SpatialTransformer(4, 16, fully_connected=True), [PICTURE, CONTEXT], PICTURE),
    "spatial transformer, convolutions": (lambda: SpatialTransformer(4, 16), [PICTURE, CONTEXT], PICTURE),
}


def arguments(shapes, make):
    return [make(shape) for shape in shapes] if isinstance(shapes, list) else make(shapes)


def arrays(shapes):
    return arguments(shapes, lambda shape: seeded.inputs("block", shape))


@pytest.fixture(params=LAYERS)
def layer_case(request):
    make, shapes, output = LAYERS[request.param]
    return make(), shapes, output


def test_layer_gives_its_documented_shape(layer_case):
    layer, shapes, output = layer_case
    symbolic = layer(arguments(shapes, lambda shape: keras.Input(batch_shape=shape)))
    assert tuple(symbolic.shape) == output
    assert tuple(layer.compute_output_shape(shapes)) == output
    assert helpers.call(layer, arrays(shapes)).shape == output


def test_layer_takes_any_batch(layer_case):
    layer, shapes, output = layer_case
    symbolic = layer(arguments(shapes, lambda shape: keras.Input(shape[1:])))
    assert tuple(symbolic.shape) == (None, *output[1:])
    assert tuple(layer.compute_output_shape(arguments(shapes, lambda shape: (None, *shape[1:])))) == (None, *output[1:])
    one = arguments(shapes, lambda shape: seeded.inputs("block", shape)[:1])
    both = helpers.call(layer, arrays(shapes))
    # Pictures of a batch know nothing of each other; 1e-5: other kernels are chosen for other batches
    assert helpers.relative_error(helpers.call(layer, one), both[:1]) < 1e-5


def test_layer_is_made_again_from_its_config(layer_case):
    layer, shapes, _ = layer_case
    y = helpers.call(layer, arrays(shapes))
    again = type(layer).from_config(layer.get_config())
    helpers.call(again, arrays(shapes))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(helpers.call(again, arrays(shapes)), y)
    assert again.get_config() == layer.get_config()


def test_layer_numerics_survive_the_config():
    layer = SpatialTransformer(
        4, 16, norm_epsilon=1e-6, layer_norm_epsilon=2e-5, gelu_approximate=False, fully_connected=True
    )
    again = SpatialTransformer.from_config(layer.get_config())
    inner = again.transformer_block
    assert (again.norm.epsilon, inner.norm2.epsilon, inner.geglu.approximate) == (1e-6, 2e-5, False)


def test_layer_saves_and_loads_in_a_keras_model(layer_case, tmp_path):
    layer, shapes, _ = layer_case
    inputs = arguments(shapes, lambda shape: keras.Input(shape[1:]))
    model = keras.Model(inputs, layer(inputs))
    y = helpers.call(model, arrays(shapes))
    model.save_weights(tmp_path / "layer.weights.h5")
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape, "float32"))
    model.load_weights(tmp_path / "layer.weights.h5")
    np.testing.assert_array_equal(helpers.call(model, arrays(shapes)), y)


def test_layer_runs_in_bfloat16_with_small_error(layer_case):
    layer, shapes, _ = layer_case
    y = helpers.call(layer, arrays(shapes))
    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
    helpers.call(half, arrays(shapes))
    half.set_weights(layer.get_weights())
    with helpers.no_gradients():
        result = half(arrays(shapes))
    assert keras.backend.standardize_dtype(result.dtype) == "bfloat16"
    value = keras.ops.convert_to_numpy(keras.ops.cast(result, "float32"))
    assert 0 < helpers.relative_error(value, y) < 3e-2  # bfloat16 has 8 bits: 4e-3 a number


def test_cross_attention_reads_a_context_of_another_width():
    layer = CrossAttention(4, 16)
    symbolic = layer(keras.Input((10, 64)), context=keras.Input((7, 32)))
    assert tuple(symbolic.shape) == (None, 10, 64)
    assert tuple(layer.compute_output_shape(TOKENS, context_shape=CONTEXT)) == TOKENS
    x, context = seeded.inputs("x", TOKENS), seeded.inputs("context", CONTEXT)
    assert helpers.call(layer, x, context=context).shape == TOKENS


def test_self_attention_is_cross_attention_to_the_inputs():
    layer, x = CrossAttention(4, 16), seeded.inputs("x", TOKENS)
    assert helpers.relative_error(helpers.call(layer, x, context=x), helpers.call(layer, x)) < 1e-6


@pytest.mark.parametrize(("inputs", "outputs", "parameters"), [(320, 320, 2_255_040), (320, 640, 6_558_080)])
def test_res_block_has_stable_diffusions_parameters(inputs, outputs, parameters):
    layer = ResBlock(outputs)
    layer.build([(None, 8, 8, inputs), (None, 1280)])
    assert layer.count_params() == parameters
    assert sum(np.prod(shape) for shape in seeded.res_block(inputs, outputs, 1280).values()) == parameters


@pytest.mark.parametrize(
    ("heads", "parameters"), [(5, 2_710_080), (10, 9_516_160), (20, 35_416_320)], ids=["320", "640", "1280"]
)
@pytest.mark.parametrize("fully_connected", [True, False])
def test_spatial_transformer_has_stable_diffusions_parameters(heads, parameters, fully_connected):
    assert sum(np.prod(shape) for shape in seeded.spatial_transformer(64 * heads, 1024).values()) == parameters
    if heads < 20:  # 142 MB are not needed to see it
        layer = SpatialTransformer(heads, 64, fully_connected=fully_connected)
        layer.build([(None, 8, 8, 64 * heads), (None, 77, 1024)])
        assert layer.count_params() == parameters


def test_spatial_transformer_refuses_channels_that_are_not_its_heads():
    with pytest.raises(ValueError, match=r"Received: .*96"):
        SpatialTransformer(4, 16).build([(None, 4, 6, 96), (None, 7, 32)])


def test_res_block_projects_only_where_the_channels_change():
    same, project = ResBlock(64), ResBlock(64)
    same.build([(None, 4, 6, 64), (None, 48)])
    project.build([(None, 4, 6, 96), (None, 48)])
    assert (len(same.weights), len(project.weights)) == (10, 12)
