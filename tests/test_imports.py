"""Imports run one way: cli -> classroom -> exam -> questions -> reference; the sitting stands alone."""

import ast
import shutil
import subprocess
import sys

import pytest

ALLOWED = {
    "reference": set(),
    "sitting": set(),
    "drawing": {"exam", "reference", "sitting"},
    "questions": {"reference", "sitting"},
    "exam": {"questions", "reference", "sitting"},
    "classroom": {"exam", "questions", "reference", "sitting", "notebooks"},
    "notebooks": set(),
    "cli": {"classroom", "exam", "questions", "reference", "sitting", "drawing", "notebooks"},
}


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("autograder."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "autograder":
            yield from (alias.name for alias in node.names if alias.name in ALLOWED)
        elif isinstance(node, ast.Import):
            yield from (n.name.split(".")[1] for n in node.names if n.name.startswith("autograder."))


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_run_one_way(room, root):
    place = root / "autograder" / room
    files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    assert files
    for path in files:
        beyond = set(imports_of(path)) - ALLOWED[room] - {room}
        assert not beyond, f"{path.name} imports {beyond}"


def test_sitting_imports_with_the_rest_absent(root, tmp_path):
    package = tmp_path / "autograder"
    shutil.copytree(root / "autograder" / "sitting", package / "sitting")
    shutil.copy(root / "autograder" / "__init__.py", package)
    # An editable install would still find the rest; the sandbox refuses it by name as well.
    code = "import autograder, autograder.sitting.notebook; from autograder.sitting.absent import explain_absence;"
    code += "explain_absence(); print(autograder.__file__); autograder.check; autograder.draw('a', A=1)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert str(tmp_path) in run.stdout
    assert "Nothing is drawn" in run.stdout


@pytest.mark.parametrize("room", ["reference", "sitting", "drawing", "questions", "exam"])
def test_course_code_names_no_backend(room, root):
    """Course code is keras only, so that it also runs on JAX and PyTorch."""
    for path in (root / "autograder" / room).rglob("*.py"):
        if path.name in ("bench_worker.py", "train.py", "programs.py"):
            continue  # times diffusers' model too, which is PyTorch; help the backend that is there, whichever it is
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in {"tensorflow", "torch", "jax"} for name in names), path
