"""solutions/ -> exercises/: the same bytes every time, and no solution among them."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.notebooks import (
    REGION_LINE,
    SourceError,
    exercise_names,
    load_config,
    outside_regions,
    points_line,
    points_of,
    release,
    source_notebook,
    stale_exercises,
    write_exercises,
)

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = Path(__file__).parent / "classroom" / "data" / "01-sample.py"
STUB = 'raise NotImplementedError("write your answer here")'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with the sample exercise."""
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "solutions" / "01-sample").mkdir(parents=True)
    shutil.copy(SAMPLE, tmp_path / "solutions" / "01-sample")
    return tmp_path


def edit(root: Path, old: str, new: str) -> None:
    path = root / "solutions" / "01-sample" / "01-sample.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def read_exercise(root: Path, name: str = "01-sample") -> nbformat.NotebookNode:
    return nbformat.read(root / "exercises" / name / f"{name}.ipynb", as_version=4)


# ------------------------------------------------------------------------------------------------------------ bytes


def test_exercises_have_the_same_bytes_each_time_and_place(root: Path, tmp_path_factory: pytest.TempPathFactory):
    other = tmp_path_factory.mktemp("elsewhere") / "course"
    shutil.copytree(root, other)
    assert write_exercises(root) == [Path("exercises/01-sample/01-sample.ipynb")]
    assert write_exercises(root) == []
    write_exercises(other)
    for directory in ("exercises", "solutions"):
        path = f"{directory}/01-sample/01-sample.ipynb"
        assert (root / path).read_bytes() == (other / path).read_bytes()


def test_exercise_has_stable_ids_and_no_trace_of_a_run(root: Path):
    write_exercises(root)
    notebook = read_exercise(root)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert ids == [
        "cell-01", "setup", "cell-03", "answer-double", "double", "cell-06", "answer-square", "square", "explain",
        "cell-10",
    ]  # fmt: skip
    for cell in notebook.cells:
        assert cell.metadata.get("nbgrader", {"grade_id": cell.id})["grade_id"] == cell.id
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
    text = (root / "exercises/01-sample/01-sample.ipynb").read_text()
    assert str(root) not in text
    assert notebook.metadata.kernelspec.name == "python3"


def test_exercise_names_the_repository_and_keeps_other_braces(root: Path):
    write_exercises(root)
    setup = read_exercise(root).cells[1].source
    assert "From https://github.com/" in setup
    assert "at main; {{ unknown }} stays" in setup
    assert "\n%precision 3" in setup  # a magic, which is a comment in the .py


def test_exercises_check_finds_edited_missing_and_orphaned(root: Path):
    write_exercises(root)
    assert stale_exercises(root) == []
    path = root / "exercises/01-sample/01-sample.ipynb"
    path.write_text(path.read_text().replace("Twice", "2 times"))
    orphan = root / "exercises/02-gone/02-gone.ipynb"
    orphan.parent.mkdir()
    orphan.write_text("{}")
    assert stale_exercises(root) == [path.relative_to(root), orphan.relative_to(root)]
    path.unlink()
    orphan.unlink()
    assert stale_exercises(root) == [path.relative_to(root)]


def test_exercises_in_the_repository_are_up_to_date():
    assert stale_exercises(ROOT) == []


# ---------------------------------------------------------------------------------------------------------- secrets


def hidden_lines(source: str) -> list[str]:
    """The lines inside of regions, read independently of the code under test: one list entry a line."""
    regions = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)\n(.*?)### END", source, re.DOTALL)
    return [line.strip() for region in regions for line in region.splitlines() if line.strip()]


def assert_no_secrets(root: Path, name: str) -> int:
    """Every released line stands outside of the regions in the source, or is the stub. Returns the lines hidden."""
    source = source_notebook(root, name)
    released = nbformat.reads(release(source, name, load_config(root)), as_version=4)
    assert len(source.cells) == len(released.cells)
    hidden = 0
    for before, after in zip(source.cells, released.cells, strict=True):
        secret = hidden_lines(before.source)
        allowed = [line for line in outside_regions(before.source).splitlines() if line.strip()]
        assert [line for line in after.source.splitlines() if line.strip() not in ("", STUB)] == allowed
        assert not any(REGION_LINE.fullmatch(line) for line in after.source.splitlines())
        openly = {line.strip() for cell in source.cells for line in outside_regions(cell.source).splitlines()}
        for line in secret:
            assert line in openly or all(line not in cell.source for cell in released.cells if len(line) > 8), line
        hidden += len(secret)
    return hidden


