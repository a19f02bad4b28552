"""A whole round with a made class, timed: `python -m autograder.classroom.whole_class DIRECTORY --students 200`.

Made students hand in every exercise, as a download of Moodle. They are collected, graded, reported, returned and
exported by what the commands of these names call. In the end those who were right must have all points.
"""

import argparse
import io
import json
import random
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.check_cells import grade_id, is_answer
from autograder.classroom.class_directory import make_class_directory
from autograder.classroom.class_list import ClassList, Student
from autograder.classroom.class_report import class_report
from autograder.classroom.collect import collect
from autograder.classroom.course import CHECKOUT, Course
from autograder.classroom.export import Format, export, read_scores
from autograder.classroom.grading import Options, grade
from autograder.classroom.report_page import as_page
from autograder.classroom.returning import feedback_zip, make_feedback
from autograder.notebooks import exercise_names, notebook_text, source_notebook

MARK = ".whole-class"  # a file that says the directory is ours to make again
SEED = 1
RIGHT, PART, STUB, BROKEN, NOTHING = "right", "part", "stub", "broken", "nothing"
KINDS = (RIGHT, PART, STUB, BROKEN, NOTHING)
WEIGHTS = (60, 28, 5, 2, 5)  # of a hundred students
STEPS = ("made", "collected", "graded", "reported", "returned", "exported")


@dataclass
class Round:
    """What a round took and gave.

    Args:
        seconds: by step and exercise.
        handed_in: how many notebooks there were.
        wrong: what was not as it must be, a sentence each.
    """

    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    handed_in: int = 0
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, step: str, name: str) -> Iterator[None]:
        """Notes the seconds that what is inside takes."""
        start = time.monotonic()
        yield
        self.seconds[step, name] = self.seconds.get((step, name), 0.0) + time.monotonic() - start

    def lines(self) -> list[str]:
        """The times: a line a step, and the whole."""
        names = list(dict.fromkeys(name for _, name in self.seconds))
        lines = [f"{'':12} {'seconds':>8}  each"]
        for step in STEPS:
            took = sum(self.seconds.get((step, name), 0.0) for name in names)
            lines.append(f"{step:12} {took:8.1f}  {took / max(self.handed_in, 1):.2f}")
        lines.append(f"{'all':12} {sum(self.seconds.values()):8.1f}  {self.handed_in} notebooks")
        lines += [f"  graded {name}: {self.seconds['graded', name]:.1f} s" for name in names if name != "all"]
        return [*lines, *(f"Wrong: {sentence}" for sentence in self.wrong)]


def whole_class(place: Path, students: int, names: list[str], options: Options) -> Round:
    """Makes a class and goes through the whole round.

    Args:
        place: the class directory, which is made anew; downloads and what comes out lie beside it.
        students: how many.
        names: the exercises.
        options: of grading.

    Raises:
        FileExistsError: if the directory holds something else.
    """
    if place.exists() and any(place.iterdir()) and not (place / MARK).is_file():
        raise FileExistsError(f"The directory must be empty or an earlier one of these. Received: {place}")
    shutil.rmtree(place, ignore_errors=True)
    done, listed = Round(), [Student(f"s{n:05}", f"First{n}", f"Last{n}", f"s{n}@example.org") for n in range(students)]
    place.mkdir(parents=True)
    (place / MARK).touch()
    with done.timed("made", "all"):
        make_class_directory(place / "class")
    course, people = Course.at(place / "class"), ClassList(listed)
    for name in names:
        with done.timed("made", name):
            kinds = _hand_in(course, name, listed, place / f"{name}.zip")
        done.handed_in += sum(kind != NOTHING for kind in kinds.values())
        with done.timed("collected", name):
            collect(course, [place / f"{name}.zip"], people)
        with done.timed("graded", name):
            results = grade(course, name, options)
        full = {one.student for one in results if one.score == one.max_score}
        right = {student for student, kind in kinds.items() if kind == RIGHT}
        done.wrong += [f"{who} is right in {name} and has not all points" for who in sorted(right - full)]
        done.wrong += [f"{who} has all points in {name} without all answers" for who in sorted(full - right)]
        with done.timed("reported", name):
            (place / f"{name}.html").write_text(as_page(class_report(course, name)), encoding="utf-8")
        with done.timed("returned", name):
            (place / f"{name}-feedback.zip").write_bytes(feedback_zip(make_feedback(course, name)))
    with done.timed("exported", "all"):
        scores = read_scores(course, names, people)
        for format in Format:
            (place / f"{format}.csv").write_text(export(scores, format), encoding="utf-8")
    return done


def _hand_in(course: Course, name: str, students: list[Student], file: Path) -> dict[str, str]:
    """Writes what Moodle would give as a zip file. Returns what kind of hand-in each student's is."""
    draw = random.Random(f"{SEED} {name}")
    source = source_notebook(course.sources, name)
    solved = {grade_id(cell): cell.source for cell in source.cells if cell.cell_type == "code" and is_answer(cell)}
    released = course.register(name)
    kinds = {one.id: draw.choices(KINDS, WEIGHTS)[0] for one in students}
    kinds[students[0].id] = RIGHT
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, student in enumerate(students):
            kind = kinds[student.id]
            if kind == NOTHING:
                continue
            left = {draw.choice(sorted(solved))} if kind == PART else set(solved) if kind == STUB else set()
            text = _written(released, {key: text for key, text in solved.items() if key not in left}, student.id)
            called = f"{student.first_name} {student.last_name}_{number}_assignsubmission_file/{name}.ipynb"
            archive.writestr(called, text if kind != BROKEN else text[: len(text) // 2])
    file.write_bytes(held.getvalue())
    return kinds


def _written(released: str, answers: dict[str, str], student: str) -> str:
    """The released notebook with answers; a comment in each tells them from those of others."""
    notebook = nbformat.reads(released, as_version=4)
    for cell in notebook.cells:
        if grade_id(cell) in answers:
            cell.source = f"{answers[grade_id(cell)]}\n# {student}"
    return notebook_text(notebook)


def main(arguments: list[str]) -> int:
    """Reads the command line and prints the times. The exit status is 1 if something was not as it must be."""
    known = exercise_names(CHECKOUT)
    parser = argparse.ArgumentParser(prog="whole_class", description="A whole round with a made class, timed.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--exercises", nargs="*", default=known, choices=known, metavar="NAME")
    parser.add_argument("--jobs", type=int, default=None)
    parser.add_argument("--unsandboxed", action="store_true")
    parser.add_argument("--json", type=Path, default=None)
    asked = parser.parse_args(arguments)
    options = Options(jobs=asked.jobs, unsandboxed=asked.unsandboxed or None)
    done = whole_class(asked.directory.resolve(), max(asked.students, 1), asked.exercises, options)
    print("\n".join(done.lines()))
    if asked.json:
        rows = [{"step": step, "exercise": name, "seconds": took} for (step, name), took in done.seconds.items()]
        asked.json.write_text(json.dumps({"students": asked.students, "notebooks": done.handed_in, "rows": rows}))
    return 1 if done.wrong else 0


if __name__ == "__main__":
    import autograder.classroom.startup  # noqa: F401

    sys.exit(main(sys.argv[1:]))
