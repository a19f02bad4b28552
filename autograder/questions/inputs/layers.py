"""The mistakes of `PaddedConv2D` and of `TimeEmbedding`: layers with one thing wrong each."""

import keras
from keras import ops

from autograder.questions.inputs.mistakes import PADDING, TIME_MLP
from autograder.questions.question import Mistake
from autograder.reference import PaddedConv2D

_SAME_SECTION = 'Why `padding="same"` is not the same'


class TimeEmbedding(keras.layers.Layer):
    """The time MLP: Dense, swish, Dense, each Dense with four times the UNet's first width.

    Args:
        channels: the UNet's first width, 320 in Stable Diffusion 2.

    Call arguments:
        inputs: sines and cosines, `(B, channels)`.

    Returns:
        Tensor `(B, 4 · channels)`.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/diffusion_model.py`, `DiffusionModelV2`.
    """

    def __init__(self, channels):
        super().__init__()
        self.dense1 = keras.layers.Dense(4 * channels)
        self.dense2 = keras.layers.Dense(4 * channels)

    def call(self, inputs):
        return self.dense2(ops.silu(self.dense1(inputs)))


def _conv(forward, **settings):
    """A layer made like PaddedConv2D that holds one Conv2D and computes `forward(layer, inputs)`.

    `settings` are the Conv2D's, beside filters, kernel size and strides.
    """

    def __init__(self, filters, kernel_size, padding=0, strides=1):
        keras.layers.Layer.__init__(self)
        self.padding, self.strides = padding, strides
        self.conv = keras.layers.Conv2D(filters, kernel_size, **({"strides": strides} | settings))

    return type("PaddedConv2D", (keras.layers.Layer,), {"__init__": __init__, "call": forward})


def _zeros_around(inputs, before, after):
    return ops.pad(inputs, ((0, 0), (before, after), (before, after), (0, 0)))


def _padded(layer, inputs, mode="constant"):
    around = (layer.padding, layer.padding)
    return ops.pad(inputs, ((0, 0), around, around, (0, 0)), mode=mode)


class _Same(PaddedConv2D):
    """Keras' own "same" wherever padding is asked for."""

    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__(filters, kernel_size, 0, strides)
        self.same = keras.layers.Conv2D(filters, kernel_size, strides, padding="same" if padding else "valid")

    def build(self, input_shape):
        self.same.build(input_shape)
        self.built = True

    def call(self, inputs):
        return self.same(inputs)

    def compute_output_shape(self, input_shape):
        return self.same.compute_output_shape(input_shape)


class _OtherOrder(PaddedConv2D):
    def __init__(self, filters, kernel_size, strides=1, padding=0):
        super().__init__(filters, kernel_size, padding, strides)


class _PaddedByDefault(PaddedConv2D):
    def __init__(self, filters, kernel_size, padding=1, strides=1):
        super().__init__(filters, kernel_size, padding, strides)


