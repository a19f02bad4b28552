"""What a check cell says when the object it checks does not exist, because an earlier cell failed.

`check("resblock-same", ResBlock)` is evaluated by Python before our code sees it, so a missing class would be a bare
NameError. In a notebook we remember which cells failed, and tell of the one that should have made the name.
"""

import re
import traceback
from typing import Any

from autograder.sitting.exceptions import STUB_TEXT, code_below, learner_line
from autograder.sitting.run import interactive_shell

BACKEND = re.compile(r"No module named '(jax|jaxlib|torch|tensorflow)\b")
CHECK_CALL = re.compile(r"^\s*check\(", re.MULTILINE)


class MissingAnswer(Exception):
    """Raised in place of the NameError of a check cell. Its text is the feedback."""

    def _render_traceback_(self) -> list[str]:
        return [f"CheckFailed: {self}"]


class _Watcher:
    """Remembers the last error of each failed cell by the names that the cell would have defined."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, BaseException]] = []

    def after_cell(self, result: Any) -> None:
        error = result.error_before_exec or result.error_in_exec
        if error is not None and not CHECK_CALL.search(result.info.raw_cell or ""):
            self.failures.append((result.info.raw_cell or "", error))

    def explain(self, name: str) -> str:
        """What to say about the missing `name`."""
        maker = re.compile(rf"^\s*(?:class|def)\s+{re.escape(name)}\b|^\s*{re.escape(name)}\s*=", re.MULTILINE)
        for source, error in reversed(self.failures):
            if maker.search(source):
                return _failed(name, error)
        return f"`{name}` does not exist: no cell that ran defines it. Run the cells above, from the top."


def _failed(name: str, error: BaseException) -> str:
    """What to say about a `name` whose cell ended in `error`."""
    line = learner_line(error) or (getattr(error, "text", None) or "").strip()
    if isinstance(error, NotImplementedError) and str(error) == STUB_TEXT:
        if code_below(error):
            return (
                f"`{name}` does not exist: `{line}` still stands above your code, and ends its cell. Delete that line."
            )
        return f"`{name}` is not written yet (its cell raises NotImplementedError)."
    at = f", at your line `{line}`" if line else ""
    what = traceback.format_exception_only(error)[-1].strip()
    text = f"`{name}` does not exist, because the cell that defines it failed{at}:\n  {what}"
    backend = BACKEND.search(str(error)) if isinstance(error, ModuleNotFoundError) else None
    if backend:
        text += (
            f"\nThe backend {backend[1]} is not installed here. Nothing in an answer needs one by name: `keras.ops`."
        )
    return text


def watch_notebook() -> None:
    """Starts watching the running notebook, once; outside IPython it does nothing."""
    shell = interactive_shell()
    if shell is None or hasattr(shell, "_autograder_watcher"):
        return
    watcher = shell._autograder_watcher = _Watcher()
    shell.events.register("post_run_cell", watcher.after_cell)

    def on_name_error(shell: Any, kind: type, error: NameError, frames: Any, tb_offset: int | None = None) -> None:
        last = traceback.extract_tb(frames)[-1] if frames is not None else None
        if error.name and last is not None and CHECK_CALL.match(last.line or ""):
            error = MissingAnswer(watcher.explain(error.name))  # type: ignore[assignment]
            kind = MissingAnswer
        shell.showtraceback((kind, error, frames), tb_offset=tb_offset)

    shell.set_custom_exc((NameError,), on_name_error)
