"""Settings of Keras that hold for a whole process, as plain data; `autograder.sitting.keras_settings` sets them."""

from dataclasses import dataclass

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
