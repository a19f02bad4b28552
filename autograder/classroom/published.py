"""The published notebooks, autograded/STUDENT/NAME/NAME.ipynb: what an instructor edited in one is never lost.

What was published is noted beside the results of the exam, so that an edit can be told from a notebook that is only
older. An edited notebook stays as long as its submission says the same; else a copy goes to _build/exam/NAME/edited.
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from autograder.classroom.course import Course
from autograder.classroom.exam_state import OWNER, digest, private_directory, read_private, write_private
from autograder.whole_files import READ_ONLY, write_whole

SUFFIX = 8  # characters of a digest that tell one edit from another


@dataclass(frozen=True)
class Publication:
    """What publishing a notebook did.

    Args:
        changed: whether the notebook there is another than before.
        note: what was done about an instructor's edit, as a sentence, or "".
    """

    changed: bool
    note: str = ""


def publish(course: Course, student: str, name: str, text: str) -> Publication:
    """Puts a notebook where nbgrader's commands and Formgrader look for it, read-only like theirs.

    Args:
        course: the course directory.
        student: their id.
        name: the exercise.
        text: the notebook.

    Returns:
        Whether the notebook there is another than before, and what was done about an instructor's edit.
    """
    path = course.autograded(student, name) / f"{name}.ipynb"
    there = _text(path)
    if there == text:
        note_published(course.root, student, name, text)
        return Publication(False)
    edited = there is not None and not _is_ours(course.root, student, name, there)
    if edited and _is_ours(course.root, student, name, text):
        return Publication(
            False, f"{_within(course, path)} was edited; the edit stays, the score is that of the hand-in"
        )
    note = set_edit_aside(course.root, student, name, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text, READ_ONLY)
    note_published(course.root, student, name, text)
    return Publication(True, note)


def note_published(root: Path, student: str, name: str, text: str) -> None:
    """Notes what is published for a student, so that any other text there is known as an edit."""
    known, path = digest(text), _record(root, student, name)
    if read_private(path).get("digest") != known:
        private_directory(path.parent)
        write_private(path, {"digest": known})


def set_aside(root: Path, student: str, name: str, text: str) -> str:
    """Keeps an edited notebook in _build/exam/NAME/edited; says where, as a sentence."""
    place = root / "_build" / "exam" / name / "edited"
    private_directory(place)
    path = place / f"{digest(student)[:OWNER]}-{student}-{digest(text)[:SUFFIX]}.ipynb"
    path.write_text(text, encoding="utf-8")
    return f"its edited notebook is kept as {path.relative_to(root)}; a newer one took its place"


def set_edit_aside(root: Path, student: str, name: str, path: Path) -> str:
    """Keeps a published notebook that nbgrader may replace, if it was edited; says where, or "" if it was not."""
    there = _text(path)
    return "" if there is None or _is_ours(root, student, name, there) else set_aside(root, student, name, there)


def _within(course: Course, path: Path) -> str:
    return str(path.relative_to(course.root)) if path.is_relative_to(course.root) else str(path)


def _is_ours(root: Path, student: str, name: str, text: str) -> bool:
    return read_private(_record(root, student, name)).get("digest") == digest(text)


def _record(root: Path, student: str, name: str) -> Path:
    return root / "_build" / "exam" / name / "published" / f"{digest(student)[:OWNER]}-digest.json"


def _text(path: Path) -> str | None:
    """A published notebook; None if there is none, or nothing that could be one."""
    with contextlib.suppress(OSError, ValueError):
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        return text if isinstance(content, dict) and isinstance(content.get("cells"), list) else None
    return None
