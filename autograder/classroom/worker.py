"""Autogrades one submission with nbgrader's own steps, in a process and a directory of its own.

The gradebook that nbgrader writes to here is a copy that holds the exercise alone; the run enters the results in the
real one, which so has one writer.
"""

import json
import os
import traceback
import warnings
from pathlib import Path
from typing import Any

from autograder.notebooks import collecting_logger, load_config

RESULT = "result.json"


def make_place(place: Path, template: Path, student: str, name: str, content: bytes) -> Path:
    """Lays out the worker's directory: the notebook, no other file of the student's, and the copied gradebook."""
    directory = place / "submitted" / student / name
    directory.mkdir(parents=True)
    (directory / f"{name}.ipynb").write_bytes(content)
    (place / "gradebook.db").write_bytes(template.read_bytes())
    return place


def autograde(place: Path, settings: Path, name: str, environment: dict[str, str]) -> None:
    """Runs in the worker's process. Writes `RESULT`, and the autograded notebook where nbgrader puts it.

    Args:
        place: the directory of `make_place`.
        settings: the directory with nbgrader_config.py.
        name: the exercise.
        environment: variables for the kernel.
    """
    os.environ.update(environment)
    warnings.simplefilter("ignore")
    with Path(os.devnull).open("w") as nowhere:  # what kernels write before a cell runs belongs to no one
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        result = _autograde(place, settings, name)
    except BaseException as error:  # whatever it was, the run must hear of it
        result = {"phase": "starting", "error": repr(error), "trace": traceback.format_exc()}
    (place / RESULT).write_text(json.dumps(result), encoding="utf-8")


def _autograde(place: Path, settings: Path, name: str) -> dict[str, Any]:
    from nbgrader.converters import Autograde, NbGraderException
    from nbgrader.coursedir import CourseDirectory

    class Converter(Autograde):
        """nbgrader's, which logs what went wrong, and where; this one remembers it."""

        phase = "reading"
        failure: Exception | None = None

        def _init_preprocessors(self) -> None:
            self.phase = "reading" if self._sanitizing else "running"
            super()._init_preprocessors()

        def convert_single_notebook(self, notebook_filename: str) -> None:
            try:
                super().convert_single_notebook(notebook_filename)
            except Exception as error:
                self.failure = error
                raise

    config = load_config(settings)
    log, words = collecting_logger("autograder.worker")
    directory = CourseDirectory(config=config, root=str(place), assignment_id=name, log=log)
    directory.root, directory.db_url = str(place), f"sqlite:///{place / 'gradebook.db'}"
    for step in ("submitted", "autograded"):
        setattr(directory, f"{step}_directory", step)
    converter = Converter(coursedir=directory, config=config, log=log)
    try:
        converter.start()
    except NbGraderException as error:
        failure = converter.failure or error
        return {"phase": converter.phase, "error": _first_line(failure), "trace": "\n".join(words)}
    return {"phase": "done", "error": None, "trace": ""}


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
