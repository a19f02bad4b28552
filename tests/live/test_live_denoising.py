"""The denoising playground against the cells of chapter 1 themselves."""

import re
from pathlib import Path

import numpy as np
import pytest

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "01-denoising.md"
NEEDED = ("import numpy", "def denoise_step", "def denoise(", "world = ", "def guess", "def draw(")


@pytest.fixture(scope="module")
def chapter():
    """What the chapter's cells define."""
    cells = re.findall(
        r"```\{code-cell\} ipython3\n(?:---.*?---\n|(?::[^\n]*\n)+)?(.*?)```", CHAPTER.read_text(), re.DOTALL
    )
    names = {}
    for cell in cells:
        if any(line.startswith(NEEDED) for line in cell.splitlines()):
            exec(cell, names)  # the chapter's own code
    return names


def test_playground_computes_what_the_chapter_does(live, chapter):
    seen, answer = live("denoising", known={"alpha": 0.35, "steps": 9, "seed": 0}, guessed={"steps": 40, "seed": 2})
    known = chapter["denoise"](chapter["start"], chapter["desired"], 0.35, 9).reshape(10, -1)
    np.testing.assert_allclose(seen["known"], known, atol=1e-5)
    np.testing.assert_allclose(answer["left"], 0.65 ** np.arange(10), rtol=1e-5)
    np.testing.assert_array_equal(seen["world"], chapter["world"].reshape(len(chapter["world"]), -1))
    last, history = chapter["draw"](40, seed=2, keep=True)
    images = np.stack([*(image for image, *_ in history), last]).reshape(41, -1)
    np.testing.assert_allclose(seen["image"], images, atol=2e-3)  # of 80 at the start, in float32
    towards = np.stack([guess for *_, guess, _ in history]).reshape(40, -1)
    np.testing.assert_allclose(seen["towards"][:40], towards, atol=2e-3)
    counts = [1 / (weights**2).sum() for *_, weights in history]
    np.testing.assert_allclose(answer["counts"][:40], counts, rtol=0.01)
