"""The small layers against numpy and Keras' own layers. Tolerance 1e-5: float32, other orders of summation."""

import math

import keras
import numpy as np
import pytest

from autograder.reference import GEGLU, PaddedConv2D, Upsample, fast_forms, td_dot

from . import helpers, seeded


@pytest.mark.parametrize(("kernel_size", "padding", "strides"), [(3, 1, 1), (3, 1, 2), (1, 0, 1), (3, 0, 1), (5, 1, 2)])
def test_padded_conv_equals_numpy(kernel_size, padding, strides):
    layer = PaddedConv2D(5, kernel_size, padding=padding, strides=strides)
    x = seeded.inputs("conv", (2, 8, 6, 3))
    layer.build(x.shape)
    arrays = seeded.weights(seeded.conv(3, 5, kernel_size), "conv")
    helpers.assign_block(layer, arrays)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel_size, kernel_size), axis=(1, 2))
    wanted = np.einsum("bhwcij,ijco->bhwo", windows[:, ::strides, ::strides], arrays["weight"]) + arrays["bias"]
    assert helpers.relative_error(helpers.call(layer, x), wanted) < 1e-5


def test_padded_conv_with_stride_is_not_keras_same():
    x = seeded.inputs("same", (2, 8, 6, 3))
    ours, same = PaddedConv2D(5, 3, padding=1, strides=2), keras.layers.Conv2D(5, 3, strides=2, padding="same")
    y, _ = helpers.call(ours, x), helpers.call(same, x)
    same.set_weights(ours.get_weights())
    assert helpers.relative_error(helpers.call(same, x), y) > 0.5


@pytest.mark.parametrize("fast", [True, False])
def test_padded_conv_refuses_a_picture_smaller_than_its_kernel_and_says_the_shape(fast):
    with fast_forms(fast):
        conv = PaddedConv2D(5, 3)
    with pytest.raises(ValueError, match=r"\(2, 4, 1, 3\)"):
        conv(np.zeros((2, 4, 1, 3), "float32"))
    assert conv.compute_output_shape((2, 4, 6, 3)) == (2, 2, 4, 5)


def test_upsample_repeats_pixels_before_its_convolution():
    layer, x = Upsample(3), seeded.inputs("up", (2, 3, 5, 3))
    layer.build(x.shape)
    identity = np.zeros((3, 3, 3, 3), "float32")
    identity[1, 1] = np.eye(3)
    helpers.assign_block(layer, {"conv.weight": identity, "conv.bias": np.zeros(3, "float32")})
    np.testing.assert_array_equal(helpers.call(layer, x), x.repeat(2, axis=1).repeat(2, axis=2))


@pytest.mark.parametrize("approximate", [True, False])
def test_geglu_is_value_times_gelu_of_gate(approximate):
    layer, x = GEGLU(5, approximate=approximate), seeded.inputs("geglu", (2, 7, 6))
    layer.build(x.shape)
    arrays = seeded.weights(seeded.prefixed("proj", seeded.dense(6, 10)), "geglu")
    helpers.assign_block(layer, arrays)
    value, gate = np.split((x @ arrays["proj.weight"] + arrays["proj.bias"]).astype("float64"), 2, axis=-1)
    tanh = np.tanh(math.sqrt(2 / math.pi) * (gate + 0.044715 * gate**3))
    cdf = (1 + (tanh if approximate else np.vectorize(math.erf)(gate / math.sqrt(2)))) / 2
    assert helpers.relative_error(helpers.call(layer, x), value * gate * cdf) < 1e-5


def test_td_dot_is_a_matrix_product_of_each_head():
    a, b = seeded.inputs("a", (2, 3, 4, 5)), seeded.inputs("b", (2, 3, 5, 7))
    wanted = np.stack([[a[i, n] @ b[i, n] for n in range(3)] for i in range(2)])
    assert helpers.relative_error(helpers.call(td_dot, a, b), wanted) < 1e-5
