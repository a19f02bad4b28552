"""`preflight`: says in the notebook itself what would be graded, before it is handed in.

It reads what this session's checks have said, the notebook's text where that can be had (Colab, Jupyter, VS Code), and
which cells were run. It decides nothing and never raises: where a notebook is graded it is a cell like any other.
"""

import functools
import json
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.exam.guide import PROGRESS, Progress, notebook_of
from autograder.questions.catalogue.texts import LANGUAGE
from autograder.sitting.run import interactive_shell

SECONDS = 10  # to wait for Colab's page
MAX_FILE = 100_000_000  # bytes of a notebook
CALL = re.compile(r"^\s*preflight\(", re.MULTILINE)


def preflight(exercise: str) -> None:
    """Prints what would be graded.

    Args:
        exercise: its name, for example "03-resblock".
    """
    try:
        said = report(exercise)
    except Exception as error:  # nothing here may cost a learner anything
        said = _texts()["failed"].format(error=type(error).__name__)
    print(said)


def report(exercise: str, progress: Progress = PROGRESS) -> str:
    """What `preflight` prints."""
    texts, questions = _texts(), notebook_of(exercise)
    if not questions:
        return texts["unknown"].format(exercise=exercise)
    outcomes = {question: _outcome(question, progress) for question in questions}
    whole = sum(said["points"] for said in questions.values())
    done = sum(progress.earned(question, said["points"]) for question, said in questions.items())
    width = max(map(len, questions))
    lines = [texts["heading"].format(exercise=exercise)]
    lines += [f"  {q:{width}}  {questions[q]['points']:>2}  {texts['outcomes'][o]}" for q, o in outcomes.items()]
    lines.append(texts["points"].format(done=f"{done:g}", whole=whole))
    noticed = _noticed(exercise, questions)
    ready = done == whole and not noticed.keys() & {"gone", "edited", "order"}
    lines += [texts[key].format(names=names) for key, names in noticed.items()]
    return "\n".join([*lines, texts["ready" if ready else "not_ready"]])


@functools.cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(f"hand_in.{LANGUAGE}.toml").read_text(encoding="utf-8"))


def _outcome(question: str, progress: Progress) -> str:
    if progress.passed(question):
        return "right"
    if question in progress.unwritten:
        return "unwritten"
    return "wrong" if question in progress.verdicts else "not_run"


def _noticed(exercise: str, questions: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What there is to say of the notebook's text and the order of its cells: keys of the texts, and names in them."""
    notebook, saved = read_notebook(exercise)
    cells = [_source(cell) for cell in notebook if cell.get("cell_type") == "code"]
    if not cells:
        return {"unread": ""}
    found = {"saved": ""} if saved else {}
    missing = {question: said["check"] for question, said in questions.items() if said["check"].strip() not in cells}
    edited = [question for question in missing if any(_checks(question, cell) for cell in cells)]
    gone = [question for question in missing if question not in edited]
    found |= {key: ", ".join(names) for key, names in (("gone", gone), ("edited", edited)) if names}
    return found | {"fresh" if ran_in_order(cells, _history()) else "order": ""}


def _checks(question: str, cell: str) -> bool:
    return re.search(rf"""check\(\s*["']{re.escape(question)}["']""", cell) is not None


def ran_in_order(cells: Iterable[str], history: Iterable[str]) -> bool:
    """Whether a session ran a notebook's cells once each from the top up to the call of `preflight`, and nothing else.

    Args:
        cells: the texts of the notebook's code cells.
        history: the texts of what was run, in order, the cell that now runs included.
    """
    ran = [text.strip() for text in history if text.strip()]
    wanted = [text for text in cells if text]
    end = next((number for number, text in enumerate(wanted) if CALL.search(text)), len(wanted))
    return ran == wanted[: end + 1]


def _history() -> list[str]:
    manager = getattr(interactive_shell(), "history_manager", None)
    return list(getattr(manager, "input_hist_raw", []))


def read_notebook(exercise: str) -> tuple[list[dict[str, Any]], bool]:
    """The notebook's cells, none where they cannot be had; and whether they are as last saved, not as they stand."""
    if (cells := _from_colab()) is not None:
        return cells, False
    shell = interactive_shell()
    named = [os.environ.get("JPY_SESSION_NAME", ""), str(getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__", ""))]
    for path in (*(Path(name) for name in named if name.endswith(".ipynb")), Path(f"{exercise}.ipynb")):
        if path.is_file() and path.stat().st_size < MAX_FILE:
            return _cells(json.loads(path.read_text(encoding="utf-8"))), True
    return [], False


def _from_colab() -> list[dict[str, Any]] | None:
    try:
        from google.colab import _message  # type: ignore[import-not-found]
    except ImportError:
        return None
    answer = _message.blocking_request("get_ipynb", timeout_sec=SECONDS) or {}
    return _cells(answer.get("ipynb"))


def _cells(notebook: Any) -> list[dict[str, Any]]:
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return ("".join(source) if isinstance(source, list) else str(source)).strip()
