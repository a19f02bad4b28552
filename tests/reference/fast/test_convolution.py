"""Each form of convolution computes what padding and convolving compute, and is taken where it is faster."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.reference import TINY, DiffusionModelV2, PaddedConv2D
from autograder.reference.fast import convolution

from ..helpers import normal, relative_error

TOLERANCE = 1e-5  # float32 sums in another order


@pytest.fixture
def forms_used(monkeypatch):
    """The names of the forms that `PaddedConv2D` takes, as it takes them."""
    used, product_form = [], convolution.product_form

    def noted(*given):
        form = product_form(*given)
        used.append(form.__name__ if form else None)
        return form

    monkeypatch.setattr(convolution, "product_form", noted)
    return used


ON_TENSORFLOW = keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu")


@pytest.mark.parametrize(("kernel_size", "padding", "strides"), [(3, 1, 1), (3, 1, 2), (1, 0, 1), (2, 0, 1), (3, 0, 2)])
@pytest.mark.parametrize("limit", [0, 2**22], ids=["product", "convolution"])
def test_padded_conv_equals_padding_then_convolving(monkeypatch, forms_used, kernel_size, padding, strides, limit):
    monkeypatch.setattr(convolution, "PRODUCT_KERNEL", limit)
    layer = PaddedConv2D(5, kernel_size, padding=padding, strides=strides)
    x = normal(2, 4, 6, 3)
    layer.build(x.shape)
    layer.conv.bias.assign(normal(5, seed=1))
    y = ops.convert_to_numpy(layer(x))
    assert forms_used == ["patches_product" if ON_TENSORFLOW and limit == 0 else None]
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded.astype("float64"), (kernel_size,) * 2, axis=(1, 2))
    kernel, bias = layer.get_weights()
    plain = np.einsum("bhwcij,ijco->bhwo", windows[:, ::strides, ::strides], kernel) + bias
    assert y.shape == layer.compute_output_shape(x.shape)
    assert relative_error(y, plain) < TOLERANCE


def test_padded_conv_forms_agree_on_either_side_of_the_limit(monkeypatch, forms_used):
    layer, x = PaddedConv2D(5, 3, padding=1), normal(2, 4, 6, 3)
    forms = []
    for pixels, numbers in ((24, 135), (23, 135), (24, 136)):  # of the picture: 4·6; of the kernel: 3·3·3·5
        monkeypatch.setattr(convolution, "PRODUCT_PIXELS", pixels)
        monkeypatch.setattr(convolution, "PRODUCT_KERNEL", numbers)
        forms.append(ops.convert_to_numpy(layer(x)))
    assert forms_used == ["patches_product" if ON_TENSORFLOW else None, None, None]
    assert relative_error(*forms[:2]) < TOLERANCE
    assert relative_error(*forms[1:]) == 0


@pytest.mark.parametrize("sides", [(4, 4), (4, 8), (12, 8)])
def test_winograd_equals_the_sum_in_double_precision(sides):
    height, width = sides
    x, kernel = normal(2, height, width, 6), normal(3, 3, 6, 5, seed=1)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded.astype("float64"), (3, 3), axis=(1, 2))
    expected = np.einsum("bhwcij,ijco->bhwo", windows, kernel.astype("float64"))
    y = convolution.winograd(padded, ops.convert_to_tensor(kernel), 1, height, width)
    # Plain float32 sums: 3e-7; the transforms add and subtract more
    assert relative_error(ops.convert_to_numpy(y), expected) < 5e-6


def test_winograds_transforms_convolve_exactly():
    of_input, of_kernel, of_output = (matrix.astype("float64") for matrix in convolution._transforms())
    rng = np.random.default_rng(0)
    d, g = rng.integers(-9, 9, (6, 6)), rng.integers(-9, 9, (3, 3))
    y = of_output @ ((of_input @ d.ravel()) * (of_kernel @ g.ravel()))
    expected = np.einsum("hwij,ij->hw", np.lib.stride_tricks.sliding_window_view(d, (3, 3)), g)
    np.testing.assert_allclose(y.reshape(4, 4), expected, atol=2e-4)  # the matrices themselves are float32


@pytest.mark.parametrize(
    ("changed", "form"),
    [
        ({}, "winograd"),
        ({"height": 20, "width": 24}, "winograd"),
        ({"height": 16, "width": 16, "kernel": (3, 3, 640, 1280)}, "patches_product"),  # few pixels, many weights
        ({"height": 16, "width": 16}, None),
        ({"kernel": (1, 1, 64, 96)}, None),
        ({"kernel": (3, 3, 64, 64)}, None),
        ({"kernel": (3, 3, 4, 320)}, None),  # the first convolution of the UNet
        ({"kernel": (3, 3, 320, 4)}, None),  # and the last
        ({"kernel": (5, 5, 64, 96)}, None),
        ({"strides": 2}, None),
        ({"height": 18, "width": 24}, None),  # no whole number of tiles
        ({"height": None}, None),
        ({"dtype": "bfloat16"}, None),
    ],
)
@pytest.mark.skipif(not ON_TENSORFLOW, reason="the forms are faster with TensorFlow on a CPU only")
def test_product_form_takes_the_form_that_fits(changed, form):
    asked = {"kernel": (3, 3, 96, 128), "strides": 1, "height": 32, "width": 32, "dtype": "float32"} | changed
    kernel = ops.zeros(asked.pop("kernel"), dtype=asked.pop("dtype"))
    taken = convolution.product_form(kernel, **asked)
    assert (taken and taken.__name__) == form


def test_unet_of_a_large_picture_computes_the_same_by_winograd(monkeypatch, forms_used):
    model = DiffusionModelV2(256, 192, 5, download_weights=False, config=TINY)
    inputs = [normal(2, *tensor.shape[1:], seed=i) for i, tensor in enumerate(model.inputs)]
    outputs = []
    for channels in (10**9, 64):
        monkeypatch.setattr(convolution, "WINOGRAD_CHANNELS", channels)
        forms_used.clear()
        outputs.append(ops.convert_to_numpy(model(inputs)))
    assert ("winograd" in forms_used) == ON_TENSORFLOW
    assert relative_error(*outputs) < TOLERANCE
