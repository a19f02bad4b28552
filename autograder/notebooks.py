"""Makes the exercises: solutions/NN-name/NN-name.py -> the same as .ipynb -> exercises/NN-name/NN-name.ipynb. And what
else is opened in Colab: colab/name.py -> colab/name.ipynb, by the first of these steps only. What `check` says of a
notebook, its points, headings and hints, goes to autograder/questions/notebooks/.

The .py (jupytext's py:percent form) is the only one written by hand. The first .ipynb, git-ignored, is the same
notebook in the one format that nbgrader reads; the second is what learners open, and is made from the first by
nbgrader's own release steps. The same source gives the same bytes, on any machine and at any time.
"""

import json
import logging
import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from nbformat import NotebookNode
from traitlets.config import Config, PyFileConfigLoader

from autograder import fair_settings
from autograder.check_cells import is_marked, questions_of, without_rubrics
from autograder.notebook_end import add_preflight
from autograder.sitting.packages import PACKAGES
from autograder.whole_files import write_whole

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
EXERCISE = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")
GRADE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
REGION = re.compile(r"(begin|end)\s*(solution|hidden\s*tests|mark\s*scheme)", re.IGNORECASE)
REGION_LINE = re.compile(r"\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
MAX_CODE_LINES = 25  # of code, in what the learner sees: blank lines and comments are not counted
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
HINT = re.compile(r"<details><summary>A hint</summary>\s*(.*?)\s*</details>", re.DOTALL)
GUIDES = Path("autograder", "questions", "notebooks")


class SourceError(ValueError):
    """A source notebook breaks a rule of the course; the text names the cell and the rule."""


def exercise_names(root: Path) -> list[str]:
    """The names of all exercises that have a source, in order."""
    return sorted(path.stem for path in (root / "solutions").glob("*/*.py") if path.stem == path.parent.name)


def load_config(root: Path) -> Config:
    """The settings in the course's nbgrader_config.py."""
    path = root / "nbgrader_config.py"
    if not path.is_file():
        raise FileNotFoundError(f"The course directory must have an nbgrader_config.py. Received: {root}")
    return PyFileConfigLoader(path.name, path=str(root)).load_config()


# ---------------------------------------------------------------------------------------------------- .py -> .ipynb


def source_notebook(root: Path, name: str) -> NotebookNode:
    """The source of an exercise as a notebook: nbgrader's `source`.

    Raises:
        SourceError: if it breaks a rule of the course.
    """
    path = root / "solutions" / name / f"{name}.py"
    if not path.is_file():
        raise FileNotFoundError(f"An exercise must have a source at solutions/{name}/{name}.py. Received: {name!r}")
    read = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.cells = [_cell(cell, number) for number, cell in enumerate(read.cells, start=1)]
    _fill_placeholders(notebook, _said(root) | {"points": str(points_of(notebook))})
    add_preflight(notebook, name)
    check_source(notebook, name)
    return notebook


@lru_cache(maxsize=64)
def asked_by(root: Path, name: str) -> frozenset[str]:
    """The ids of an exercise's checks; none, if its source cannot be read."""
    try:
        return frozenset(questions_of(source_notebook(root, name)))
    except (SourceError, OSError):
        return frozenset()


def points_of(notebook: NotebookNode) -> int:
    """What the graded cells of an exercise give together, those graded by hand among them."""
    settings = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    points = [said.get("points") for said in settings if said.get("grade") or said.get("task")]
    return sum(one for one in points if type(one) is int)


def points_line(points: dict[str, int]) -> str:
    """The points of exercises, by name, in a sentence: said once if all have as many."""
    if len(set(points.values())) == 1:
        return f"Points: {next(iter(points.values()))} each"
    return f"Points: {', '.join(f'{name} {total}' for name, total in points.items())}"


def _cell(cell: NotebookNode, number: int) -> NotebookNode:
    """The cell with an id that is the same every time: its grade_id, or else its number."""
    settings = cell.metadata.get("nbgrader")
    metadata = {key: cell.metadata[key] for key in ("nbgrader", fair_settings.KEY) if cell.metadata.get(key)}
    make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    made = make(cell.source, metadata=metadata)
    made.id = settings["grade_id"] if settings and "grade_id" in settings else f"cell-{number:02d}"
    return made


def _said(root: Path) -> dict[str, str]:
    """What every source's placeholders stand for: where the course lies, and the packages that an exam has."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    packages = ", ".join(f"`{package}`" for package in PACKAGES)
    return {"repository": settings["url"], "ref": settings["branch"], "packages": packages}


def _fill_placeholders(notebook: NotebookNode, values: dict[str, str]) -> None:
    for cell in notebook.cells:
        cell.source = PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), cell.source)


# ----------------------------------------------------------------------------------------------------------- rules


def check_source(notebook: NotebookNode, name: str) -> None:
    """Holds a source notebook against the rules of the course.

    Raises:
        SourceError: naming every cell and the rule that it breaks.
    """
    problems = [] if EXERCISE.fullmatch(name) else [f"the name {name!r} must have the form NN-name"]
    for number, cell in enumerate(notebook.cells, start=1):
        settings = cell.metadata.get("nbgrader", {})
        label = f"cell {settings.get('grade_id') or number}"
        problems += [f"{label}: {problem}" for problem in _cell_problems(cell, settings)]
    problems += _notebook_problems(notebook)
    problems += fair_settings.problems([(cell.metadata, is_marked(cell)) for cell in notebook.cells])
    if problems:
        raise SourceError("\n".join(f"solutions/{name}/{name}.py: {problem}" for problem in problems))


def _cell_problems(cell: NotebookNode, settings: dict[str, Any]) -> list[str]:
    problems = []
    if settings and not GRADE_ID.fullmatch(str(settings.get("grade_id", ""))):
        problems.append(f"grade_id must be lower-case words joined by '-'. Received: {settings.get('grade_id')!r}")
    for line in cell.source.splitlines():
        if REGION.search(line) and not REGION_LINE.fullmatch(line.rstrip()):
            problems.append(f"a region begins and ends with a line like '### BEGIN SOLUTION'. Received: {line!r}")
    if cell.cell_type == "code" and (lines := _lines_of_code(cell.source)) > MAX_CODE_LINES:
        problems.append(f"a cell must have at most {MAX_CODE_LINES} lines of code beside its answer. Received: {lines}")
    if is_marked(cell):
        problems += _check_cell_problems(cell, settings)
    return problems


def _check_cell_problems(cell: NotebookNode, settings: dict[str, Any]) -> list[str]:
    problems, question, points = [], settings.get("grade_id"), settings.get("points")
    if type(points) is not int or points < 1:
        problems.append(f"points must be an integer of at least 1. Received: {points!r}")
    if not re.fullmatch(rf'check\("{re.escape(str(question))}", \w+\)', outside_regions(cell.source).strip()):
        problems.append(f'a check is one line, check("{question}", object). Received: {cell.source!r}')
    return problems


def _lines_of_code(source: str) -> int:
    return sum(1 for line in outside_regions(source).splitlines() if line.strip() and not line.strip().startswith("#"))


def outside_regions(source: str) -> str:
    """A cell's text without its solution, hidden tests and mark schemes."""
    kept, inside = [], False
    for line in source.splitlines():
        found = REGION_LINE.fullmatch(line.rstrip())
        if found:
            inside = found[1] == "BEGIN"
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def _notebook_problems(notebook: NotebookNode) -> list[str]:
    cells = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells]
    ids = [settings["grade_id"] for _, settings in cells if "grade_id" in settings]
    checks = [settings for cell, settings in cells if is_marked(cell)]
    questions = [settings.get("grade_id") for settings in checks]
    problems = [f"cell {twice}: a grade_id must be used once" for twice in sorted({i for i in ids if ids.count(i) > 1})]
    if "setup" not in ids:
        problems.append('one cell must have the grade_id "setup"')
    for grade_id in ids:
        answers = grade_id.removeprefix("answer-")
        if answers != grade_id and answers not in questions:
            problems.append(f"cell {grade_id}: no cell checks {answers!r}")
        if answers == grade_id and grade_id not in questions and not re.match(r"(setup|explain|draw)(-|$)", grade_id):
            problems.append(f"cell {grade_id}: a grade_id must be setup, answer-QUESTION, a question, explain or draw")
    if not checks:
        problems.append("one cell must be a check, with points")
    if not notebook.cells or notebook.cells[0].cell_type != "markdown" or notebook.cells[-1].cell_type != "markdown":
        problems.append("the first cell (what this is) and the last (how to hand in) must be text")
    return problems


