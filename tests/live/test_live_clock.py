"""The clock of chapter 2 against the chapter's own cells."""

import re
from pathlib import Path

import numpy as np
import pytest

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "02-inputs.md"


@pytest.fixture(scope="module")
def chapter():
    """The functions that the chapter's cells define, of those the clock needs."""
    text, names = CHAPTER.read_text(), {"np": np}
    for name in ("timestep_embedding", "similarity"):
        exec(re.search(rf"^def {name}\(.*?(?=\n\n\n|\n```)", text, re.DOTALL | re.MULTILINE)[0], names)
    return names


def test_clock_points_where_the_chapter_says(live, chapter):
    pairs, hands = [(500, 510), (0, 999), (7, 7)], [0, 40, 159]
    seen, answer = live("clock", pairs=pairs, dim=320, hands=hands)
    embeddings = chapter["timestep_embedding"](np.arange(1000))
    for t in {time for pair in pairs for time in pair}:
        np.testing.assert_allclose(seen[str(t)], embeddings[t], atol=2e-4)  # an angle of up to 999 in float32
    for (t, u), similar in zip(pairs, answer["similar"], strict=True):
        assert similar == pytest.approx(chapter["similarity"](embeddings, t)[u], abs=1e-4)
    np.testing.assert_allclose(answer["turns"], 2 * np.pi * 10000 ** (np.array(hands) / 160), rtol=1e-9)
