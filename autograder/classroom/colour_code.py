"""Colours the code in nbgrader's pages, in a time that its author does not decide.

Pygments looks for the next word behind any number of blank lines, from each of them anew: 200,000 of them in one cell,
which are nothing to Python, take it an hour.
"""

import re
from typing import Any

from nbconvert.filters.highlight import Highlight2HTML

MAX_COLOURED = 50_000  # characters of a cell; an answer has some thousand
BLANKS = re.compile(r"\s{200}")


def slow_to_colour(source: str) -> bool:
    """Whether a cell's code is shown as plain text."""
    return len(source) > MAX_COLOURED or BLANKS.search(source) is not None


def colour_code(source: str, language: str | None = None, metadata: Any = None) -> str:
    """A cell's code as HTML. Jinja's filter `highlight_code` of nbconvert's pages, see nbgrader_config.py.

    Args:
        source: the code, whoever wrote it.
        language: Pygments' name for it; None is Python.
        metadata: the cell's, which may name another language of a magic.
    """
    plain = slow_to_colour(source)
    return str(Highlight2HTML()(source, "text" if plain else language or "python", None if plain else metadata))
