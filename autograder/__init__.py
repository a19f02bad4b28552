"""What a notebook imports: `from autograder import check`.

Nothing is loaded until it is asked for: the sandboxed side of grading has only a part of this package.
"""

from typing import Any

__all__ = ["check"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "check":
        from autograder.sitting.quiet import quiet

        with quiet():  # a backend's start-up messages
            from autograder.exam import check
            from autograder.sitting.notebook import watch_notebook

        watch_notebook()
        return check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