# ------------------------------------------------------------------------------------------- nbgrader's release steps


def release(source: NotebookNode, name: str, config: Config, db_url: str | None = None) -> str:
    """Runs nbgrader's `generate_assignment` on a source notebook, in a directory that is gone afterwards.

    Args:
        source: the notebook of `source_notebook`.
        name: the exercise.
        config: the course's nbgrader settings.
        db_url: the gradebook to enter the assignment in; without one, none is touched.

    Returns:
        The text of the released notebook.

    Raises:
        RuntimeError: with nbgrader's own words, if it refuses the notebook.
    """
    from nbgrader.converters import GenerateAssignment, NbGraderException
    from nbgrader.coursedir import CourseDirectory

    settings = Config(config)
    settings.GenerateAssignment.no_database = db_url is None
    settings.SaveCells.enabled = db_url is not None
    log, words = collecting_logger("autograder.release")
    with tempfile.TemporaryDirectory() as place:
        directory = CourseDirectory(config=settings, root=place, assignment_id=name, log=log)
        directory.source_directory, directory.release_directory = "source", "release"  # no .py lies in there
        if db_url is not None:
            directory.db_url = db_url
        write_if_changed(Path(place, "source", name, f"{name}.ipynb"), notebook_text(without_rubrics(source)))
        try:
            GenerateAssignment(coursedir=directory, config=settings, log=log).start()
        except NbGraderException as error:
            reasons = dict.fromkeys(text.strip().splitlines()[-1] for text in words)  # a traceback's last line says it
            raise RuntimeError("\n".join([f"nbgrader refuses to release {name}:", *reasons])) from error
        return Path(place, "release", name, f"{name}.ipynb").read_text(encoding="utf-8")


