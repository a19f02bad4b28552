"""Imports run one way: cli -> classroom -> sandbox, exam -> questions -> reference, and drawing -> small_model.

What is laid into the sandbox, `sitting` and the sandbox's inner side, stands alone.
"""

import ast
import subprocess
import sys

import pytest

INSIDE = {"sitting", "sandbox/inner", "adapters"}
FILES = {"notebooks", "check_cells", "fair_settings", "scales", "whole_files", "addresses"}
# What each room may import beside itself. `drawing` places weights by marking's rule, so it also takes from `exam`.
ALLOWED = {
    "reference": set(),
    "small_model": {"reference", "adapters"},
    "adapters": set(),
    "sitting": {"adapters"},
    "sandbox/inner": {"sitting"},
    "sandbox": INSIDE,
    "drawing": {"small_model", "reference", "exam", "sitting", "adapters"},
    "questions": {"reference", "sitting"},
    "exam": {"questions", "reference", "sitting", "scales", "fair_settings", "adapters"},
    "classroom": {"sandbox", "exam", "questions", "reference", *FILES, *INSIDE},
    "notebooks": {
        "check_cells",
        "fair_settings",
        "notebook_end",
        "sitting",
        "whole_files",
    },  # sitting: exam packages
    "check_cells": {"fair_settings"},
    "fair_settings": set(),
    "addresses": set(),
    "notebook_end": set(),
    "scales": set(),
    "whole_files": set(),
    "cli": {"classroom", "sandbox", "exam", "questions", "reference", "drawing", "small_model", *FILES, *INSIDE},
}


def room_of(module):
    """The room of a module, given as its path below the package: the longest that it lies in."""
    inside = [room for room in ALLOWED if module == room or module.startswith(f"{room}/")]
    return max(inside, key=len, default=module)


def imports_of(path):
    """The rooms that a file's imports lead to."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "autograder":
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _, module = name.partition(".")
            if package == "autograder" and module.partition(".")[0] not in ("", "__file__", "check", "draw"):
                yield room_of(module.replace(".", "/"))


def files_of(room, root):
    place = root / "autograder" / room
    files = [place.with_suffix(".py")] if not place.is_dir() else place.rglob("*.py")
    below = root / "autograder"
    return [path for path in files if room_of(path.relative_to(below).with_suffix("").as_posix()) == room]


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_run_one_way(room, root):
    files = files_of(room, root)
    assert files
    for path in files:
        beyond = set(imports_of(path)) - ALLOWED[room] - {room}
        assert not beyond, f"{path.name} imports {beyond}"


def test_every_file_lies_in_a_room(root):
    everything = {path for path in (root / "autograder").rglob("*.py") if path.parent != root / "autograder"}
    assert everything == {path for room in ALLOWED for path in files_of(room, root)} - set(root.glob("autograder/*.py"))


@pytest.fixture
def laid_out(tmp_path):
    """The package as a submission sees it."""
    from autograder.sandbox.bubblewrap import lay_out

    return lay_out(tmp_path / "package")


def run_inside(place, code):
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sandbox_gets_the_rooms_that_stand_alone(laid_out):
    package = laid_out / "autograder"
    found = {path.relative_to(package).parent.as_posix() for path in package.rglob("*.py")}
    assert found == {".", "sandbox", *INSIDE}
    assert [path.name for path in (package / "sandbox").glob("*.py")] == ["__init__.py"]


def test_sitting_imports_with_the_rest_absent(laid_out):
    # An editable install would still find the rest; the sandbox refuses it by name as well.
    code = "import autograder, autograder.sitting.missing_answer, autograder.sandbox.inner.cell_runner;"
    code += "from autograder.sandbox.inner.import_guard import guard_imports; guard_imports();"
    code += "print(autograder.__file__); autograder.check; autograder.draw('a', A=1)"
    shown = run_inside(laid_out, code)
    assert str(laid_out) in shown
    assert "Nothing is drawn" in shown


def test_sitting_needs_keras_numpy_and_safetensors_only(root):
    outside = {"keras", "numpy", "safetensors", "autograder", *sys.stdlib_module_names}
    for path in (root / "autograder" / "sitting").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= outside, path.name


def test_import_guard_knows_all_that_is_not_laid_out(root):
    """In the sandbox a learner is told why, whatever of the course's code they import."""
    from autograder.sandbox.inner.import_guard import ImportGuard

    for path in (root / "autograder").rglob("*.py"):
        module = path.relative_to(root).with_suffix("").as_posix().removesuffix("/__init__").replace("/", ".")
        if module in ("autograder", "autograder.sandbox") or room_of(module[11:].replace(".", "/")) in INSIDE:
            assert ImportGuard.find_spec(module) is None, module
        else:
            with pytest.raises(ModuleNotFoundError, match="code of your own"):
                ImportGuard.find_spec(module)


@pytest.mark.parametrize("room", sorted({room.partition("/")[0] for room in ALLOWED} - {"adapters", "cli"}))
def test_course_code_names_no_backend(room, root):
    """Course code is keras only, so that it also runs on JAX and PyTorch."""
    place = root / "autograder" / room
    for path in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in {"tensorflow", "torch", "jax"} for name in names), path
