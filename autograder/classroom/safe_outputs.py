"""Makes a run's outputs safe to keep, to show to a teacher and to hand to nbgrader.

What a sitting hands over was written by a learner's process and can hold anything. Text and pictures come out of here
and nothing else: no HTML, SVG, JavaScript, widgets, LaTeX or Markdown, no control characters, and not too much of it.
"""

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.classroom.safe_pictures import PICTURE_TYPES, PictureBudget
from autograder.exam.sanitise import plain_text

MAX_OUTPUTS = 40  # of one cell
MAX_TEXT = 20_000  # characters of one output
MAX_CELL_TEXT = 60_000  # characters of one cell's outputs together
MAX_PICTURES = 8  # of one cell
MAX_NOTEBOOK = 10_000_000  # characters of all outputs of a notebook together, pictures included
MAX_NAME = 100  # characters of an exception's class
MAX_ITEMS = 2_000  # outputs of one cell that are looked at
MAX_KINDS = 20  # of one display that are looked at
MAX_READ = 4 * MAX_CELL_TEXT  # characters of one cell that are looked at, escapes and the like included


def clean_outputs(raw: object, pictures: PictureBudget | None = None) -> list[NotebookNode]:
    """A code cell's outputs, from what the sitting says they are. Never raises.

    Args:
        raw: decoded JSON: should be a list of nbformat's outputs.
        pictures: the time that pictures have; None gives the cell a submission's whole.

    Returns:
        Outputs of the types stream, display_data and error. A value (`execute_result`) becomes a display, because
        nbgrader reads a check's points from values.
    """
    cleaner = _Cleaner(pictures or PictureBudget())
    for output in _joined(raw[:MAX_ITEMS] if isinstance(raw, list) else []):
        if not cleaner.room():
            break
        try:
            cleaner.take(output)
        except (Exception, RecursionError) as error:
            cleaner.note(f"an output cannot be shown: {type(error).__name__}")
    return cleaner.outputs


class OutputBudget:
    """The room that a notebook's outputs have together: a thousand cells of a picture each would stop a browser."""

    def __init__(self, limit: int = MAX_NOTEBOOK):
        self._left, self._pictures = limit, PictureBudget()

    def clean(self, raw: object) -> list[NotebookNode]:
        """`clean_outputs`, as long as there is room."""
        outputs = clean_outputs(raw, self._pictures) if self._left > 0 else []
        self._left -= sum(len(json.dumps(output)) for output in outputs)
        if self._left > 0:
            return outputs
        note = "[the notebook's outputs are too big: this cell's are left out]\n"
        return [nbformat.v4.new_output("stream", name="stdout", text=note)] if raw else []


def _joined(raw: list[Any]) -> Iterator[Any]:
    """The outputs, with neighbouring pieces of one stream as one: a flood of small pieces is one output."""
    for name, group in itertools.groupby(raw, _stream_name):
        if name:
            parts = [o["text"] if isinstance(o.get("text"), list) else [o.get("text")] for o in group]
            yield {"output_type": "stream", "name": name, "text": [part for texts in parts for part in texts]}
        else:
            yield from group


def _stream_name(output: Any) -> str:
    """Which stream an output is a piece of; an empty text for other outputs."""
    if not isinstance(output, dict) or output.get("output_type") != "stream":
        return ""
    return "stderr" if output.get("name") == "stderr" else "stdout"


class _Cleaner:
    """Collects clean outputs as long as there is room for more."""

    def __init__(self, budget: PictureBudget) -> None:
        self.outputs: list[NotebookNode] = []
        self.left, self.unread = MAX_CELL_TEXT, MAX_READ
        self.pictures, self.budget = 0, budget

    def room(self) -> bool:
        if len(self.outputs) < MAX_OUTPUTS and self.left > 0 and self.unread > 0:
            return True
        self.note("further outputs are left out")
        return False

    def take(self, output: Any) -> None:
        kind = output.get("output_type") if isinstance(output, dict) else None
        if kind == "stream":
            self._stream(_stream_name(output), self._text(output.get("text")))
        elif kind == "error":
            self._error(output)
        elif kind in ("display_data", "execute_result"):
            self._display(output.get("data"))

    def note(self, text: str) -> None:
        self._stream("stdout", f"[{text}]\n")

    def _text(self, raw: object, limit: int = MAX_TEXT) -> str:
        limit = max(0, min(limit, self.left, self.unread // 4))
        text = plain_text(raw, limit)
        self.left -= len(text)
        parts = raw if isinstance(raw, list) else [raw]
        self.unread -= min(4 * limit, sum(len(part) for part in parts if isinstance(part, str)))
        return text

    def _stream(self, name: str, text: str) -> None:
        if text:
            self.outputs.append(nbformat.v4.new_output("stream", name=name, text=text))

    def _error(self, output: dict[str, Any]) -> None:
        name = self._text(output.get("ename"), MAX_NAME).replace("\n", " ") or "Error"
        value = self._text(output.get("evalue"))
        trace = output.get("traceback")
        trace = trace[: MAX_TEXT + 1] if isinstance(trace, list) else []
        lines = self._text([part for line in trace for part in (line, "\n")][:-1])
        shown = (lines or f"{name}: {value}").split("\n")
        self.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=value, traceback=shown))

    def _display(self, data: Any) -> None:
        data = dict(itertools.islice(data.items(), MAX_KINDS)) if isinstance(data, dict) else {}
        kept: dict[str, str] = {}
        for kind in PICTURE_TYPES:
            if kind in data and not kept and self.pictures < MAX_PICTURES:
                picture = self.budget.clean(data[kind])
                if picture is not None:
                    kept[picture.kind] = base64.b64encode(picture.content).decode("ascii")
                    self.pictures += 1
        text = self._text(data.get("text/plain"))
        if text:
            kept["text/plain"] = text
        if kept:
            self.outputs.append(nbformat.v4.new_output("display_data", data=kept))
        dropped = sorted(plain_text(kind, MAX_NAME) for kind in data if isinstance(kind, str) and kind != "text/plain")
        if dropped and not any(kind in kept for kind in PICTURE_TYPES):
            self.note(f"not shown here: {', '.join(dropped[:5])}")
