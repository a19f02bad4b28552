"""Runs a notebook's code cells one after another in this process, as a kernel would, and sends on what each one gave.

There is no ipykernel, no message queue and no thread: an IPython shell, and one stream back to the grader.
"""

import base64
import contextlib
import io
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from traitlets import Any as AnyTrait
from traitlets import Type

from autograder.sandbox.inner.colab_habits import ASKED_FOR, AbsentImports, ColabHabits, asked_for
from autograder.sandbox.inner.frames import encoded
from autograder.sandbox.inner.limits import Limits
from autograder.sitting import checks
from autograder.sitting.packages import absent_text, is_absent

SHEET_LIMIT = 72 * 2**20  # bytes
MAX_OUTPUTS = 500  # of one cell; the grader keeps fewer
MAX_KINDS = 10  # of one display
MAX_ABSENT = 5  # packages that are told of
FRAMES = 1_000  # bytes a cell for the frames around its outputs
SHOWN = ("text/plain", "image/png", "image/jpeg")  # of other kinds the name alone is handed back
CUT = {"output_type": "stream", "name": "stdout", "text": "\n[the rest of the output was cut off]\n"}


class TimeLimit(KeyboardInterrupt):
    """Raised in a cell that runs too long. A KeyboardInterrupt, so that `except Exception` lets it pass."""


class Outputs:
    """The outputs of the running cell, up to a size."""

    def __init__(self, limit: int):
        self._limit = limit
        self.clear()

    def clear(self, wait: bool = False) -> None:
        self.items: list[dict[str, Any]] = []
        self._room = self._limit

    def add(self, item: dict[str, Any], size: int) -> None:
        """Adds an output if there is room for it."""
        self._room -= size
        if self._room >= 0 and self._has_place():
            self.items.append(item)

    def _has_place(self) -> bool:
        if len(self.items) >= MAX_OUTPUTS:
            self._room = -1
        return len(self.items) < MAX_OUTPUTS

    def write(self, name: str, text: str) -> None:
        """Adds text to a stream; what is beyond the limit is cut off."""
        text, self._room = text[: max(0, self._room)], self._room - len(text)
        if not text:
            return
        last = self.items[-1] if self.items else {}
        if last.get("output_type") == "stream" and last.get("name") == name:
            last["pieces"].append(text)
        elif self._has_place():
            self.items.append({"output_type": "stream", "name": name, "pieces": [text]})

    def finished(self) -> list[dict[str, Any]]:
        """The outputs as nbformat has them."""
        done = [
            {**{key: value for key, value in item.items() if key != "pieces"}, "text": "".join(item["pieces"])}
            if "pieces" in item
            else item
            for item in self.items
        ]
        return [*done, CUT] if self._room < 0 else done


class _Stream(io.TextIOBase):
    """A standard stream of the notebook."""

    encoding = "utf-8"

    def __init__(self, name: str, outputs: Outputs):
        self._name, self._outputs = name, outputs

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.write(self._name, text)
        return len(text)


class _Publisher(DisplayPublisher):
    outputs = AnyTrait()

    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        """Takes what a cell displays."""
        bundle = _as_json(data)
        self.outputs.add({"output_type": "display_data", "data": bundle, "metadata": {}}, _size(bundle))

    def clear_output(self, wait: bool = False) -> None:
        """Empties the cell's outputs."""
        self.outputs.clear()


class _Hook(DisplayHook):
    outputs = AnyTrait()

    def start_displayhook(self) -> None: ...

    def write_output_prompt(self) -> None: ...

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        """Takes the value of a cell's last line."""
        bundle = _as_json(format_dict)
        item = {"output_type": "execute_result", "data": bundle, "metadata": {}, "execution_count": self.prompt_count}
        self.outputs.add(item, _size(bundle))

    def finish_displayhook(self) -> None: ...


def _as_json(data: Any) -> dict[str, str]:
    """A display's text and pictures, and the names of its other kinds."""
    bundle = {str(kind): "" for kind in [*SHOWN, *data] if kind in data}
    bundle = dict(itertools.islice(bundle.items(), MAX_KINDS))
    for kind in [kind for kind in SHOWN if kind in bundle]:
        value = data[kind]
        value = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        bundle[kind] = value if isinstance(value, str) else ""
    return bundle


def _size(bundle: dict[str, str]) -> int:
    return sum(map(len, [*bundle, *bundle.values()]))


