"""nbgrader: which of the two passes of `autograde` a notebook is read in."""

from typing import Any


def is_first_pass(converter: Any) -> bool:
    """Whether `autograde` is making its clean copy of what was handed in, not running that copy."""
    return bool(getattr(converter, "_sanitizing", False))
