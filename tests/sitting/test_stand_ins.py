"""Stand-ins show every wrong wiring: each is a fixed function of its own, sensitive to all that it is told."""

import keras
import numpy as np
import pytest

from autograder.sitting import stand_ins
from autograder.sitting.stand_ins import counting_uses, make_blocks, replaced

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 6, 32)).astype("float32")
T_EMB = RNG.normal(size=(2, 24)).astype("float32")
CONTEXT = RNG.normal(size=(2, 5, 20)).astype("float32")
BLOCKS = make_blocks()


def distance(one, other):
    one, other = np.asarray(one), np.asarray(other)
    return np.linalg.norm(one - other) / np.linalg.norm(other)


def resblock(x=X, t_emb=T_EMB, width=48):
    return np.asarray(BLOCKS.ResBlock(width)([x, t_emb]))


def transformer(x=X, context=CONTEXT, heads=4, size=8):
    return np.asarray(BLOCKS.SpatialTransformer(heads, size, fully_connected=True)([x, context]))


def test_stand_ins_give_the_shapes_of_the_reference():
    assert resblock().shape == (2, 4, 6, 48)
    assert transformer().shape == X.shape
    assert BLOCKS.Upsample(40)(X).shape == (2, 8, 12, 40)
    assert BLOCKS.PaddedConv2D(16, 3, padding=1, strides=2)(X).shape == (2, 2, 3, 16)
    assert BLOCKS.PaddedConv2D(16, 3)(X).shape == (2, 2, 4, 16)


def test_stand_ins_symbolic_shapes_are_those_of_the_run():
    inputs = [keras.Input(a.shape[1:]) for a in (X, T_EMB, CONTEXT)]
    x = BLOCKS.ResBlock(48)([inputs[0], inputs[1]])
    x = BLOCKS.Upsample(40)(BLOCKS.SpatialTransformer(6, 8)([x, inputs[2]]))
    x = BLOCKS.PaddedConv2D(16, 3, padding=1, strides=2)(x)
    assert tuple(keras.Model(inputs, x)([X, T_EMB, CONTEXT]).shape[1:]) == tuple(x.shape[1:])


def test_stand_ins_do_not_depend_on_the_order_in_which_they_are_made():
    first, second = BLOCKS.ResBlock(48), BLOCKS.ResBlock(32)
    expected = np.asarray(first([X, T_EMB])), np.asarray(second([X, T_EMB]))
    second, first = BLOCKS.ResBlock(32), BLOCKS.ResBlock(48)
    np.testing.assert_array_equal(first([X, T_EMB]), expected[0])
    np.testing.assert_array_equal(second([X, T_EMB]), expected[1])


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        (lambda: resblock(t_emb=T_EMB[::-1].copy()), resblock),  # the other picture's time
        (lambda: resblock(t_emb=0 * T_EMB), resblock),
        (lambda: resblock(x=X[..., ::-1].copy()), resblock),  # the halves of a concatenation swapped
        (lambda: transformer(context=0 * CONTEXT), transformer),
        (lambda: transformer(context=X[:, 0]), transformer),
        (lambda: transformer(heads=8, size=4), transformer),
        (lambda: X, transformer),  # left out
        (lambda: X, lambda: resblock(width=32)),
        (lambda: resblock(x=transformer(), width=32), lambda: transformer(x=resblock(width=32))),  # order
        (lambda: resblock(x=resblock(width=32), width=32), lambda: resblock(width=32)),  # one too many
        (lambda: BLOCKS.PaddedConv2D(32, 1)(X), lambda: BLOCKS.PaddedConv2D(32, 3, padding=1)(X)),
        (lambda: np.repeat(np.repeat(X, 2, 1), 2, 2), lambda: BLOCKS.Upsample(32)(X)),
    ],
)
def test_stand_ins_wrong_wiring_changes_the_values(changed, kept):
    """By at least a hundred times the tolerance of marking (1e-4)."""
    assert distance(changed(), kept()) > 1e-2


def test_stand_ins_keep_the_size_of_a_signal():
    x = X
    for _ in range(30):  # deeper than the UNet; each of the 60 adds a variance of at most 2 to a start of 1
        x = resblock(transformer(x), width=32)
    assert 0.5 < x.std() / X.std() < 121**0.5


def test_stand_ins_rounding_stays_far_below_the_tolerance():
    x = y = X
    y = y * np.float32(1 + 1e-6)
    for _ in range(30):
        x, y = (transformer(resblock(a, width=32)) for a in (x, y))
    assert distance(x, y) < 2e-5


