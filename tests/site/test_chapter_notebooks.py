"""Each chapter as a notebook: complete, plain, and opened from where it lies."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from chapter_notebooks import needed, without_glue
from notebook_text import NotebookText

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("[0-9][0-9]-*.md"))


@pytest.fixture(scope="module")
def notebooks(site):
    return {name: nbformat.read(site / "notebooks" / f"{name}.ipynb", as_version=4) for name in CHAPTERS}


def test_every_chapter_is_a_valid_notebook_of_plain_markdown(notebooks):
    for name, notebook in notebooks.items():
        nbformat.validate(notebook)
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        source = (BOOK / f"{name}.md").read_text("utf-8")
        assert re.findall(r"^#+ .*", text, re.MULTILINE) == re.findall(
            r"^#+ .*", re.sub(r"^```.*?^```", "", source, flags=re.DOTALL | re.MULTILINE), re.MULTILINE
        )
        assert not re.search(r"\{[\w:]+\}`|^```\{|PAGE/|TITLE/", text, re.MULTILINE), name
        assert text.count("<details>") == source.count('<details class="question">'), name


def test_numbers_in_the_text_are_those_of_the_page(notebooks, site):
    page = BeautifulSoup((site / "book" / "03-resblock.html").read_text("utf-8"), "html.parser")
    numbers = [tag.get_text() for tag in page.select("article .pasted-text")]
    assert len(numbers) > 3
    text = " ".join(cell.source for cell in notebooks["03-resblock"].cells)
    at = [text.index(number) for number in numbers]
    assert len(at) == len(numbers)


def test_code_uses_no_name_that_the_notebook_does_not_define(notebooks, tmp_path):
    """Cells that only dress the page are left out; nothing else may need them."""
    for name, notebook in notebooks.items():
        code = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        (tmp_path / f"{name}.py").write_text(code, "utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    run = subprocess.run([ruff, "check", "--isolated", "--select", "F821", tmp_path], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_links_under_the_title_open_the_chapter(site):
    url = yaml.safe_load((BOOK.parent / "_config.yml").read_text())["repository"]["url"]
    repository = url.removeprefix("https://github.com/")
    for name in CHAPTERS:
        page = BeautifulSoup((site / "book" / f"{name}.html").read_text("utf-8"), "html.parser")
        links = [link["href"] for link in page.select("h1 + .run-chapter a")]
        assert links == [
            f"https://colab.research.google.com/github/{repository}/blob/notebooks/{name}.ipynb",
            f"https://www.kaggle.com/kernels/welcome?src={url}/blob/notebooks/{name}.ipynb",
            f"https://mybinder.org/v2/gh/{repository}/notebooks?labpath={name}.ipynb",
            f"../notebooks/{name}.ipynb",
        ]


def test_directives_and_roles_become_markdown():
    text = NotebookText("S/", "P", {"02-a": "A page"}, {"ho": "Ho, 2020"}, str, ["f"], {"g": "book/02-a"}, ["7"], TEXTS)
    text.count_equations("$$\nx\n$$ (eq-one)\n\n$$\ny\n$$ (eq-two)\n")
    made = {
        "{doc}`02-a`, {doc}`here <02-a>`": "[A page](S/book/02-a.html), [here](S/book/02-a.html)",
        "{term}`maps <map>` of {glue:text}`n`": "maps of 7",
        "{eq}`eq-two` {cite:p}`ho`": "(2) ([Ho, 2020](S/book/bibliography.html))",
        "{numref}`f`, {numref}`g`": "figure 1, [in A page](S/book/02-a.html#g)",
        "```{admonition} Note\n:class: tip\nOne\ntwo\n```": "> **Note**\n>\n> One\n> two",
        "$$\ny\n$$ (eq-two)": "$$\ny \\tag{2}\n$$",
        "```{live-unet} short\n```": "[live](S/book/02-a.html)",
    }
    for source, expected in made.items():
        assert text.markdown("02-a", source) == expected
    with pytest.raises(ValueError, match="Received: video in 02-a"):
        text.markdown("02-a", "```{video} x\n```")


def test_hidden_cell_keeps_what_later_cells_need():
    hidden = "from myst_nb import glue\nunet = load()  # once\nspare = 1\nglue('a', unet)\nmatplotlib.x = 2\n"
    assert needed(hidden, "print(unet)") == "unet = load()"
    assert needed(hidden, "print(unets)") == ""


def test_shown_cell_loses_only_what_fills_the_page():
    shown = (
        "from myst_nb import glue\nfor i in range(2):\n    print(i)  # both\n    glue(\n        'a', i\n    )\nprint(3)"
    )
    assert without_glue(shown) == "for i in range(2):\n    print(i)  # both\nprint(3)"


TEXTS = {"figure": "figure {number}", "figure_elsewhere": "in {title}", "live": "live", "picture": "UNet"}
