"""The mistakes of exercise 09: the exit and the whole UNet with one thing wrong each."""

import keras

from autograder.questions.question import Mistake
from autograder.questions.unet.wiring import Whole, end, in_order, wired
from autograder.reference import GroupNorm

_EXIT = "The exit"
_TIME = "The time MLP"
_WHOLE = "The whole model"
_INPUTS = "Three inputs, in this order"


def _convolved_first(x, blocks):
    x = blocks.PaddedConv2D(blocks.latent_channels, 3, padding=1)(x)
    return keras.layers.Activation("silu")(keras.layers.GroupNormalization(groups=1, epsilon=1e-5)(x))


EXIT_MISTAKES = (
    Mistake(
        "epsilon-default",
        end(in_order, norm=lambda: GroupNorm(1e-3)),
        "The epsilon of the GroupNorm is 1e-3, Keras' default; the UNet's is 1e-5.",
        "Where a feature map varies little, the larger epsilon damps it, and trained weights give another picture.",
        _EXIT,
    ),
    Mistake(
        "norm-missing",
        end(lambda x, normalise, swish, convolve: convolve(swish(x))),
        "The normalisation is missing.",
        "22 blocks have added to the feature map; the last convolution must be given numbers of a known size.",
        _EXIT,
    ),
    Mistake(
        "swish-missing",
        end(lambda x, normalise, swish, convolve: convolve(normalise(x))),
        "The swish is missing.",
        "The exit is normalise, swish, convolve, like each half of a ResBlock.",
        _EXIT,
    ),
    Mistake(
        "convolution-missing",
        end(lambda x, normalise, swish, convolve: swish(normalise(x))),
        "The convolution is missing.",
        "It is what brings the first level's channels to the channels of the latent.",
        _EXIT,
    ),
    Mistake(
        "swish-before-norm",
        end(lambda x, normalise, swish, convolve: convolve(normalise(swish(x)))),
        "The swish comes before the normalisation instead of after it.",
        "Normalised values straddle zero, where swish bends most; raw ones may lie anywhere.",
        _EXIT,
    ),
    Mistake(
        "convolution-first",
        _convolved_first,
        "The convolution comes first; it is the last step.",
        "The predicted noise must be able to take any value of either sign, so nothing may follow the convolution.",
        _EXIT,
    ),
    Mistake(
        "swish-at-the-end",
        end(lambda x, normalise, swish, convolve: swish(convolve(swish(normalise(x))))),
        "There is a second swish behind the convolution.",
        "The noise is as often negative as positive; swish lets nothing below -0.28 through.",
        _EXIT,
    ),
    Mistake(
        "activation-relu",
        end(in_order, activate="relu"),
        "The activation is ReLU; it is swish, x · sigmoid(x).",
        "Trained weights expect swish's small negative values.",
        _EXIT,
    ),
    Mistake(
        "activation-gelu",
        end(in_order, activate="gelu"),
        "The activation is GELU; it is swish, x · sigmoid(x).",
        "The two look alike, but trained weights expect swish; GELU is at home in the feed-forward networks.",
        _EXIT,
    ),
    Mistake(
        "tanh-at-the-end",
        end(lambda x, n, s, c: keras.layers.Activation("tanh")(c(s(n(x))))),
        "There is a tanh behind the convolution.",
        "Noise has no bounds: the convolution's output is the prediction as it is.",
        _EXIT,
    ),
    Mistake(
        "norm-one-group",
        end(in_order, norm=lambda: GroupNorm(groups=1)),
        "GroupNorm takes all channels as one group; the UNet uses Keras' default of 32 groups.",
        "Trained weights expect 32 groups.",
        _EXIT,
    ),
    Mistake(
        "norm-layer",
        end(in_order, norm=lambda: keras.layers.LayerNormalization(epsilon=1e-5)),
        "The normalisation is LayerNorm over the channels of each pixel; it is GroupNorm.",
        "LayerNorm gives every pixel the same size and so erases where the picture is strong and where it is weak.",
        _EXIT,
    ),
    Mistake(
        "kernel-1x1",
        end(in_order, convolve=lambda x, b: b.PaddedConv2D(b.latent_channels, 1)(x)),
        "The convolution has a 1x1 kernel; it is 3x3.",
        "Trained weights bring a 3x3 kernel, and every pixel of the noise is to look at its neighbours once more.",
        _EXIT,
    ),
    Mistake(
        "unpadded",
        end(in_order, convolve=lambda x, b: b.PaddedConv2D(b.latent_channels, 3)(x)),
        "The convolution does not pad, so the noise is two pixels short in height and width.",
        "The predicted noise is subtracted from the latent, so both must have the same shape.",
        _EXIT,
    ),
    Mistake(
        "channels-kept",
        end(in_order, convolve=lambda x, b: b.PaddedConv2D(b.channels[0], 3, padding=1)(x)),
        "The output has as many channels as the feature map; it must have the latent's.",
        "The predicted noise is subtracted from the latent, so both must have the same shape.",
        _EXIT,
    ),
    Mistake(
        "convolution-of-keras",
        end(in_order, convolve=lambda x, b: keras.layers.Conv2D(b.latent_channels, 3, padding="same")(x)),
        "The convolution is a layer of Keras; it is to be one of `blocks`.",
        "It would compute the same. But only what `blocks` makes can be checked here, and be given trained weights.",
        _EXIT,
    ),
)


