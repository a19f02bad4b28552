"""The weights are drawn as Glorot and Bengio say, and follow the seed."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.reference.fast.initialiser import GlorotUniform


@pytest.mark.parametrize("shape", [(3, 3, 40, 72), (96, 160)])
def test_glorot_has_the_limits_mean_and_variance_of_its_formula(shape):
    values = ops.convert_to_numpy(GlorotUniform(seed=7)(shape))
    pixels = np.prod(shape[:-2], dtype=int)
    limit = np.sqrt(6 / (pixels * (shape[-2] + shape[-1])))
    assert values.shape == shape
    assert values.dtype == "float32"
    assert 0.999 * limit < values.max() <= limit
    assert -limit <= values.min() < -0.999 * limit
    deviations = 5 / np.sqrt(values.size)  # five standard errors of the mean, in units of the spread
    assert abs(values.mean()) < deviations * limit / np.sqrt(3)
    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
    histogram, _ = np.histogram(values, bins=8, range=(-limit, limit))
    assert histogram / values.size == pytest.approx(np.full(8, 1 / 8), rel=0.1)


def test_glorot_follows_the_seed():
    def draw():
        return ops.convert_to_numpy(GlorotUniform()((8, 12)))

    keras.utils.set_random_seed(3)
    first, second = draw(), draw()
    keras.utils.set_random_seed(3)
    again = draw()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5
