"""Notebooks that grading passes over: beside the one it takes, at a wrong place, or of another exercise.

None of them earns or costs a point. Each becomes a sentence that says what to do.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat

from autograder.classroom.course import Course
from autograder.classroom.intake import MAX_FILES, NOTEBOOK, is_link, shown
from autograder.classroom.notebook_reader import LearnerCell, Unreadable, read_cells
from autograder.classroom.rebuild import resembles
from autograder.exam.sanitise import NotPlainFile, plain_file
from autograder.notebooks import asked_by, exercise_names

MAX_DEPTH = 3  # directories below a student's own
MAX_BESIDE = 10  # other notebooks that are read
MAX_STRAY_BYTES = 5_000_000  # of each: reading them all costs less than a second


def strays(course: Course, student: str, name: str, released: str) -> list[str]:
    """What to know of a submission whose notebook is at its place: sentences, most important first. Never raises.

    Args:
        course: the course directory.
        student: their id.
        name: the exercise.
        released: the text of the released notebook.
    """
    directory = course.submitted(student, name)
    content = _content(directory / f"{name}.ipynb")
    mistaken = _of_another_exercise(course, student, name, content) if content and not is_link(directory) else []
    return [*mistaken, *notes_beside(directory, name, released)]


def notes_beside(directory: Path, name: str, released: str) -> list[str]:
    """What to know of other notebooks of the exercise beside the one that is graded. Never raises.

    Args:
        directory: submitted/STUDENT/NAME.
        name: the exercise.
        released: the text of the released notebook.
    """
    wanted = f"{name}.ipynb"
    sentences: list[str] = []
    if is_link(directory) or not os.path.lexists(directory / wanted):
        return []
    mine = _own_text(_content(directory / wanted) or b"", released)
    others = [path for path in _notebooks(directory) if path.parent == directory and path.name != wanted]
    for path in others[:MAX_BESIDE]:
        other = _content(path)
        theirs = _own_text(other, released) if other and resembles(other, released) else frozenset()
        if theirs and not mine:
            sentences.insert(
                0,
                f"{wanted} holds no answers, but {shown(path.name)} beside it does; {wanted} was graded: "
                f"if the other counts, put it in place of {wanted}",
            )
        elif theirs - mine:
            sentences.append(
                f"{shown(path.name)} beside {wanted} holds other answers; {wanted} was graded: "
                f"if the other counts, put it in place of {wanted}"
            )
    return sentences


def misplaced(course: Course, student: str, name: str, released: str) -> str:
    """Where else a missing notebook lies, with what to do: the end of a sentence, or an empty text. Never raises."""
    right = course.submitted(student, name) / f"{name}.ipynb"
    home = course.homes(name).get(student)
    if home is None or home.is_symlink() or os.path.lexists(right):
        return ""
    found = misplaced_by_name(course, student, name)
    if not found:
        others = [path for path in _notebooks(home) if path.parent != right.parent]
        unknown = [path for path in others if not _belongs_elsewhere(course, path)]
        found = [path for path in unknown[:MAX_BESIDE] if resembles(_content(path) or b"", released)]
    if not found:
        return ""
    names = ", ".join(shown(str(path.relative_to(home.parent))) for path in found[:3])
    return f"found at another place: {names}; to have it graded move it to {right.relative_to(home.parent)}"


def misplaced_by_name(course: Course, student: str, name: str) -> list[Path]:
    """Notebooks of a student that are called after an exercise, or whose directory is, and lie at no place of it."""
    home, right = course.homes(name).get(student), course.submitted(student, name)
    if not home or home.is_symlink() or os.path.lexists(right / f"{name}.ipynb"):
        return []
    wanted = name.casefold()
    return [
        path
        for path in _notebooks(home)
        if path.parent != right
        and (path.name.casefold().startswith(wanted) or path.parent.name.strip().casefold() == wanted)
    ]


def _notebooks(home: Path) -> Iterator[Path]:
    """The first notebooks below a student's directory; links are not followed."""
    count = 0
    for place, directories, files in os.walk(home):
        depth = len(Path(place).relative_to(home).parts)
        directories[:] = sorted(one for one in directories if one[0] != "." and depth < MAX_DEPTH)
        for file in sorted(file for file in files if NOTEBOOK.search(file) and file[0] != "."):
            count += 1
            if count > MAX_FILES:
                return
            yield Path(place, file)


def _belongs_elsewhere(course: Course, path: Path) -> bool:
    """Whether a notebook is at its place as that of some exercise."""
    return path.parent.name in exercise_names(course.sources) and path.name.startswith(path.parent.name)


def _of_another_exercise(course: Course, student: str, name: str, content: bytes) -> list[str]:
    found = {cell.grade_id for cell in _cells(content)}
    asked = {exercise: asked_by(course.sources, exercise) for exercise in exercise_names(course.sources)}
    if found & asked.get(name, frozenset()):
        return []
    counts = {exercise: len(found & questions) for exercise, questions in asked.items()}
    likely = max(counts, key=lambda exercise: counts[exercise], default=name)
    if not counts.get(likely):
        return []
    place = os.path.relpath(course.submitted(student, likely), course.root)
    return [f"{name}.ipynb is the notebook of {likely}, not of {name}: move it to {place} and ask for that of {name}"]


def _own_text(content: bytes, released: str) -> frozenset[str]:
    """The answers of a notebook: what stands in its cells of code and of answers, and not as it was released.

    The course's own cells do not count: those of an older release have another text.
    """
    ours = nbformat.reads(released, as_version=4).cells
    settings = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in ours if "nbgrader" in cell.metadata}
    locked = {grade_id for grade_id, said in settings.items() if said.get("locked")}
    theirs = [cell for cell in _cells(content) if cell.grade_id not in locked]
    answers = [cell for cell in theirs if cell.kind == "code" or cell.grade_id in settings]
    return frozenset(_bare(cell.source) for cell in answers) - {_bare(cell.source) for cell in ours} - {""}


def _cells(content: bytes) -> list[LearnerCell]:
    try:
        return read_cells(content).cells
    except (Unreadable, RecursionError):
        return []


def _bare(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _content(path: Path) -> bytes | None:
    try:
        return plain_file(path, MAX_STRAY_BYTES)
    except (NotPlainFile, OSError):
        return None
