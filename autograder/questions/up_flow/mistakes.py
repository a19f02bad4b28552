"""The mistakes of exercise 08 on the way up: the flow with one thing wrong each."""

import keras

from autograder.questions.question import Mistake
from autograder.questions.up_flow.wiring import Up, wired
from autograder.reference import Upsample
from autograder.reference.unet import transformer

_JOIN = "One step up: join, ResBlock, SpatialTransformer"
_ORDER = "Last in, first out"
_UPSAMPLE = "Where `Upsample` stands"
_GROUPS = "Four groups of three"


def _attends_first(f, x, level, i):
    x = f.join(x, f.take())
    return f.look(f.attend(x, level) if level < 3 else x, level, i)


def _joins_last(f, x, level, i):
    x = f.look(x, level, i)
    return f.join(f.attend(x, level) if level < 3 else x, f.take())


def _shared_resblock(f, x, level, i):
    if i == 1:  # the first of a level sees another number of channels
        f.shared = f.blocks.ResBlock(f.widths[level])
    return Up.look(f, x, level, i) if i == 0 else f.shared([x, f.t_emb])


def _enlarges_each_time(f, x, level, i):
    return f.enlarge(Up.step(f, x, level, i), level) if level > 0 else Up.step(f, x, level, i)


def _heads_swapped(f, x, level):
    size = f.blocks.head_size
    return f.blocks.SpatialTransformer(size, f.widths[level] // size, fully_connected=True)([x, f.context])


class _SameSkip(Up):
    """Takes the last map of a level three times, and moves on after each level."""

    def take(self):
        return self.outputs[-1]

    def close(self, x, level):
        del self.outputs[-3:]
        return super().close(x, level)


class _LevelInOrder(Up):
    """Takes the right three maps for each level, but in the order in which they were made."""

    def __call__(self, x, outputs, *others):
        levels = [outputs[i : i + 3] for i in (9, 6, 3, 0)]
        return super().__call__(x, [skip for level in levels for skip in level][::-1], *others)


class _TypedIn(Up):
    """The numbers of Stable Diffusion 2, whatever `blocks` says."""

    def look(self, x, level, i):
        self.widths = (320, 640, 1280, 1280)
        return super().look(x, level, i)

    def attend(self, x, level):
        return self.blocks.SpatialTransformer((5, 10, 20)[level], 64, fully_connected=True)([x, self.context])


UP_MISTAKES = (
    Mistake(
        "skips-from-the-front",
        wired(take=lambda f: f.outputs.pop(0)),
        "The kept feature maps are taken from the front of the list: the first one kept comes first.",
        "The way up begins where the way down ended, so the last map kept is the first one needed.",
        _ORDER,
    ),
    Mistake(
        "skips-of-a-level-in-order",
        _LevelInOrder(),
        "Each level takes its own three maps, but in the order in which they were kept instead of from the end.",
        "Their sizes are the same, so nothing complains, but trained weights expect the last one kept first.",
        _ORDER,
    ),
    Mistake(
        "same-skip-three-times",
        _SameSkip(),
        "A level joins the same feature map three times.",
        "Each ResBlock of the way up is joined with a map of its own; a map that was used must leave the list.",
        _ORDER,
    ),
    Mistake(
        "joined-in-reverse",
        wired(join=lambda f, x, skip: keras.layers.Concatenate()([skip, x])),
        "The kept feature map stands before the way up's own channels; it belongs behind them.",
        "The ResBlock's kernel has a place for each channel, and trained weights expect the way up's own first.",
        _JOIN,
    ),
    Mistake(
        "joined-by-adding",
        wired(join=lambda f, x, skip: keras.layers.Add()([x, skip])),
        "The kept feature map is added to the way up; the two are to be concatenated.",
        "Their channels may differ in number, and the ResBlock is to choose what it takes from which.",
        _JOIN,
    ),
    Mistake(
        "joined-with-plus-or-along-batch",
        wired(join=lambda f, x, skip: x + skip),
        "The kept feature map is added to the way up, or concatenated along another axis than the channels (as "
        "`ops.concatenate` does unless it is told the axis).",
        "Their channels may differ in number, and the ResBlock is to choose what it takes from which: only the last "
        "axis grows.",
        _JOIN,
    ),
    Mistake(
        "joined-along-height",
        wired(join=lambda f, x, skip: keras.layers.Concatenate(axis=1)([x, skip])),
        "The two feature maps are put one above the other; they are to be joined along the channels.",
        "Every pixel of the way up meets the same pixel of the way down: only the last axis grows.",
        _JOIN,
    ),
    Mistake(
        "skips-ignored",
        wired(join=lambda f, x, skip: x),
        "The kept feature maps are not used.",
        "Without them the way up knows nothing of the picture but what fits into the smallest feature map.",
        _JOIN,
    ),
    Mistake(
        "joined-after-the-block",
        wired(step=_joins_last),
        "The kept feature map is joined after the ResBlock instead of before it.",
        "It is the ResBlock that takes the joined channels in and brings them to the level's width.",
        _JOIN,
    ),
    Mistake(
        "attention-before-resblock",
        wired(step=_attends_first),
        "The SpatialTransformer comes before the ResBlock.",
        "The ResBlock goes first: it brings the joined channels to the level's width, which the heads divide.",
        _JOIN,
    ),
    Mistake(
        "attention-missing",
        wired(attend=lambda f, x, level: x),
        "There are no SpatialTransformers on the way up.",
        "They are where the picture meets the text; without them the prompt has no say here.",
        _JOIN,
    ),
    Mistake(
        "smallest-attends",
        wired(step=lambda f, x, level, i: f.attend(f.look(f.join(x, f.take()), level, i), level)),
        "The first group has SpatialTransformers; on the smallest level there are ResBlocks only.",
        "That level has none on the way down either, and trained weights bring none.",
        _GROUPS,
    ),
    Mistake(
        "upsample-in-the-loop",
        wired(step=_enlarges_each_time, close=lambda f, x, level: x),
        "The feature map is enlarged after every ResBlock; it is enlarged once after each group of three.",
        "The three kept maps of a level have the same size, so all three are joined before the size changes.",
        _UPSAMPLE,
    ),
    Mistake(
        "upsample-missing",
        wired(close=lambda f, x, level: x),
        "The feature map is never enlarged.",
        "The kept maps of the next level are twice as large, and only maps of one size can be joined.",
        _UPSAMPLE,
    ),
    Mistake(
        "upsample-of-ones-own",
        wired(enlarge=lambda f, x, level: Upsample(f.widths[level])(x)),
        "An `Upsample` with weights of its own enlarges: your class of question 1, not `blocks.Upsample`.",
        "A flow takes every block from `blocks`: only those can be checked here, and be given trained weights.",
        _UPSAMPLE,
    ),
    Mistake(
        "upsample-at-the-end",
        wired(close=lambda f, x, level: f.enlarge(x, level)),
        "The feature map is enlarged once more after the last group.",
        "Three halvings on the way down need three doublings: after the fourth group the size is the latent's already.",
        _UPSAMPLE,
    ),
    Mistake(
        "upsample-narrows",
        wired(
            step=lambda f, x, level, i: Up.step(f, f.enlarge(x, level) if i == 0 and level < 3 else x, level, i),
            close=lambda f, x, level: x,
        ),
        "The enlarging already narrows to the next level's width; it keeps its own level's.",
        "It is the next level's first ResBlock that changes the number of channels.",
        _UPSAMPLE,
    ),
    Mistake(
        "upsample-without-convolution",
        wired(enlarge=lambda f, x, level: keras.layers.UpSampling2D(2)(x)),
        "The pixels are only repeated; the convolution behind that is missing.",
        "`blocks.Upsample` repeats the pixels and then convolves, which smooths the steps between them.",
        _UPSAMPLE,
    ),
    Mistake(
        "levels-from-the-first",
        wired(levels=(0, 1, 2, 3)),
        "The levels are passed from the first to the fourth; the way up begins at the fourth.",
        "It begins where the way down ended: with the smallest feature map, at the width of the fourth level.",
        _GROUPS,
    ),
    Mistake(
        "two-a-level",
        wired(blocks_a_level=2),
        "Each level has two ResBlocks; on the way up it has three.",
        "Each level keeps three maps on the way down, and each is joined before a ResBlock of its own.",
        _GROUPS,
    ),
    Mistake(
        "block-reused",
        wired(look=_shared_resblock),
        "One ResBlock is used for two steps of a level; each step has its own.",
        "Two uses of one object share their weights. Make a new block each time around the loop.",
        _GROUPS,
    ),
    Mistake(
        "heads-and-size-swapped",
        wired(attend=_heads_swapped),
        "The number of heads and the head size are swapped in the SpatialTransformer.",
        "Their product is the same, so nothing complains, but the features are cut into heads in another way.",
        _GROUPS,
    ),
    Mistake(
        "widths-typed-in",
        _TypedIn(),
        "The widths of Stable Diffusion 2 are typed in; they are to be read from `blocks`.",
        "The same flow must also wire a small model: the check uses narrow blocks, and drawing does too.",
        _GROUPS,
    ),
    Mistake(
        "time-for-context",
        wired(attend=lambda f, x, level: transformer(f.widths[level], f.blocks)([x, f.t_emb])),
        "The SpatialTransformer is given the time embedding instead of the context.",
        "ResBlocks are told the time, SpatialTransformers the text.",
        _JOIN,
    ),
)
