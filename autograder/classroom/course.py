"""A course directory as nbgrader lays it out: submitted/, autograded/, feedback/ and gradebook.db.

Where nbgrader_config.py names other directories, ours are those, too.
"""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from traitlets.config import Config

import autograder
from autograder.classroom.intake import harmless_id, shown
from autograder.notebooks import exercise_names, load_config, release, source_notebook

STRUCTURE = "{nbgrader_step}/{student_id}/{assignment_id}"  # nbgrader's own order
MAKES_ONE = "`autograder init DIR` makes one, --course DIR names one that is there"
STRANGE = "(U+"  # within the id of a student whose directory has a strange name
ANYONE = "\0"  # stands for a student where a path is taken apart: no id and no directory's name can hold it
CHECKOUT = Path(autograder.__file__).resolve().parents[1]  # where the course's sources lie, when it runs from a clone


class CourseError(ValueError):
    """The course directory does not hold what a command needs; the text says what and where."""


@dataclass(frozen=True)
class Course:
    """One class: its submissions, its gradebook, and where the exercises come from.

    Args:
        root: the directory with submitted/; the gradebook is made here.
        sources: the directory with solutions/ and _config.yml: `root` itself, or the course's clone.
        settings: the directory whose nbgrader_config.py holds: `root`, or else `sources`.
        config: what is in that file.
    """

    root: Path
    sources: Path
    settings: Path
    config: Config

    @classmethod
    def at(cls, root: Path) -> "Course":
        """The course in a directory. What it lacks of sources and settings comes from the clone the package lies in."""
        root = root.resolve()
        if not root.is_dir():
            raise CourseError(f"The course must be a directory. Received: {root}")
        sources = root if exercise_names(root) and (root / "_config.yml").is_file() else CHECKOUT
        if not exercise_names(sources):
            raise CourseError(
                f"The course directory must have solutions/ and _config.yml, or the package must run from a clone of "
                f"the course, which has them. Received: {root}, and a package in {CHECKOUT}. "
                f"`autograder init DIR --sources CLONE` makes a class directory"
            )
        settings = root if (root / "nbgrader_config.py").is_file() else sources
        config = load_config(settings)
        said = config.CourseDirectory.get("root")
        if settings == root and isinstance(said, str) and said:  # the clone's own settings name the clone
            root = (settings / said).resolve()
        if not root.is_dir():
            raise CourseError(f"`CourseDirectory.root` must be a directory. Received: {root}, in {settings}")
        return cls(root, sources, settings, config)

    @property
    def hint(self) -> str:
        """What to do where this is no class directory at all, as a sentence; "" where it is one."""
        if self.settings != CHECKOUT or any((self.root / name).exists() for name in ("submitted", "gradebook.db")):
            return ""
        return f". {self.root} is no class directory, it has no submitted/ and no gradebook.db: {MAKES_ONE}"

    @property
    def db_url(self) -> str:
        configured = self.config.CourseDirectory.get("db_url")
        return configured if isinstance(configured, str) and configured else f"sqlite:///{self.root / 'gradebook.db'}"

    @property
    def course_id(self) -> str:
        return str(self.config.CourseDirectory.get("course_id", "") or "default_course")

    def submitted(self, student: str, name: str) -> Path:
        """Where a student's hand-in lies; `student` is an id, which for a strange name is not the directory's."""
        if STRANGE in student and (home := self.homes(name).get(student)):
            return self._place("submitted", self._said_by(home, name), name)
        return self._place("submitted", student, name)

    def autograded(self, student: str, name: str) -> Path:
        return self._place("autograded", student, name)

    def feedback(self, student: str, name: str) -> Path:
        return self._place("feedback", student, name)

    def _place(self, step: str, student: str, name: str) -> Path:
        """Where nbgrader's `CourseDirectory.format_path` finds a step of a submission."""
        said = self.config.CourseDirectory
        names = {"nbgrader_step": said.get(f"{step}_directory", step), "student_id": student, "assignment_id": name}
        return self.root / str(said.get("directory_structure", STRUCTURE)).format(**names)

    def homes(self, name: str) -> dict[str, Path]:
        """The students' directories of what was handed in, by id; for nbgrader's own order submitted/STUDENT."""
        base = self._level(name)[0]
        there = sorted(entry for entry in base.iterdir() if entry.is_dir()) if base.is_dir() else []
        named = {entry: self._said_by(entry, name) for entry in there}
        return {harmless_id(word): entry for entry, word in named.items() if word and word[0] != "."}

    def notes_on_name(self, student: str, name: str) -> list[str]:
        """What to know of a student whose directory has a name that cannot be shown as it is."""
        home = self.homes(name).get(student) if STRANGE in student else None
        if home is None or self._said_by(home, name) == student:
            return []
        return ["the name of their directory holds characters that cannot be shown; they are written as (U+...)"]

    def _level(self, name: str) -> tuple[Path, str, str]:
        """The directory that holds the students' own, and what their names begin and end with."""
        parts = self._place("submitted", ANYONE, name).parts
        level = next(number for number, part in enumerate(parts) if ANYONE in part)
        before, after = parts[level].split(ANYONE, 1)
        return Path(*parts[:level]), before, after

    def _said_by(self, home: Path, name: str) -> str:
        """The word for the student in the name of their directory; "" if it is no student's."""
        _, before, after = self._level(name)
        word = home.name.removeprefix(before).removesuffix(after)
        return word if home.name == f"{before}{word}{after}" else ""

    def students(self, name: str) -> list[str]:
        """Who has a directory for an exercise, sorted: submitted/STUDENT/NAME."""
        return sorted(student for student in self.homes(name) if os.path.lexists(self.submitted(student, name)))

    def check_exercise(self, name: str) -> None:
        """Raises a `CourseError` if there is no such exercise."""
        if name not in exercise_names(self.sources):
            known = exercise_names(self.sources)
            near = (
                difflib.get_close_matches(name.casefold(), known, 1) or [n for n in known if name.casefold() in n][:1]
            )
            meant = f". Did you mean {near[0]}?" if near else ""
            raise CourseError(f"The exercise must be one of {', '.join(known)}. Received: {shown(name)!r}{meant}")

    def register(self, name: str, db_url: str | None = None) -> str:
        """Enters an exercise's cells in the gradebook (or another), through nbgrader's release steps.

        Returns:
            The text of the released notebook.

        Raises:
            CourseError: if there is no such exercise.
        """
        self.check_exercise(name)
        return release(source_notebook(self.sources, name), name, self.config, db_url or self.db_url)
