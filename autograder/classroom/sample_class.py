"""Makes a small class to try grading on: `python -m autograder.classroom.sample_class DIRECTORY`.

The directory becomes a course of its own, with settings, source, submissions and later a gradebook, so that a
teacher's own are never touched. Six students hand in 03-resblock: a right answer, three with one mistake each, an
untouched exercise and a broken notebook.
"""

import shutil
import sys
from pathlib import Path

import nbformat

from autograder.classroom.course import CHECKOUT
from autograder.notebooks import load_config, notebook_text, release, source_notebook

NAME = "03-resblock"
MARK = ".sample-class"  # a file that says the directory is ours to make again

BROADCAST = """
from keras import ops

def broadcast_embedding(embeddings):
    batch, channels = embeddings.shape
    return ops.reshape(embeddings, (-1, 1, 1, channels))
"""

PIECES = {
    "answer-fault-group-norm": """
import keras

def group_norm(x, groups):
    return keras.layers.GroupNormalization(groups, epsilon=1e-5, center=False, scale=False)(x)
""",
    "answer-norm-swish-conv": """
import keras

class NormSwishConv(keras.layers.Layer):
    def __init__(self, filters):
        super().__init__()
        norm = keras.layers.GroupNormalization(epsilon=1e-5)
        self.steps = [norm, keras.ops.silu, keras.layers.Conv2D(filters, 3, padding="same")]

    def call(self, x):
        for step in self.steps:
            x = step(x)
        return x
""",
    "answer-time-shift": """
import keras

class TimeShift(keras.layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.from_time = keras.layers.Dense(filters)

    def call(self, inputs):
        image, time = inputs
        return image + broadcast_embedding(self.from_time(keras.ops.silu(time)))
""",
}

# Right, but unlike the solution: other attribute names, made in another order, and Keras' own "same" padding, which at
# stride 1 is a padding of 1.
RESBLOCK = """
import keras
from keras import ops

class ResBlock(keras.layers.Layer):
    def __init__(self, output_dim, **kwargs):
        super().__init__(**kwargs)
        self.width = output_dim
        self.last = keras.layers.Conv2D(output_dim, 3, padding="same")
        self.from_time = keras.layers.Dense(output_dim)
        self.norms = [keras.layers.GroupNormalization(epsilon=1e-5) for _ in range(2)]
        self.first = keras.layers.Conv2D(output_dim, 3, padding="same")

    def build(self, shapes):
        change = shapes[0][-1] != self.width
        self.shortcut = keras.layers.Conv2D(self.width, 1) if change else keras.layers.Identity()

    def call(self, inputs):
        image, time = inputs
        shift = broadcast_embedding(self.from_time(ops.silu(time)))
        h = self.first(ops.silu(self.norms[0](image))) + shift
        h = self.last(ops.silu(self.norms[1](h)))
        return h + self.shortcut(image)
"""

# Student: what in the right answer is replaced by what.
STUDENTS: dict[str, tuple[str, str] | None] = {
    "ada": ("", ""),
    "boris": ("return h + self.shortcut(image)", "return h"),
    "chen": ("(ops.silu(time))", "(time)"),
    "dalia": ("Conv2D(self.width, 1)", 'Conv2D(self.width, 3, padding="same")'),
    "emeka": None,  # handed in as it was
}
BROKEN = "farah"


def answers(student: str) -> dict[str, str]:
    """What a student wrote into the solution cells, by cell id; nothing for one who wrote nothing."""
    change = STUDENTS[student]
    if change is None:
        return {}
    if change[0] not in RESBLOCK:
        raise ValueError(f"A mistake must change the right answer. Received: {change[0]!r}")
    return {"answer-broadcast-embedding": BROADCAST, **PIECES, "answer-resblock-same": RESBLOCK.replace(*change)}


def hand_in(released: str, written: dict[str, str]) -> str:
    """The released notebook with a student's answers in it."""
    notebook = nbformat.reads(released, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    for grade_id, text in written.items():
        cells[grade_id].source = text.strip()
    return notebook_text(notebook)


def make_sample_class(directory: Path, checkout: Path = CHECKOUT) -> None:
    """Makes the course directory anew.

    Raises:
        FileExistsError: if the directory holds something else.
    """
    if directory.exists() and any(directory.iterdir()) and not (directory / MARK).is_file():
        raise FileExistsError(f"The directory must be empty or an earlier sample class. Received: {directory}")
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "solutions" / NAME).mkdir(parents=True)
    (directory / MARK).touch()
    for file in ("nbgrader_config.py", "_config.yml", f"solutions/{NAME}/{NAME}.py"):
        shutil.copyfile(checkout / file, directory / file)
    source = source_notebook(directory, NAME)
    (directory / "solutions" / NAME / f"{NAME}.ipynb").write_text(notebook_text(source), encoding="utf-8")
    released = release(source, NAME, load_config(directory))
    for student in STUDENTS:
        _submit(directory, student, hand_in(released, answers(student)))
    _submit(directory, BROKEN, released[: len(released) // 2])


def _submit(directory: Path, student: str, text: str) -> None:
    path = directory / "submitted" / student / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m autograder.classroom.sample_class DIRECTORY")
    try:
        make_sample_class(Path(sys.argv[1]))
    except FileExistsError as problem:
        sys.exit(str(problem))
    print(f"{len(STUDENTS) + 1} submissions in {sys.argv[1]}/submitted")
