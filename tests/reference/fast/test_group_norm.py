"""Group normalisation in two passes is Keras' own. Tolerance 1e-5: float32, other orders of summation."""

import keras
import pytest

from autograder.reference import GroupNorm

from .. import helpers, seeded


@pytest.mark.parametrize("shape", [(2, 4, 6, 64), (3, 10, 96)])
@pytest.mark.parametrize("epsilon", [1e-5, 1e-6])
def test_group_norm_equals_keras(shape, epsilon):
    x = 3 * seeded.inputs("norm", shape) + 2
    arrays = seeded.weights(seeded.norm(shape[-1]), "norm")
    ours, theirs = GroupNorm(epsilon), keras.layers.GroupNormalization(epsilon=epsilon)
    for layer in (ours, theirs):
        layer.build(shape)
        layer.gamma.assign(arrays["weight"])
        layer.beta.assign(arrays["bias"])
    assert helpers.relative_error(helpers.call(ours, x), helpers.call(theirs, x)) < 1e-5


def test_group_norm_epsilon_counts():
    x = 0.003 * seeded.inputs("small", (2, 4, 6, 64))  # a variance of 1e-5
    assert helpers.relative_error(helpers.call(GroupNorm(1e-6), x), helpers.call(GroupNorm(1e-5), x)) > 0.1


def test_group_norm_refuses_channels_that_do_not_divide():
    with pytest.raises(ValueError, match="Received"):
        GroupNorm().build((2, 4, 6, 48))
