"""Settings of a whole process: `under` sets them, sets them back, and says how they differ."""

import keras
import numpy as np
import pytest

from autograder.sitting.keras_settings import COURSE, Settings, current, under


@pytest.fixture(autouse=True)
def as_before():
    with under(COURSE):
        yield


OTHERS = [
    Settings(policy="mixed_bfloat16"),
    Settings(policy="float64", floatx="float64"),
    Settings(floatx="float16"),
    Settings(data_format="channels_first"),
]


@pytest.mark.parametrize("settings", OTHERS)
def test_under_sets_and_sets_back(settings):
    with under(settings):
        assert current() == settings
        with under(COURSE):
            assert current() == COURSE
            assert keras.layers.Dense(3).compute_dtype == "float32"
            assert keras.layers.Conv2D(3, 1).data_format == "channels_last"
        assert current() == settings
    assert current() == COURSE


def test_under_sets_back_a_policy_of_the_learners_own_and_after_an_error():
    policy = keras.dtype_policies.DTypePolicy("mixed_float16")
    keras.config.set_dtype_policy(policy)
    with pytest.raises(ZeroDivisionError), under(COURSE):
        raise ZeroDivisionError
    assert keras.config.dtype_policy() is policy


def test_under_refuses_what_keras_does_not_know():
    with pytest.raises(ValueError, match="float8"), under(Settings(policy="float8")):
        pass


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own setting")
def test_under_switches_numpy_behaviour_off():
    tf = pytest.importorskip("tensorflow")
    one, half = tf.constant(1), tf.constant(0.5)
    with under(COURSE):  # sets back what is switched on inside
        tf.experimental.numpy.experimental_enable_numpy_behavior()
        assert current().numpy_behavior
        assert (one + half).dtype == tf.float64
        with under(COURSE), pytest.raises((tf.errors.InvalidArgumentError, TypeError)):
            one + half
        assert (one + half).dtype == tf.float64
    assert not current().numpy_behavior


@pytest.mark.parametrize(
    ("settings", "named"),
    [*zip(OTHERS[::3], ["mixed_bfloat16", "channels_first"], strict=True), (Settings(numpy_behavior=True), "NumPy")],
)
def test_settings_changed_names_what_differs_alone(settings, named):
    (words,) = settings.changed()
    assert named in words
    assert COURSE.changed() == []


def test_settings_that_no_layer_can_take_are_not_known():
    assert not Settings(policy=3).known
    assert not Settings(numpy_behavior=np.ones(3)).known
