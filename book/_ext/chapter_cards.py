"""`{chapter-cards}`: a card for each chapter: its title, the question it answers, and about how long it takes.

The time is counted: the words of the chapter's prose at `WORDS` a minute, and `CELL` minutes for each cell of code that
is shown. What a reader sees is in `cards.LANGUAGE.json`; page_links.py fills in titles and questions.
"""

import json
import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

WORDS, CELL, STEP = 200, 0.5, 5  # words a minute of slow reading; minutes a cell; minutes that a time is rounded to
CELLS = re.compile(r"^```\{code-cell\}.*?^```$", re.DOTALL | re.MULTILINE)
NO_PROSE = (  # front matter, folded answers, directives that hold no prose, formulas
    re.compile(r"\A---.*?^---$", re.DOTALL | re.MULTILINE),
    re.compile(r"^<details.*?^</details>", re.DOTALL | re.MULTILINE),
    re.compile(r"^```\{(?:live-unet|unet-picture)\}.*?^```$", re.DOTALL | re.MULTILINE),
    re.compile(r"\$\$.*?\$\$", re.DOTALL),
)


def setup(app):
    app.add_directive("chapter-cards", ChapterCards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def minutes_of(source):
    """Minutes to read a chapter, from its text."""
    cells = [cell for cell in CELLS.findall(source) if "remove-cell" not in cell and "hide-input" not in cell]
    prose = CELLS.sub("", source)
    for pattern in NO_PROSE:
        prose = pattern.sub("", prose)
    minutes = len(re.findall(r"[A-Za-z]{2,}", prose)) / WORDS + CELL * len(cells)
    return max(STEP, STEP * round(minutes / STEP))


class ChapterCards(SphinxDirective):
    """`{chapter-cards}`, without arguments."""

    def run(self):
        root = Path(self.env.srcdir)
        texts_file = root / "book" / f"cards.{self.config.language}.json"
        texts = json.loads(texts_file.read_text("utf-8"))
        contents = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
        cards = []
        self.env.note_dependency(str(texts_file))
        for number, name in enumerate(chapters(contents), start=1):
            path = root / f"{name}.md"
            self.env.note_dependency(str(path))
            cards.append(card_html(texts, number, path.stem, path.read_text("utf-8")))
        return [nodes.raw("", f'<ol class="cards">{"".join(cards)}</ol>', format="html")]


def chapters(contents):
    """The files of the numbered chapters, in order."""
    return [chapter["file"] for part in contents["parts"] if part.get("numbered") for chapter in part["chapters"]]


def card_html(texts, number, name, source):
    """A chapter's card."""
    time = texts["minutes"].format(minutes=minutes_of(source))
    exercise = f" · {texts['exercise']}" if re.search(rf"^exercise: {name}$", source, re.MULTILINE) else ""
    return (
        f'<li class="card-of-chapter"><a href="PAGE/{name}">{number}. TITLE/{name}</a>'
        f"<p>QUESTION/{name}</p><p><small>{time}{exercise}</small></p></li>"
    )