def test_stand_in_used_twice_is_another_function_only_where_uses_are_counted():
    block = BLOCKS.ResBlock(32)
    alone = np.asarray(block([X, T_EMB]))
    np.testing.assert_array_equal(block([X, T_EMB]), alone)
    with counting_uses():
        np.testing.assert_array_equal(block([X, T_EMB]), alone)
        assert distance(block([X, T_EMB]), alone) > 1e-2
    with counting_uses():
        np.testing.assert_array_equal(block([X, T_EMB]), alone)


def test_stand_ins_fully_connected_or_not_is_the_same():
    other = BLOCKS.SpatialTransformer(4, 8)([X, CONTEXT])
    np.testing.assert_array_equal(other, transformer())


@pytest.mark.parametrize(
    "call",
    [
        lambda: BLOCKS.ResBlock(32)(X),
        lambda: BLOCKS.ResBlock(32)([X, CONTEXT]),
        lambda: BLOCKS.ResBlock(32)([X, T_EMB, CONTEXT]),
        lambda: BLOCKS.SpatialTransformer(4, 8)([X, T_EMB]),
        lambda: BLOCKS.SpatialTransformer(4, 16)([X, CONTEXT]),
        lambda: BLOCKS.Upsample(32)(T_EMB),
        lambda: stand_ins.BasicTransformerBlock(32, 4, 8)([X, CONTEXT]),
    ],
)
def test_stand_ins_wrong_inputs_are_an_error_that_says_what_came(call):
    with pytest.raises(ValueError, match="Received"):
        call()


def test_replaced_makes_the_other_class_inside_only():
    class Other(keras.layers.Layer):
        def __init__(self, output_dim):
            super().__init__()

    with replaced(ResBlock=Other):
        assert isinstance(BLOCKS.ResBlock(32), Other)
    assert isinstance(BLOCKS.ResBlock(32), stand_ins.ResBlock)
    with pytest.raises(ValueError, match="Flow"), replaced(Flow=Other):
        pass


def test_attention_stand_ins_treat_tokens_alike():
    """The order of the pixels in the sequence is the learner's own: what permutes the tokens permutes the output."""
    tokens, order = X.reshape(2, 24, 32), RNG.permutation(24)
    block = stand_ins.BasicTransformerBlock(32, 4, 8)
    straight = np.asarray(block([tokens, CONTEXT]))
    np.testing.assert_allclose(block([tokens[:, order], CONTEXT]), straight[:, order], atol=1e-5)
    attention = stand_ins.CrossAttention(4, 8)
    straight = np.asarray(attention(tokens, context=CONTEXT))
    np.testing.assert_allclose(attention(tokens, context=CONTEXT[:, ::-1].copy()), straight, atol=1e-5)
    np.testing.assert_allclose(attention(tokens[:, order], context=CONTEXT), straight[:, order], atol=1e-5)


def test_stand_ins_take_a_pair_for_the_sides_of_a_kernel():
    expected = np.asarray(BLOCKS.PaddedConv2D(16, 3, padding=1, strides=2)(X))
    for pair in [((3, 3), (1, 1), (2, 2)), ([3, 3], 1, [2, 2]), (np.int64(3), np.int32(1), 2)]:
        np.testing.assert_array_equal(BLOCKS.PaddedConv2D(16, *pair)(X), expected)
    with pytest.raises(ValueError, match="kernel_size"):
        BLOCKS.PaddedConv2D(16, (3, 1))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: BLOCKS.SpatialTransformer(32 / 8, 8), "num_heads"),
        (lambda: BLOCKS.SpatialTransformer(4, 8.0), "head_size"),
        (lambda: BLOCKS.ResBlock(96 / 2), "output_dim"),
        (lambda: BLOCKS.Upsample(96 / 2), "channels"),
        (lambda: BLOCKS.PaddedConv2D(16.0, 3), "filters"),
        (lambda: BLOCKS.PaddedConv2D(16, (3.0, 3.0)), "kernel_size"),
        (lambda: stand_ins.BasicTransformerBlock(32, 32 / 8, 8), "num_heads"),
        (lambda: stand_ins.CrossAttention(32 / 8, 8), "num_heads"),
        (lambda: stand_ins.GEGLU(64 / 2), "output_dim"),
    ],
)
def test_stand_ins_refuse_a_float_where_the_real_ones_make_shapes_of_it(make, name):
    with pytest.raises(TypeError, match=f"`{name}` must be a whole number"):
        make()


def test_stand_ins_refuse_a_feature_map_that_the_kernel_does_not_fit_into():
    with pytest.raises(ValueError, match=r"must not be larger .* kernel_size=7, padding=1"):
        BLOCKS.PaddedConv2D(16, 7, padding=1)(X)
    with pytest.raises(ValueError, match=r"\(B, H, W, C\). Received: a list of 2"):
        BLOCKS.Upsample(16)([X, X])
