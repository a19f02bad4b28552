"""How nbgrader's own commands read notebooks: a submission through our intake, a source where we read it.

nbgrader parses a notebook before any preprocessor sees it, so one that cannot be parsed would have no grade. Classes
here are `exporter_class` of `Autograde` and `GenerateAssignment`; Formgrader's buttons and nbgrader's commands use them
alike.
"""

import os
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.converters.base import NbGraderException

from autograder.adapters.nbgrader_parts import is_first_pass
from autograder.check_cells import without_rubrics
from autograder.classroom.course import CHECKOUT
from autograder.classroom.intake import Unusable
from autograder.classroom.plugins import OUTCOME, REPAIRS
from autograder.classroom.published import note_published, set_edit_aside
from autograder.classroom.rebuild import rebuild_submission
from autograder.classroom.strays import notes_beside
from autograder.notebooks import exercise_names, load_config, release, source_notebook


class TolerantExporter(NotebookExporter):
    """Reads what was handed in as `autograder grade` does, and never raises for it.

    nbgrader autogrades in two passes: it reads submitted/STUDENT/NAME/NAME.ipynb and writes a clean copy to
    autograded/, then it reads and runs that copy. In the first pass the notebook is rebuilt from the released one. For
    a submission that cannot be used the released notebook stands in, with `metadata.autograder` = {"status": ...,
    "reason": ...}, which says that it is not to be run. A learner cannot set this: no metadata of theirs come through.
    """

    def __init__(self, **kw: Any) -> None:
        super().__init__(**kw)
        if getattr(self.parent, "assignments", None):
            self._keep_edits(self.parent)

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[NotebookNode, dict[str, Any]]:
        if not is_first_pass(self.parent):
            text, resources = super().from_filename(filename, resources=resources, **kw)
            if about := resources.get("nbgrader"):
                root = Path(getattr(self.parent, "coursedir").root)  # noqa: B009 - mypy knows nbconvert's parents alone
                note_published(root, about["student"], about["notebook"], str(text))
            return text, resources
        path = Path(filename).absolute()
        notebook = self._taken_in(
            path.parent, path.stem, released_text(getattr(self.parent, "coursedir", None), path.stem)
        )
        return self.from_notebook_node(notebook, resources=resources, **kw)

    def _keep_edits(self, converter: Any) -> None:
        """Sets aside what an instructor edited: nbgrader is about to delete the directories of what it grades anew."""
        place = converter.coursedir
        for file in (file for files in converter.assignments.values() for file in files):
            about = converter.init_single_notebook_resources(file)["nbgrader"]
            student, name = about["student"], about["notebook"]
            published = Path(place.format_path(place.autograded_directory, student, name), f"{name}.ipynb")
            if note := set_edit_aside(Path(place.root), student, name, published):
                self.log.warning("%s: %s", student, note)

    def _taken_in(self, directory: Path, name: str, released: str) -> NotebookNode:
        for sentence in notes_beside(directory, name, released):
            self.log.warning("%s: %s", directory, sentence)
        taken = rebuild_submission(directory, name, released)
        if isinstance(taken, Unusable):
            self.log.warning("%s: %s", directory, taken.reason)
            notebook = nbformat.reads(released, as_version=4)
            notebook.metadata[OUTCOME] = {"status": taken.status, "reason": taken.reason}
            return notebook
        for warning in taken.warnings:
            self.log.warning("%s: %s", directory, warning)
        REPAIRS[directory] = taken.warnings
        return taken.notebook


class SourceExporter(NotebookExporter):
    """Reads a source for nbgrader's `generate_assignment` where `autograder grade` reads it: in NAME.py, beside the
    notebook that was made of it and may be older. So what both release is the same.
    """

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[NotebookNode, dict[str, Any]]:
        path = Path(filename).absolute()
        if not path.with_suffix(".py").is_file():
            return super().from_filename(filename, resources=resources, **kw)
        source = without_rubrics(source_notebook(path.parents[2], path.stem))
        return self.from_notebook_node(source, resources=resources, **kw)


def released_text(coursedir: Any, name: str) -> str:
    """The released notebook of an exercise: of the class directory, or else of the course the package belongs to.

    A class directory of its own has settings and submissions, but no exercises; `autograder grade` takes the course's
    own there, too.

    Raises:
        NbGraderException: if there is none: what was handed in is then not read at all, since without the release
            nothing would keep it from running in a teacher's browser.
    """
    root = Path(coursedir.root)
    made = coursedir.format_path(coursedir.release_directory, ".", name)
    path = root / os.path.normpath(made) / f"{name}.ipynb"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    for sources in (root, CHECKOUT):
        if name in exercise_names(sources) and (sources / "_config.yml").is_file():
            settings = root if (root / "nbgrader_config.py").is_file() else CHECKOUT
            return release(source_notebook(sources, name), name, load_config(settings))
    raise NbGraderException(
        f"An exercise must have a released notebook, else what was handed in cannot be made safe to show. "
        f"Received: {name}, with neither {path} nor solutions/{name}/{name}.py in {root} or {CHECKOUT}"
    )
