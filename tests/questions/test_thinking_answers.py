"""Right predictions, counts and ablations of exercises 06 to 10, written very differently, pass; so do 07's steps."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.questions.right_answers import assert_accepted

# ----------------------------------------------------------------------------------------------------- 06, a word twice


def by_normalising(share, times):
    weights = np.array([share] * times + [1 - share])
    return (weights / weights.sum())[:-1].sum()


def by_softmax(share, times):
    scores = ops.log(ops.convert_to_tensor([share] * times + [1 - share], "float32"))
    return ops.sum(ops.softmax(scores)[:times])


def by_odds(share, times):
    odds = times * share / (1 - share)
    return odds / (1 + odds)


def by_what_is_left(share, times):
    return 1 - (1 - share) / (1 + (times - 1) * share)


def one_copy_after_the_other(share, times):
    others = 1 - share
    for _ in range(times - 1):
        others /= 1 + share * others / (1 - share)
    return 1 - others


# ----------------------------------------------------------------------------------------------------- 06, the padding


def padding_cut_off(q, k, v, length):
    k, v = k[:, :, :length], v[:, :, :length]
    return ops.matmul(ops.softmax(ops.matmul(q, ops.swapaxes(k, 2, 3)) / np.sqrt(q.shape[-1])), v)


def padding_shared_out_anew(q, k, v, length):
    weights = ops.softmax(ops.einsum("bnsd,bntd->bnst", q, k) * q.shape[-1] ** -0.5)
    weights = weights * ops.cast(ops.arange(k.shape[2]) < length, "float32")
    return ops.einsum("bnst,bntd->bnsd", weights / ops.sum(weights, axis=-1, keepdims=True), v)


def padding_by_a_large_minus(q, k, v, length):
    minus = np.where(np.arange(k.shape[2]) < length, 0, -1e4).astype("float32")
    return ops.matmul(ops.softmax(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / q.shape[-1] ** 0.5 + minus), v)


def padding_by_powers(q, k, v, length):
    powers = ops.exp(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / q.shape[-1] ** 0.5)[..., :length]
    return ops.matmul(powers, v[:, :, :length]) / ops.sum(powers, axis=-1, keepdims=True)


def padding_by_keras(q, k, v, length):
    q, k, v = (ops.transpose(a, (0, 2, 1, 3)) for a in (q, k, v))
    mask = ops.reshape(ops.arange(k.shape[1]) < length, (1, 1, 1, -1))
    return ops.transpose(ops.dot_product_attention(q, k, v, mask=mask), (0, 2, 1, 3))


# --------------------------------------------------------------------------------------------------- 07, what it costs


def by_cancelling(height, width, channels):
    return 2 / 9 * height * width / channels


def by_shapes(height, width, channels):
    tokens = height * width
    scores, averages = tokens * tokens * channels, tokens * channels * tokens
    kernel = np.prod([3, 3, channels, channels])
    return float((scores + averages) / (int(kernel) * tokens))


def by_heads(height, width, channels):
    return ops.convert_to_tensor(
        sum(2 * (height * width) ** 2 * d for d in [1] * channels) / (9 * height * width * channels**2)
    )


def by_logarithms(height, width, channels):
    return np.exp(np.log(2 / 9) + np.log(height) + np.log(width) - np.log(channels))


def by_pixel(height, width, channels):
    for_each_pixel = 2 * height * width * channels
    return np.float64(for_each_pixel) / (9 * channels * channels)


# --------------------------------------------------------------------------------------------------- 07, pair and level


def pair_of_early_returns(x, t_emb, context, level, blocks):
    x = blocks.ResBlock(blocks.channels[level])((x, t_emb))
    if level == 3:
        return x
    heads = blocks.channels[level] // blocks.head_size
    return blocks.SpatialTransformer(num_heads=heads, head_size=blocks.head_size)([x, context])


def pair_of_a_list(x, t_emb, context, level, blocks):
    width = blocks.channels[level]
    todo = [(blocks.ResBlock(width), t_emb)]
    todo += [(blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size), context)] * (level in (0, 1, 2))
    for block, told in todo:
        x = block([x, told])
    return x


def pair_that_makes_first(x, t_emb, context, level, blocks):
    width, size = blocks.channels[level], blocks.head_size
    attend = (
        blocks.SpatialTransformer(width // size, size, fully_connected=True) if level < 3 else (lambda pair: pair[0])
    )
    look = blocks.ResBlock(output_dim=width)
    return attend([look([x, t_emb]), context])


def pair_with_an_identity(x, t_emb, context, level, blocks):
    y = keras.layers.Identity()(blocks.ResBlock([*blocks.channels][level])([x, t_emb]))
    sizes = {level: (w // blocks.head_size, blocks.head_size) for level, w in enumerate(blocks.channels[:3])}
    return blocks.SpatialTransformer(*sizes[level])([y, context]) if level in sizes else y


def pair_of_functions(x, t_emb, context, level, blocks):
    def told(block, what):
        return lambda y: block([y, what])

    steps = [told(blocks.ResBlock(blocks.channels[level]), t_emb)]
    if level != 3:
        steps.append(
            told(blocks.SpatialTransformer(blocks.channels[level] // blocks.head_size, blocks.head_size), context)
        )
    for step in steps:
        x = step(x)
    return x


def level_of_pairs(pair):
    """A level written around a pair: a loop."""

    def level_by_loop(x, t_emb, context, level, blocks):
        kept = []
        while len(kept) < 2:
            x = pair(x, t_emb, context, level, blocks)
            kept.append(x)
        if level < 3:
            kept.append(blocks.PaddedConv2D(blocks.channels[level], 3, padding=1, strides=2)(x))
        return kept[-1], kept

    return level_by_loop


def level_unrolled(x, t_emb, context, level, blocks):
    a = pair_of_early_returns(x, t_emb, context, level, blocks)
    b = pair_of_early_returns(a, t_emb, context, level, blocks)
    if level == 3:
        return b, [a, b]
    c = blocks.PaddedConv2D(filters=blocks.channels[level], kernel_size=(3, 3), padding=(1, 1), strides=(2, 2))(b)
    return c, (a, b, c)


def level_of_lists(x, t_emb, context, level, blocks):
    width, kept = blocks.channels[level], [x]
    looks = [blocks.ResBlock(width) for _ in range(2)]
    attends = [blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size) for _ in range(2)]
    for look, attend in zip(looks, attends, strict=True):
        y = look([kept[-1], t_emb])
        kept += [attend([y, context]) if level < 3 else y]
    kept += [blocks.PaddedConv2D(width, 3, 1, 2)(kept[-1])] if level < 3 else []
    return [kept[-1], kept[1:]]


def level_recursive(x, t_emb, context, level, blocks, pairs=2):
    if not pairs:
        x = blocks.PaddedConv2D(blocks.channels[level], 3, padding=1, strides=2)(x) if level < 3 else x
        return x, [x][: level < 3]
    y = pair_that_makes_first(x, t_emb, context, level, blocks)
    end, kept = level_recursive(y, t_emb, context, level, blocks, pairs - 1)
    return end, [y, *kept]


# ------------------------------------------------------------------------------------------------------- 08, ablation


def off_by_slices(outputs, size):
    off = [ops.zeros(y.shape) for y in outputs[3 * size : 3 * size + 3]]
    return [*outputs[: 3 * size], *off, *outputs[3 * size + 3 :]]


def off_by_factor(outputs, size):
    return [y * (0.0 if number // 3 == size else 1.0) for number, y in enumerate(outputs)]


def off_by_shape(outputs, size):
    side = outputs[0].shape[1] // 2**size
    return tuple(y - y if y.shape[1] == side else y for y in outputs)


def off_in_a_copy(outputs, size):
    kept = list(outputs)
    for number in (0, 1, 2):
        kept[size * 3 + number] = 0 * kept[size * 3 + number]
    return kept


def off_in_numpy(outputs, size):
    maps = [ops.convert_to_numpy(y).copy() for y in outputs]
    for y in maps[size * 3 :][:3]:
        y[:] = 0
    return maps


# ------------------------------------------------------------------------------------------------------ 09, the readers


def by_block(first, second, third, context_dim):
    widths = [first, second, third] * 2 + [third] + [third, second, first] * 3
    return sum(2 * width * context_dim for width in widths)


def by_layers(first, second, third, context_dim):
    return sum(
        int(np.prod(layer.compute_output_shape((1, context_dim))[1:])) * context_dim
        for width, blocks in ((first, 5), (second, 5), (third, 6))
        for layer in [keras.layers.Dense(width, use_bias=False)] * 2 * blocks
    )


def as_a_float(first, second, third, context_dim):
    return 10.0 * context_dim * (first + second) + 12.0 * context_dim * third


def as_a_product(first, second, third, context_dim):
    return np.dot([5, 5, 6], [first, second, third]) * 2 * context_dim


def by_flows(first, second, third, context_dim):
    levels = first + second + third
    return context_dim * (4 * levels + 2 * third + 6 * levels)


# ---------------------------------------------------------------------------------------------------------- 10, spread


def by_matrix(scale, correlation):
    factors = np.array([1 - scale, scale])
    return factors @ np.array([[1, correlation], [correlation, 1]]) @ factors


def by_parabola(scale, correlation):
    return 1 - 2 * scale * (1 - scale) * (1 - correlation)


def by_independent_parts(scale, correlation):
    shared, own = (1 - scale) + scale * correlation, scale * np.sqrt(1 - correlation**2)
    return ops.convert_to_tensor(shared**2 + own**2)


def by_cosines(scale, correlation):
    angle = np.arccos(correlation)
    return abs((1 - scale) + scale * np.exp(1j * angle)) ** 2


def around_a_half(scale, correlation):
    return (1 + correlation) / 2 + 2 * (1 - correlation) * (scale - 0.5) ** 2


RIGHT = {
    "guess-repeated-word": (by_normalising, by_softmax, by_odds, by_what_is_left, one_copy_after_the_other),
    "fault-padding": (
        padding_cut_off,
        padding_shared_out_anew,
        padding_by_a_large_minus,
        padding_by_powers,
        padding_by_keras,
    ),
    "guess-attention-cost": (by_cancelling, by_shapes, by_heads, by_logarithms, by_pixel),
    "down-pair": (
        pair_of_early_returns,
        pair_of_a_list,
        pair_that_makes_first,
        pair_with_an_identity,
        pair_of_functions,
    ),
    "down-level": (
        level_of_pairs(pair_of_functions),
        level_of_pairs(pair_of_a_list),
        level_unrolled,
        level_of_lists,
        level_recursive,
    ),
    "ablate-skips": (off_by_slices, off_by_factor, off_by_shape, off_in_a_copy, off_in_numpy),
    "count-text": (by_block, by_layers, as_a_float, as_a_product, by_flows),
    "guess-guided-spread": (by_matrix, by_parabola, by_independent_parts, by_cosines, around_a_half),
}


@pytest.mark.parametrize("question_id", RIGHT)
def test_answer_is_right_however_written(question_id):
    assert_accepted(question_id, RIGHT[question_id])


def test_attention_cost_is_what_keras_multiplies():
    """Counted from the shapes of the tensors that a layer really makes: independent of the formula."""
    from autograder.questions.down_flow.cost import attention_cost

    height, width, heads, size = 6, 4, 2, 8
    channels, tokens = heads * size, height * width
    q = k = v = np.ones((1, heads, tokens, size))
    scores = q @ k.swapaxes(-1, -2)
    products = scores.size * q.shape[-1] + (scores @ v).size * scores.shape[-1]
    conv = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False)
    convolution = int(np.prod(conv(np.ones((1, height, width, channels))).shape)) * 9 * channels
    assert attention_cost(height, width, channels) == pytest.approx(products / convolution)


def test_text_parameters_are_those_that_a_wider_text_adds():
    from dataclasses import replace

    from autograder.questions.unet import text_parameters
    from autograder.reference import TINY, DiffusionModelV2

    counts = [
        DiffusionModelV2(64, 64, 5, config=replace(TINY, context_dim=f), download_weights=False).count_params()
        for f in (24, 32)
    ]
    assert counts[1] - counts[0] == text_parameters(*TINY.channels[:3], 8)
