"""A learner's blocks out of their own exercise notebooks, run by themselves on their own machine.

This is no sandbox: what stands in a notebook is done. Grading has its own way, see `autograder.sandbox`.
"""

import ast
import json
import sys
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.drawing.own_unet import NAMES


def blocks_of(notebooks: Iterable[str | PathLike]) -> tuple[dict[str, Any], list[str]]:
    """The blocks that notebooks define.

    Every code cell is run, whatever the one before it did; `check`, `draw` and their like do nothing, and nothing is
    installed. What a notebook imports is not the learner's and is left out. Of a block in two notebooks, the later one
    counts.

    Args:
        notebooks: paths of `.ipynb` files, in the order of the course.

    Returns:
        `(blocks, notes)`: classes and functions by name, any of `own_unet.NAMES`; and a line for each cell that failed.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file is no notebook.
    """
    blocks: dict[str, Any] = {}
    notes: list[str] = []
    for path in map(Path, notebooks):
        module = _module(path)
        for number, source in enumerate(_cells(path), start=1):
            try:
                exec(compile(_without_installing(source), f"{path.name}, cell {number}", "exec"), vars(module))
            except Exception as error:
                notes.append(f"{path.name}, cell {number}: {type(error).__name__}: {error}")
        own = {name: vars(module).get(name) for name in NAMES}
        blocks |= {name: thing for name, thing in own.items() if getattr(thing, "__module__", "") == module.__name__}
    return blocks, notes


def _module(path: Path) -> ModuleType:
    """A module for a notebook's names, known to Python, so that classes find their way home."""
    module = ModuleType(f"notebook_{path.stem.replace('-', '_')}")
    sys.modules[module.__name__] = module
    return module


def _cells(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"A notebook must be a file. Received: {path}")
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"A notebook must be a .ipynb file, as Colab downloads it. Received: {path} ({error})"
        ) from error


class _Quietly(ast.NodeTransformer):
    """Takes out what installs, checks and draws: the set-up's `try` around Colab, and what `autograder` offers."""

    def visit_Try(self, node: ast.Try):
        imports = [name.name for part in node.body if isinstance(part, ast.Import) for name in part.names]
        return None if "google.colab" in imports else self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom):
        if node.module != "autograder":
            return node
        names = [name.asname or name.name for name in node.names if name.name != "*"]
        return [ast.parse(f"{name} = lambda *arguments, **keywords: None").body[0] for name in names]


def _without_installing(source: str) -> ast.Module:
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("!", "%"))]
    return ast.fix_missing_locations(_Quietly().visit(ast.parse("\n".join(lines))))
