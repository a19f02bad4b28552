"""IPython's kernel: whether it has someone to ask."""

from typing import Any


def asks_for_input(shell: Any) -> bool:
    """Whether the cells that now run came from a frontend where a person can be asked; False where it is not known."""
    kernel = getattr(shell, "kernel", None)
    return kernel is not None and getattr(kernel, "_allow_stdin", False) is True
