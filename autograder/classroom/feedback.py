"""Feedback pages are never older than the score: one that says something else is removed.

nbgrader makes them (`nbgrader generate_feedback`, Formgrader) and would pass over a page that is there.
"""

import re
from pathlib import Path

from autograder.classroom.report import QuestionResult

# How nbgrader's template writes the score of a notebook, and above it that of each cell.
TOTAL = re.compile(r"\(Score: (?P<score>[-\d.]+) / (?P<max_score>[-\d.]+)\)</h4>")
PART = re.compile(r'<li><a href="#(?P<id>[^"]+)">[^<]*</a> \(Score: (?P<score>[-\d.]+) / (?P<max_score>[-\d.]+)\)</li>')
ROUNDING = 0.006  # its pages show two digits


def remove_feedback(directory: Path, name: str) -> str:
    """Removes the page of a submission; says so and how to make it again, or "" if there was none.

    The directory goes, too, where it holds nothing else: nbgrader takes a directory that is there for a page that is.

    Args:
        directory: feedback/STUDENT/NAME.
        name: the exercise.
    """
    try:
        (directory / f"{name}.html").unlink()
    except FileNotFoundError:
        return ""
    command = f"nbgrader generate_feedback {name}"
    try:
        directory.rmdir()
    except OSError:  # an instructor's own files lie beside it
        command += f" --notebook={name}"
    return f"its feedback page said something older and was removed; `{command}` makes it again"


def remove_outdated_feedback(directory: Path, name: str, score: float, questions: list[QuestionResult]) -> str:
    """Removes the page of a submission if it shows other points than the gradebook; says so, or "".

    Args:
        directory: feedback/STUDENT/NAME.
        name: the exercise.
        score: in the gradebook, less the penalty for being late, as the page shows it.
        questions: the gradebook's points.
    """
    page = directory / f"{name}.html"
    if not page.is_file():
        return ""
    text = page.read_text(encoding="utf-8", errors="replace")
    total = TOTAL.search(text)
    shown = {part["id"]: (float(part["score"]), float(part["max_score"])) for part in PART.finditer(text)}
    held = {question.id: (question.points, question.max_points) for question in questions}
    pairs = [pair for key in held.keys() & shown.keys() for pair in zip(shown[key], held[key], strict=True)]
    same = shown.keys() == held.keys() and all(_close(*pair) for pair in pairs)
    if total and _close(float(total["score"]), score) and same:
        return ""
    return remove_feedback(directory, name)


def _close(shown: float, held: float) -> bool:
    return abs(shown - held) < ROUNDING
