"""The mistakes of exercise 07: the way down with one thing wrong each."""

import keras

from autograder.questions.down_flow.wiring import Down, wired
from autograder.questions.question import Mistake
from autograder.reference.unet import transformer

_LEVEL = "One level: twice [ResBlock, SpatialTransformer]"
_HALVE = "Halving the picture"
_KEEP = "Twelve feature maps are kept"
_SMALLEST = "The smallest level"
_WIDTHS = "Four levels, and the numbers that tell them apart"


def _kept(choose):
    """The right way down, whose list of kept maps `choose` changes at the end."""
    return wired(result=lambda f, x, outputs: (x, choose(outputs)))


def _keeps_before_attention(f, x, level, i):
    x = f.keep(f.look(x, level, i))
    return f.attend(x, level) if level < 3 else x


def _keeps_both(f, x, level, i):
    x = f.keep(f.look(x, level, i))
    return f.keep(f.attend(x, level)) if level < 3 else x


def _keeps_both_always(f, x, level, i):
    """Keeps after the ResBlock, and again after the `if` that the SpatialTransformer stands in."""
    x = f.keep(f.look(x, level, i))
    return f.keep(f.attend(x, level) if level < 3 else x)


def _halves_aside(f, x, level):
    """Keeps the halved map, and goes on with the large one."""
    Down.shrink(f, x, level)
    return x


def _attention_first(f, x, level, i):
    x = f.attend(x, level) if level < 3 else x
    return f.keep(f.look(x, level, i))


def _shared_resblock(f, x, level, i):
    if i == 0:
        f.shared = f.blocks.ResBlock(f.widths[level])
    return f.shared([x, f.t_emb])


class _WidthsTypedIn(Down):
    """The widths of Stable Diffusion 2 with the head size of `blocks`."""

    def start(self, latent):
        self.widths = (320, 640, 1280, 1280)
        return super().start(latent)


class _TypedIn(_WidthsTypedIn):
    """The numbers of Stable Diffusion 2, whatever `blocks` says."""

    def attend(self, x, level):
        return self.blocks.SpatialTransformer((5, 10, 20)[level], 64, fully_connected=True)([x, self.context])


def _pooled(layer):
    return wired(shrink=lambda f, x, level: f.keep(layer(2)(x)))


def _heads(make):
    """A way down whose SpatialTransformers are made with `make(width, head_size)`."""

    def attend(f, x, level):
        arguments = make(f.widths[level], f.blocks.head_size)
        return f.blocks.SpatialTransformer(*arguments, fully_connected=True)([x, f.context])

    return wired(attend=attend)


