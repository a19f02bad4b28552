"""Pairs of submissions that are alike: what is found, what is left out, and how it is shown."""

import random
import re

import pytest
from typer.testing import CliRunner

from autograder.classroom.similar import LEAST, similar, tokens_of
from autograder.classroom.similarity import Similarity, as_page
from autograder.cli import app
from tests.classroom.conftest import AXES, NAME, STEP, new_course

GIVEN = (
    "import keras\nfrom keras import ops\ndef start(x):\n    return ops.reshape(ops.transpose(x, (0, 2, 1)), (1, -1))\n"
)
OWN = """def mix(image, other, share):
    kept = []
    for row, column in zip(range(3), range(5), strict=True):
        kept.append(image[row] * share + other[column] * (1 - share) ** 0.5)
    return ops.stack(kept, axis=-1)
"""
DISGUISED = """
# entirely my own work
def blend( a, b, weight ):
    out = []   # a list

    for i, j in zip(range(3), range(5), strict=True):
        out.append(a[i] * weight
                   + b[j] * (1 - weight) ** 0.5)
    return ops.stack(out, axis=-1)
"""
ANN = """def mix(a, b, t):
    return ops.where(a > b, ops.exp(a) - ops.cumsum(b, axis=1), t / ops.max(a + b))
"""
BEN = """def mix(a, b, t):
    while t > 0.1:
        a, t = ops.roll(a, 2, axis=0) @ b, t - ops.mean(b) / 7
    return a
"""
CEM = """class Mix:
    def __call__(self, a, b, t):
        return {name: v[::-1] for name, v in enumerate([a, b][: int(t)])}
"""
OTHERS = {"ann": ANN, "ben": BEN, "cem": CEM}


def found(texts, given=(GIVEN,), most=3):
    return similar({who: GIVEN + text for who, text in texts.items()}, given, most, pairs=20)


def test_copy_in_disguise_is_found_and_nobody_else():
    (pair,) = found({**OTHERS, "dan": OWN, "eve": DISGUISED})
    assert (pair.first, pair.second) == ("dan", "eve")
    assert min(pair.shares) > 0.85
    lines = (GIVEN + DISGUISED).splitlines()
    first, last = min(p.second[0] for p in pair.passages), max(p.second[1] for p in pair.passages)
    assert lines[first].startswith("def blend")
    assert lines[last].startswith("    return ops.stack")


def test_what_was_given_out_makes_nobody_alike():
    assert found(OTHERS) == []
    assert found(dict.fromkeys(("ann", "ben"), "")) == []
    assert len(found(dict.fromkeys(("ann", "ben"), ""), given=())) == 1


def test_what_many_write_makes_nobody_alike():
    assert len(found(dict.fromkeys("abc", OWN))) == 3
    assert found(dict.fromkeys("abcd", OWN)) == []


def test_shared_passage_of_a_window_is_always_seen():
    rng, words = random.Random(5), [f"{a}{b}(" for a in "bcdfg" for b in "aeiou"]
    for size in (LEAST, 2 * LEAST):
        for _ in range(20):
            passage, sides = rng.choices(words, k=(size + 1) // 2), []
            for _ in range(2):
                before, after = (rng.choices(words, k=rng.randrange(3, 30)) for _ in range(2))
                sides.append(" ".join([*before, *passage, *after]))
            (pair,) = similar({"a": sides[0], "b": sides[1]}, (), 3, 20)
            assert pair.tokens >= size


def test_every_token_is_counted_once():
    (pair,) = similar({"a": OWN, "b": OWN + OWN}, (), 3, 20)
    assert pair.tokens == len(tokens_of(OWN))
    assert pair.shares[0] == 1


@pytest.mark.parametrize("text", ["", "'", "'''" * 999, '"\\', "\x00\ud800", "#", "((((" * 9999, "é_1 = 0x1_f"])
def test_any_text_can_be_read(text):
    similar({"a": text, "b": text}, (text,), 3, 5)
    assert all(token.line <= text.count("\n") for token in tokens_of(text))


def test_page_shows_what_was_written_as_text():
    texts = {"<i>ann</i>": f"<script>alert(1)</script>\n{OWN}", "ben": DISGUISED}
    pairs = similar(texts, (), 3, 20)
    page = as_page(Similarity(NAME, texts, 3, pairs, ["<b>cem</b>"]))
    assert "not a verdict" in page
    assert "def mix(image, other, share)" in page
    assert "&lt;i&gt;ann" in page
    assert not re.search(r"<(script|i|b|link|img)\b|https?://|src=", page)


def test_command_shows_passages_side_by_side(tmp_path):
    course = new_course(tmp_path)
    for who, text in {**OTHERS, "dan": OWN, "eve": DISGUISED}.items():
        course.hand_in(who, {AXES: text.replace("mix", "broadcast_embedding"), STEP: "denoise_step = None"})
    course.hand_in_text("fay", "{")
    line = ["similar", NAME, "--course", str(tmp_path), "--html", str(tmp_path / "alike.html")]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    assert "not a verdict" in done.output
    assert re.search(r"def broadcast_embedding.*def blend", done.output)
    assert "ann" not in done.output
    assert (tmp_path / "alike.html").stat().st_mode & 0o077 == 0
    assert "Missing or not readable:\nfay" in (tmp_path / "alike.html").read_text()


def test_command_needs_two_submissions(tmp_path):
    course = new_course(tmp_path)
    course.hand_in("ann", {})
    done = CliRunner().invoke(app, ["similar", NAME, "--course", str(tmp_path)])
    assert done.exit_code == 2
    assert "two submissions" in done.output