def _mlp(make):
    """A UNet whose time MLP is `make(width, embedding)`, with width 4 · channels[0]."""
    return wired(time=lambda u, embedding: make(4 * u.blocks.channels[0], embedding))


def _dense(width, x):
    return keras.layers.Dense(width)(x)


def _swish(x):
    return keras.layers.Activation("silu")(x)


class _LatentAdded(Whole):
    def wire(self, latent, t_emb, context):
        return super().wire(latent, t_emb, context) + latent


UNET_MISTAKES = (
    Mistake(
        "time-mlp-missing",
        wired(time=lambda u, embedding: embedding),
        "The timestep embedding goes into the blocks as it is: the time MLP is missing.",
        "The sines and cosines are only a code; two Dense layers make of it what the blocks can use.",
        _TIME,
    ),
    Mistake(
        "time-mlp-one-dense",
        _mlp(lambda width, e: _swish(_dense(width, e))),
        "The time MLP ends after its swish: the second Dense layer is missing.",
        "Trained weights bring two Dense layers for it.",
        _TIME,
    ),
    Mistake(
        "time-mlp-without-swish",
        _mlp(lambda width, e: _dense(width, _dense(width, e))),
        "The time MLP has no swish between its Dense layers.",
        "Without an activation between them, two Dense layers are no more than one.",
        _TIME,
    ),
    Mistake(
        "time-mlp-swish-last",
        _mlp(lambda width, e: _swish(_dense(width, _swish(_dense(width, e))))),
        "There is a second swish behind the time MLP.",
        "Every ResBlock begins with a swish of the time embedding, so it would be applied twice.",
        _TIME,
    ),
    Mistake(
        "time-mlp-swish-first",
        _mlp(lambda width, e: _dense(width, _dense(width, _swish(e)))),
        "The swish of the time MLP comes before its first Dense layer instead of between the two.",
        "Then nothing stands between the two Dense layers, and they are no more than one.",
        _TIME,
    ),
    Mistake(
        "time-mlp-relu",
        _mlp(lambda width, e: _dense(width, keras.layers.Activation("relu")(_dense(width, e)))),
        "The activation of the time MLP is ReLU; it is swish.",
        "Trained weights expect swish's small negative values.",
        _TIME,
    ),
    Mistake(
        "time-mlp-narrow",
        wired(time=lambda u, e: _dense(u.blocks.channels[0], _swish(_dense(u.blocks.channels[0], e)))),
        "The time MLP is as wide as the timestep embedding; it is four times as wide.",
        "In Stable Diffusion 320 numbers become 1,280, and trained weights have that shape.",
        _TIME,
    ),
    Mistake(
        "time-mlp-narrow-inside",
        wired(time=lambda u, e: _dense(4 * u.blocks.channels[0], _swish(_dense(u.blocks.channels[0], e)))),
        "The first Dense layer of the time MLP is too narrow: both are four times as wide as the timestep embedding.",
        "In Stable Diffusion 320 numbers become 1,280 at once, and trained weights have that shape.",
        _TIME,
    ),
    Mistake(
        "inputs-as-in-the-article",
        wired(inputs=lambda u, latent, embedding, context: [context, embedding, latent]),
        "The model's inputs are in another order: the context comes first.",
        "Whoever calls the model gives latent, timestep embedding, context.",
        _INPUTS,
    ),
    Mistake(
        "inputs-time-last",
        wired(inputs=lambda u, latent, embedding, context: [latent, context, embedding]),
        "The model's inputs are in another order: the context comes before the timestep embedding.",
        "Whoever calls the model gives latent, timestep embedding, context.",
        _INPUTS,
    ),
    Mistake(
        "sides-swapped",
        wired(sides=lambda u, height, width: (width, height)),
        "Height and width of the latent input are swapped.",
        "A picture that is not square would not fit: height comes first.",
        _INPUTS,
    ),
    Mistake(
        "latent-of-the-pictures-size",
        wired(factor=1),
        "The latent input has the picture's height and width; it has an eighth of them.",
        "The UNet never sees the picture itself, only the autoencoder's small version of it.",
        _INPUTS,
    ),
    Mistake(
        "middle-missing",
        wired(middle=lambda u, x, t_emb, context: x),
        "The middle is missing: the way up begins where the way down ended.",
        "The middle holds the only attention at the smallest size.",
        _WHOLE,
    ),
    Mistake(
        "exit-missing",
        wired(end=lambda u, x: x),
        "The exit is missing: what comes out is the last feature map.",
        "The exit makes the noise of it, in the shape of the latent.",
        _WHOLE,
    ),
    Mistake(
        "exit-convolution-only",
        wired(end=lambda u, x: u.blocks.PaddedConv2D(u.blocks.latent_channels, 3, padding=1)(x)),
        "The exit is a convolution only: its normalisation and swish are missing.",
        "22 blocks have added to the feature map; the last convolution must be given numbers of a known size.",
        _WHOLE,
    ),
    Mistake(
        "kept-maps-reversed",
        wired(up=lambda u, x, outputs, *told: Whole.up(u, x, outputs[::-1], *told)),
        "The kept feature maps reach the way up in reverse order.",
        "The way up takes them from the end by itself: the list goes in as the way down returned it.",
        _WHOLE,
    ),
    Mistake(
        "latent-added",
        _LatentAdded(),
        "The latent is added to the output.",
        "The model predicts the noise alone; to subtract it from the latent is the sampler's work.",
        _WHOLE,
    ),
)
