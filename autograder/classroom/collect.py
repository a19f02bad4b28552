"""`autograder collect`: puts downloaded notebooks at their places, submitted/STUDENT/NAME/NAME.ipynb."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from autograder.classroom.class_list import ClassList, Owner, returned_as
from autograder.classroom.course import Course, CourseError
from autograder.classroom.downloads import Download, Reading
from autograder.classroom.exam_state import DOWNLOADS, private_directory, read_private, write_private
from autograder.classroom.hand_in_time import TIMESTAMP, hand_in_time
from autograder.classroom.intake import shown
from autograder.classroom.notebook_reader import Unreadable, read_cells
from autograder.exam.sanitise import NotPlainFile, plain_file
from autograder.notebooks import asked_by, exercise_names
from autograder.whole_files import write_whole

if TYPE_CHECKING:
    from rich.table import Table

NEW, NEWER, KEPT, SAME = "new", "replaced an older one", "kept a newer one", "there already"


@dataclass(frozen=True)
class Collected:
    """What happened to a student's notebook of an exercise.

    Args:
        student, exercise: whose and which.
        what: `NEW`, `NEWER`, `KEPT` or `SAME`.
        path: where it was found.
        when: its time, in UTC.
        late: whether the LMS marked it as late.
        others: earlier ones of the same student and exercise among the downloads.
    """

    student: str
    exercise: str
    what: str
    path: str
    when: datetime
    late: bool = False
    others: int = 0


@dataclass
class Collection:
    """The outcome of a run.

    Args:
        collected: one for each student and exercise, sorted.
        unknown: what was not put anywhere, a sentence each.
        missing: by exercise, who of the class list has none, neither now nor from before.
    """

    collected: list[Collected] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=dict)


def collect(
    course: Course, sources: Iterable[Path], students: ClassList, zone: ZoneInfo | None = None, dry_run: bool = False
) -> Collection:
    """Collects notebooks out of folders, zip files and notebooks. Run twice, it changes nothing the second time.

    Of several of one student and exercise the latest counts. What is in submitted/ already is replaced by a later one
    only, and both are told.

    Args:
        course: the course directory.
        sources: what was downloaded.
        students: the class list.
        zone: of the times in zip files; None is this machine's.
        dry_run: whether to write nothing.

    Raises:
        CourseError: if a source is not there.
    """
    sources = list(sources)
    if gone := [str(source) for source in sources if not source.exists()]:
        raise CourseError(f"What is collected must be a folder, a zip file or a notebook. Received: {', '.join(gone)}")
    reading, result = Reading(zone), Collection()
    latest: dict[tuple[str, str], tuple[Download, Owner]] = {}
    counts: dict[tuple[str, str], int] = {}
    for download in (download for source in sources for download in reading.read(source)):
        exercise, owner = exercise_of(download.content, download.parts[-1], course), students.owner(download.parts)
        reason = owner.reason if owner.student is None else "" if exercise else "it is no exercise of this course"
        if reason or owner.student is None or exercise is None:
            result.unknown.append(f"{shown(download.path)}: {reason}")
            continue
        key = (owner.student, exercise)
        counts[key] = counts.get(key, 0) + 1
        if key not in latest or _order(download, owner) > _order(*latest[key]):
            latest[key] = (download, owner)
    result.unknown += reading.notes
    for (student, exercise), (download, owner) in sorted(latest.items(), key=lambda item: item[0]):
        when = download.handed_in(owner.level)
        what = _put(course.submitted(student, exercise), exercise, download.content, when, dry_run)
        others = counts[student, exercise] - 1
        result.collected.append(Collected(student, exercise, what, download.path, when, owner.late, others))
    if not dry_run:
        _note_names(course, {key: download.parts[owner.level] for key, (download, owner) in latest.items()})
    for exercise in sorted({one.exercise for one in result.collected}):
        have = {one.student for one in result.collected if one.exercise == exercise} | set(course.students(exercise))
        result.missing[exercise] = sorted(set(students.students) - have)
    return result


def _note_names(course: Course, found: dict[tuple[str, str], str]) -> None:
    """Keeps what an LMS called the notebooks that it gave, by student: so it wants feedback on them called."""
    for exercise in {exercise for _, exercise in found}:
        given = {student: returned_as(name, exercise) for (student, which), name in found.items() if which == exercise}
        if names := {student: name for student, name in given.items() if name}:
            path = course.root / "_build" / "exam" / exercise / DOWNLOADS
            private_directory(path.parent)
            if (known := read_private(path)) != known | names:
                write_private(path, known | names)


def _order(download: Download, owner: Owner) -> tuple[datetime, int, datetime, str]:
    return download.handed_in(owner.level), owner.number, download.saved, download.path


def exercise_of(content: bytes, file: str, course: Course) -> str | None:
    """Which exercise a notebook is: by the checks in it, or else by its file's name; None if neither says it."""
    try:
        found = {cell.grade_id for cell in read_cells(content).cells}
    except (Unreadable, RecursionError):
        found = set()
    names = exercise_names(course.sources)
    counts = {name: len(found & asked_by(course.sources, name)) for name in names}
    most = max(counts, key=lambda name: counts[name], default=None)
    if most is not None and counts[most]:
        return most
    plain = file.casefold().replace("_", "-")
    named = [name for name in names if name in plain]
    return named[0] if len(named) == 1 else None


def _put(directory: Path, exercise: str, content: bytes, when: datetime, dry_run: bool) -> str:
    """Writes a notebook and its time, unless one is there that is later or the same."""
    path = directory / f"{exercise}.ipynb"
    what = NEW
    if directory.is_symlink() or os.path.lexists(path):
        try:
            before = plain_file(path, 2**31)
        except (NotPlainFile, OSError):
            return KEPT  # a link or something else that is nobody's hand-in: grading says so
        if before == content:
            return SAME
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
        time = hand_in_time(directory).when or changed
        if time >= when:
            return KEPT
        what = NEWER
    if not dry_run:
        directory.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
        write_whole(directory / TIMESTAMP, f"{when:%Y-%m-%d %H:%M:%S} UTC\n")
    return what


def table(result: Collection) -> "Table":
    """What was collected, a line for each student and exercise."""
    from rich.table import Table
    from rich.text import Text

    shown_as = Table("student", "exercise", "what", "handed in (UTC)")
    for one in result.collected:
        what = one.what + (", late by the LMS" if one.late else "") + (f", {one.others} earlier" if one.others else "")
        shown_as.add_row(Text(one.student), one.exercise, what, f"{one.when:%Y-%m-%d %H:%M}")
    return shown_as


def lines(result: Collection) -> list[str]:
    """What else there is to say: what was put nowhere, who has none, and how many were collected."""
    told = [f"Put nowhere: {sentence}" for sentence in result.unknown]
    for exercise, students in result.missing.items():
        if students:
            told.append(f"{exercise}: {len(students)} of the class have none: {', '.join(students)}")
    number = sum(one.what in (NEW, NEWER) for one in result.collected)
    return [*told, f"{number} collected, {len(result.collected) - number} as they were, {len(result.unknown)} unknown"]
