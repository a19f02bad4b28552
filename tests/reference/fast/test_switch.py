"""`fast_forms` is the one switch: both ways the same weights give the same outputs."""

import threading

import keras
import numpy as np
import pytest
from keras import ops

from autograder.reference import (
    GEGLU,
    TINY,
    BasicTransformerBlock,
    CrossAttention,
    DiffusionModelV2,
    GroupNorm,
    PaddedConv2D,
    ResBlock,
    SpatialTransformer,
    Upsample,
    fast_forms,
    load_unet_weights,
    save_unet_weights,
    unet,
)
from autograder.reference.fast import choose, forms, layers
from autograder.reference.fast.initialiser import GlorotUniform

from ..helpers import no_gradients, normal, relative_error

PICTURE, TOKENS, CONTEXT, TIME = (2, 4, 6, 64), (2, 10, 64), (2, 7, 32), (2, 48)
BLOCKS = {
    "conv": (lambda **k: PaddedConv2D(96, 3, padding=1, **k), [PICTURE]),
    "conv with stride": (lambda **k: PaddedConv2D(96, 3, padding=1, strides=2, **k), [PICTURE]),
    "upsample": (lambda **k: Upsample(96, **k), [PICTURE]),
    "geglu": (lambda **k: GEGLU(40, **k), [TOKENS]),
    "attention": (lambda **k: CrossAttention(4, 16, **k), [TOKENS]),
    "transformer block": (lambda **k: BasicTransformerBlock(64, 4, 16, **k), [TOKENS, CONTEXT]),
    "res block": (lambda **k: ResBlock(96, **k), [PICTURE, TIME]),
    "spatial transformer": (lambda **k: SpatialTransformer(4, 16, True, **k), [PICTURE, CONTEXT]),
    "spatial transformer, convolutions": (lambda **k: SpatialTransformer(4, 16, **k), [PICTURE, CONTEXT]),
}
# In 16 bits the two round at other places; a number has 8 or 11 bits: 4e-3 or 5e-4
TOLERANCES = {"float32": 1e-5, "mixed_bfloat16": 3e-2, "bfloat16": 3e-2, "mixed_float16": 4e-3, "float16": 4e-3}


def as_numpy(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def both_ways(make):
    """The layer made fast and made plain."""
    made = []
    for on in (True, False):
        with fast_forms(on):
            made.append(make())
    return made


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", BLOCKS)
def test_block_computes_the_same_fast_and_plain(name, dtype):
    make, shapes = BLOCKS[name]
    fast, plain = both_ways(lambda: make(dtype=dtype))
    inputs = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    with no_gradients():
        fast(inputs)
        plain(inputs)
        random = [normal(*w.shape, seed=9 + i) / 8 for i, w in enumerate(fast.weights)]  # norms and biases, too
        fast.set_weights(random)
        plain.set_weights(random)
        assert [w.path.partition("/")[2] for w in fast.weights] == [w.path.partition("/")[2] for w in plain.weights]
        outputs = fast(inputs), plain(inputs)
    assert {keras.backend.standardize_dtype(y.dtype) for y in outputs} == {fast.compute_dtype}
    assert relative_error(*map(as_numpy, outputs)) < TOLERANCES[dtype]


@pytest.mark.parametrize("name", BLOCKS)
def test_block_called_on_symbols_computes_the_same_fast_and_plain(name):
    make, shapes = BLOCKS[name]
    inputs = [normal(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    models = []
    for block in both_ways(make):
        symbols = [keras.Input(shape[1:]) for shape in shapes]
        models.append(keras.Model(symbols, block(symbols if len(symbols) > 1 else symbols[0])))
    models[1].set_weights(models[0].get_weights())
    compiled = [model.predict_on_batch(inputs) for model in models]
    with no_gradients():
        eager = [as_numpy(model(inputs)) for model in models]
    for outputs in (compiled, eager, (compiled[0], eager[0])):
        assert relative_error(*outputs) < 1e-5


@pytest.fixture(scope="module")
def unets():
    return both_ways(lambda: DiffusionModelV2(128, 64, 5, download_weights=False, config=TINY))


def test_unet_computes_the_same_fast_and_plain(unets):
    fast, plain = unets
    plain.set_weights(fast.get_weights())
    inputs = [normal(2, *tensor.shape[1:], seed=i) for i, tensor in enumerate(fast.inputs)]
    with no_gradients():
        eager = [as_numpy(model(inputs)) for model in unets]
    assert relative_error(*eager) < 1e-5
    assert relative_error(fast.predict_on_batch(inputs), eager[1]) < 1e-5


def test_unet_names_its_weights_alike_fast_and_plain(unets):
    fast, plain = ([(w.path, tuple(w.shape)) for w in model.weights] for model in unets)
    assert fast == plain


def test_unet_goes_from_fast_to_plain_in_a_file(unets, tmp_path):
    fast, plain = unets
    save_unet_weights(fast, tmp_path / "unet.safetensors")
    load_unet_weights(plain, tmp_path / "unet.safetensors")
    for ours, theirs in zip(fast.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def made_of(model):
    """The classes of all layers and kernels' initialisers in a model, and the functions that its layers chose."""
    for layer in model._flatten_layers():
        yield type(layer)
        yield type(getattr(layer, "kernel_initializer", None))
        yield from (getattr(layer, name) for name in ("convolve", "attend") if hasattr(layer, name))


def test_unet_is_fast_or_plain_as_a_whole(unets):
    fast, plain = (set(made_of(model)) for model in unets)
    own = {GroupNorm, GlorotUniform, forms.convolve, forms.attend}
    kerass = {keras.layers.GroupNormalization, keras.initializers.GlorotUniform, unet.convolve, unet.attend}
    assert (fast & own, fast & kerass) == (own, set())
    assert (plain & own, plain & kerass) == (set(), kerass)


def test_residual_projection_is_of_the_forms_its_block_was_made_with():
    fast, plain = both_ways(lambda: ResBlock(96))
    for block in (fast, plain):
        block.build([PICTURE, TIME])  # outside of the context
    assert fast.residual_projection.convolve is forms.convolve
    assert plain.residual_projection.convolve is unet.convolve


def test_fast_forms_are_on_and_come_back_after_an_error():
    assert choose(unet.attend) is forms.attend
    with fast_forms(False):
        with fast_forms(True):
            assert choose(unet.attend) is forms.attend
        assert choose(unet.attend) is unet.attend
    with pytest.raises(ZeroDivisionError), fast_forms(False):
        1 / 0  # noqa: B018
    assert choose(unet.attend) is forms.attend


def test_fast_forms_hold_for_their_thread_only():
    chosen = []
    with fast_forms(False):
        thread = threading.Thread(target=lambda: chosen.append(choose(unet.attend)))
        thread.start()
        thread.join()
    assert chosen == [forms.attend]


def test_layers_are_keras_own_where_nothing_is_faster():
    assert layers.LayerNormalization is keras.layers.LayerNormalization
    assert layers.GroupNormalization is GroupNorm
    with fast_forms(False):
        assert layers.GroupNormalization is keras.layers.GroupNormalization
        assert layers.Dense is keras.layers.Dense
