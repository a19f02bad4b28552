"""What the pages for those who change the code name is there: files, make targets, tests, rooms."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", ".github/SECURITY.md"]
TOP = {path.name for path in ROOT.iterdir()}
PLACEHOLDER = re.compile(r"NN-|NAME|OWNER|STUDENT|VERSION|[<>*]|(?<!_)name(?!d)")
MADE = {"_build", ".venv", "submitted", "autograded", "feedback"}


def code_in(page: str) -> list[str]:
    """What stands between backticks, and the lines of fenced code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", rest)] + "".join(fences).splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_page_names_files_that_exist(page: str):
    words = [word.strip(",.;:()") for code in code_in(page) for word in code.split()]
    paths = {word.partition("::")[0] for word in words if word.split("/")[0] in TOP - MADE and "/" in word}
    for path in sorted(path for path in paths if not PLACEHOLDER.search(path)):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES)
def test_page_links_to_files_that_exist(page: str):
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text(encoding="utf-8"))
    for link in (link for link in links if "://" not in link):
        assert ((ROOT / page).parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES)
def test_page_names_make_targets_that_exist(page: str):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word for code in code_in(page) for found in re.findall(r"^make ([a-z -]+)", code) for word in found.split()
    }
    assert named <= targets, named - targets


def test_contributing_names_a_test_that_exists():
    tests = re.findall(r"(tests/\S+\.py)::(\w+)", (ROOT / "CONTRIBUTING.md").read_text())
    assert tests
    for file, name in tests:
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), name


def test_architecture_lists_every_room_and_no_other():
    listed = re.findall(r"^  (\w+)(?:/|\.py) +\S", (ROOT / "docs/ARCHITECTURE.md").read_text(), re.MULTILINE)
    package = ROOT / "autograder"
    rooms = [path.parent.name for path in package.glob("*/__init__.py")]
    files = [path.stem for path in package.glob("*.py") if path.stem != "__init__"]
    assert sorted(listed) == sorted(rooms + files)
