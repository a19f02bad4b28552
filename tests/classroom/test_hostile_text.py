"""Texts made to take a grader's time, or to act where they are shown: in a page, a table, a spreadsheet."""

import json
import time
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from autograder.classroom import mathematics, page_parts
from autograder.classroom.colour_code import MAX_COLOURED, colour_code
from autograder.classroom.export import safe_cell
from autograder.classroom.former_cells import is_former_setup
from autograder.classroom.preflight import _said
from autograder.classroom.rebuild import rebuild
from autograder.classroom.safe_markdown import safe_markdown
from autograder.exam.sanitise import one_line
from autograder.notebooks import load_config

NAME = "03-resblock"
SECONDS = 8.0  # what takes minutes without a bound, and tenths with one, on a machine that does much else


@pytest.fixture(scope="module")
def released(root: Path) -> str:
    return (root / "exercises" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def exporter(root: Path) -> HTMLExporter:
    return HTMLExporter(config=load_config(root))


@pytest.mark.parametrize(
    "code",
    [
        "x = 1" + "\n " * 99_000 + "<script>y",
        "x = 1" + "\n" * 199_000 + "<script>y",
        "x = 1" + " \t" * 99_000 + "<script>y",
        "x" * MAX_COLOURED + "<script>y",
        "a." * 90_000 + "<script>y",
    ],
)
def test_code_is_coloured_for_a_page_in_bounded_time(exporter: HTMLExporter, code: str):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    start = time.process_time()
    page, _ = exporter.from_notebook_node(notebook)
    assert time.process_time() - start < SECONDS
    for shown in (page, page_parts.code(code)):
        assert "<script>y" not in shown
        assert "&lt;script&gt;y" in shown
    assert time.process_time() - start < SECONDS


def test_code_is_coloured_as_nbconvert_does_it():
    code = Path(__file__).read_text()
    assert colour_code(code) == Highlight2HTML()(code, "python")
    assert colour_code(code, metadata={"magics_language": "html"}) == Highlight2HTML()(
        code, "python", {"magics_language": "html"}
    )


@pytest.mark.parametrize(
    "text", ["a" + " " * 19_000 + "b", ("a" + " " * 500) * 39, "a" + "\t " * 9_000 + "\u00a0" * 900]
)
def test_markdown_is_made_a_page_in_bounded_time(text: str):
    start = time.process_time()
    markdown2html_mistune(safe_markdown(text))
    assert time.process_time() - start < 0.3


@pytest.mark.parametrize("text", ["a" + " " * 199_000, "async " * 33_000, "a\n" * 90_000, "q0 = 1\n" * 25_000])
def test_a_notebook_of_the_longest_cells_is_rebuilt_in_bounded_time(released: str, text: str):
    notebook = json.loads(released)
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"], cell["id"] = {}, f"lost-{number}"
    setup = "import os as a" + "".join(f",os as b{n}" for n in range(400))
    own = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"][1:1] = [{**own, "source": setup, "id": "setup"}]
    notebook["cells"] += [{**own, "source": text} for _ in range(90)]
    content = json.dumps(notebook).encode()
    start = time.process_time()
    rebuilt = rebuild(content, released)
    assert time.process_time() - start < SECONDS
    assert any("no room" in warning for warning in rebuilt.warnings)


@pytest.mark.parametrize("text", ["os" + ".a" * 2_400 + "()", "x(" + "not " * 900 + "1)", "a" + "[0]" * 1_500])
def test_a_set_up_cell_too_deep_to_be_written_is_a_changed_one(text: str):
    assert not is_former_setup(text, "import keras", [])


@pytest.mark.parametrize(
    "text",
    [
        "=1",
        " =1",
        "\t=1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff-1",
        "\uff1d1",
        "\uff20x",
        "x;=1",
        "x; =1",
        'x;"=1',
        "x\t+1",
        "x\n@y",
    ],
)
def test_no_cell_and_no_part_that_a_spreadsheet_makes_one_of_starts_a_formula(text: str):
    safe = str(safe_cell(text))
    parts = [part for piece in safe.split(";") for line in piece.splitlines() for part in line.split("\t")]
    signs = ("=", "+", "-", "@", "\uff1d", "\uff20")
    assert not [part for part in parts if part.lstrip(' "\u00a0\u200b\ufeff').startswith(signs)]
    assert safe.replace("'", "") == text


def test_a_text_that_is_no_formula_stays_as_it_is():
    for text in ("a - b", "x=1; y", "Lee; Ann", "1;2", "it's", ""):
        assert safe_cell(text) == text


def test_marks_do_not_cover_the_lines_around():
    assert one_line("x" + "\u0301" * 300 + "y", 1000) == "x" + "\u0301" * 4 + "y"
    assert one_line("Việt ế नी צֳּ", 100) == "Việt ế नी צֳּ"
    assert "\u0301" * 5 not in safe_markdown("x" + "\u0301" * 300)


def test_what_a_notebook_says_in_preflight_does_not_act_on_the_terminal():
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="a\x1b]52;c;eA==\x1b\\b\x1b[2Jc", traceback=[])
    assert _said(nbformat.v4.new_code_cell(outputs=[error])) == "ValueError: abc"


def test_formulas_that_take_too_long_cost_no_one_else_theirs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mathematics, "_known", {})
    asked: list[int] = []

    def set_in(formulas):
        asked.append(sum(len(tex) for tex, _ in formulas))
        return [] if len(formulas) > 1 else [f"<math>{tex}</math>" for tex, _ in formulas]

    monkeypatch.setattr(mathematics, "_set", set_in)
    slow = [("x" * 4_000 + str(n), True) for n in range(2_000)]
    shown = mathematics.mathml([("a", False), *slow])
    assert asked[-1] <= mathematics.MAX_TOTAL
    assert shown[0] == "<code>a</code>"
    assert mathematics.mathml([("a", False)]) == ["<math>a</math>"]
