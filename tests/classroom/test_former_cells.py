"""A set-up cell of an earlier release is nothing to warn of; one that a learner changed is."""

import nbformat
import pytest

from autograder.classroom.former_cells import is_former_setup
from autograder.classroom.rebuild import Rebuilt, rebuild
from tests.classroom.conftest import ROOT

RELEASED = (ROOT / "exercises" / "03-resblock" / "03-resblock.ipynb").read_text()
SETUP = next(cell.source for cell in nbformat.reads(RELEASED, as_version=4).cells if cell.id == "setup")
FETCH = SETUP[SETUP.index("    if subprocess") : SETUP.index("from autograder")]
CHECKED = '    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", package], check=True)\n\n'
BEFORE_CHECK_FIRST = f"""
import os
import subprocess
import sys

try:
    import google.colab  # are we in Colab?
except ImportError:
    pass  # no: the course is installed already
else:
    package = "git+https://example.org/another-fork@v0"
{CHECKED}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up messages stay away

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import ops

from autograder import check
"""
FORMER = {
    "as-now": SETUP,
    "another-ref": SETUP.replace("@main", "@v0.1"),
    "stops-by-itself": SETUP.replace(FETCH, CHECKED),
    "without-draw": SETUP.replace("check, draw", "check"),
    "with-train": SETUP.replace("check, draw", "check, train"),
    "other-words": SETUP.replace("# are we in Colab?", "# on Colab"),
    "quiet-by-a-variable": BEFORE_CHECK_FIRST,
}
CHANGED = {
    "policy": SETUP + "\nkeras.config.set_dtype_policy('mixed_float16')",
    "package": SETUP + "\nimport einops",
    "constant": SETUP + "\nWIDTH = 64",
    "own-name": SETUP.replace("import numpy as np", "import keras as np"),
    "more-in-the-fetching": SETUP.replace("    if subprocess", "    channels = 4\n    if subprocess"),
    "magic": "!pip install keras\n" + SETUP,
    "call-of-a-call": SETUP.replace(r'"keras\."', "print(1)"),
    "nothing": "",
    "long": SETUP + "#" * 5_000,
    "deep": "(" * 2_000 + ")" * 2_000,
}


@pytest.mark.parametrize("form", FORMER)
def test_former_setup_is_known(form: str):
    assert "subprocess.run" in FORMER[form]
    assert is_former_setup(FORMER[form], SETUP, ["ops.silu(x)"])


@pytest.mark.parametrize("form", CHANGED)
def test_changed_setup_is_told_from_a_former_one(form: str):
    assert CHANGED[form] != SETUP
    assert not is_former_setup(CHANGED[form], SETUP, [])


def test_former_setup_is_told_where_a_name_of_it_is_missed():
    assert not is_former_setup(BEFORE_CHECK_FIRST, SETUP, ["x = os.getcwd()"])
    assert is_former_setup(BEFORE_CHECK_FIRST, SETUP, ["x = pos.getcwd()"])


@pytest.mark.parametrize(("text", "warns"), [(BEFORE_CHECK_FIRST, False), (CHANGED["package"], True)])
def test_submission_with_a_former_setup_has_no_warning(text: str, warns: bool):
    notebook = nbformat.reads(RELEASED, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "setup").source = text
    done = rebuild(nbformat.writes(notebook).encode(), RELEASED)
    assert isinstance(done, Rebuilt)
    assert any("setup was changed" in warning for warning in done.warnings) == warns
    assert next(cell for cell in done.notebook.cells if cell.id == "setup").source == SETUP
