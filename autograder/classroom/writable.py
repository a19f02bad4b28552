"""Finds what a run could not write, before anything is run: a read-only folder costs no hour of grading."""

import os
from collections.abc import Iterable
from pathlib import Path

from autograder.classroom.course import Course, CourseError

MAX_NAMED = 3


def check_places(course: Course, name: str, students: Iterable[str]) -> None:
    """Looks whether gradebook, results, published notebooks and feedback can be written for these students.

    Args:
        course: the course directory.
        name: the exercise.
        students: their ids.

    Raises:
        CourseError: naming the places that cannot be written.
    """
    file = course.db_url.removeprefix("sqlite:///")
    book = Path(file).absolute()
    places = [] if file == course.db_url else [book.parent]  # SQLite writes beside the file, too
    places.append(course.root / "_build" / "exam" / name)
    places += [of(student, name) for student in students for of in (course.autograded, course.feedback)]
    closed = list(dict.fromkeys(place for wanted in places if (place := closed_place(wanted))))
    if file != course.db_url and book.is_file() and not _open(book, os.R_OK | os.W_OK):
        closed.insert(0, book)
    if closed:
        named = ", ".join(_within(course, place) for place in closed[:MAX_NAMED])
        more = f" and {len(closed) - MAX_NAMED} more" if len(closed) > MAX_NAMED else ""
        raise CourseError(
            f"Gradebook, results, published notebooks and feedback must have a place to be written to. Received: "
            f"{named}{more}, which {'is' if len(closed) == 1 else 'are'} read-only for you"
        )


def closed_place(wanted: Path) -> Path | None:
    """What keeps a directory from being made, or files in it: the nearest one that is there, or None if it is open."""
    there = next(place for place in (wanted, *wanted.parents) if os.path.lexists(place))
    return None if there.is_dir() and _open(there, os.W_OK | os.X_OK) else there


def _open(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def _within(course: Course, place: Path) -> str:
    if place == course.root or not place.is_relative_to(course.root):
        return str(place)
    return f"{place.relative_to(course.root)}/" if place.is_dir() else str(place.relative_to(course.root))
