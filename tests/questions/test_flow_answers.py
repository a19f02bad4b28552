"""Right flows, written very differently, pass; one wrong map or channel does not."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.reference.unet import down_flow, middle_flow, up_flow
from autograder.sitting.run import sit
from tests.questions.right_answers import assert_accepted


def transformer(blocks, width):
    return blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size)


# ------------------------------------------------------------------------------------------------- 07, the way down


def down_unrolled(latent, t_emb, context, blocks):
    """As the article writes it: one loop a level."""
    a, b, c, d = blocks.channels
    kept = [blocks.PaddedConv2D(a, kernel_size=3, padding=1)(latent)]
    for width in (a, b, c):
        for _ in range(2):
            x = blocks.ResBlock(width)([kept[-1], t_emb])
            kept.append(transformer(blocks, width)([x, context]))
        kept.append(blocks.PaddedConv2D(width, 3, strides=2, padding=1)(kept[-1]))
    for _ in range(2):
        kept.append(blocks.ResBlock(d)([kept[-1], t_emb]))
    return kept[-1], tuple(kept)


def down_blocks_first(latent, t_emb, context, blocks):
    """All blocks are made before any is called, in reverse order."""
    widths = blocks.channels
    looks = [[blocks.ResBlock(w), blocks.ResBlock(w)] for w in reversed(widths)][::-1]
    halves = [blocks.PaddedConv2D(w, 3, 1, 2) for w in widths[:3]]
    attends = [[transformer(blocks, w) for _ in range(2)] for w in widths[:3]]
    x = blocks.PaddedConv2D(widths[0], 3, 1)(latent)
    outputs = [x]
    for level in range(4):
        for i in range(2):
            x = looks[level][i]([x, t_emb])
            x = attends[level][i]([x, context]) if level < 3 else x
            outputs += [x]
        if level != 3:
            outputs += [halves[level](x)]
            x = outputs[-1]
    return [x, outputs]


def down_recursive(latent, t_emb, context, blocks):
    def level(x, number, outputs):
        for _ in range(2):
            x = blocks.ResBlock(blocks.channels[number])([x, t_emb])
            x = transformer(blocks, blocks.channels[number])([x, context]) if number < 3 else x
            outputs = [*outputs, x]
        if number == 3:
            return x, outputs
        x = blocks.PaddedConv2D(blocks.channels[number], 3, padding=1, strides=2)(x)
        return level(x, number + 1, [*outputs, x])

    x = blocks.PaddedConv2D(blocks.channels[0], 3, padding=1)(latent)
    return level(x, 0, [x])


def down_generator(latent, t_emb, context, blocks):
    """Each map is yielded as it is made, and the list is made of them."""

    def maps(x):
        yield (x := blocks.PaddedConv2D(filters=blocks.channels[0], kernel_size=(3, 3), padding=1)(x))
        for level in range(4):
            for _ in "ab":
                x = blocks.ResBlock(output_dim=blocks.channels[level])((x, t_emb))
                yield (x := transformer(blocks, blocks.channels[level])((x, context)) if level != 3 else x)
            if level != 3:
                yield (x := blocks.PaddedConv2D(blocks.channels[level], 3, strides=(2, 2), padding=(1, 1))(x))

    kept = list(maps(latent))
    return kept[-1], kept


def down_recipe(latent, t_emb, context, blocks):
    """One letter a block: C convolves, R looks, T attends, H halves; behind a comma the map is kept."""
    x, outputs = latent, []
    for level, recipe in enumerate(("C,RT,RT,H,", "RT,RT,H,", "RT,RT,H,", "R,R,")):
        width = blocks.channels[level]
        make = {
            "C": lambda x, width=width: blocks.PaddedConv2D(width, 3, 1)(x),
            "H": lambda x, width=width: blocks.PaddedConv2D(width, 3, 1, 2)(x),
            "R": lambda x, width=width: blocks.ResBlock(width)([x, t_emb]),
            "T": lambda x, width=width: transformer(blocks, width)([x, context]),
            ",": lambda x: outputs.append(x) or x,
        }
        for letter in recipe:
            x = make[letter](x)
    return x, outputs


# ------------------------------------------------------------------------------------- 08, the middle and the way up


class Tiled(keras.layers.Layer):
    """New axes, tiled; the convolution made when it is built."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def build(self, shape):
        self.smooth = keras.layers.Conv2D(self.channels, 3)

    def call(self, x):
        _, h, w, c = x.shape
        x = ops.tile(x[:, :, None, :, None, :], (1, 1, 2, 1, 2, 1))
        x = ops.pad(ops.reshape(x, (-1, 2 * h, 2 * w, c)), ((0, 0), (1, 1), (1, 1), (0, 0)))
        return self.smooth(x)


