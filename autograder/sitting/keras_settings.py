"""Settings of Keras that hold for a whole process, and a context in which they are others.

A learner may set any of them, in a notebook or in a `keras.json`. What the course itself runs (accepted answers, known
mistakes, `draw`) runs `under(COURSE)`, so none of them reaches it; a learner's own object runs under the learner's.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import keras

from autograder.adapters.tensorflow_parts import numpy_switches

POLICIES = ("float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16")
FLOATS = ("float32", "float16", "bfloat16", "float64")
FORMATS = ("channels_last", "channels_first")


@dataclass(frozen=True)
class Settings:
    """What marking must know of a process's settings.

    Args:
        policy: name of the dtype policy, which new layers take.
        floatx: the default dtype of floats.
        data_format: where new layers expect the channels.
        numpy_behavior: whether TensorFlow follows NumPy's rules for dtypes and slices.
    """

    policy: str = "float32"
    floatx: str = "float32"
    data_format: str = "channels_last"
    numpy_behavior: bool = False

    @property
    def known(self) -> bool:
        """Whether each is one of Keras' own, so that it can be set and told."""
        named = self.policy in POLICIES and self.floatx in FLOATS and self.data_format in FORMATS
        return named and isinstance(self.numpy_behavior, bool)

    def changed(self) -> list[str]:
        """What differs from `COURSE`, in words: how it is, and how it is set back."""
        parts = [
            (self.policy == COURSE.policy, f"the dtype policy {self.policy}", "set_dtype_policy", COURSE.policy),
            (self.floatx == COURSE.floatx, f"floatx {self.floatx}", "set_floatx", COURSE.floatx),
            (
                self.data_format == COURSE.data_format,
                f"the data format {self.data_format}",
                "set_image_data_format",
                COURSE.data_format,
            ),
        ]
        words = [
            f'{name} (back: `keras.config.{setter}("{value}")`)' for same, name, setter, value in parts if not same
        ]
        if self.numpy_behavior:
            words.append("TensorFlow's NumPy behaviour (back: leave out `enable_numpy_behavior()`, restart the kernel)")
        return words


COURSE = Settings()


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