MISTAKES = (
    Mistake(
        "first-not-kept",
        _kept(lambda outputs: outputs[1:]),
        "The output of the first convolution is not among the kept feature maps.",
        "The very last ResBlock of the way up takes it: with 11 maps for 12 ResBlocks that one would go without.",
        _KEEP,
    ),
    Mistake(
        "halved-not-kept",
        wired(shrink=lambda f, x, level: f.blocks.PaddedConv2D(f.widths[level], 3, padding=1, strides=2)(x)),
        "The outputs of the stride-2 convolutions are not among the kept feature maps.",
        "The way up has three ResBlocks a level and a level of the way down only two: the third takes the halved map.",
        _KEEP,
    ),
    Mistake(
        "last-not-kept",
        _kept(lambda outputs: outputs[:-1]),
        "The last feature map is returned, but it is not among the kept ones.",
        "The middle flow will change it, and the first ResBlock of the way up takes it as it was before.",
        _KEEP,
    ),
    Mistake(
        "kept-before-attention",
        wired(pair=_keeps_before_attention),
        "A feature map is kept before its SpatialTransformer instead of after it.",
        "The way up would get maps that have not seen the text at this step, and trained weights expect the others.",
        _KEEP,
    ),
    Mistake(
        "kept-twice",
        wired(pair=_keeps_both),
        "Both the ResBlock's and the SpatialTransformer's output are kept: 18 feature maps where 12 are expected.",
        "The way up takes one map for each of its twelve ResBlocks.",
        _KEEP,
    ),
    Mistake(
        "kept-twice-at-every-level",
        wired(pair=_keeps_both_always),
        "A map is kept after each ResBlock and once more behind its SpatialTransformer, or where that would stand: "
        "20 feature maps where 12 are expected.",
        "The way up takes one map for each of its twelve ResBlocks: of a pair, keep what comes out at its end.",
        _KEEP,
    ),
    Mistake(
        "kept-reversed",
        _kept(lambda outputs: outputs[::-1]),
        "The kept feature maps are in reverse order: the smallest comes first.",
        "They are kept in the order in which they are made; it is the way up that takes them from the end.",
        _KEEP,
    ),
    Mistake(
        "smallest-attends",
        wired(
            pair=lambda f, x, level, i: f.keep(f.attend(f.look(x, level, i), level)),
        ),
        "The smallest level has SpatialTransformers; it has ResBlocks only.",
        "Stable Diffusion gives the smallest level on the way down no attention, and trained weights bring none.",
        _SMALLEST,
    ),
    Mistake(
        "smallest-missing",
        wired(levels=3),
        "The fourth, smallest level with its two ResBlocks is missing.",
        "It works at an eighth of the latent's height and width, and two of the twelve kept maps are its own.",
        _SMALLEST,
    ),
    Mistake(
        "halved-once-more",
        wired(result=lambda f, x, outputs: (f.shrink(x, 3), outputs)),
        "The picture is halved once more after the fourth level.",
        "There are four levels and three halvings between them: nothing comes after the fourth.",
        _SMALLEST,
    ),
    Mistake(
        "halved-and-widened",
        wired(
            shrink=lambda f, x, level: f.keep(
                f.blocks.PaddedConv2D(f.widths[level + 1], 3, padding=1, strides=2)(x),
            )
        ),
        "The stride-2 convolution already has the next level's width; it keeps its own level's.",
        "It is the next level's first ResBlock that changes the number of channels.",
        _HALVE,
    ),
    Mistake(
        "halved-unpadded",
        wired(shrink=lambda f, x, level: f.keep(f.blocks.PaddedConv2D(f.widths[level], 3, strides=2)(x))),
        "The stride-2 convolution has no padding, so it loses a pixel at the border.",
        "Without the border of zeros 8 pixels become 3 instead of 4, and the way up no longer meets the kept maps.",
        _HALVE,
    ),
    Mistake(
        "halved-by-keras-same",
        wired(
            shrink=lambda f, x, level: f.keep(
                keras.layers.Conv2D(f.widths[level], 3, strides=2, padding="same")(x),
            )
        ),
        'The picture is halved with a Conv2D of Keras and `padding="same"`.',
        "With stride 2 it pads on one side only, which shifts the picture; `blocks.PaddedConv2D` pads on both.",
        _HALVE,
    ),
    Mistake(
        "halved-aside",
        wired(shrink=_halves_aside),
        "The halved feature map is kept, but the way down goes on with the large one.",
        "What comes out of the stride-2 convolution is kept *and* is what the next level begins with.",
        _HALVE,
    ),
    Mistake(
        "halved-by-pooling",
        _pooled(keras.layers.AveragePooling2D),
        "The picture is halved by pooling instead of by a convolution with stride 2.",
        "The convolution learns what to keep of nine pixels, and trained weights bring its kernel.",
        _HALVE,
    ),
    Mistake(
        "halved-by-max-pooling",
        _pooled(keras.layers.MaxPooling2D),
        "The picture is halved by max pooling instead of by a convolution with stride 2.",
        "The convolution learns what to keep of nine pixels, and trained weights bring its kernel.",
        _HALVE,
    ),
    Mistake(
        "attention-before-resblock",
        wired(pair=_attention_first),
        "The SpatialTransformer comes before the ResBlock.",
        "The ResBlock goes first: it brings the feature map to the level's width and tells it the time.",
        _LEVEL,
    ),
    Mistake(
        "attention-missing",
        wired(pair=lambda f, x, level, i: f.keep(f.look(x, level, i))),
        "There are no SpatialTransformers on the way down.",
        "They are where the picture meets the text; without them the prompt has no say here.",
        _LEVEL,
    ),
    Mistake(
        "one-pair",
        wired(pairs=1),
        "Each level has one pair of blocks; it has two.",
        "The way up expects two kept maps a level, and the one of the halved picture.",
        _LEVEL,
    ),
    Mistake(
        "three-pairs",
        wired(pairs=3),
        "Each level has three pairs of blocks; on the way down it has two.",
        "Three a level is the way up, which also has a map to take in for each of the two and for the halving.",
        _LEVEL,
    ),
    Mistake(
        "block-reused",
        wired(look=_shared_resblock),
        "One ResBlock is used for both pairs of a level; each pair has its own.",
        "Two uses of one object share their weights. Make a new block each time around the loop.",
        _LEVEL,
    ),
    Mistake(
        "context-for-time",
        wired(look=lambda f, x, level, i: f.blocks.ResBlock(f.widths[level])([x, f.context])),
        "The ResBlock is given the context instead of the time embedding.",
        "ResBlocks are told the time, SpatialTransformers the text.",
        _LEVEL,
    ),
    Mistake(
        "time-for-context",
        wired(attend=lambda f, x, level: transformer(f.widths[level], f.blocks)([x, f.t_emb])),
        "The SpatialTransformer is given the time embedding instead of the context.",
        "ResBlocks are told the time, SpatialTransformers the text.",
        _LEVEL,
    ),
    Mistake(
        "heads-and-size-swapped",
        _heads(lambda width, size: (size, width // size)),
        "The number of heads and the head size are swapped in the SpatialTransformer.",
        "Their product is the same, so nothing complains, but the features are cut into heads in another way.",
        _WIDTHS,
    ),
    Mistake(
        "heads-eight",
        _heads(lambda width, size: (8, width // 8)),
        "Every level has eight heads; here the size of a head is fixed, and their number grows with the width.",
        "Eight heads is Stable Diffusion 1. In version 2 every head has the same size.",
        _WIDTHS,
    ),
    Mistake(
        "widths-typed-in",
        _TypedIn(),
        "The widths of Stable Diffusion 2 are typed in; they are to be read from `blocks`.",
        "The same flow must also wire a small model: the check uses narrow blocks, and drawing does too.",
        _WIDTHS,
    ),
    Mistake(
        "channels-typed-in",
        _WidthsTypedIn(),
        "The widths 320, 640 and 1280 are typed in; they are to be read from `blocks.channels`.",
        "The same flow must also wire a small model: the check uses narrow blocks, and drawing does too.",
        _WIDTHS,
    ),
    Mistake(
        "input-convolution-unpadded",
        wired(start=lambda f, latent: f.keep(f.blocks.PaddedConv2D(f.widths[0], 3)(latent))),
        "The first convolution has no padding, so the feature map is two pixels short in height and width.",
        "Without the border of zeros nothing fits any more: the kept maps must have the sizes of the way up.",
        _WIDTHS,
    ),
    Mistake(
        "input-convolution-missing",
        wired(start=lambda f, latent: f.keep(latent)),
        "The first convolution is missing: the latent goes straight into the first ResBlock.",
        "The latent has only a few channels; the first convolution brings it to the first level's width.",
        _WIDTHS,
    ),
)
