"""What the autoencoder does besides its numbers: shapes, padding, precision, and the errors of its configuration."""

import keras
import numpy as np
import pytest

from autograder.reference import (
    SD2_AUTOENCODER,
    AutoencoderConfig,
    Decoder,
    Encoder,
    PixelAttention,
    PlainResBlock,
    computing_in,
    prove_halves_fit,
    reconstruction_correlation,
)
from autograder.reference.autoencoder import Downsample

from . import helpers
from .seeded import inputs

SMALL = AutoencoderConfig(channels=(32, 64, 64), latent_channels=3, blocks=1)


def test_config_is_stable_diffusions():
    assert SD2_AUTOENCODER.channels == (128, 256, 512, 512)
    assert (SD2_AUTOENCODER.side_factor, SD2_AUTOENCODER.factor) == (8, 0.18215)
    assert SMALL.side_factor == 4


@pytest.mark.parametrize("change", [{"channels": (32, 48)}, {"channels": ()}, {"blocks": 0}, {"latent_channels": 0}])
def test_config_that_does_not_fit_is_an_error(change):
    with pytest.raises(ValueError, match="Received"):
        AutoencoderConfig(**change)


@pytest.mark.parametrize(
    ("layer", "shape", "output"),
    [
        (PlainResBlock(64), (2, 4, 6, 64), (2, 4, 6, 64)),
        (PlainResBlock(64), (2, 4, 6, 32), (2, 4, 6, 64)),
        (PixelAttention(), (2, 4, 6, 64), (2, 4, 6, 64)),
        (Downsample(32), (2, 4, 6, 64), (2, 2, 3, 32)),
        (Encoder(8, 12, SMALL), (2, 8, 12, 3), (2, 2, 3, 3)),
        (Decoder(8, 12, SMALL), (2, 2, 3, 3), (2, 8, 12, 3)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, keras.layers.Layer) else None,
)
def test_shapes_are_as_documented(layer, shape, output):
    assert helpers.call(layer, inputs("shapes", shape)).shape == output
    assert tuple(layer.compute_output_shape(shape)) == output


def test_downsample_pads_below_and_to_the_right_only():
    """A kernel that takes the centre of its nine pixels: without padding before, that is pixel (1, 1)."""
    layer = Downsample(1)
    layer.build((None, 4, 6, 1))
    kernel = np.zeros((3, 3, 1, 1), "float32")
    kernel[1, 1] = 1
    layer.set_weights([kernel, np.zeros(1, "float32")])
    x = np.arange(24, dtype="float32").reshape(1, 4, 6, 1)
    np.testing.assert_array_equal(helpers.call(layer, x)[0, ..., 0], x[0, 1::2, 1::2, 0])


def test_pixel_attention_looks_at_every_pixel():
    layer, x = PixelAttention(), inputs("pixels", (1, 4, 6, 64))
    before = helpers.call(layer, x)
    x[0, 0, 0] += 1
    assert np.abs(helpers.call(layer, x) - before).max(axis=-1).min() > 1e-6


@pytest.mark.parametrize("side", [0, 4, 20])
@pytest.mark.parametrize("half", [Encoder, Decoder])
def test_sides_that_do_not_fit_are_an_error(half, side):
    with pytest.raises(ValueError, match=r"multiples of 8.*Received"):
        half(side, 16)


def test_latent_is_the_scaled_mean():
    """The second half of the channels, the logarithm of the variance, is not used."""
    model, x = Encoder(8, 12, SMALL), inputs("scaled", (1, 8, 12, 3))
    before, quant = helpers.call(model, x), model.get_layer("quant_conv")
    kernel, bias = quant.get_weights()
    kernel[..., SMALL.latent_channels :] = 7
    quant.set_weights([2 * kernel, bias])
    np.testing.assert_allclose(helpers.call(model, x), 2 * before, rtol=1e-5)  # a random model's bias is zero


def test_halves_that_do_not_fit_are_noticed():
    encoder, decoder = Encoder(16, 16, SMALL), Decoder(16, 16, SMALL)
    assert abs(reconstruction_correlation(encoder, decoder)) < 0.9
    with pytest.raises(ValueError, match=r"halves.*Received"):
        prove_halves_fit(encoder, decoder)


def test_halves_that_fit_pass():
    class Half:
        input_shape = (None, 16, 24, 3)

        def __init__(self, function):
            self.call = function

    assert reconstruction_correlation(Half(lambda x: 0.1 * x), Half(lambda z: 9 * z + 0.1)) == pytest.approx(
        1, abs=1e-5
    )
    prove_halves_fit(Half(lambda x: 0.1 * x), Half(lambda z: 9 * z))


@pytest.mark.parametrize("half", [Encoder, Decoder])
def test_half_precision_stays_near(half):
    exact = half(8, 12, SMALL)
    with computing_in("float16"):
        model = half(8, 12, SMALL)
    model.set_weights(exact.get_weights())
    x = inputs("half", (1, *exact.input_shape[1:]))
    output = keras.ops.convert_to_numpy(keras.ops.cast(model(x), "float32"))
    assert 1e-6 < helpers.relative_error(output, helpers.call(exact, x)) < 1e-2


def test_layers_are_rebuilt_from_their_config():
    for layer in (PlainResBlock(64, 1e-5), PixelAttention(1e-5), Downsample(32)):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