def collecting_logger(name: str) -> tuple[logging.Logger, list[str]]:
    """A logger that shows nothing and collects warnings and errors in a list."""
    words: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words.append(record.getMessage())

    logger = logging.Logger(name)  # not getLogger: a new one each time, with no other handler
    logger.addHandler(Collect(level=logging.WARNING))
    return logger, words


def notebook_text(notebook: NotebookNode) -> str:
    """The notebook as nbformat writes it, ending in a newline."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def write_if_changed(path: Path, text: str) -> bool:
    """Writes a file in one step, only if its content changes. Returns whether it did."""
    if path.is_file() and path.read_bytes() == text.encode("utf-8"):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return True


# ------------------------------------------------------------------------------------- what `check` says of a notebook


def guides(root: Path, notebooks: dict[str, NotebookNode]) -> dict[Path, str]:
    """The files with points, heading and hint of every question; none in a course directory without the package."""
    if not (root / GUIDES).is_dir():
        return {}
    return {GUIDES / f"{n}.en.json": json.dumps(_guide(book), indent=1) + "\n" for n, book in notebooks.items()}


def _guide(notebook: NotebookNode) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    heading = hint = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = next(iter(HEADING.findall(cell.source)), heading)
            hint = next(iter(HINT.findall(cell.source)), hint)
        settings = cell.metadata.get("nbgrader", {})
        if settings.get("grade") and settings.get("locked"):
            said = {"heading": heading, "hint": hint, "check": cell.source, **cell.metadata.get(fair_settings.KEY, {})}
            found[settings["grade_id"]] = {"points": settings["points"], **said}
        elif settings.get("solution"):
            hint = ""  # of the question before
    return found


# ------------------------------------------------------------------------------------------------------------- all


def colab_sources(root: Path) -> list[Path]:
    """The sources of the notebooks that are no exercises."""
    return sorted((root / "colab").glob("*.py"))


def colab_text(root: Path, source: Path) -> str:
    """The text of a notebook that is no exercise; Colab opens it with a GPU."""
    read = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "accelerator": "GPU"}
    notebook = nbformat.v4.new_notebook(metadata=metadata)
    notebook.cells = [_cell(cell, number) for number, cell in enumerate(read.cells, start=1)]
    _fill_placeholders(notebook, _said(root))
    return notebook_text(notebook)


def write_exercises(root: Path) -> list[Path]:
    """Writes both notebooks of every exercise, and those in colab/. Returns what changed of what is committed."""
    config, changed = load_config(root), []
    sources = {name: source_notebook(root, name) for name in exercise_names(root)}
    for name, source in sources.items():
        write_if_changed(root / "solutions" / name / f"{name}.ipynb", notebook_text(source))
        path = root / "exercises" / name / f"{name}.ipynb"
        if write_if_changed(path, release(source, name, config)):
            changed.append(path.relative_to(root))
    for path in colab_sources(root):
        if write_if_changed(path.with_suffix(".ipynb"), colab_text(root, path)):
            changed.append(path.with_suffix(".ipynb").relative_to(root))
    changed += [path for path, text in guides(root, sources).items() if write_if_changed(root / path, text)]
    return changed


def stale_exercises(root: Path) -> list[Path]:
    """The notebooks in exercises/ and colab/ that are not what their source gives: outdated, missing or without it."""
    config = load_config(root)
    sources = {name: source_notebook(root, name) for name in exercise_names(root)}
    fresh = {
        Path("exercises", name, f"{name}.ipynb"): release(source, name, config) for name, source in sources.items()
    }
    fresh |= guides(root, sources)
    fresh |= {path.relative_to(root).with_suffix(".ipynb"): colab_text(root, path) for path in colab_sources(root)}
    patterns = ("exercises/*/*.ipynb", "colab/*.ipynb", f"{GUIDES}/*.json")
    there = {path.relative_to(root) for pattern in patterns for path in root.glob(pattern)}
    stale = there - fresh.keys()
    for path, text in fresh.items():
        if not (root / path).is_file() or (root / path).read_bytes() != text.encode("utf-8"):
            stale.add(path)
    return sorted(stale)
