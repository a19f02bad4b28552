"""Reads the cells out of a handed-in notebook, tolerantly, and from its JSON alone.

nbformat is for notebooks that keep its rules: on hostile bytes it raises what it likes, or works for minutes.
"""

import codecs
import json
import re
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 25_000_000  # an exercise with all its pictures is far below
MAX_BRACKETS = 2_000_000  # every list and object of the JSON takes memory, whatever it holds
MAX_STRAY_BYTES = 100_000  # that are read one by one
MAX_CELLS = 1_000
MAX_SOURCE = 200_000  # characters of one cell
MAX_TEXT = 1_000_000  # of all cells together, pasted files apart: exercises with their answers have some 30,000
KINDS = ("code", "markdown", "raw")
DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.-]+)*;base64,[A-Za-z0-9+/=]*", re.IGNORECASE)  # a pasted file


class Unreadable(ValueError):
    """The bytes are not a notebook; the text says why, as the end of a sentence that begins with the file's name."""


@dataclass(frozen=True)
class LearnerCell:
    """A cell as it was handed in.

    Args:
        kind: "code", "markdown" or "raw".
        source: its text, in lines that end in a newline alone.
        grade_id: what its nbgrader metadata say it is, or "".
        ids: what the notebook calls it.
        attachments: what the JSON holds there, unchecked.
    """

    kind: str
    source: str
    grade_id: str = ""
    ids: tuple[str, ...] = ()
    attachments: Any = None


@dataclass
class LearnerCells:
    """All cells of a notebook, and what had to be repaired to read them."""

    cells: list[LearnerCell]
    warnings: list[str] = field(default_factory=list)


def read_cells(content: bytes) -> LearnerCells:
    """The cells of a notebook of nbformat 2, 3 or 4.

    Raises:
        Unreadable: if there are none to be had.
    """
    if not content.strip():
        raise Unreadable("is empty")
    if len(content) > MAX_BYTES:
        raise Unreadable(f"has {len(content):,} bytes; at most {MAX_BYTES:,} are read")
    text, warnings = _decoded(content)
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise Unreadable(f"holds more than {MAX_BRACKETS:,} lists and objects; clear its outputs")
    found = _cells_of(_parsed(text, warnings))
    read = LearnerCells([], warnings)
    left = MAX_TEXT
    for raw in found[:MAX_CELLS]:
        left -= _take(read, raw, left)
    if left <= 0:
        read.warnings.append(
            f"the notebook has more than {MAX_TEXT:,} characters; cells that had no room were left out"
        )
    if len(found) > MAX_CELLS:
        read.warnings.append(f"the notebook has {len(found):,} cells; the first {MAX_CELLS:,} were read")
    if not read.cells:
        raise Unreadable("has no cells")
    return read


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """The text of a notebook. A byte that is no UTF-8 is read by itself, and what is around it stays as it was."""
    encoding = json.detect_encoding(content)
    if not encoding.startswith("utf-8"):
        text = content.decode(encoding, "replace")
        return text.removeprefix("\ufeff"), [f"the notebook was read as {encoding}; it should be utf-8"]
    try:
        return content.decode("utf-8").removeprefix("\ufeff"), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    if len(content) - len(content.decode("utf-8", "ignore").encode()) > MAX_STRAY_BYTES:  # not a few bytes: all of it
        return content.decode("latin-1"), ["the notebook was read as latin-1; it should be utf-8"]
    note = f"the notebook is not all utf-8 (first in line {line:,}); such bytes were read as Western letters"
    return content.decode("utf-8", STRAY).removeprefix("\ufeff"), [note]


def _as_western(error: UnicodeError) -> tuple[str, int]:
    """Windows' Western letters for bytes that are no UTF-8, and Latin-1's for the few that have none."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return "".join(_WESTERN[byte] for byte in stray), error.end


_WESTERN = [bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)]
STRAY = "autograder-stray-bytes"
codecs.register_error(STRAY, _as_western)


def _parsed(text: str, warnings: list[str]) -> Any:
    """The notebook's JSON; what stands behind its closing brace is left out with a warning."""
    try:
        start = len(text) - len(text.lstrip())
        found, end = json.JSONDecoder(strict=False).raw_decode(text, start)
        if text[end:].strip(" \t\r\n\0"):
            warnings.append("there is text behind the notebook's closing brace; it was left out")
        return found
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not a notebook: its JSON is broken at line {error.lineno}") from None
    except RecursionError:
        raise Unreadable("is not a notebook: its JSON is nested too deeply") from None
    except ValueError:
        raise Unreadable("is not a notebook: its JSON holds a number that is too long") from None


def _cells_of(notebook: Any) -> list[Any]:
    if not isinstance(notebook, dict):
        raise Unreadable("is not a notebook: its JSON is not an object")
    cells = notebook.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = notebook.get("worksheets")  # nbformat 2 and 3
    if isinstance(sheets, list):
        lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        return [cell for cells in lists if isinstance(cells, list) for cell in cells]
    raise Unreadable("is not a notebook: it has no list of cells")


def _take(read: LearnerCells, raw: Any, left: int) -> int:
    """Adds a cell, its text only if `left` characters are enough. Returns how many it had; all that are left if not."""
    number = len(read.cells) + 1
    if not isinstance(raw, dict):
        read.warnings.append(f"something that is no cell was left out before cell {number}")
        return 0
    kind = raw.get("cell_type")
    kind = kind if isinstance(kind, str) and kind in KINDS else "markdown" if kind in ("heading", "html") else "raw"
    source, whole = _text(raw.get("source", raw.get("input", "")))
    if not whole:
        read.warnings.append(f"the text of cell {number} is not text; what is none was left out")
    size = len(DATA_URI.sub("", source) if kind == "markdown" else source)
    if size > MAX_SOURCE:
        read.warnings.append(f"cell {number} has {len(source):,} characters and was left out")
        source, size = "", 0
    elif size > left:
        source, size = "", left
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    settings = metadata.get("nbgrader")
    grade_id = settings.get("grade_id") if isinstance(settings, dict) else None
    ids = tuple(i for i in (raw.get("id"), metadata.get("id")) if isinstance(i, str) and i)
    read.cells.append(
        LearnerCell(kind, source, grade_id if isinstance(grade_id, str) else "", ids, raw.get("attachments"))
    )
    return size


def _text(source: Any) -> tuple[str, bool]:
    """A cell's source as one text, and whether all of it was text. Half of a surrogate pair cannot be written."""
    parts = source if isinstance(source, list) else [source]
    words = [part for part in parts if isinstance(part, str)]
    text = "".join(words).replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode("utf-8"), len(words) == len(parts)
