"""Notes what the operations of a learner's object give while it runs: a few numbers each, no arrays.

Marking looks among them for what a right answer gives on its way, and so tells how far an answer agrees. A note is a
hint and nothing more: it earns no point, and a forged one misleads its author only.
"""

import contextlib
import linecache
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autograder.adapters.tensorflow_parts import operations_seen
from autograder.sitting.exceptions import LINE_LIMIT, is_learners
from autograder.sitting.paper import Note
from autograder.sitting.sketch import NUMBERS, sketch

RUNNER = str(Path(__file__).with_name("run.py"))
MAX_NOTES = 600  # of one run; the whole UNet of stand-ins gives some two hundred
MAX_SIZE = 1_000_000  # numbers of an array that is noted
ORDER_FREE = 4  # numbers of a note that no order of the axes changes
NUMBERS_NOTED = ORDER_FREE + NUMBERS
LARGEST_NUMBER = 1e30
DIGITS = 7  # of a number, as float32 has them
# Operations that give what they are given, or what was there before.
SILENT = ("ReadVariableOp", "Identity", "Const", "Shape", "Cast", "StopGradient")
_notes: list[Note] | None = None


@contextlib.contextmanager
def noting(wanted: bool = True) -> Iterator[list[Note]]:
    """Gives a list that holds, in order, a note of each array that an operation gives inside the `with` block.

    Not `wanted`, the list stays empty.
    """
    global _notes
    if not wanted:
        yield []
        return
    before, _notes = _notes, []
    try:
        with operations_seen(_on_operation):
            yield _notes
    finally:
        _notes = before


def note(value: Any) -> None:
    """Notes an array that was made without an operation of the backend; outside of `noting` nothing."""
    if _notes is None or len(_notes) >= MAX_NOTES:
        return
    array = np.asarray(value)
    if array.dtype.kind == "f" and 0 < array.size <= MAX_SIZE:
        numbers = summary(array)
        if all(abs(number) < LARGEST_NUMBER for number in numbers):  # nor NaN
            _notes.append(Note(tuple(array.shape), numbers, _running_line()))


def summary(array: np.ndarray) -> tuple[float, ...]:
    """What is noted of an array: mean, root mean square, largest and smallest value, which no order of the axes
    changes, and behind them its sketch, which any other order changes.
    """
    values = np.asarray(array, "float64")
    order_free = (values.mean(), float(np.mean(values**2)) ** 0.5, values.max(), values.min())
    return tuple(float(f"{number:.{DIGITS}g}") for number in (*order_free, *sketch(values)))


def _running_line() -> str:
    """The learner's own line that is running; "" if none is."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != RUNNER:  # behind it comes the cell that checks
        code = frame.f_code
        if is_learners(code.co_filename):
            return linecache.getline(code.co_filename, frame.f_lineno).strip()[:LINE_LIMIT]
        frame = frame.f_back
    return ""


# ------------------------------------------------------------------------- TensorFlow: operations, as its debugger sees


def _on_operation(kind: str, inputs: Any, attributes: Any, outputs: Any, name: Any = None, graph: Any = None) -> None:
    if graph is None and kind not in SILENT:
        for output in outputs:
            with contextlib.suppress(Exception):  # variants, strings, resources are no arrays
                note(output)
