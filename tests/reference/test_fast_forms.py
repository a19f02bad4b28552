"""Each fast form computes what its plain form computes, and the weights are drawn as Glorot and Bengio say."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.reference import PaddedConv2D, attention, layers
from autograder.reference.layers import GlorotUniform

TOLERANCE = 1e-5  # float32 sums in another order


def relative_error(a, b):
    a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize(("kernel_size", "padding", "strides"), [(3, 1, 1), (3, 1, 2), (1, 0, 1), (2, 0, 1), (3, 0, 2)])
def test_padded_conv_product_equals_padding_then_convolving(kernel_size, padding, strides):
    layer = PaddedConv2D(5, kernel_size, padding=padding, strides=strides)
    x = normal(2, 4, 6, 3)
    y = layer(x)
    layer.conv.bias.assign(normal(5, seed=1))
    y = layer(x)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    plain = ops.conv(padded, layer.conv.kernel, strides=strides, padding="valid") + layer.conv.bias
    assert y.shape == plain.shape == layer.compute_output_shape(x.shape)
    assert relative_error(y, plain) < TOLERANCE


def test_padded_conv_forms_agree_on_either_side_of_the_limit(monkeypatch):
    layer, x = PaddedConv2D(5, 3, padding=1), normal(2, 4, 6, 3)
    used = []
    product = PaddedConv2D._product
    monkeypatch.setattr(PaddedConv2D, "_product", lambda *given: used.append(1) or product(*given))
    forms = []
    for limit in (24, 23):  # pixels of the picture: 4·6
        monkeypatch.setattr(layers, "PRODUCT_PIXELS", limit)
        forms.append(layer(x))
    assert len(used) == (keras.backend.backend() == "tensorflow")
    assert relative_error(*forms) < TOLERANCE


@pytest.mark.parametrize("slices", [1, 2, 4])
def test_attention_in_slices_equals_the_formula(monkeypatch, slices):
    heads, tokens, asked, size = 3, 8, 5, 4
    q, k, v = (
        normal(2, tokens, heads, size),
        normal(2, asked, heads, size, seed=1),
        normal(2, asked, heads, size, seed=2),
    )
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", heads * tokens * asked // slices)
    scores = np.einsum("bsnd,btnd->bnst", q, k) * 0.3
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    expected = np.einsum("bnst,btnd->bsnd", weights, v)
    assert relative_error(attention.attend(q, k, v, scale=0.3), expected) < TOLERANCE


@pytest.mark.parametrize("shape", [(3, 3, 40, 72), (96, 160)])
def test_glorot_has_the_limits_mean_and_variance_of_its_formula(shape):
    values = ops.convert_to_numpy(GlorotUniform(seed=7)(shape))
    pixels = np.prod(shape[:-2], dtype=int)
    limit = np.sqrt(6 / (pixels * (shape[-2] + shape[-1])))
    assert values.shape == shape
    assert values.dtype == "float32"
    assert 0.999 * limit < values.max() <= limit
    assert -limit <= values.min() < -0.999 * limit
    deviations = 5 / np.sqrt(values.size)  # five standard errors of the mean, in units of the spread
    assert abs(values.mean()) < deviations * limit / np.sqrt(3)
    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    histogram, _ = np.histogram(values, bins=8, range=(-limit, limit))
    assert histogram / values.size == pytest.approx(np.full(8, 1 / 8), rel=0.1)


def test_glorot_follows_the_seed():
    def draw():
        return ops.convert_to_numpy(GlorotUniform()((8, 12)))

    keras.utils.set_random_seed(3)
    first, second = draw(), draw()
    keras.utils.set_random_seed(3)
    again = draw()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5