CONV_MISTAKES = (
    Mistake(
        "conv-same",
        _Same,
        'The padding is Keras\' "same", which is not the same as one zero on each side once there is a stride.',
        "With stride 2 and an even side it pads at the bottom and right only, and looks at the picture one pixel "
        "further on.",
        _SAME_SECTION,
    ),
    Mistake(
        "conv-same-always",
        _conv(lambda layer, x: layer.conv(x), padding="same"),
        'The padding is always Keras\' "same", and the argument `padding` has no effect.',
        "With stride 2 and an even side it pads at the bottom and right only; and where no padding is asked for, the "
        "picture must get smaller.",
        _SAME_SECTION,
    ),
    Mistake(
        "conv-same-on-top",
        _conv(lambda layer, x: layer.conv(_padded(layer, x)), padding="same"),
        'The picture is padded twice: zeros are put around it, and the convolution pads again with Keras\' "same".',
        'What has its zeros already is convolved as it is: Keras calls that "valid".',
        _SAME_SECTION,
    ),
    Mistake(
        "conv-arguments-swapped",
        _OtherOrder,
        "Padding and strides are taken in the wrong order: after the kernel size comes padding, then strides.",
        "The check gives them by position, as the exercise's text lists them.",
        PADDING,
    ),
    Mistake(
        "conv-padding-ignored",
        _conv(lambda layer, x: layer.conv(x)),
        "The argument `padding` has no effect: nothing is put around the picture.",
        "Without it every 3x3 convolution makes the picture two pixels smaller.",
        PADDING,
    ),
    Mistake(
        "conv-padding-fixed",
        _conv(lambda layer, x: layer.conv(_zeros_around(x, 1, 1))),
        "The argument `padding` has no effect: one row of zeros is always put on each side.",
        "The UNet's 1x1 convolutions have no padding, and must keep the picture's size.",
        PADDING,
    ),
    Mistake(
        "conv-padding-by-default",
        _PaddedByDefault,
        "Where `padding` is not given it is 1; it is 0.",
        "The UNet's 1x1 convolutions are made without it, and must keep the picture's size.",
        PADDING,
    ),
    Mistake(
        "conv-padding-after",
        _conv(lambda layer, x: _padded(layer, layer.conv(x))),
        "The zeros are put around the convolution's output; they belong around its input.",
        "The border of the output would be nothing but zeros.",
        PADDING,
    ),
    Mistake(
        "conv-padding-one-sided",
        _conv(lambda layer, x: layer.conv(_zeros_around(x, 0, layer.padding))),
        "Zeros are put at the bottom and right only; they belong on all four sides.",
        "One-sided padding shifts the picture.",
        PADDING,
    ),
    Mistake(
        "conv-padding-before-only",
        _conv(lambda layer, x: layer.conv(_zeros_around(x, layer.padding, 0))),
        "Zeros are put at the top and left only; they belong on all four sides.",
        "One-sided padding shifts the picture.",
        PADDING,
    ),
    Mistake(
        "conv-padding-doubled",
        _conv(lambda layer, x: layer.conv(_zeros_around(x, 2 * layer.padding, 2 * layer.padding))),
        "Twice as many zeros as asked for are put on each side.",
        "`padding` counts the zeros on one side, not on both together.",
        PADDING,
    ),
    Mistake(
        "conv-padding-edge",
        _conv(lambda layer, x: layer.conv(_padded(layer, x, "reflect") if layer.padding else x)),
        "The picture is mirrored at its border; the padding is zeros.",
        "Trained weights expect zeros around the picture, and read from them where the border is.",
        PADDING,
    ),
    Mistake(
        "conv-padding-repeated",
        _conv(lambda layer, x: layer.conv(_padded(layer, x, "symmetric") if layer.padding else x)),
        "The border pixels are repeated outwards; the padding is zeros.",
        "Trained weights expect zeros around the picture, and read from them where the border is.",
        PADDING,
    ),
    Mistake(
        "conv-strides-ignored",
        _conv(lambda layer, x: layer.conv(_padded(layer, x)), strides=1),
        "The argument `strides` has no effect.",
        "A stride of 2 is how this UNet halves the picture on the way down.",
        PADDING,
    ),
    Mistake(
        "conv-no-bias",
        _conv(lambda layer, x: layer.conv(_padded(layer, x)), use_bias=False),
        "The convolution has no bias.",
        "Trained weights bring one number for each filter, and would not fit.",
        PADDING,
    ),
    Mistake(
        "conv-activated",
        _conv(lambda layer, x: ops.silu(layer.conv(_padded(layer, x)))),
        "There is a swish on the output; this layer is a convolution and nothing else.",
        "Where an activation is needed, the blocks around it apply one.",
        PADDING,
    ),
    Mistake(
        "conv-relu",
        _conv(lambda layer, x: ops.relu(layer.conv(_padded(layer, x)))),
        "There is a ReLU on the output; this layer is a convolution and nothing else.",
        "Where an activation is needed, the blocks around it apply one.",
        PADDING,
    ),
)


def _mlp(forward, widths=(4, 4), **settings):
    """A time MLP of two Dense layers, `widths` times `channels` wide, that computes `forward(layer, inputs)`."""

    def __init__(self, channels):
        keras.layers.Layer.__init__(self)
        self.dense1, self.dense2 = (keras.layers.Dense(width * channels, **settings) for width in widths)

    return type("TimeEmbedding", (keras.layers.Layer,), {"__init__": __init__, "call": forward})


def _right(layer, x):
    return layer.dense2(ops.silu(layer.dense1(x)))


