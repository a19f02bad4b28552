"""Keras' settings of this process, and a context in which they are others.

A learner may set any of them, in a notebook or in a `keras.json`. What the course itself runs (accepted answers, known
mistakes, `draw`) runs `under(COURSE)`, so none of them reaches it; a learner's own object runs under the learner's.
"""

import contextlib
from collections.abc import Iterator

import keras

from autograder.adapters.tensorflow_parts import numpy_switches
from autograder.sitting.settings import COURSE, Settings

__all__ = ["COURSE", "Settings", "current", "under"]


def current() -> Settings:
    """The settings of this process."""
    return Settings(
        policy=str(keras.config.dtype_policy().name),
        floatx=keras.config.floatx(),
        data_format=keras.config.image_data_format(),
        numpy_behavior=_numpy_behavior(),
    )


@contextlib.contextmanager
def under(settings: Settings) -> Iterator[None]:
    """Inside the `with` block Keras and TensorFlow are set to `settings`; afterwards as they were before.

    Raises:
        ValueError: for settings that are not Keras' own.
    """
    if not settings.known:
        raise ValueError(f"`settings` must be Keras' own. Received: {settings}")
    policy, floatx, data_format = keras.config.dtype_policy(), keras.config.floatx(), keras.config.image_data_format()
    switches = [(module, name, getattr(module, name)) for module, name, *_ in numpy_switches()]
    try:
        keras.config.set_floatx(settings.floatx)
        keras.config.set_dtype_policy(settings.policy)
        keras.config.set_image_data_format(settings.data_format)
        for module, name, off, on in numpy_switches():
            setattr(module, name, on if settings.numpy_behavior else off)
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
        keras.config.set_image_data_format(data_format)
        for module, name, value in switches:
            setattr(module, name, value)


def _numpy_behavior() -> bool:
    return any(getattr(module, name) != off for module, name, off, _ in numpy_switches())
