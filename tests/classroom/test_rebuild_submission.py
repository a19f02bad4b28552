"""Finding a submission: under another name, and among links, pipes and devices."""

import os
from pathlib import Path

import pytest

from autograder.classroom.intake import Unusable
from autograder.classroom.rebuild import Rebuilt, rebuild_submission
from tests.classroom.test_rebuild import ANSWERS, BLOCK, NAME, RELEASED, SUBMITTED, by_id


def submission(place: Path) -> Path:
    directory = place / "submitted" / "ada" / NAME
    directory.mkdir(parents=True)
    return directory


@pytest.mark.parametrize("file", ["copy of it.ipynb", f"{NAME} (1).ipynb", f"{NAME}.ipynb.txt", "A.IPYNB"])
def test_take_in_finds_the_only_notebook_under_another_name(tmp_path: Path, file: str):
    directory = submission(tmp_path)
    (directory / file).write_text(SUBMITTED)
    (directory / "other.ipynb").write_text('{"cells": [{"cell_type": "code", "source": "1"}]}')
    result = rebuild_submission(directory, NAME, RELEASED)
    assert isinstance(result, Rebuilt)
    assert by_id(result.notebook)[BLOCK].source == ANSWERS[BLOCK].strip()
    assert any(file in warning for warning in result.warnings)


def test_take_in_does_not_choose_between_two(tmp_path: Path):
    directory = submission(tmp_path)
    for file in ("a.ipynb", "b.ipynb"):
        (directory / file).write_text(SUBMITTED)
    result = rebuild_submission(directory, NAME, RELEASED)
    assert isinstance(result, Unusable)
    assert result.status == "missing"
    assert "a.ipynb, b.ipynb" in result.reason


def link_to_it(path: Path):
    (path.parent.parent / "elsewhere.ipynb").write_text(SUBMITTED)
    path.symlink_to(path.parent.parent / "elsewhere.ipynb")


def big(path: Path):
    with path.open("wb") as file:
        file.truncate(30_000_000_000)


STRANGE = {
    "link": link_to_it,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "pipe": os.mkfifo,
    "directory": lambda path: path.mkdir(),
    "huge": big,
    "empty": lambda path: path.touch(),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("file", [f"{NAME}.ipynb", "other.ipynb"])
def test_take_in_opens_plain_files_only(tmp_path: Path, kind: str, file: str):
    directory = submission(tmp_path)
    STRANGE[kind](directory / file)
    result = rebuild_submission(directory, NAME, RELEASED)
    assert isinstance(result, Unusable)
    assert result.status == ("unreadable" if file.startswith(NAME) else "missing")


def test_take_in_of_nothing_says_so(tmp_path: Path):
    assert rebuild_submission(submission(tmp_path), NAME, RELEASED) == Unusable(
        "missing", f"there is no {NAME}.ipynb; nothing is there"
    )


def test_take_in_names_strange_files_in_one_plain_line(tmp_path: Path):
    directory = submission(tmp_path)
    (directory / "a\n\x1b[31m<b>.txt").touch()
    result = rebuild_submission(directory, NAME, RELEASED)
    assert isinstance(result, Unusable)
    assert result.reason.isprintable()
