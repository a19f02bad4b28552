"""The table of claims: `{claims} FILE` shows a data file's claims, each with a link to the cell that shows it.

A claim's `shown` is the name of a cell's figure, or a line of a code cell; then the link leads to the heading above.
"""

import re
import tomllib
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

CELL = re.compile(r"^```\{code-cell\}.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FIGURE = re.compile(r"^\s+name: (fig-\S+)$", re.MULTILINE)
WORDS = ("claim", "shown in", "on")


def cells_of(chapter):
    """The code cells of a chapter's source: pairs of the heading above a cell, and its text."""
    outside = CELL.sub(lambda cell: re.sub(r"[^\n]", " ", cell[0]), chapter)  # a comment in a cell is no heading
    headings = [(found.start(), found[1]) for found in HEADING.finditer(outside)]
    return [
        ([text for start, text in headings if start < cell.start()][-1], cell[0]) for cell in CELL.finditer(chapter)
    ]


def figures_of(chapter):
    """The names of the figures that cells of a chapter draw."""
    return [name for _, cell in cells_of(chapter) for name in FIGURE.findall(cell)]


def place_of(chapter, shown):
    """Where a claim is shown: the heading above the cell, and the anchor to link to.

    Raises:
        ValueError: if no cell of the chapter shows it.
    """
    for heading, cell in cells_of(chapter):
        if shown in FIGURE.findall(cell):
            return heading, shown
        if shown in map(str.strip, cell.splitlines()):
            return heading, nodes.make_id(heading)
    raise ValueError(f"`shown` must be the name of a cell's figure or a whole line of a cell. Received: {shown!r}")


def table(data, chapters):
    """The claims as HTML. `chapters`: by name, the text of each chapter's source."""
    rows = [WORDS]
    for claim in data["claims"]:
        name = claim["chapter"]
        words, anchor = place_of(chapters[name], claim["shown"])
        link = f'<a href="{name}.html#{anchor}">{int(name[:2])}: {_text(words)}</a>'
        rows.append((_text(claim["says"]), link, _text(data["networks"][claim["network"]])))
    head, *body = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    head = head.replace("td>", "th>")
    inner = f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
    return f'<div class="pst-scrollable-table-container">{inner}</div>'


def _text(words):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words, quote=False))


class Claims(SphinxDirective):
    """`{claims} FILE`, a data file beside the page."""

    required_arguments = 1

    def run(self):
        folder = Path(self.env.doc2path(self.env.docname)).parent
        data = tomllib.loads((folder / self.arguments[0]).read_text(encoding="utf-8"))
        used = {claim["chapter"] for claim in data["claims"]}
        for file in (self.arguments[0], *(f"{name}.md" for name in used)):
            self.env.note_dependency(str(folder / file))
        chapters = {name: (folder / f"{name}.md").read_text(encoding="utf-8") for name in used}
        return [nodes.raw("", table(data, chapters), format="html")]


def setup(app):
    app.add_directive("claims", Claims)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
