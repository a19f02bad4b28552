"""What notebooks do in Colab and cannot do in an exam: magics that there are not, packages that are absent.

None of it need cost a point. A magic that only sets up a session is ignored with a note; a package that is absent
becomes a stand-in, which raises where it is used and not where it is imported.
"""

import ast
import re
import sys
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from autograder.sitting.packages import absent_text, is_absent, package_of

# Line magics that only set up a session: if one cannot do that here, the cell goes on.
SET_UP_MAGICS = ("load_ext", "reload_ext", "unload_ext", "config", "pylab", "gui", "cd", "xmode", "colors")
INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")  # as magics
INSTALL = re.compile(r"\s*(?:sudo\s+)?(?:[\w./-]*python[\d.]*\s+-m\s+)?(?:pip[\d.]*|uv|conda|mamba|apt|apt-get)\s")
CELL_MAGIC = re.compile(r"%%(?P<name>\w+)[^\n]*\n?")
LIKE = {"shell": "bash"}  # Colab's name for what IPython has
OTHER_LANGUAGES = ("R", "bigquery", "cython", "cuda", "cu", "cpp", "sql", "julia", "octave")
MAKE = "__import__('autograder.sandbox.inner.colab_habits', fromlist=['Absent']).Absent({module!r})"


def note(what: str) -> None:
    """Tells the learner what was passed over."""
    print(f"{what.strip()} is ignored while a notebook is graded", file=sys.stderr)


class ColabHabits(InteractiveShell):
    """An IPython shell that goes on where a Colab notebook asks for what is not there."""

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Runs a line magic; one that there is not, or that sets up what there is not, is ignored with a note."""
        known = self.find_line_magic(magic_name) is not None and magic_name not in INSTALLERS
        if not known or (magic_name == "matplotlib" and line.strip() not in ("inline", "-l", "--list")):
            return note(f"%{magic_name} {line}")
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except UsageError:
            return note(f"%{magic_name} {line}")
        except Exception:
            if magic_name not in SET_UP_MAGICS:
                raise
            return note(f"%{magic_name} {line}")

    def system(self, cmd: str) -> Any:
        """Runs a `!command`; one that installs packages would only wait for a network that is not there."""
        return note(f"!{cmd}") if INSTALL.match(cmd) else super().system(cmd)

    def pass_over_cell_magic(self, lines: list[str]) -> list[str]:
        """An input transformer: without an unknown cell magic its cell runs as Python, if it is Python."""
        found = CELL_MAGIC.match(lines[0]) if lines else None
        if found is None or self.find_cell_magic(found["name"]) is not None:
            return lines
        if found["name"] in LIKE:
            return [f"%%{LIKE[found['name']]}\n", *lines[1:]]
        told = lines[0].strip() if found["name"] not in OTHER_LANGUAGES else f"The cell of {lines[0].strip()}"
        first = f"__import__({__name__!r}, fromlist=['note']).note({told!r})\n"
        return [first] if found["name"] in OTHER_LANGUAGES else [first, *lines[1:]]


ASKED_FOR: list[str] = []  # the absent packages that this notebook imported


def asked_for(module: str) -> bool:
    """Remembers an absent module's package; whether it is a new one."""
    package = package_of(module)
    if package in ASKED_FOR:
        return False
    ASKED_FOR.append(package)
    return True


class Absent:
    """Stands for an absent module, or for what was imported from one.

    Args:
        module: its name.

    Raises:
        ModuleNotFoundError: whenever it is used.
    """

    def __init__(self, module: str):
        self._module = module
        if asked_for(module):
            print(absent_text(module), file=sys.stderr)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise ModuleNotFoundError(absent_text(self._module), name=self._module)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # what IPython and Python themselves look for
            raise AttributeError(name)
        self._refuse()

    __call__ = __getitem__ = __iter__ = __len__ = __enter__ = __mro_entries__ = _refuse
    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = __matmul__ = _refuse


class AbsentImports(ast.NodeTransformer):
    """Makes a cell's own imports of absent packages go on; those within `try` or a function stay as they are."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [new for statement in node.body for new in _lenient(statement)]
        return ast.fix_missing_locations(node)


def _lenient(statement: ast.stmt) -> list[ast.stmt]:
    """A statement, with stand-ins in place of what it imports from absent packages."""
    if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        if not is_absent(statement.module):
            return [statement]
        names = [alias.asname or alias.name for alias in statement.names if alias.name != "*"] or ["_"]
        return [made for name in names for made in _stand_in(name, statement.module, statement)]
    if not isinstance(statement, ast.Import) or not any(is_absent(alias.name) for alias in statement.names):
        return [statement]
    there = [alias for alias in statement.names if not is_absent(alias.name)]
    kept: list[ast.stmt] = [ast.copy_location(ast.Import(there), statement)] if there else []
    absent = [alias for alias in statement.names if is_absent(alias.name)]
    return kept + [
        made
        for alias in absent
        for made in _stand_in(alias.asname or alias.name.partition(".")[0], alias.name, statement)
    ]


def _stand_in(name: str, module: str, statement: ast.stmt) -> list[ast.stmt]:
    made = ast.parse(f"{name} = {MAKE.format(module=module)}").body
    return [ast.copy_location(each, statement) for each in made]
