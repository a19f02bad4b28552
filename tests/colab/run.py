"""Runs the exercises as Colab would: `python tests/colab/run.py` (make test-colab). Not a part of the default test run.

For each of Colab's two runtimes, an environment with its versions is made under _build/colab/, and every exercise runs
in it from its own set-up cell on: `google.colab` is importable, and the repository's address leads to a copy of this
checkout as it is, so pip really builds and installs it. Asserted: the worked solution passes every check, the untouched
exercise fails every check, and the set-up cell added this package and changed no other.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.notebooks import REGION_LINE, exercise_names, load_config, release, source_notebook

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "_build" / "colab"
CELL_SECONDS = 600
OURS = "sd-unet-course"
STEPS, FEW_STEPS = re.compile(r"^STEPS = \d+$", re.MULTILINE), 100  # of training, which takes minutes


@dataclass(frozen=True)
class Runtime:
    """One of Colab's runtimes: its Python, and its versions of what the course uses."""

    name: str
    python: str
    packages: tuple[str, ...]


RUNTIMES = (
    Runtime("now", "3.13", ("tensorflow==2.20.0", "keras==3.13.2", "numpy==2.1.3", "matplotlib==3.10.0")),
    Runtime("a-year-back", "3.12", ("tensorflow==2.19.0", "keras==3.10.0", "numpy==2.0.2", "matplotlib==3.10.0")),
)
ALSO = ("safetensors>=0.5", "ipykernel")  # what else of Colab's the exercises touch


def uv(*arguments: str) -> str:
    """Runs uv, of this environment, and returns what it prints."""
    line = [str(Path(sys.executable).with_name("uv")), *arguments]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout


def interpreter(version: str) -> str:
    """A Python of this version, from PATH or pyenv; else the running one, which is said."""
    found = shutil.which(f"python{version}")
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in [found, *map(str, pyenv)]:
        if candidate and subprocess.run([candidate, "--version"], capture_output=True).returncode == 0:
            return candidate
    print(f"  Python {version} is not at hand: using {sys.version.split()[0]}")
    return sys.executable


def make_environment(runtime: Runtime) -> str:
    """Makes the environment, unless it is there already. Returns its interpreter."""
    place = PLACE / runtime.name
    python = str(place / "bin" / "python")
    if not (place / "complete").is_file():
        uv("venv", "--quiet", "--clear", "--seed", "--python", interpreter(runtime.python), str(place))
        uv("pip", "install", "--quiet", "--python", python, *runtime.packages, *ALSO)
        (place / "complete").touch()
    uninstall = [python, "-m", "pip", "uninstall", "-q", "-y", OURS]
    subprocess.run(uninstall, check=True, stderr=subprocess.DEVNULL)
    return python


def snapshot(place: Path) -> None:
    """Makes a git repository, branch main, of the checkout's files as they are now, committed or not."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for file in filter(None, files):
        if (ROOT / file).is_file():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, place / file)
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A", "-f"], [*author, "commit", "-q", "-m", "snapshot"]):
        subprocess.run(["git", *command], cwd=place, check=True)


def make_kernel(python: str, repository: Path, place: Path) -> None:
    """A kernel of that environment that has `google.colab` and finds `repository` at the course's address."""
    module = place / "site" / "google" / "colab"
    module.mkdir(parents=True)
    (module / "__init__.py").touch()
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    environment = {
        "PYTHONPATH": str(place / "site"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": url,
    }
    command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Colab", "language": "python", "env": environment}
    (place / "kernels" / "colab").mkdir(parents=True)
    (place / "kernels" / "colab" / "kernel.json").write_text(json.dumps(spec))


def solved(name: str) -> NotebookNode:
    """The released exercise with the source's answers in it."""
    source = source_notebook(ROOT, name)
    notebook = untouched(name)
    answers = {cell.id: cell.source.splitlines() for cell in source.cells if cell.id.startswith("answer-")}
    for cell in notebook.cells:
        if cell.id in answers:
            cell.source = "\n".join(line for line in answers[cell.id] if not REGION_LINE.fullmatch(line))
        cell.source = STEPS.sub(f"STEPS = {FEW_STEPS}", cell.source)
    return notebook


def untouched(name: str) -> NotebookNode:
    """The exercise as it is released."""
    return nbformat.reads(release(source_notebook(ROOT, name), name, load_config(ROOT)), as_version=4)


def failed_checks(notebook: NotebookNode, place: Path) -> dict[str, str]:
    """Runs a notebook. Returns the text of each check that failed; an error elsewhere is raised, unless a stub's."""
    client = NotebookClient(notebook, kernel_name="colab", timeout=CELL_SECONDS, allow_errors=True)
    client.execute(cwd=str(place), stderr=subprocess.DEVNULL)  # what libraries log as they start
    failed = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type != "error":
                continue
            if cell.metadata.get("nbgrader", {}).get("grade"):
                failed[cell.id] = f"{output.ename}: {output.evalue}"
            elif output.ename != "NotImplementedError":
                raise AssertionError(f"cell {cell.id}: {output.ename}: {output.evalue}")
    return failed


def check_ids(notebook: NotebookNode) -> set[str]:
    return {cell.id for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")}


def try_runtime(runtime: Runtime, repository: Path, place: Path) -> None:
    """All exercises in one runtime."""
    print(f"Colab's runtime {runtime.name}: {', '.join(runtime.packages)}", flush=True)
    python = make_environment(runtime)
    make_kernel(python, repository, place)
    os.environ["JUPYTER_PATH"] = str(place)
    before = set(uv("pip", "freeze", "--python", python).splitlines())
    for name in exercise_names(ROOT):
        notebook = solved(name)
        failed = failed_checks(notebook, place)
        assert not failed, f"{name}, solution: {failed}"
        notebook = untouched(name)
        failed = failed_checks(notebook, place)
        assert failed.keys() == check_ids(notebook), f"{name}, untouched: only {failed} failed"
        print(f"  {name}: the solution passes {len(failed)} checks, the untouched exercise fails them", flush=True)
    after = set(uv("pip", "freeze", "--python", python).splitlines())
    added = {line for line in after - before if not line.startswith(OURS)}
    assert not added, f"the set-up cell installed {added}"
    assert before <= after, f"the set-up cell removed {before - after}"
    assert len(after) == len(before) + 1, f"{OURS} was not installed"
    print(f"  the set-up cell added {OURS} and changed none of {len(before)} packages", flush=True)


def main() -> None:
    """Tries the runtimes named on the command line, or else both."""
    wanted = sys.argv[1:] or [runtime.name for runtime in RUNTIMES]
    with tempfile.TemporaryDirectory() as place:
        repository = Path(place, "repository")
        repository.mkdir()
        snapshot(repository)
        for runtime in RUNTIMES:
            if runtime.name in wanted:
                (Path(place) / runtime.name).mkdir()
                try_runtime(runtime, repository, Path(place) / runtime.name)


if __name__ == "__main__":
    main()
