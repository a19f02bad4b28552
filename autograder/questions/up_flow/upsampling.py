"""The mistakes of exercise 08 in `Upsample`: the layer with one thing wrong each."""

import keras
from keras import ops

from autograder.questions.question import Mistake
from autograder.reference import PaddedConv2D, Upsample

_UPSAMPLE = "`Upsample`: repeat, then convolve"


class _Parts(Upsample):
    """An Upsample cut into the parts that a mistake rearranges."""

    def build(self, input_shape):
        batch, height, width, channels = input_shape
        self.conv.build((batch, 2 * height, 2 * width, channels))
        self.built = True

    def compute_output_shape(self, input_shape):
        return keras.layers.Layer.compute_output_shape(self, input_shape)

    def call(self, x):
        return self.forward(x)


def _repeat(x):
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


def _resize(x, how):
    _, height, width, _ = x.shape
    return ops.image.resize(x, (2 * height, 2 * width), interpolation=how)


def _wired(forward):
    return type("Upsample", (_Parts,), {"forward": forward})


def _with_conv(make):
    def __init__(self, channels):
        _Parts.__init__(self, channels)
        self.conv = make(channels)

    return type("Upsample", (_Parts,), {"__init__": __init__, "forward": lambda u, x: u.conv(_repeat(x))})


def _holes(x):
    """Each pixel at the top left of a 2x2 square of zeros."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, 1, width, 1, channels))
    x = ops.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0)))
    return ops.reshape(x, (-1, 2 * height, 2 * width, channels))


MISTAKES = (
    Mistake(
        "convolution-missing",
        _wired(lambda u, x: _repeat(x)),
        "The pixels are repeated, but nothing convolves them.",
        "The 3x3 convolution is what smooths the steps between the repeated pixels, and it can change the channels.",
        _UPSAMPLE,
    ),
    Mistake(
        "convolution-first",
        _wired(lambda u, x: _repeat(u.conv(x))),
        "The convolution comes before the doubling; it belongs behind it.",
        "Before it, every 2x2 square of the result is still one colour, and the edges stay steps.",
        _UPSAMPLE,
    ),
    Mistake(
        "interpolated",
        _wired(lambda u, x: u.conv(_resize(x, "bilinear"))),
        "The picture is enlarged by bilinear interpolation; each pixel is to become a 2x2 square of itself.",
        "Trained weights were made for the squares: with another enlargement the UNet's output moves by a third.",
        _UPSAMPLE,
    ),
    Mistake(
        "picture-tiled",
        _wired(lambda u, x: u.conv(ops.tile(x, (1, 2, 2, 1)))),
        "The whole picture is repeated four times, like tiles; it is each pixel that is to be repeated.",
        "The result has the right shape and shows four small pictures instead of one large one.",
        _UPSAMPLE,
    ),
    Mistake(
        "filled-with-zeros",
        _wired(lambda u, x: u.conv(_holes(x))),
        "The new pixels are zeros; they are to be copies of their neighbour.",
        "That is what a transposed convolution does inside, and it tends to draw a checkerboard.",
        _UPSAMPLE,
    ),
    Mistake(
        "transposed-convolution",
        _with_conv(lambda channels: keras.layers.Conv2DTranspose(channels, 3, strides=2, padding="same")),
        "A transposed convolution enlarges an already enlarged picture: it is four times as high and wide.",
        "Repeat the pixels, then convolve with stride 1.",
        _UPSAMPLE,
    ),
    Mistake(
        "transposed-convolution-alone",
        type(
            "Upsample",
            (keras.layers.Conv2DTranspose,),
            {
                "__init__": lambda self, channels: keras.layers.Conv2DTranspose.__init__(
                    self, channels, 3, strides=2, padding="same"
                )
            },
        ),
        "The picture is enlarged by a transposed convolution.",
        "Stable Diffusion repeats pixels and convolves; a transposed convolution tends to draw a checkerboard.",
        _UPSAMPLE,
    ),
    Mistake(
        "height-only",
        _wired(lambda u, x: u.conv(ops.repeat(x, 2, axis=1))),
        "Only the height is doubled.",
        "Height and width were both halved on the way down, so both must be doubled.",
        _UPSAMPLE,
    ),
    Mistake(
        "channels-repeated",
        _wired(lambda u, x: u.conv(ops.repeat(_repeat(x), 2, axis=3))),
        "The channels are repeated too.",
        "Only height and width grow; the convolution would have twice the parameters.",
        _UPSAMPLE,
    ),
    Mistake(
        "unpadded",
        _with_conv(lambda channels: PaddedConv2D(channels, 3)),
        "The convolution does not pad, so the result is two pixels short in height and width.",
        "The result must have exactly twice the sides, or it cannot be joined with the kept feature map.",
        _UPSAMPLE,
    ),
    Mistake(
        "kernel-1x1",
        _with_conv(lambda channels: PaddedConv2D(channels, 1)),
        "The convolution has a 1x1 kernel; it is 3x3.",
        "A 1x1 kernel never looks at a neighbour, so it cannot smooth the steps between the squares.",
        _UPSAMPLE,
    ),
    Mistake(
        "no-bias",
        _with_conv(lambda channels: keras.layers.Conv2D(channels, 3, padding="same", use_bias=False)),
        "The convolution has no bias.",
        "Trained weights bring one, and would not fit.",
        _UPSAMPLE,
    ),
    Mistake(
        "activated",
        _wired(lambda u, x: ops.silu(u.conv(_repeat(x)))),
        "There is an activation behind the convolution.",
        "`Upsample` only enlarges; the next ResBlock begins with its own normalisation and activation.",
        _UPSAMPLE,
    ),
)
