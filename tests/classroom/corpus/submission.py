"""What a submission of the corpus is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import nbformat
from nbformat import NotebookNode

NAME = "02-corpus"
AXES, STEP, CONV = "answer-broadcast-embedding", "answer-denoise-step", "answer-padded-conv"
POINTS = {AXES: 2, STEP: 3, CONV: 5}
RIGHT = {
    AXES: "def broadcast_embedding(embeddings):\n    return embeddings[:, None, None]",
    STEP: "def denoise_step(image, desired, alpha):\n    return image - alpha * (image - desired)",
    CONV: dedent(
        """
        class PaddedConv2D(keras.layers.Layer):
            def __init__(self, filters, kernel_size, padding=0, strides=1):
                super().__init__()
                self.pad = keras.layers.ZeroPadding2D(padding)
                self.conv = keras.layers.Conv2D(filters, kernel_size, strides=strides)

            def call(self, inputs):
                return self.conv(self.pad(inputs))
        """
    ).strip(),
}
ANY = ("graded", "timeout", "memory", "crashed")  # for attacks that meet one limit or another, as the machine is busy
WRONG = "def broadcast_embedding(embeddings):\n    return embeddings"


@dataclass(frozen=True)
class Submission:
    """One student's hand-in, and what it may earn.

    Args:
        id: the student's name.
        earns: points of its honest part.
        answers: text of the solution cells; those left out stay as released.
        change: edits the notebook after that.
        place: puts anything into the submission's directory, given the path of the notebook written there.
        status: how the grader must say it ended; several where it may end in more than one way.
        less: whether it may earn less, because it breaks what its own honest part needs.
        says: a word that the reason, a warning or a message must hold.
    """

    id: str
    earns: float
    answers: dict[str, str] = field(default_factory=dict)
    change: Callable[[NotebookNode], None] | None = None
    place: Callable[[Path], None] | None = None
    status: tuple[str, ...] = ("graded",)
    less: bool = False
    says: str = ""

    def hand_in(self, released: str, path: Path) -> None:
        """Writes the submission; the notebook goes to `path`."""
        notebook = nbformat.reads(released, as_version=4)
        for cell in notebook.cells:
            cell.source = self.answers.get(cell.id, cell.source)
        if self.change:
            self.change(notebook)
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
        if self.place:
            self.place(path)


def first(student: str, code: str, **options) -> Submission:
    """An attack in the first answer's cell, which solves nothing; the second answer is honest and earns its points."""
    answers = {AXES: f"{WRONG}\n\n{dedent(code).strip()}", STEP: RIGHT[STEP]}
    return Submission(student, **{"earns": POINTS[STEP], "answers": answers, **options})


def last(student: str, code: str, *status: str, **options) -> Submission:
    """An attack in the last answer's cell, after two honest answers, which keep their points whatever happens."""
    answers = {AXES: RIGHT[AXES], STEP: RIGHT[STEP], CONV: dedent(code).strip()}
    earns = POINTS[AXES] + POINTS[STEP]
    return Submission(student, **{"earns": earns, "answers": answers, "status": status or ("graded",), **options})


def layer(student: str, code: str, **options) -> Submission:
    """A layer handed in for the last question, after two honest answers. `code` is the body of the cell."""
    return last(student, code, **options)
