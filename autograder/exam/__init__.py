"""Trusted: makes the paper, marks the answer, says what is wrong.

Nothing is loaded until it is asked for: a command that only reads sentences from here need not wait for Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.exam.checking import CheckFailed, check
    from autograder.exam.marking import mark
    from autograder.exam.paper_from_seed import make_paper
    from autograder.exam.verdict import Verdict

__all__ = ["CheckFailed", "Verdict", "check", "make_paper", "mark"]
_MODULES = {
    "CheckFailed": "checking",
    "Verdict": "verdict",
    "check": "checking",
    "make_paper": "paper_from_seed",
    "mark": "marking",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
