"""Tells the set-up cell of an earlier release of the course from one that a learner changed.

By its form: it imports what ours always imported, fetches the course's package in Colab and keeps messages away. The
released cell is run in its place in any case; this only decides whether that is worth a word.
"""

import ast
import re
from collections.abc import Iterable

MODULES = ("autograder", "keras", "matplotlib", "numpy", "os", "subprocess", "sys", "warnings")
QUIET_CALLS = ("os.environ.setdefault", "warnings.filterwarnings")
PACKAGE = "git+https://"
MAX_LENGTH = 5_000  # characters


def is_former_setup(theirs: str, released: str, others: Iterable[str]) -> bool:
    """Whether a set-up cell is one of ours, of another release, whose names nobody misses.

    Args:
        theirs: the cell as it was handed in.
        released: the cell that runs in its place.
        others: the texts of the learner's other cells of code: a name that only `theirs` imports must not be in them.
    """
    mine, ours = _statements(theirs), _statements(released)
    try:
        known = all(_is_import(one) or _fetches(one) or _keeps_quiet(one) for one in mine)
    except RecursionError:  # Python reads deeper expressions than it writes
        return False
    if not mine or not known:
        return False
    bound, there = _bound(mine), _bound(ours)
    if any(there[name] != origin for name, origin in bound.items() if name in there):
        return False
    lost = bound.keys() - there.keys()
    return not lost or lost.isdisjoint(word for text in others for word in re.findall(r"\w+", text))


def _statements(source: str) -> list[ast.stmt]:
    """The top-level statements of a cell; none of a text that is no Python or far too long for ours."""
    try:
        return ast.parse(source).body if len(source) <= MAX_LENGTH else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _is_import(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.level == 0 and _known(statement.module or "")
    return isinstance(statement, ast.Import) and all(_known(alias.name) for alias in statement.names)


def _known(module: str) -> bool:
    return module.split(".")[0] in MODULES


def _fetches(statement: ast.stmt) -> bool:
    """`try: import google.colab`, `except ImportError: pass`, `else:` fetch the package by pip."""
    if not isinstance(statement, ast.Try) or statement.finalbody or len(statement.orelse) != 2:
        return False
    begins = [ast.unparse(one) for one in statement.body] == ["import google.colab"]
    passes = [ast.unparse(one) for one in statement.handlers] == ["except ImportError:\n    pass"]
    named, fetched = statement.orelse
    package = isinstance(named, ast.Assign) and ast.unparse(named).startswith(f"package = '{PACKAGE}")
    if isinstance(fetched, ast.If):  # and raises if that fails
        raises = len(fetched.body) == 1 and isinstance(fetched.body[0], ast.Raise) and not fetched.orelse
        call = fetched.test.value if isinstance(fetched.test, ast.Attribute) and raises else None
    else:
        call = fetched.value if isinstance(fetched, ast.Expr) else None
    installs = isinstance(call, ast.Call) and ast.unparse(call).startswith(
        "subprocess.run([sys.executable, '-m', 'pip'"
    )
    return begins and passes and package and installs


def _keeps_quiet(statement: ast.stmt) -> bool:
    """`os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")` and the like: one of two calls, of constants."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) not in QUIET_CALLS:
        return False
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) for value in values)


def _bound(statements: list[ast.stmt]) -> dict[str, str]:
    """The names that imports bind, each with what it stands for."""
    found = {}
    for one in statements:
        if isinstance(one, ast.Import):
            for alias in one.names:
                whole = alias.name if alias.asname else alias.name.split(".")[0]
                found[alias.asname or whole] = whole
        elif isinstance(one, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{one.module}.{alias.name}" for alias in one.names}
    return found
