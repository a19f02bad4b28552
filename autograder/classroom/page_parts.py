"""A notebook's cells as HTML for a page that learners get back: text, code, and what it gave. Nothing in it runs."""

import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer

from autograder.classroom.colour_code import slow_to_colour
from autograder.classroom.mathematics import mathml
from autograder.classroom.safe_pictures import PICTURE_TYPES

DEEPER = 2  # levels that the headings of a notebook go down: the page has its own
LIGHT, DARK = "a11y-high-contrast-light", "a11y-high-contrast-dark"  # Pygments styles, as on the site
NO_ALT = re.compile(r'alt="\s*"')


@dataclass
class Formulas:
    """The formulas of a page, set together at its end; until then a word that nobody can guess stands for each."""

    word: str = field(default_factory=lambda: secrets.token_hex(16))
    found: list[tuple[str, bool]] = field(default_factory=list)

    def stand_in(self, tex: str, display: bool) -> str:
        """What stands for a formula."""
        self.found.append((tex, display))
        return f"{self.word}-{len(self.found) - 1}-"

    def fill(self, page: str) -> str:
        """The page with its formulas."""
        made = mathml(self.found)
        return re.sub(rf"{self.word}-(\d+)-", lambda number: made[int(number[1])], page)


class _Renderer(IPythonRenderer):
    """Markdown as nbconvert reads it, with formulas, headings and pictures as the page wants them."""

    def __init__(self, formulas: Formulas, alt: str, attachments: dict[str, Any]):
        super().__init__(escape=False, exclude_anchor_links=True, attachments=attachments)
        self.formulas, self.alt = formulas, alt

    def inline_math(self, body: str) -> str:
        return self.formulas.stand_in(body, False)

    def block_math(self, body: str) -> str:
        return self._own_line(body)

    def latex_environment(self, name: str, body: str) -> str:
        return self._own_line(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def _own_line(self, tex: str) -> str:
        set_later = self.formulas.stand_in(tex, True)
        return f'<div class="formula" tabindex="0" role="group" aria-label="formula">{set_later}</div>'

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return super().heading(text, min(level + DEEPER, 6), **attrs)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return NO_ALT.sub(f'alt="{html.escape(self.alt)}"', super().image(text, url, title))


def markdown(text: str, formulas: Formulas, alt: str, attachments: dict[str, Any] | None = None) -> str:
    """Markdown as HTML.

    Args:
        text: as it stands in the notebook, made safe already.
        formulas: collects the formulas.
        alt: what a picture without a text of its own is called.
        attachments: the cell's pictures.
    """
    return MarkdownWithMath(renderer=_Renderer(formulas, alt, attachments or {})).render(text)


def code(text: str) -> str:
    """Python with its colours, where that takes no longer than its author deserves."""
    lexer = TextLexer() if slow_to_colour(text) else PythonLexer()
    return highlight(text, lexer, HtmlFormatter(nowrap=True))


def code_style() -> str:
    """The colours of code, for light and for dark pages."""
    dark = HtmlFormatter(style=DARK).get_style_defs(".code")
    return f"{HtmlFormatter(style=LIGHT).get_style_defs('.code')}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


@dataclass(frozen=True)
class Output:
    """What a cell gave: a text, or a picture as an address that holds it."""

    text: str = ""
    picture: str = ""
    error: bool = False


def outputs(cell: NotebookNode) -> list[Output]:
    """A code cell's outputs. Of all kinds that there are only texts and pictures are shown."""
    return [shown for output in cell.get("outputs", []) if (shown := _output(output))]


def _output(output: NotebookNode) -> Output | None:
    if output.output_type == "stream":
        return Output(text=strip_ansi(output.text).rstrip("\n"))
    if output.output_type == "error":
        return Output(text=strip_ansi("\n".join(output.traceback) or f"{output.ename}: {output.evalue}"), error=True)
    data = output.get("data", {})
    for kind in PICTURE_TYPES:
        if kind in data:
            return Output(picture=f"data:{kind};base64,{''.join(str(data[kind]).split())}")
    return Output(text=strip_ansi(str(data["text/plain"]))) if "text/plain" in data else None


def said(cell: NotebookNode) -> str:
    """All texts of a cell's outputs."""
    return "\n".join(output.text for output in outputs(cell))
