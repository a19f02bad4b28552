"""Who is in the class, and whose a downloaded file is: by the names that Moodle, Canvas and forms give to files.

A class list is a CSV file with nbgrader's columns: `id` and, as far as they are known, `first_name`, `last_name`,
`email`, `lms_user_id`.
"""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.classroom.course import Course, CourseError
from autograder.classroom.intake import shown, strange_id

COLUMNS = ("id", "first_name", "last_name", "email", "lms_user_id")
MAX_LIST = 20_000_000  # bytes
# Canvas: `leeann_LATE_4711_81234_01-denoising-2.ipynb`. The numbers are the user's and the file's.
CANVAS = re.compile(r"^(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<file>\d+)_(?P<rest>.+)$")
# Moodle: a folder `Ann Lee_81234_assignsubmission_file`, or that before the file's name. The number is of this
# assignment only, so the name decides.
MOODLE = re.compile(r"^(?P<name>.+?)_(?P<number>\d+)_assignsubmission_file_?(?P<rest>.*)$")
FORM = re.compile(r"^(?P<rest>.+?) - (?P<name>[^-]+?)(?: \(\d+\))?(?:\.[A-Za-z.]+)?$")  # `01-denoising - Ann Lee.ipynb`


@dataclass(frozen=True)
class Student:
    """A student of the class list; texts that are not known are empty."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""


@dataclass(frozen=True)
class Owner:
    """Whose a file is.

    Args:
        student: their id, or None.
        late: whether the LMS marked it as late.
        number: of the file, where the LMS counts them: the higher one is the later.
        reason: why no one was found, as the end of a sentence.
        level: which of the names on the way to the file says it: what lies below was named by the student.
    """

    student: str | None
    late: bool = False
    number: int = 0
    reason: str = ""
    level: int = 0


class ClassList:
    """The students, to be found by what files are called.

    Args:
        students: each id once.

    Raises:
        CourseError: for an id that nbgrader cannot show, or that comes twice.
    """

    def __init__(self, students: Iterable[Student]):
        self.students: dict[str, Student] = {}
        self._by_key: dict[str, set[str]] = defaultdict(set)
        for student in students:
            if strange_id(student.id):
                rule = "letters of any script, digits, blanks and `.,@()'+_-`, a letter or digit first, at most 100"
                raise CourseError(f"A student's id must be {rule}. Received: {shown(student.id)!r}")
            if student.id in self.students:
                raise CourseError(f"A student must stand once in the class list. Received twice: {shown(student.id)}")
            self.students[student.id] = student
            for key in _keys(student):
                self._by_key[key].add(student.id)

    @classmethod
    def read(cls, path: Path) -> "ClassList":
        """Reads a CSV file: commas, semicolons or tabs, UTF-8 with or without a mark.

        Raises:
            CourseError: if there is no such file, or it has no column `id`.
        """
        try:
            text = path.read_bytes()[:MAX_LIST].decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise CourseError(f"The class list must be a CSV file in UTF-8. Received: {path}: {error}") from None
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        columns = {(name or "").strip().casefold().replace(" ", "_"): name for name in reader.fieldnames or ()}
        if "id" not in columns:
            wanted = f"{', '.join(COLUMNS)}; id must be there"
            raise CourseError(f"The class list's first line must name columns of {wanted}. Received: {shown(head)!r}")
        kept = [(name, columns[name]) for name in COLUMNS if name in columns]
        rows = ({name: (row[column] or "").strip() for name, column in kept} for row in reader)
        return cls(Student(**row) for row in rows if row["id"])

    @classmethod
    def enrolled(cls, course: Course) -> "ClassList":
        """The students whom the gradebook knows; nobody, if there is none yet."""
        from nbgrader.api import Gradebook

        if course.db_url.startswith("sqlite:///") and not Path(course.db_url.removeprefix("sqlite:///")).exists():
            return cls(())
        with Gradebook(course.db_url, course.course_id) as gradebook:
            fields = [{name: getattr(one, name) or "" for name in COLUMNS} for one in gradebook.students]
        return cls(Student(**one) for one in fields)

    def owner(self, parts: tuple[str, ...]) -> Owner:
        """Whose a file is, by the names of the folders and zip files that it lies in and its own, the file's last.

        The outermost name that tells a student decides: a file or folder within it has the name that this student gave
        it, which may be another student's. The first name, of what was given to `collect`, is often the instructor's:
        it decides only if it fits.
        """
        for level, name in enumerate(parts):
            given = level == 0 < len(parts) - 1
            owner = self._by_lms(name) or self._by_key_of(_whole(name) if given else _called(name), name)
            if owner is not None and (owner.student or level or len(parts) == 1):
                return replace(owner, level=level)
        for level, name in [*list(enumerate(parts))[1:], (0, parts[0])]:
            classroom = _endings(name) if level < len(parts) - 1 else []
            owner = self._by_key_of([*_called(name), *_pieces(name), *classroom], name)
            if owner is not None:
                return replace(owner, level=level)
        return Owner(None, reason="no name on the way to it is in the class list")

    def _by_key_of(self, keys: list[str], name: str) -> Owner | None:
        known = [key for key in keys if key in self._by_key]
        return self._find(known, name) if known else None

    def _by_lms(self, name: str) -> Owner | None:
        """Whose a file or folder is that Canvas or Moodle gave a name; None if the name is of no such kind."""
        if found := CANVAS.match(name):
            keys = [f"lms {found['user']}", _plain(found["name"])]
            return self._find(keys, name, bool(found["late"]), int(found["file"]))
        found = MOODLE.match(name)
        return self._find([_plain(found["name"])], name) if found else None

    def _find(self, keys: list[str], name: str, late: bool = False, number: int = 0) -> Owner:
        for key in keys:
            ids = self._by_key.get(key, set())
            if len(ids) == 1:
                return Owner(next(iter(ids)), late, number)
            if len(ids) > 1:
                who = ", ".join(sorted(ids)[:5])
                return Owner(None, late, number, f"{shown(name)} fits several in the class list: {who}")
        return Owner(None, late, number, f"{shown(name)} fits nobody in the class list")


def _whole(name: str) -> list[str]:
    """What the name of a folder or file may be called as a whole."""
    return [_plain(name), _plain(name.partition(".ipynb")[0])]


def _called(name: str) -> list[str]:
    """That, or what a form's file says."""
    form = FORM.match(name)
    return [*_whole(name), *([_plain(form["name"])] if form else [])]


