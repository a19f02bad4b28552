"""The sizes of exam papers."""

from enum import StrEnum


class Scale(StrEnum):
    """The size of the exam papers."""

    tiny = "tiny"
    full = "full"
