"""What the workflows do, done here: the steps that publish the site; and a fork, which changes one line."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from execution_key import sources_key

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OWNER, NAME = "another-school", "our.course"
FORK = f"https://github.com/{OWNER}/{NAME}"
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info")
NOT_COPIED_AT_THE_TOP = shutil.ignore_patterns(
    ".git", ".venv*", "_build", "training*"
)  # below it packages are named so


def workflow(path):
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # BaseLoader: else the key `on` is True


def commands(path):
    """The shell commands of a workflow, in order."""
    jobs = workflow(path)["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def shell(command, place, **environment):
    """Runs a command as a workflow does: bash, and the first failure ends it."""
    line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    done = subprocess.run(line, cwd=place, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_needs_no_secret_and_names_targets_that_exist(path):
    assert "secrets." not in path.read_text()
    assert workflow(path)["permissions"] == {}
    for command in commands(path):
        shell(f"bash -n <<'END'\n{command}\nEND", ROOT)
        for target in re.findall(r"\bmake ([a-z-]+)", command):
            shell(f"make --dry-run {target}", ROOT)
        for file in re.findall(r"\bbash (\S+)", command):
            assert (ROOT / file).is_file(), command


@pytest.fixture(scope="module")
def published(site, root):
    """The folder that `pages.yml` uploads, made by its own steps from the site as it is."""
    path = root / ".github" / "workflows" / "pages.yml"
    steps = [step for job in workflow(path)["jobs"].values() for step in job["steps"]]
    (upload,) = [step for step in steps if "upload-pages-artifact" in step.get("uses", "")]
    target = root / upload["with"]["path"]
    shutil.rmtree(target, ignore_errors=True)
    for command in commands(path):
        shell(command, root)
    return target


@pytest.fixture(scope="module")
def wheel(published):
    (path,) = (published / "wheels").glob("*.whl")
    return path


def test_published_site_has_its_pages_and_notebooks(published, site, root):
    for page in site.rglob("*.html"):
        assert (published / page.relative_to(site)).read_bytes() == page.read_bytes()
    notebooks = sorted((root / "exercises").glob("*/*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        assert (published / notebook.relative_to(root)).read_bytes() == notebook.read_bytes()


def test_published_site_has_the_books_that_its_front_page_offers(published, root):
    offered = re.findall(r'href="([^"]+\.(?:pdf|epub))"', (published / "book" / "index.html").read_text("utf-8"))
    assert [urlsplit(url).path.rsplit("/", 1)[1] for url in offered] == ["book.pdf", "book.epub"]
    assert (published / "book.pdf").read_bytes().startswith(b"%PDF-")
    assert zipfile.ZipFile(published / "book.epub").namelist()[0] == "mimetype"


def test_notebooks_are_pushed_to_a_branch_of_their_own(site, root, tmp_path):
    shell(f"git init --quiet --bare {tmp_path}/repository", root)
    for _ in range(2):  # a second time, too
        shell("sh tools/push_notebooks.sh", root, PUSH_TO=f"{tmp_path}/repository")
    listed = subprocess.run(
        ["git", "-C", tmp_path / "repository", "ls-tree", "--name-only", "notebooks"], capture_output=True, text=True
    )
    assert sorted(listed.stdout.split()) == sorted(path.name for path in (site / "notebooks").iterdir())


def test_published_site_is_within_what_pages_takes(published):
    files = [path for path in published.rglob("*") if path.is_file() or path.is_symlink()]
    assert not [path for path in files if path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < 100e6  # Pages takes 1 GB; phones take less


def test_wheel_holds_the_whole_package_and_nothing_else(wheel, root):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {path.relative_to(root) for path in (root / "autograder").rglob("*") if path.is_file()}
    assert held == {path.as_posix() for path in there if "__pycache__" not in path.parts}


def test_wheel_is_enough_for_a_notebook(wheel, tmp_path):
    """As the set-up cell installs it: without the checkout, without dependencies; what it imports, Colab has."""
    line = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--no-deps", "--target", tmp_path, wheel]
    subprocess.run(line, check=True)
    code = "import sys, autograder; from autograder import check, draw; print(autograder.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True
    )
    assert run.returncode == 0, run.stderr
    assert str(tmp_path) in run.stdout.decode()


def not_copied(folder, names):
    return NOT_COPIED(folder, names) | (NOT_COPIED_AT_THE_TOP(folder, names) if Path(folder) == ROOT else set())


@pytest.fixture(scope="module")
def fork(site, root, tmp_path_factory):
    """A copy of the course that changed its one line and ran `make exercises book`; chapters keep their outputs."""
    place = tmp_path_factory.mktemp("fork") / "course"
    shutil.copytree(root, place, ignore=not_copied)
    shutil.copytree(root / "_build" / ".jupyter_cache", place / "_build" / ".jupyter_cache")
    assert sources_key(place) == sources_key(root)  # else all chapters would run once more
    config = place / "_config.yml"
    text, count = re.subn(r"^(  url: )\S+", rf"\g<1>{FORK}", config.read_text(), flags=re.MULTILINE)
    assert count == 1
    config.write_text(text)
    venv = root / ".venv"
    shell(f"make -o '{venv}/.set-up' VENV='{venv}' exercises book", place)
    return place


@pytest.fixture(scope="module")
def former():
    return urlsplit(yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]).path.strip("/")


def test_fork_renews_every_link_of_the_site(fork, former):
    owner = former.split("/")[0]
    chapters = sorted((fork / "_build" / "html" / "book").glob("[0-9][0-9]-*.html"))
    assert chapters
    for path in (fork / "_build" / "html").rglob("*.html"):
        page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for tag in page.find_all(True):
            for value in tag.attrs.values():
                text = value if isinstance(value, str) else " ".join(value)
                assert former not in text, f"{path.name}: {tag}"
                assert f"{owner}.github.io" not in text, f"{path.name}: {tag}"
        assert former not in page.get_text(), path.name
        links = " ".join(link["href"] for link in page.select("a[href]"))
        if path in chapters:  # its source, its issue form, its exercise
            colab = f"https://colab.research.google.com/github/{OWNER}/{NAME}/blob/main/exercises/{path.stem}/"
            for start in (f"{FORK}/edit/main/book/{path.stem}.md", f"{FORK}/issues/new", colab):
                assert start in links, path.name


def test_fork_renews_every_set_up_cell(fork, former):
    chapters = sorted((fork / "_build" / "html" / "notebooks").glob("*.ipynb"))
    assert chapters
    notebooks = [*sorted((fork / "exercises").glob("*/*.ipynb")), *sorted((fork / "colab").glob("*.ipynb")), *chapters]
    assert notebooks
    for path in notebooks:
        cells = nbformat.read(path, as_version=4).cells
        assert any(f'"git+{FORK}@main"' in cell.source for cell in cells), path.name
        assert former not in json.dumps(nbformat.read(path, as_version=4)), path.name


def test_fork_has_no_other_place_that_names_the_repository(fork, former):
    for path in sorted(fork.rglob("*")):
        if (
            path.is_file()
            and path.relative_to(fork).parts[0] != "_build"
            and path.suffix not in (".png", ".safetensors")
        ):
            assert former.encode() not in path.read_bytes(), path
