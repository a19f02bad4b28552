"""Says why the rest of the package is not there while a notebook is graded."""

import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType

FILES = ("notebooks", "check_cells", "fair_settings", "scales", "whole_files", "addresses", "notebook_end")
ROOMS = ("reference", "small_model", "drawing", "questions", "exam", "classroom", "cli", *FILES)
OUTER = tuple(f"sandbox.{module}" for module in ("bubblewrap", "control_groups", "probe", "reader", "worker"))


class ImportGuard:
    """A finder for `sys.meta_path` that gives a reason in place of "No module named ..."."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Refuses what belongs to the grader; leaves everything else to the other finders.

        Raises:
            ModuleNotFoundError: for the grader's modules.
        """
        package, _, rest = name.partition(".")
        if package == "autograder" and any(f"{rest}.".startswith(f"{module}.") for module in ROOMS + OUTER):
            text = f"{name} is not there while a notebook is graded: hand in code of your own, not the course's"
            raise ModuleNotFoundError(text, name=name)
        return None


def guard_imports() -> None:
    """Installs the finder, once."""
    if ImportGuard not in sys.meta_path:
        sys.meta_path.insert(0, ImportGuard)
