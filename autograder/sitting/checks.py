"""`check`, `draw` and the like as a submission sees them while it is graded: answers are only written down."""

from pathlib import Path
from typing import Any

from autograder.sitting.answer_sheet import write_sheet
from autograder.sitting.paper import Paper
from autograder.sitting.quiet import quiet
from autograder.sitting.run import sit

PAPERS: dict[str, Paper] = {}  # by question; laid here before the notebook runs
SHEETS: list[Path] = []  # the directory for answer sheets, once there is one


def check(question_id: str, learner_object: Any) -> None:
    """Runs `learner_object` on the question's paper and writes what it gives to an answer sheet.

    Args:
        question_id: the question, as in the exercise's text.
        learner_object: the learner's function or layer class.

    Raises:
        KeyError: for a question that is not on today's paper.
    """
    if question_id not in PAPERS:
        raise KeyError(f"`question_id` must be one of {', '.join(PAPERS)}. Received: {question_id!r}")
    with quiet() as noise:
        answer = sit(PAPERS[question_id], learner_object)
    if noise.text:
        print(f"Written to stderr while {PAPERS[question_id].name} ran:\n{noise.text}")
    if SHEETS:
        write_sheet(SHEETS[0] / f"{question_id}.safetensors", answer)


def draw(*_: Any, **__: Any) -> None:
    """Draws nothing: pictures are for the learner, and cost time."""
    print("Nothing is drawn while the notebook is graded.")


def train(*_: Any, **__: Any) -> None:
    """Trains nothing: it takes minutes, and gives no points."""
    print("Nothing is trained while the notebook is graded.")


def run_pipeline(*_: Any, **__: Any) -> None:
    """Draws nothing, as `draw`."""
    draw()


def preflight(*_: Any, **__: Any) -> None:
    """Says nothing of the answers: that is for the learner, before they hand in."""
    print("What would be graded is said before a notebook is handed in.")


def run_text_block(*_: Any, **__: Any) -> None:
    """Reads nothing: that takes networks, which are not there while a notebook is graded."""
    print("Nothing is read while the notebook is graded.")