class _WidthFixed(TimeEmbedding):
    """As wide as in Stable Diffusion 2, whatever `channels` is."""

    def __init__(self, channels):
        super().__init__(1280 // 4)


TIME_MISTAKES = (
    Mistake(
        "time-swish-missing",
        _mlp(lambda layer, x: layer.dense2(layer.dense1(x))),
        "There is no swish between the two Dense layers.",
        "Two Dense layers with nothing between them compute no more than one.",
        TIME_MLP,
    ),
    Mistake(
        "time-swish-last",
        _mlp(lambda layer, x: ops.silu(layer.dense2(layer.dense1(x)))),
        "The swish comes after the second Dense layer; it belongs between the two.",
        "Every ResBlock begins with a swish of its own; between the two Dense layers there would be none.",
        TIME_MLP,
    ),
    Mistake(
        "time-swish-twice",
        _mlp(lambda layer, x: ops.silu(_right(layer, x))),
        "There is a swish after the second Dense layer, too.",
        "Every ResBlock applies a swish to the time embedding itself: here it would come twice.",
        TIME_MLP,
    ),
    Mistake(
        "time-swish-first",
        _mlp(lambda layer, x: layer.dense2(layer.dense1(ops.silu(x)))),
        "The swish comes before the first Dense layer; it belongs between the two.",
        "The sines and cosines go in as they are.",
        TIME_MLP,
    ),
    Mistake(
        "time-swish-around-both",
        _mlp(lambda layer, x: _right(layer, ops.silu(x))),
        "There is a swish before the first Dense layer, too.",
        "The sines and cosines go in as they are.",
        TIME_MLP,
    ),
    Mistake(
        "time-relu",
        _mlp(lambda layer, x: layer.dense2(ops.relu(layer.dense1(x)))),
        "The activation is ReLU; it is swish, x · sigmoid(x).",
        "Trained weights expect swish.",
        TIME_MLP,
    ),
    Mistake(
        "time-gelu",
        _mlp(lambda layer, x: layer.dense2(ops.gelu(layer.dense1(x)))),
        "The activation is GELU; it is swish, x · sigmoid(x).",
        "The two look alike but differ by up to a tenth, and trained weights expect swish.",
        TIME_MLP,
    ),
    Mistake(
        "time-tanh",
        _mlp(lambda layer, x: layer.dense2(ops.tanh(layer.dense1(x)))),
        "The activation is tanh; it is swish, x · sigmoid(x).",
        "Trained weights expect swish.",
        TIME_MLP,
    ),
    Mistake(
        "time-sigmoid",
        _mlp(lambda layer, x: layer.dense2(ops.sigmoid(layer.dense1(x)))),
        "The activation is the sigmoid alone; swish is x times it.",
        "The sigmoid alone squeezes every number between 0 and 1.",
        TIME_MLP,
    ),
    Mistake(
        "time-not-wider",
        _mlp(_right, widths=(1, 1)),
        "Both Dense layers are `channels` wide; they are four times as wide.",
        "In Stable Diffusion 2 the time embedding grows from 320 to 1280 numbers, and every ResBlock expects 1280.",
        TIME_MLP,
    ),
    Mistake(
        "time-narrow-inside",
        _mlp(_right, widths=(1, 4)),
        "The first Dense layer is `channels` wide; it is four times as wide, as the second.",
        "The swish between the two has more to work with, and trained weights expect that width.",
        TIME_MLP,
    ),
    Mistake(
        "time-narrow-outside",
        _mlp(_right, widths=(4, 1)),
        "The second Dense layer is `channels` wide; it is four times as wide, as the first.",
        "That is the shape of a Transformer's feed-forward network; here the width stays at four times.",
        TIME_MLP,
    ),
    Mistake(
        "time-width-fixed",
        _WidthFixed,
        "The argument `channels` has no effect: 1280 is written into the code.",
        "Both Dense layers are four times as wide as `channels`, and smaller models have fewer.",
        TIME_MLP,
    ),
    Mistake(
        "time-one-dense",
        _mlp(lambda layer, x: ops.silu(layer.dense1(x))),
        "The second Dense layer is missing.",
        "The swish would be the last thing that happens, and every ResBlock begins with another one.",
        TIME_MLP,
    ),
    Mistake(
        "time-no-bias",
        _mlp(_right, use_bias=False),
        "The Dense layers have no bias.",
        "Trained weights bring one for each, and would not fit.",
        TIME_MLP,
    ),
)
