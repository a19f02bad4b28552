"""The notebook `sd2-with-your-blocks`: what it collects, and itself from top to bottom with random weights in small."""

import json
import sys

import matplotlib.pyplot
import numpy as np
import pytest

from autograder import reference
from autograder.drawing.handed_in import blocks_of
from autograder.drawing.own_unet import NAMES
from autograder.notebooks import colab_text, exercise_names, notebook_text, source_notebook
from tests.reference.test_stable_diffusion import NARROW, letters


def write_notebook(path, *sources):
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    path.write_text(json.dumps({"cells": cells}))
    return path


@pytest.fixture
def handed_in(root, tmp_path):
    """The exercises 2 to 9 as they are handed in, completed."""
    paths = []
    for name in exercise_names(root):
        if "02" <= name[:2] <= "09":
            path = tmp_path / f"{name}.ipynb"
            path.write_text(notebook_text(source_notebook(root, name)), encoding="utf-8")
            paths.append(path)
    return paths


def test_blocks_of_all_exercises_are_found(handed_in):
    blocks, notes = blocks_of(handed_in)
    assert notes == []
    assert set(blocks) == set(NAMES)
    assert all(block.__module__.startswith("notebook_0") for block in blocks.values())


def test_what_a_notebook_imports_is_not_the_learners(tmp_path):
    path = write_notebook(
        tmp_path / "a.ipynb",
        "from autograder import check, draw\nfrom autograder.sitting.stand_ins import GEGLU",
        "def td_dot(a, b):\n    return a @ b",
        'check("td-dot", td_dot)\ndraw("a cat", td_dot=td_dot)',
    )
    blocks, notes = blocks_of([path])
    assert list(blocks) == ["td_dot"]
    assert notes == []


def test_cell_that_fails_is_named_and_the_others_count(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", "1 / 0", "%matplotlib inline\n!pip list\nclass GEGLU: ...", "def (")
    blocks, notes = blocks_of([path])
    assert list(blocks) == ["GEGLU"]
    assert [note.split(":")[0] for note in notes] == ["a.ipynb, cell 1", "a.ipynb, cell 3"]
    assert "ZeroDivisionError" in notes[0]
    assert "SyntaxError" in notes[1]


def test_nothing_is_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    setup = "import sys\ntry:\n    import google.colab\nexcept ImportError:\n    pass\nelse:\n    raise AssertionError"
    assert blocks_of([write_notebook(tmp_path / "a.ipynb", setup)]) == ({}, [])


def test_later_notebook_counts(tmp_path):
    paths = [write_notebook(tmp_path / name, "class GEGLU: ...") for name in ("a.ipynb", "b.ipynb")]
    assert blocks_of(paths)[0]["GEGLU"].__module__ == "notebook_b"


def test_file_that_is_no_notebook_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Received: .*none\.ipynb"):
        blocks_of([tmp_path / "none.ipynb"])
    (tmp_path / "page.ipynb").write_text("<html>")
    with pytest.raises(ValueError, match=r"Received: .*page\.ipynb"):
        blocks_of([tmp_path / "page.ipynb"])


def small_networks(height, width, dtype):
    """In place of the trained ones: random weights, small widths, the size of the smallest picture."""
    assert (height, width, dtype) == (512, 512, "float16")
    config = reference.TINY
    text = reference.TextEncoderConfig(vocabulary=40, length=7, width=config.context_dim, num_heads=2, layers=1)
    with reference.computing_in("bfloat16"):  # a processor has no float16 convolutions worth the name
        unet = reference.DiffusionModelV2(64, 64, 7, download_weights=False, config=config)
    decoder = reference.Decoder(64, 64, NARROW)
    return reference.StableDiffusion2(reference.TextEncoder(text), unet, decoder, tokenize=letters)


def test_notebook_runs_from_top_to_bottom(root, handed_in, monkeypatch, capsys):
    monkeypatch.chdir(handed_in[0].parent)
    monkeypatch.setattr(reference, "load_stable_diffusion", small_networks)
    monkeypatch.setattr(matplotlib.pyplot, "show", lambda: None)
    drawn = []
    original = reference.text_to_picture
    monkeypatch.setattr(reference, "text_to_picture", lambda *a, **k: drawn.append(original(*a, **k)) or drawn[-1])
    notebook = json.loads(colab_text(root, root / "colab" / "sd2-with-your-blocks.py"))
    names = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert len("".join(cell["source"]).splitlines()) <= 35
            exec("".join(cell["source"]), names)
    printed = capsys.readouterr().out
    assert "computes something else" not in printed
    assert "step 25 of 25" in printed
    mine, theirs = (picture.astype(int) for picture in drawn)
    assert mine.shape == (64, 64, 3)
    assert theirs.std() > 1
    # 25 steps of a random UNet in bfloat16 drift apart by rounding, yet two other UNets would share nothing
    assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.9
    assert names["mine"].unet is not names["networks"].unet