def _pieces(name: str) -> list[str]:
    """What stands in a name before its first underscore and behind its last."""
    stem = name.partition(".ipynb")[0]
    return [_plain(stem.partition("_")[0]), _plain(stem.rpartition("_")[2])]


def _endings(name: str) -> list[str]:
    """What a folder's name ends in behind each hyphen: GitHub Classroom's are `01-denoising-leeann`."""
    words = name.split("-")
    return [_plain("".join(words[number:])) for number in range(1, len(words))]


def returned_as(name: str, exercise: str) -> str:
    """How a page of feedback must be called in a zip file for the LMS to give it to whom a notebook came from.

    Moodle goes by the participant's number in the folder's name or at the file's beginning ("Upload multiple feedback
    files in a zip"), Canvas by the numbers of the user and of the file that was handed in ("Upload Submissions").

    Args:
        name: the folder or file by which the LMS said whose it is; what lies below has names that its student gave.
        exercise: which it is.

    Returns:
        A path, or "" if this is not a name that an LMS gives.
    """
    if CANVAS.match(name):
        return re.sub(r"(\.ipynb)?(\.\w{1,4})?$", ".html", name, count=1)
    if found := MOODLE.match(name):
        return f"{name[: found.start('rest')]}{exercise}.html" if found["rest"] else f"{name}/{exercise}.html"
    return ""


def _keys(student: Student) -> set[str]:
    """What a file of a student may be called by."""
    first, last = student.first_name, student.last_name
    names = {student.id, student.email, student.email.partition("@")[0]}
    names |= {first + last, last + first} if first and last else set()
    keys = {_plain(name) for name in names} - {""}
    return keys | {f"lms {student.lms_user_id}"} if student.lms_user_id else keys


def _plain(name: str) -> str:
    """A name without what systems change about it: case, accents, blanks and marks. `Åse Ng-Öz` is `asengoz`."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in letters if letter.isalnum()).casefold()
