"""A course directory as nbgrader lays it out: submitted/, autograded/, feedback/ and gradebook.db."""

from dataclasses import dataclass
from pathlib import Path

from traitlets.config import Config

import autograder
from autograder.notebooks import exercise_names, load_config, release, source_notebook

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
            raise CourseError(f"The course directory must have solutions/. Received: {root}")
        settings = root if (root / "nbgrader_config.py").is_file() else sources
        return cls(root, sources, settings, load_config(settings))

    @property
    def db_url(self) -> str:
        configured = self.config.CourseDirectory.get("db_url")
        return configured if isinstance(configured, str) and configured else f"sqlite:///{self.root / 'gradebook.db'}"

    @property
    def course_id(self) -> str:
        return str(self.config.CourseDirectory.get("course_id", "") or "default_course")

    def submitted(self, student: str, name: str) -> Path:
        return self.root / "submitted" / student / name

    def autograded(self, student: str, name: str) -> Path:
        return self.root / "autograded" / student / name

    def students(self, name: str, wanted: list[str] | None = None) -> list[str]:
        """Who handed in, sorted.

        Raises:
            CourseError: if nobody did, or one of `wanted` did not.
        """
        everyone = sorted(
            path.parent.name for path in (self.root / "submitted").glob(f"*/{name}") if path.parent.name[0] != "."
        )
        if missing := sorted(set(wanted or []) - set(everyone)):
            raise CourseError(
                f"A student must have a directory submitted/STUDENT/{name}. Received: {', '.join(missing)}"
            )
        if not everyone:
            raise CourseError(f"There must be submissions at submitted/STUDENT/{name}. Received none in: {self.root}")
        return sorted(set(wanted)) if wanted else everyone

    def check_exercise(self, name: str) -> None:
        """Raises a `CourseError` if there is no such exercise."""
        if name not in exercise_names(self.sources):
            known = ", ".join(exercise_names(self.sources))
            raise CourseError(f"The exercise must be one of {known}. Received: {name!r}")

    def register(self, name: str, db_url: str | None = None) -> str:
        """Enters an exercise's cells in the gradebook (or another), through nbgrader's release steps.

        Returns:
            The text of the released notebook.

        Raises:
            CourseError: if there is no such exercise.
        """
        self.check_exercise(name)
        return release(source_notebook(self.sources, name), name, self.config, db_url or self.db_url)
