"""The section of each exercise that says what would be graded, before it is handed in: the same in all of them."""

import tomllib
from pathlib import Path

import nbformat
from nbformat import NotebookNode

TEXTS = Path(__file__).with_name("notebook_end.en.toml")
HAND_IN = "## Hand in"  # how the last cell of an exercise of the course begins


def add_preflight(notebook: NotebookNode, name: str) -> None:
    """Puts the section before the last cell, if that says how to hand in.

    Its cells have no grade_id: a hand-in without them lacks nothing.
    """
    if not notebook.cells or not notebook.cells[-1].source.startswith(HAND_IN):
        return
    texts = tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    text = nbformat.v4.new_markdown_cell(texts["text"].strip(), id="preflight-text")
    code = nbformat.v4.new_code_cell(texts["code"].strip().format(name=name), id="preflight")
    notebook.cells[-1:-1] = [text, code]