class Resized(keras.layers.Layer):
    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.parts = keras.Sequential(
            [keras.layers.UpSampling2D(2, interpolation="nearest"), keras.layers.Conv2D(channels, 3, padding="same")]
        )

    def call(self, x):
        return self.parts(x)


class RawWeights(keras.layers.Layer):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def build(self, shape):
        self.bias = self.add_weight(shape=(self.channels,))
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], self.channels))

    def call(self, x):
        rows, columns = (np.arange(2 * side) // 2 for side in x.shape[1:3])
        x = ops.take(ops.take(x, rows, axis=1), columns, axis=2)
        return ops.conv(x, self.kernel, padding="same") + self.bias


class Gathered(keras.layers.Layer):
    """A product with a matrix of zeros and ones for each axis; the convolution between two axes' orders."""

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.smooth = keras.layers.Conv2D(filters=channels, kernel_size=(3, 3), padding="same")

    def call(self, inputs):
        rows, columns = (np.repeat(np.eye(side, dtype="float32"), 2, axis=0) for side in inputs.shape[1:3])
        return self.smooth(ops.einsum("bhwc,ih,jw->bijc", inputs, rows, columns))


class ByKernelPlaces(keras.layers.Layer):
    """The nearest neighbours by `ops.image.resize`, and the convolution as nine products, one a place of the kernel."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], self.channels), initializer="glorot_uniform")
        self.shift = self.add_weight(shape=(self.channels,), initializer="zeros")

    def call(self, x):
        height, width = 2 * x.shape[1], 2 * x.shape[2]
        x = ops.pad(ops.image.resize(x, (height, width), interpolation="nearest"), ((0, 0), (1, 1), (1, 1), (0, 0)))
        places = [(i, j) for i in range(3) for j in range(3)]
        return sum(ops.matmul(x[:, i : i + height, j : j + width], self.kernel[i, j]) for i, j in places) + self.shift


def middle_made_first(x, t_emb, context, blocks):
    last, first = blocks.ResBlock(blocks.channels[-1]), blocks.ResBlock(blocks.channels[3])
    between = transformer(blocks, x.shape[-1])
    return last([between([first([x, t_emb]), context]), t_emb])


def middle_loop(x, t_emb, context, blocks):
    for kind in "RTR":
        block = blocks.ResBlock(blocks.channels[3]) if kind == "R" else transformer(blocks, blocks.channels[3])
        x = block([x, t_emb if kind == "R" else context])
    return x


def middle_as_layers(x, t_emb, context, blocks):
    """Inside a functional model of its own."""
    inside = [keras.Input(part.shape[1:]) for part in (x, t_emb, context)]
    return keras.Model(inside, middle_flow(*inside, blocks))([x, t_emb, context])


def middle_reduced(x, t_emb, context, blocks):
    """As a fold over the blocks, each with what it is told."""
    width, size = x.shape[-1], blocks.head_size
    steps = [
        (blocks.ResBlock(width), t_emb),
        (blocks.SpatialTransformer(width // size, size, True), context),
        (blocks.ResBlock(output_dim=width), t_emb),
    ]
    return functools.reduce(lambda x, step: step[0]([x, step[1]]), steps, x)


def middle_class(x, t_emb, context, blocks):
    """A small class that remembers what it was given."""

    class Middle:
        def look(self, x):
            return blocks.ResBlock(blocks.channels[2])((x, t_emb))  # the third level is as wide as the fourth

        def __call__(self, x):
            heads = int(blocks.channels[3] / blocks.head_size)
            between = blocks.SpatialTransformer(head_size=blocks.head_size, num_heads=heads, fully_connected=True)
            return self.look(between((self.look(x), context)))

    return Middle()(x)


def up_by_index(x, outputs, t_emb, context, blocks):
    """No pop: indices from the end, ops.concatenate, Upsample before the next level."""
    for step in range(12):
        level = 3 - step // 3
        if step % 3 == 0 and step:
            x = blocks.Upsample(blocks.channels[level + 1])(x)
        x = blocks.ResBlock(blocks.channels[level])([ops.concatenate([x, outputs[-1 - step]], axis=-1), t_emb])
        if level < 3:
            x = transformer(blocks, blocks.channels[level])([x, context])
    return x


def up_reversed(x, outputs, t_emb, context, blocks):
    skips = reversed(outputs)
    for level, width in reversed(list(enumerate(blocks.channels))):
        joins = [keras.layers.Concatenate(axis=3) for _ in range(3)]
        for join in joins:
            x = blocks.ResBlock(width)([join((x, next(skips))), t_emb])
            x = x if level == 3 else transformer(blocks, width)((x, context))
        x = x if level == 0 else blocks.Upsample(width)(x)
    return x


def up_by_levels(x, outputs, t_emb, context, blocks):
    def group(x, skips, width, attends):
        for skip in skips:
            x = blocks.ResBlock(width)([keras.layers.concatenate([x, skip]), t_emb])
            if attends:
                x = transformer(blocks, width)([x, context])
        return x

    a, b, c, d = blocks.channels
    x = blocks.Upsample(d)(group(x, outputs[:8:-1], d, False))
    x = blocks.Upsample(c)(group(x, outputs[8:5:-1], c, True))
    x = blocks.Upsample(b)(group(x, outputs[5:2:-1], b, True))
    return group(x, outputs[2::-1], a, True)


def up_recursive(x, outputs, t_emb, context, blocks):
    """The last level of what is left, then the rest."""

    def climb(x, level, outputs):
        if level < 0:
            return x
        for _ in range(3):
            *outputs, skip = outputs
            x = blocks.ResBlock(blocks.channels[level])([ops.concatenate((x, skip), -1), t_emb])
            if level != 3:
                x = transformer(blocks, blocks.channels[level])([x, context])
        return climb(blocks.Upsample(blocks.channels[level])(x) if level else x, level - 1, outputs)

    return climb(x, 3, outputs)


def up_over_skips(x, outputs, t_emb, context, blocks):
    """One loop over the maps; where the size changes, the feature map is enlarged before the next join."""
    for number, skip in enumerate(outputs[::-1]):
        level = 3 - number // 3
        if skip.shape[1] != x.shape[1]:
            x = blocks.Upsample(channels=x.shape[-1])(x)
        joined = ops.append(x, skip, axis=3)
        x = blocks.ResBlock(blocks.channels[level])([joined, t_emb])
        x = transformer(blocks, x.shape[-1])([x, context]) if number > 2 else x
    return x


RIGHT = {
    "down-flow": (down_unrolled, down_blocks_first, down_recursive, down_generator, down_recipe),
    "upsample": (Tiled, Resized, RawWeights, Gathered, ByKernelPlaces),
    "middle-flow": (middle_made_first, middle_loop, middle_as_layers, middle_reduced, middle_class),
    "up-flow": (up_by_index, up_reversed, up_by_levels, up_recursive, up_over_skips),
}


@pytest.mark.parametrize("question_id", RIGHT)
def test_flows_accept_other_ways_of_writing(question_id):
    assert_accepted(question_id, RIGHT[question_id])


@pytest.mark.parametrize("question_id", ["down-flow", "up-flow"])
def test_flow_errors_in_one_channel_or_one_map_are_seen(question_id):
    """What is returned counts as a whole: one kept map, or one channel, of twelve is enough to be refused."""

    def one_map_wrong(latent, t_emb, context, blocks):
        x, outputs = down_flow(latent, t_emb, context, blocks)
        outputs[4] = outputs[4] * 1.01
        return x, outputs

    def one_channel_wrong(x, outputs, t_emb, context, blocks):
        y = up_flow(x, outputs, t_emb, context, blocks)
        return ops.concatenate([y[..., :-1], 1.1 * y[..., -1:]], axis=-1)

    question = find(question_id)
    marker = Marker(question, make_paper(question, 3))
    verdict = marker.mark(sit(marker.paper, one_map_wrong if question_id == "down-flow" else one_channel_wrong))
    assert not verdict.passed
    assert verdict.mistake is None
