"""A class of what people really hand in, graded by the command: each gets its right score and a plain word."""

import base64
import io
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from PIL import Image

from tests.classroom.conftest import AXES, BARE_PATH, BIN, CELL_SECONDS, NAME, RIGHT, STEP, GradedClass, new_course

WRONG = "broadcast_embedding = lambda e: e + 0"
PACKAGES = """
import einops, pandas, scipy.special
from tqdm.auto import tqdm
def broadcast_embedding(e):
    for _ in tqdm(range(2)):
        assert pandas.DataFrame({"x": [scipy.special.expit(0.0)]}).x[0] == 0.5
    return einops.rearrange(e, "b c -> b 1 1 c")
"""
USES_ABSENT = "from nowhere_to_be_found import reshape\nbroadcast_embedding = lambda e: reshape(e)"
IN_A_FILE = "%%writefile my_answers.py\ndef axes(e):\n    return e[:, None, None]"
MAGICS = "%tensorflow_version 2.x\n%load_ext tensorboard\n%matplotlib widget\n!pip install -q keras\n" + RIGHT[AXES]
GREEK = RIGHT[STEP].replace("alpha", "\N{GREEK SMALL LETTER ALPHA}") + "  # STRAY"
KERAS_JSON = {"floatx": "float16", "epsilon": 1e-3, "backend": "tensorflow", "image_data_format": "channels_first"}


@dataclass(frozen=True)
class HandIn:
    """One student: the answers, what is done to the notebook and its bytes, and what is right."""

    answers: dict[str, str]
    score: float
    says: str = ""
    change: Callable[[NotebookNode], None] | None = None
    rewrite: Callable[[bytes], bytes] = bytes


def scratch_below(notebook: NotebookNode) -> None:
    answer = next(cell for cell in notebook.cells if cell.id == AXES)
    notebook.cells.append(nbformat.v4.new_code_cell(WRONG, metadata=answer.metadata))


def before(source: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells.insert(1, nbformat.v4.new_code_cell(source))


def paste(notebook: NotebookNode) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(buffer, "png")
    picture = f"![image](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"
    cell = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "explain")
    cell.source = f"Before. {picture} The end."


CLASS = {
    "packages": HandIn({**RIGHT, AXES: PACKAGES}, 10),
    "unused-import": HandIn(
        {**RIGHT, AXES: f"import nowhere_to_be_found\n{RIGHT[AXES]}"}, 10, "nowhere_to_be_found is"
    ),
    "absent": HandIn({**RIGHT, AXES: USES_ABSENT}, 6, "The package `nowhere_to_be_found` is not there"),
    "drive": HandIn(
        RIGHT, 10, "google.colab is", before("from google.colab import drive\ndrive.mount('/content/drive')")
    ),
    "scratch-below": HandIn(RIGHT, 10, "before its check", scratch_below),
    "writefile": HandIn(
        {**RIGHT, AXES: "from my_answers import axes as broadcast_embedding"}, 10, "", before(IN_A_FILE)
    ),
    "pasted": HandIn(RIGHT, 10, "", paste),
    "stray-byte": HandIn({**RIGHT, STEP: GREEK}, 10, "utf-8", rewrite=lambda text: text.replace(b"STRAY", b"\xe9")),
    "behind-the-brace": HandIn(RIGHT, 10, "brace", rewrite=lambda text: text + b"\n<<<<<<< HEAD\n"),
    "magics": HandIn({**RIGHT, AXES: MAGICS}, 10),
    "cell-magic": HandIn({**RIGHT, AXES: f"%%wandb\n{RIGHT[AXES]}"}, 10),
    "Jose\u0301 O\u2019Brien": HandIn(RIGHT, 10),
    "\u0e2a\u0e21\u0e28\u0e23\u0e35+1": HandIn(RIGHT, 10),
    "mei\x1b[2J": HandIn(RIGHT, 10, "(U+...)"),
    "m\udce9i": HandIn(RIGHT, 10, "(U+...)"),
    "old-and-new": HandIn({}, 0, "holds no answers"),
}
IDS = {"mei\x1b[2J": "mei(U+001B)(U+005B)2J", "m\udce9i": "m(U+DCE9)i"}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> GradedClass:
    """The class, graded where the instructor's home sets up Keras in another way."""
    course, home = new_course(tmp_path_factory.mktemp("course"), CELL_SECONDS), tmp_path_factory.mktemp("home")
    (home / ".keras").mkdir()
    (home / ".keras" / "keras.json").write_text(json.dumps(KERAS_JSON))
    for student, one in CLASS.items():
        course.hand_in(student, one.answers, one.change)
        path = course.root / "submitted" / student / NAME / f"{NAME}.ipynb"
        path.write_bytes(one.rewrite(path.read_bytes()))
    solved = (course.root / "submitted" / "pasted" / NAME / f"{NAME}.ipynb").read_text()
    course.hand_in_text("old-and-new", solved, file=f"{NAME} (1).ipynb")
    line = [str(BIN / "autograder"), "grade", NAME, "--json", "report.json", "--seed", "7"]
    variables = {**BARE_PATH, "HOME": str(home)}
    done = subprocess.run(line, cwd=course.root, env=variables, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return GradedClass(course, done, json.loads((course.root / "report.json").read_text()))


@pytest.mark.parametrize("student", CLASS, ids=[ascii(student) for student in CLASS])
def test_hand_in_gets_its_right_score_and_a_plain_word(graded: GradedClass, student: str):
    one, result = CLASS[student], graded[IDS.get(student, student)]
    assert (result["status"], result["score"]) == ("graded", one.score), result
    assert one.says in json.dumps(result, ensure_ascii=False)
    assert one.says or not result["warnings"], result


def test_hand_ins_are_in_the_gradebook_and_published_under_their_ids(graded: GradedClass):
    assert graded.course.scores() == {IDS.get(student, student): one.score for student, one in CLASS.items()}
    assert {path.name for path in (graded.course.root / "autograded").iterdir()} == set(graded.course.scores())
    assert "The end." in next(c.source for c in graded.course.autograded("pasted").cells if "Before." in c.source)


def test_hand_ins_show_the_terminal_nothing_but_text_and_sum_up_what_was_not_there(graded: GradedClass):
    assert graded.command.stdout.replace("\n", "").isprintable()
    assert "nowhere_to_be_found is not there while a notebook is graded (2 asked for it)" in graded.command.stdout


def test_packages_of_the_exam_are_listed_once_and_there():
    from importlib.util import find_spec

    from autograder.sitting.packages import PACKAGES
    from tests.classroom.conftest import ROOT

    wanted = (ROOT / "requirements.txt").read_text().lower()
    page = (ROOT / "book" / "instructors.md").read_text()
    for package in PACKAGES:
        assert find_spec(package) is not None
        assert package == "PIL" or f"\n{package}>=" in wanted
        assert f"`{package}`" in page
    for path in Path(ROOT, "exercises").glob("*/*.ipynb"):
        assert all(f"`{package}`" in path.read_text(encoding="utf-8") for package in PACKAGES), path.name
