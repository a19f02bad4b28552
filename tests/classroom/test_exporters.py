"""What nbgrader's own commands read: through our intake, never raising; and no file beside the notebook."""

import fnmatch
import json
import logging
import os
from pathlib import Path

import nbformat
import pytest
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from traitlets.config import Config, LoggingConfigurable

from autograder.classroom.exporters import TolerantExporter, released_text
from autograder.classroom.plugins import OUTCOME
from autograder.notebooks import load_config
from tests.classroom.test_rebuild import ANSWERS, BLOCK, NAME, RELEASED, ROOT, SUBMITTED, UNREADABLE, by_id
from tests.classroom.test_rebuild_submission import STRANGE


@pytest.fixture
def exporter(tmp_path: Path) -> TolerantExporter:
    """The exporter as nbgrader's `Autograde` makes it, in the pass that reads what was handed in."""

    class Converter(LoggingConfigurable):
        coursedir = CourseDirectory(root=str(tmp_path))
        _sanitizing = True

    (tmp_path / "exercises" / NAME).mkdir(parents=True)
    (tmp_path / "exercises" / NAME / f"{NAME}.ipynb").write_text(RELEASED, encoding="utf-8")
    Converter.coursedir.release_directory = "exercises"
    config = Config()
    config.Exporter.default_preprocessors = []
    return TolerantExporter(parent=Converter(log=logging.getLogger("test")), config=config)


def submission(exporter: TolerantExporter) -> Path:
    path = Path(exporter.parent.coursedir.root, "submitted", "ada", NAME, f"{NAME}.ipynb")
    path.parent.mkdir(parents=True)
    return path


def read(exporter: TolerantExporter, path: Path) -> nbformat.NotebookNode:
    text, _ = exporter.from_filename(str(path), resources={})
    return nbformat.reads(text, as_version=4)


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_exporter_puts_the_release_in_place_of_what_is_no_notebook(exporter: TolerantExporter, content: bytes):
    path = submission(exporter)
    path.write_bytes(content)
    notebook = read(exporter, path)
    assert notebook.metadata.pop(OUTCOME)["status"] == "unreadable"
    assert notebook == nbformat.reads(RELEASED, as_version=4)


@pytest.mark.parametrize("kind", STRANGE)
def test_exporter_opens_plain_files_only(exporter: TolerantExporter, kind: str):
    path = submission(exporter)
    STRANGE[kind](path)
    assert read(exporter, path).metadata[OUTCOME]["status"] == "unreadable"


def test_exporter_rebuilds_a_notebook_and_takes_no_metadata_over(exporter: TolerantExporter):
    path = submission(exporter)
    raw = json.loads(SUBMITTED)
    raw["metadata"] = {OUTCOME: {"status": "graded"}, "kernelspec": {"name": "bash"}}
    path.write_text(json.dumps(raw))
    notebook = read(exporter, path)
    assert by_id(notebook)[BLOCK].source == ANSWERS[BLOCK].strip()
    assert notebook.metadata == nbformat.reads(RELEASED, as_version=4).metadata


def test_exporter_leaves_the_second_pass_as_it_is(exporter: TolerantExporter):
    exporter.parent._sanitizing = False
    path = submission(exporter)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")], metadata={OUTCOME: {"a": 1}})
    path.write_text(nbformat.writes(notebook))
    assert read(exporter, path) == notebook


def test_released_text_comes_from_exercises_or_from_the_source(tmp_path: Path):
    coursedir = CourseDirectory(root=str(ROOT))
    coursedir.release_directory = "exercises"
    assert released_text(coursedir, NAME) == RELEASED
    coursedir.release_directory = "nowhere"
    assert released_text(coursedir, NAME) == RELEASED


def test_released_text_of_a_class_directory_of_its_own_is_the_courses(tmp_path: Path):
    (tmp_path / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
    assert released_text(CourseDirectory(root=str(tmp_path)), NAME) == RELEASED


def test_exporter_makes_a_hand_in_safe_where_the_class_has_no_exercises(exporter: TolerantExporter):
    """A copied nbgrader_config.py and submissions are a class directory; its pages must run nothing either."""
    (Path(exporter.parent.coursedir.root) / "exercises" / NAME / f"{NAME}.ipynb").unlink()
    path = submission(exporter)
    raw = json.loads(SUBMITTED)
    raw["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "<script>alert(1)</script>"})
    path.write_text(json.dumps(raw))
    notebook = read(exporter, path)
    assert by_id(notebook)[BLOCK].source == ANSWERS[BLOCK].strip()
    assert "alert(1)" in notebook.cells[-1].source
    assert "<script" not in nbformat.writes(notebook)


def test_exporter_refuses_a_notebook_of_which_there_is_no_release(exporter: TolerantExporter):
    path = submission(exporter).with_name("02-unknown.ipynb")
    path.write_text(SUBMITTED)
    with pytest.raises(NbGraderException, match="02-unknown"):
        read(exporter, path)


@pytest.mark.parametrize("name", ["01-sample", "02-inputs", NAME, "10-sampling", "11-verb", "12-numb", "13-crab-nb"])
def test_ignored_files_are_all_files_beside_a_notebook(tmp_path: Path, name: str):
    """nbgrader copies what its `CourseDirectory.ignore` lets through, and a pipe would stop it for good."""
    ignored = load_config(ROOT).CourseDirectory.ignore
    place = tmp_path / "submitted" / "ada" / name
    (place / "data" / "deep").mkdir(parents=True)
    for file in ("os.py", "data.csv", "timestamp.txt", "noextension", "data/x.so", "data/deep/y", f"{name}.ipynb"):
        (place / file).touch()
    (place / "link").symlink_to("/etc/passwd")
    os.mkfifo(place / "pipe.txt")
    assert find_all_files(str(place), [*ignored, "*.ipynb"]) == []


def test_ignored_files_of_the_exchange_are_not_the_notebook_nor_its_timestamp():
    ignored = load_config(ROOT).CourseDirectory.ignore
    for file in (f"{NAME}.ipynb", "10-sampling.ipynb", "timestamp.txt"):
        assert not [pattern for pattern in ignored if fnmatch.fnmatch(file, pattern)]
    for file in ("os.py", "x.so", ".hidden"):
        assert [pattern for pattern in ignored if fnmatch.fnmatch(file, pattern)]
