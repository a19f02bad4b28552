"""Holds back what is written to stderr for a while, by Python and by the libraries under it."""

import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator

NOISE_LIMIT = 2000  # characters that are kept


class Noise:
    """What was written to Python's stderr while it was held back."""

    text = ""


@contextlib.contextmanager
def quiet() -> Iterator[Noise]:
    """Holds stderr back inside the `with` block; afterwards `Noise.text` has what Python code wrote to it.

    nbgrader gives a cell with stderr text no points, and TensorFlow writes there from C++, past `sys.stderr`; so the
    file descriptor is turned away too. C++ output is dropped: it is start-up chatter, errors come as exceptions. So
    are Keras' warnings: of layers that build themselves when they are called, which a learner may well write.
    """
    noise, buffer = Noise(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_descriptor_turned_away(2))
        stack.enter_context(contextlib.redirect_stderr(buffer))
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"keras\.")
        try:
            yield noise
        finally:
            text = buffer.getvalue().strip()
            noise.text = text if len(text) <= NOISE_LIMIT else text[:NOISE_LIMIT] + " ..."


@contextlib.contextmanager
def _descriptor_turned_away(descriptor: int) -> Iterator[None]:
    try:
        saved = os.dup(descriptor)
    except OSError:  # no such descriptor: nothing can be written to it
        yield
        return
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    try:
        with tempfile.TemporaryFile() as sink:
            os.dup2(sink.fileno(), descriptor)
            yield
    finally:
        os.dup2(saved, descriptor)
        os.close(saved)