class ExamShell(ColabHabits):
    """An IPython shell whose outputs are collected."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    outputs = AnyTrait()

    def init_history(self) -> None:
        """Keeps no history on disk."""
        self.config.HistoryManager.enabled = False
        super().init_history()

    @contextlib.contextmanager
    def _tee(self, channel: str) -> Iterator[None]:
        """Keeps no second copy of what is printed, which IPython's history holds without a limit."""
        yield

    def ask_exit(self) -> None:
        """`quit()` ends nothing: the next cell runs."""

    def enable_gui(self, gui: Any = None) -> None:
        """There is no screen."""

    def init_virtualenv(self) -> None:
        """The modules that there are, are there."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        lines = [stb] if isinstance(stb, str) else [str(line) for line in stb]
        item = {"output_type": "error", "ename": etype.__name__, "evalue": _text_of(evalue)}
        if isinstance(evalue, ModuleNotFoundError) and isinstance(evalue.name, str) and is_absent(evalue.name):
            asked_for(evalue.name)
            item["evalue"] = absent_text(evalue.name)
        item["traceback"] = ["\n".join(lines)]
        self.outputs.add(item, sum(map(len, lines)) + len(item["evalue"]))


def _text_of(error: Any) -> str:
    try:
        return str(error)
    except BaseException:  # the learner's class may do anything
        return "(an error that cannot be shown)"


def make_shell(limits: Limits) -> ExamShell:
    """The shell that notebooks run in: made once, before processes are forked from this one."""
    import matplotlib
    from IPython.core.pylabtools import select_figure_formats

    matplotlib.use("module://matplotlib_inline.backend_inline")
    matplotlib.interactive(True)
    outputs = Outputs(limits.output_kb * 1024)
    shell = ExamShell.instance(outputs=outputs, colors="NoColor", xmode="Context")
    for part in (shell.display_pub, shell.displayhook):
        part.outputs = outputs  # type: ignore[union-attr]
    shell.input_transformers_cleanup.append(shell.pass_over_cell_magic)
    shell.ast_transformers.append(AbsentImports())
    select_figure_formats(shell, {"png"})
    shell.run_cell("pass")  # what IPython imports with the first cell, it imports here
    _draw_once()
    outputs.clear()
    return shell


def _draw_once() -> None:
    """Draws a picture with a title: what Matplotlib reads for its first one (fonts, PNG) is then there in each fork."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(layout="constrained")
    axis.imshow([[0.0, 1.0]])
    axis.set_title("0")
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    plt.close(figure)


def run_cells(shell: ExamShell, cells: list[str], limits: Limits, send: Callable[..., None]) -> None:
    """Runs the cells, each one whatever failed before, and sends a frame when one begins and when it ends.

    Args:
        shell: of `make_shell`.
        cells: the texts of the code cells.
        limits: how long each may take, and all together.
        send: called with a header and named byte strings: the answer sheets that the cell wrote.
    """
    place = Path("sheets").resolve()
    place.mkdir()
    checks.SHEETS[:] = [place]
    sys.path.insert(0, "")  # as in Jupyter: what a cell writes with %%writefile, a later one imports
    end, room = time.monotonic() + limits.notebook_seconds, limits.words
    signal.signal(signal.SIGALRM, _stop)
    with _streams(shell.outputs):
        for number, source in enumerate(cells):
            seconds = min(limits.cell_seconds, end - time.monotonic())
            if seconds <= 0:
                break
            send({"kind": "start", "cell": number, "seconds": seconds})
            start = time.monotonic()
            late = _run_cell(shell, source, seconds)
            header = {"kind": "cell", "cell": number, "seconds": time.monotonic() - start, "late": late}
            header["absent"] = ASKED_FOR[:MAX_ABSENT]
            outputs, size = _fitting(shell.outputs.finished(), min(limits.words, room) // 2 - FRAMES)
            room -= size + FRAMES
            send({**header, "outputs": outputs}, _sheets(place))
    send({"kind": "end"})


def _fitting(outputs: list[dict[str, Any]], room: int) -> tuple[list[dict[str, Any]], int]:
    """Outputs that the grader will read, and their size in bytes: control characters and the like take six each."""
    size = len(encoded(outputs))
    return (outputs, size) if size <= room else ([CUT], len(encoded(CUT)))


def _stop(*_: Any) -> None:
    raise TimeLimit("stopped at the time limit")


@contextlib.contextmanager
def _streams(outputs: Outputs) -> Iterator[None]:
    with contextlib.redirect_stdout(_Stream("stdout", outputs)), contextlib.redirect_stderr(_Stream("stderr", outputs)):
        yield


def _run_cell(shell: ExamShell, source: str, seconds: float) -> bool:
    """Runs one cell. Returns whether it was stopped at its time limit."""
    shell.outputs.clear()
    with contextlib.suppress(OSError):  # the import system's list of a folder misses a file written a moment ago
        sys.path_importer_cache.pop(os.getcwd(), None)  # noqa: PTH109 - the import system's own key
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
        result = shell.run_cell(source, store_history=True)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _show_figures()
    except BaseException as error:  # a cell that breaks the shell itself, or the limit outside of the cell's own code
        signal.setitimer(signal.ITIMER_REAL, 0)
        shell._showtraceback(type(error), error, [f"{type(error).__name__}: {_text_of(error)}"])
        return isinstance(error, TimeLimit)
    return isinstance(result.error_in_exec or result.error_before_exec, TimeLimit)


def _show_figures() -> None:
    if "matplotlib.pyplot" in sys.modules and "matplotlib_inline.backend_inline" in sys.modules:
        sys.modules["matplotlib_inline.backend_inline"].flush_figures()


def _sheets(place: Path) -> dict[str, bytes]:
    """The answer sheets that were written since the last time; they are taken away."""
    found = {}
    for question in checks.PAPERS:
        path = place / f"{question}.safetensors"
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found[question] = file.read(SHEET_LIMIT)
            path.unlink()
    return found
