"""Feedback pages are never older than the score: one that says something else is removed.

`autograder feedback` makes them, as do `nbgrader generate_feedback` and Formgrader, which pass over one that is there.
"""

import contextlib
import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.classroom.report import QuestionResult

# What our page says of its points, for `remove_outdated_feedback`; see `shown_points`.
OURS = re.compile(r'<meta name="autograder:points" content="(?P<points>[^"]*)">')
# How nbgrader's own template writes the score of a notebook, and above it that of each cell.
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
    with contextlib.suppress(OSError):  # an instructor's own files lie beside it
        directory.rmdir()
    return f"its feedback page said something older and was removed; `autograder feedback {name}` makes it again"


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
    total, shown = _points_on(page.read_text(encoding="utf-8", errors="replace"))
    held = {question.id: (question.points, question.max_points) for question in questions}
    pairs = [pair for key in held.keys() & shown.keys() for pair in zip(shown[key], held[key], strict=True)]
    same = shown.keys() == held.keys() and all(_close(*pair) for pair in pairs)
    if total is not None and _close(total, score) and same:
        return ""
    return remove_feedback(directory, name)


def shown_points(score: float, graded: Iterable[Any]) -> dict[str, Any]:
    """What a page says of its points: the score, and points and maximum by cell.

    Args:
        score: of the notebook, the penalty for being late taken off.
        graded: its cells with points, with `id`, `points` and `most`.
    """
    return {"score": score, "cells": {one.id: [one.points, one.most] for one in graded}}


def _points_on(text: str) -> tuple[float | None, dict[str, tuple[float, float]]]:
    """The score that a page of ours or nbgrader's shows, None if it shows none; points and maximum by cell."""
    if found := OURS.search(text):
        try:
            said = json.loads(html.unescape(found["points"]))
            return float(said["score"]), {key: (float(p), float(m)) for key, (p, m) in said["cells"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return None, {}
    total = TOTAL.search(text)
    shown = {part["id"]: (float(part["score"]), float(part["max_score"])) for part in PART.finditer(text)}
    return float(total["score"]) if total else None, shown


def _close(shown: float, held: float) -> bool:
    return abs(shown - held) < ROUNDING
