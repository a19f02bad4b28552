"""Reads a handed-in notebook; what cannot be read becomes a reason, never an error of the run."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

MAX_BYTES = 50_000_000  # an exercise with all its pictures is far below


@dataclass(frozen=True)
class Unusable:
    """Why a submission cannot be run: `status` is `missing` or `unreadable`."""

    status: str
    reason: str


def read_submission(directory: Path, name: str) -> bytes | Unusable:
    """The bytes of a submitted notebook, if nbformat can read them as one.

    Args:
        directory: submitted/STUDENT/NAME.
        name: the exercise; the notebook must be called NAME.ipynb.
    """
    path = directory / f"{name}.ipynb"
    try:
        if not os.path.lexists(path):
            return Unusable("missing", _what_is_there(directory, path.name))
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or directory.is_symlink():
            return Unusable("unreadable", f"{path.name} is not a plain file")
        if facts.st_size > MAX_BYTES:
            return Unusable("unreadable", f"{path.name} has {facts.st_size:,} bytes; at most {MAX_BYTES:,} are read")
        content = path.read_bytes()
    except OSError as error:
        return Unusable("unreadable", f"{path.name} cannot be opened: {error.strerror}")
    if not content.strip():
        return Unusable("unreadable", f"{path.name} is empty")
    return _as_notebook(content, path.name)


def _as_notebook(content: bytes, file: str) -> bytes | Unusable:
    try:
        json.loads(content)
        notebook = nbformat.reads(content.decode("utf-8"), as_version=4)
        cells = [(cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]
    except json.JSONDecodeError as error:
        return Unusable("unreadable", f"{file} is not a notebook: its JSON is broken at line {error.lineno}")
    except Exception as error:  # hostile bytes can make nbformat raise anything
        text = (str(error) or type(error).__name__).splitlines()[0][:200]
        return Unusable("unreadable", f"{file} is not a notebook: {text}")
    if not cells:
        return Unusable("unreadable", f"{file} has no cells")
    return content


def changed_cells(content: bytes, released: str) -> list[str]:
    """Says in which cells that are not the learner's to change a readable submission differs from the release."""
    there: dict[str, list[str]] = {}
    for grade_id, cell in _graded_ids(content.decode("utf-8")):
        there.setdefault(grade_id, []).append(cell.source)
    notes = []
    for grade_id, cell in _graded_ids(released):
        sources = there.get(grade_id, [])
        if len(sources) > 1:
            notes.append(f"the cell {grade_id} is there {len(sources)} times; the last one counts")
        if not sources:
            notes.append(f"the cell {grade_id} is missing")
        elif cell.metadata.nbgrader.get("locked") and sources[-1] != cell.source:
            notes.append(f"the cell {grade_id} was changed; the released one was run")
    return notes


def _graded_ids(text: str) -> Iterator[tuple[str, NotebookNode]]:
    for cell in nbformat.reads(text, as_version=4).cells:
        settings = cell.metadata.get("nbgrader")
        if isinstance(settings, dict) and isinstance(settings.get("grade_id"), str):
            yield settings["grade_id"], cell


def _what_is_there(directory: Path, wanted: str) -> str:
    others = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    found = f"found: {', '.join(others[:5])}" + (", ..." if len(others) > 5 else "") if others else "nothing is there"
    return f"there is no {wanted}; {found}"
