"""What `check` knows of the notebook that it runs in: who runs its cells, and which cell made an object."""

import os
import re
from typing import Any

from autograder.adapters.ipython_parts import asks_for_input
from autograder.sitting.run import interactive_shell

DEFINITION = re.compile(r"^(?:class|def)\s+(\w+)", re.MULTILINE)
CHECKED = re.compile(r"""^\s*check\(\s*["'][\w-]+["']\s*,\s*([A-Za-z_]\w*)\s*\)\s*$""")


class Missing:
    """Stands, while a check cell runs, for an object that does not exist, so that Python need not raise a NameError.

    Args:
        text: what to say about it.
    """

    def __init__(self, text: str) -> None:
        self.text = text


def somebody_is_there() -> bool:
    """Whether a person runs the cells, so that a failed check may let those behind it run on.

    Only what is known for certain counts: a kernel whose frontend can be asked for input, which is so in Jupyter, Colab
    and VS Code, and never where a program runs a notebook (nbclient, and nbgrader by it, which also says so itself).
    There, and wherever nothing is known, a failed check must raise: an exception is what takes the points.
    """
    by_nbgrader = any(name.startswith("NBGRADER_") for name in os.environ)
    return asks_for_input(interactive_shell()) and not by_nbgrader


class _Definitions:
    """Remembers which cell defined a class or function, and takes the old one away where its cell fails anew; lets a
    check tell itself of an object that is missing.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.before: dict[str, Any] = {}
        self.cells: dict[str, tuple[int, Any]] = {}
        self.missing = ""

    def before_cell(self, info: Any) -> None:
        source = info.raw_cell or ""
        self.before = {name: self.shell.user_ns.get(name) for name in DEFINITION.findall(source)}
        checked = CHECKED.match(source)
        watcher = getattr(self.shell, "_autograder_watcher", None)
        if checked and watcher and checked[1] not in self.shell.user_ns:
            self.missing = checked[1]
            self.shell.user_ns[self.missing] = Missing(watcher.explain(self.missing))

    def after_cell(self, result: Any) -> None:
        for name, old in self.before.items():
            new = self.shell.user_ns.get(name)
            if new is not None and new is not old:
                self.cells[name] = (result.execution_count, new)
            elif new is not None and not result.success:
                del self.shell.user_ns[name]  # its text is no longer what stands in the cell
        self.before = {}
        if self.missing:
            self.shell.user_ns.pop(self.missing, None)
            self.missing = ""


def watch_definitions() -> None:
    """Starts watching the running notebook, once; outside IPython it does nothing."""
    shell = interactive_shell()
    if shell is None or hasattr(shell, "_autograder_definitions"):
        return
    watcher = shell._autograder_definitions = _Definitions(shell)
    shell.events.register("pre_run_cell", watcher.before_cell)
    shell.events.register("post_run_cell", watcher.after_cell)


def made_in(made: Any) -> str:
    """Which cell defines an object, in words; "" where that is not known."""
    watcher = getattr(interactive_shell(), "_autograder_definitions", None)
    for name, (count, defined) in watcher.cells.items() if watcher else ():
        if defined is made and count:
            return f"`{name}` as cell [{count}] defines it"
    return ""