def test_release_holds_back_solutions_and_hidden_tests(root: Path):
    assert assert_no_secrets(root, "01-sample") == 4
    write_exercises(root)
    text = (root / "exercises/01-sample/01-sample.ipynb").read_text()
    for secret in ("secret of doubling", "x**2", "152399025"):
        assert secret in SAMPLE.read_text()
        assert secret not in text


@pytest.mark.parametrize("name", exercise_names(ROOT))
def test_release_of_each_exercise_holds_back_its_solutions(name: str):
    assert assert_no_secrets(ROOT, name) > 0


# ------------------------------------------------------------------------------------------------------------ rules


@pytest.mark.parametrize(
    ("old", "new", "cell", "rule"),
    [
        ('"points": 4', '"points": 4.5', "cell double", "integer"),
        ('"points": 4', '"points": 4.0', "cell double", "integer"),
        ('"points": 4', '"points": 0', "cell double", "at least 1"),
        ('"grade_id": "square"', '"grade_id": "Square"', "cell Square", "lower-case"),
        ('"grade_id": "answer-square"', '"grade_id": "answer-double"', "cell answer-double", "once"),
        ('"grade_id": "answer-square"', '"grade_id": "answer-cube"', "cell answer-cube", "'cube'"),
        ('"grade_id": "answer-square"', '"grade_id": "reply-square"', "cell reply-square", "must be setup"),
        ('"grade_id": "setup"', '"grade_id": "explain-more"', "", '"setup"'),
        ('check("square", square)', 'check("double", square)', "cell square", "one line"),
        ("### END SOLUTION", "### End solution", "cell answer-double", "### BEGIN SOLUTION"),
        ("    ### BEGIN SOLUTION", "    # BEGIN SOLUTION", "cell answer-double", "### BEGIN SOLUTION"),
        ("import os", "\n".join(f"import time as t{i}" for i in range(25)), "cell setup", "25 lines"),
        ("# Hand in with File > Download .ipynb.", "\n# %%\n1", "", "how to hand in"),
    ],
)
def test_source_that_breaks_a_rule_is_refused(root: Path, old: str, new: str, cell: str, rule: str):
    edit(root, old, new)
    with pytest.raises(SourceError) as raised:
        source_notebook(root, "01-sample")
    lines = str(raised.value).splitlines()
    assert any("solutions/01-sample/01-sample.py" in line and cell in line and rule in line for line in lines), lines


def test_source_points_may_sum_to_anything_and_the_sum_can_be_shown(root: Path):
    edit(root, '"points": 4', '"points": 19')
    edit(root, "# Hand in with", "# {{ points }} points. Hand in with")
    notebook = source_notebook(root, "01-sample")
    assert points_of(notebook) == 25
    assert notebook.cells[-1].source.startswith("25 points.")


def test_points_of_several_exercises_are_said_once_if_they_are_alike():
    assert points_line({"01-a": 10, "02-b": 10}) == "Points: 10 each"
    assert points_line({"01-a": 10, "02-b": 25}) == "Points: 01-a 10, 02-b 25"


@pytest.mark.parametrize("name", exercise_names(ROOT))
def test_points_of_each_exercise_as_released_sum_to_ten_and_its_text_says_so(name: str):
    released = nbformat.read(ROOT / "exercises" / name / f"{name}.ipynb", as_version=4)
    assert points_of(released) == 10
    assert " · 10 points · " in released.cells[0].source


def test_source_answer_itself_may_be_long(root: Path):
    edit(root, "    return x**2", "\n".join(f"    y{i} = x" for i in range(40)) + "\n    return x**2")
    assert any("y39 = x" in cell.source for cell in source_notebook(root, "01-sample").cells)


def test_release_refuses_a_solution_outside_a_solution_cell(root: Path):
    edit(root, "import sys\n", "import sys\n### BEGIN SOLUTION\nsecret = 1\n### END SOLUTION\n")
    with pytest.raises(RuntimeError, match="solution cells"):
        write_exercises(root)
    assert not (root / "exercises").exists()


def test_source_of_an_unknown_exercise_is_an_error(root: Path):
    with pytest.raises(FileNotFoundError, match="02-none"):
        source_notebook(root, "02-none")
