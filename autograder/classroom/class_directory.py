"""`autograder init`: makes a directory for one class, with its own settings, submissions and gradebook."""

import shutil
from pathlib import Path

from autograder.classroom.course import CHECKOUT, CourseError
from autograder.notebooks import exercise_names, write_exercises

SETTINGS = ("nbgrader_config.py", "_config.yml")
README, IGNORED = "README.md", ".gitignore"
TEXT = Path(__file__).with_name("class_directory.md")
MADE = ("_build/", "__pycache__/", ".ipynb_checkpoints/", "solutions/**/*.ipynb")  # ignored beside students' data


def make_class_directory(place: Path, sources: Path = CHECKOUT) -> list[str]:
    """Makes a class directory of a course.

    It holds all that `autograder` and nbgrader's commands need, so that the course's own copy may change or go.

    Args:
        place: the directory; it may be there, with submissions for example, but with nothing of what is made.
        sources: the copy of the course that the exercises and settings are taken from.

    Returns:
        The names of the exercises.

    Raises:
        CourseError: if `sources` is no copy of the course, or something stands in the way.
        OSError: if it cannot be written.
    """
    place, sources, names = place.resolve(), sources.resolve(), exercise_names(sources)
    lacking = [file for file in (*SETTINGS, IGNORED) if not (sources / file).is_file()]
    if not names or lacking:
        raise CourseError(
            f"The exercises must come from a copy of the course's repository: name its folder with --sources. "
            f"Received: {sources}, without {lacking[0] if names else 'solutions/'}"
        )
    wanted = (*SETTINGS, README, IGNORED, "solutions", "exercises")
    if there := [name for name in wanted if (place / name).exists()]:
        raise CourseError(
            f"A class directory must be new, nothing in it is replaced. Received: {place}, with {there[0]}"
        )
    (place / "submitted").mkdir(parents=True, exist_ok=True)
    for file in SETTINGS:
        shutil.copyfile(sources / file, place / file)
    for name in names:
        (place / "solutions" / name).mkdir(parents=True)
        shutil.copyfile(sources / "solutions" / name / f"{name}.py", place / "solutions" / name / f"{name}.py")
    (place / IGNORED).write_text(ignored(sources / IGNORED), encoding="utf-8")
    text = TEXT.read_text(encoding="utf-8").replace("FIRST", names[0])
    (place / README).write_text(text.replace("CLASS", place.name), encoding="utf-8")
    write_exercises(place)
    return names


def ignored(rules: Path) -> str:
    """The rules of a .gitignore that keep students' data out, without the exceptions for the course's own folders."""
    lines = rules.read_text(encoding="utf-8").splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("!")), len(lines))
    kept = [line for line in lines[:first] if not line.startswith("#")]
    return "\n".join(["# Students' data, and what is made: none of it is to be committed.", *kept, *MADE]) + "\n"
