"""Finds a handed-in notebook; what cannot be read becomes a reason, never an error of the run."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.classroom.notebook_reader import MAX_BYTES
from autograder.exam.sanitise import NotPlainFile, plain_file

NOTEBOOK = re.compile(r"\.ipynb(\.(txt|json))?$", re.IGNORECASE)  # browsers add an ending to what they save
SIGNS = "\u2019\u2018\u00b7\u30fb\u2010\u2011\u05f3\u05f4"  # apostrophes, middle dots, hyphens, Hebrew's geresh
FIRST, WITHIN = "_(", f"_.,@()+' -{SIGNS}"  # what a student's id may hold besides letters and digits
MAX_ID = 100
MAX_FILES = 50  # beside a notebook of another name


@dataclass(frozen=True)
class Unusable:
    """Why a submission cannot be run: `status` is `missing` or `unreadable`."""

    status: str
    reason: str


@dataclass(frozen=True)
class Found:
    """The bytes of a notebook, what its file is called, and what was repaired to find it."""

    content: bytes
    file: str
    warnings: list[str] = field(default_factory=list)


def find_notebook(directory: Path, name: str, resembles: Callable[[bytes], bool]) -> Found | Unusable:
    """Reads a submission: NAME.ipynb, or else the one notebook there that is plainly this exercise. Never raises.

    Args:
        directory: submitted/STUDENT/NAME.
        name: the exercise.
        resembles: whether a notebook of another name is this exercise.
    """
    path = directory / f"{name}.ipynb"
    try:
        if is_link(directory):
            return Unusable("unreadable", f"the directory of {shown(path.name)} is a link")
        if os.path.lexists(path):
            content = _content(path)
            return content if isinstance(content, Unusable) else Found(content, path.name)
        return _under_another_name(directory, path.name, resembles)
    except OSError as error:
        return Unusable("unreadable", f"{path.name} cannot be opened: {error.strerror}")


def is_link(directory: Path) -> bool:
    """Whether a submission's directory or its student's is a link: to another's, for example."""
    return directory.is_symlink() or directory.parent.is_symlink()


def _content(path: Path) -> bytes | Unusable:
    try:
        return plain_file(path, MAX_BYTES)
    except NotPlainFile as reason:
        return Unusable("unreadable", f"{shown(path.name)} {reason}")


def _under_another_name(directory: Path, wanted: str, resembles: Callable[[bytes], bool]) -> Found | Unusable:
    others = sorted(entry.name for entry in os.scandir(directory)) if directory.is_dir() else []
    found: list[Found] = []
    for other in [other for other in others if NOTEBOOK.search(other) and not other.startswith(".")][:MAX_FILES]:
        content = _content(directory / other)
        if isinstance(content, bytes) and resembles(content):
            found.append(Found(content, shown(other), [f"the notebook is called {shown(other)}, not {wanted}"]))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.file for one in found[:5])
        reason = f"there is no {wanted}, and several that could be it: {names}; give the one that counts that name"
        return Unusable("missing", reason)
    there = ", ".join(shown(other) for other in others[:5]) + (", ..." if len(others) > 5 else "")
    return Unusable("missing", f"there is no {wanted}; " + (f"found: {there}" if others else "nothing is there"))


def shown(name: str) -> str:
    """A file's name as it may stand in a sentence: short, in one line, without what is not to be printed."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    text = "".join(letter if letter.isprintable() else "?" for letter in name)
    return text if len(text) <= 80 else text[:77] + "..."


def strange_id(student: str) -> str | None:
    """Why a directory's name cannot be a student's id, with the character that it is about; None if it can be.

    nbgrader's pages take an id for HTML. Letters of any script may stand in it with their marks, and what names hold.
    """
    if not 1 <= len(student) <= MAX_ID:
        return f"a student's id must have 1 to {MAX_ID} characters; this directory's name has {len(student):,}"
    bad = next((letter for place, letter in enumerate(student) if not _may_stand(letter, place)), None)
    if bad is None:
        return None
    seen = f"{bad} " if bad.isprintable() else ""
    return (
        f"a student's id must be made of letters, digits and . , @ ( ) ' + - _; its directory's name holds "
        f"{seen}(U+{ord(bad):04X}, {_name_of(bad)}) where that cannot stand: rename the directory"
    )


def harmless_id(directory: str) -> str:
    """The id of the student whose directory is called so: the name itself if it can be printed.

    One with a terminal's codes, or with bytes that are no UTF-8, is written with the numbers of what cannot stand in an
    id in their place. Such a student is graded under that id.
    """
    if directory.isprintable():
        return directory
    parts = [c if _may_stand(c, place) else f"(U+{ord(c):04X})" for place, c in enumerate(directory)]
    written = "".join(parts)
    if len(written) <= MAX_ID:
        return written
    digest = hashlib.sha256(directory.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{written[: MAX_ID - 20]}({digest})"


def _may_stand(letter: str, place: int) -> bool:
    if letter.isalnum() or letter in (FIRST if place == 0 else WITHIN):
        return True
    return place > 0 and unicodedata.category(letter) in ("Mn", "Mc")


def _name_of(letter: str) -> str:
    if "\ud800" <= letter <= "\udfff":
        return "a byte that is not in UTF-8"
    return unicodedata.name(letter, "no letter")
